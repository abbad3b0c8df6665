"""The one place that imports OpenCV.

opencv-python points Qt at its own plugins through the environment, which child processes and
PyQt6 would inherit; both variables are dropped right after the import. A camera that sends
nothing is waited for one second on Linux, not ten, so that closing it never takes longer.
"""

from __future__ import annotations

import os

_BEFORE = {name: os.environ.get(name) for name in ("QT_QPA_PLATFORM_PLUGIN_PATH", "QT_QPA_FONTDIR")}

os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", "1")

import cv2  # noqa: E402

for _name, _value in _BEFORE.items():
    if _value is None:
        os.environ.pop(_name, None)
    else:
        os.environ[_name] = _value

__all__ = ["cv2"]
