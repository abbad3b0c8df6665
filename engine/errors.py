"""The error that a user can cause, with a message that says what to do."""

from __future__ import annotations


class EgoposeError(Exception):
    """Something outside the program is not as it must be: a file, a camera, a machine.

    The message is one line: what happened, to what, and what to do next. The command
    line prints it and ends with status 2; the window shows it in place.
    """
