"""What can be wrong with a camera, its file or its pictures."""

from __future__ import annotations


class CalibrationError(ValueError):
    """A camera, a calibration file or calibration pictures cannot be used.

    The message is one line: what is wrong, with what, and what to do next.
    """
