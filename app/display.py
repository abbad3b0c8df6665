"""Whether a window can be opened here, asked before Qt, which would end the process instead of saying so."""

from __future__ import annotations

import ctypes
import os
import socket
import sys
from pathlib import Path

from engine.errors import EgoposeError

_HEADLESS = "use --headless, or QT_QPA_PLATFORM=offscreen for a window nobody sees"
_XCB_LIBRARIES = {
    "libxcb.so.1": "libxcb1",
    "libX11-xcb.so.1": "libx11-xcb1",
    "libxcb-cursor.so.0": "libxcb-cursor0",
    "libxcb-icccm.so.4": "libxcb-icccm4",
    "libxcb-image.so.0": "libxcb-image0",
    "libxcb-keysyms.so.1": "libxcb-keysyms1",
    "libxcb-randr.so.0": "libxcb-randr0",
    "libxcb-render-util.so.0": "libxcb-render-util0",
    "libxcb-shape.so.0": "libxcb-shape0",
    "libxcb-xkb.so.1": "libxcb-xkb1",
    "libxkbcommon-x11.so.0": "libxkbcommon-x11-0",
}
"""What Qt's X11 plugin loads, and the Debian packages it is in."""


def has_display() -> bool:
    """Whether a window would be seen by somebody."""
    try:
        check_display()
    except EgoposeError:
        return False
    return not os.environ.get("QT_QPA_PLATFORM", "").startswith(("offscreen", "minimal"))


def check_display() -> None:
    """Raise EgoposeError where Qt could not open a window; return where it can, or where it is told otherwise."""
    if not sys.platform.startswith("linux"):
        return
    platform = os.environ.get("QT_QPA_PLATFORM", "").split(":")[0]
    if platform not in ("", "xcb", "wayland"):
        return
    display = os.environ.get("DISPLAY", "")
    if platform != "xcb" and _wayland_answers():
        return
    if platform == "wayland":
        raise EgoposeError(f"no display: the Wayland compositor does not answer; {_HEADLESS}")
    if not display:
        raise EgoposeError(f"no display: neither DISPLAY nor WAYLAND_DISPLAY leads to one; {_HEADLESS}")
    _check_x11(display)


def _wayland_answers() -> bool:
    name = os.environ.get("WAYLAND_DISPLAY", "")
    if not name:
        return False
    path = Path(os.environ.get("XDG_RUNTIME_DIR", "/")) / name
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1.0)
        try:
            connection.connect(str(path))
        except OSError:
            return False
    return True


def _check_x11(display: str) -> None:
    missing = [package for library, package in _XCB_LIBRARIES.items() if not _loads(library)]
    if missing:
        raise EgoposeError(f"Qt lacks libraries to open a window; install them: apt install {' '.join(missing)}")
    # The way Qt itself connects, so that a wrong display, a dead server and a refused cookie are all seen.
    xcb = ctypes.CDLL("libxcb.so.1")
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = (ctypes.c_char_p, ctypes.c_void_p)
    xcb.xcb_connection_has_error.argtypes = (ctypes.c_void_p,)
    xcb.xcb_disconnect.argtypes = (ctypes.c_void_p,)
    connection = xcb.xcb_connect(display.encode(), None)
    failed = xcb.xcb_connection_has_error(connection)
    xcb.xcb_disconnect(connection)
    if failed:
        raise EgoposeError(f"no display: the X server at DISPLAY={display} does not answer; {_HEADLESS}")


def _loads(library: str) -> bool:
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True
