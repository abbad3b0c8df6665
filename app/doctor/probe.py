"""Asks Qt, in a process of its own: a platform plugin that fails ends the process that loads it.

Run as `python -m app.doctor.probe`; prints one line of JSON.
"""

from __future__ import annotations

import json


def main() -> None:
    """Versions, platform, renderer and fonts."""
    from PyQt6.QtCore import PYQT_VERSION_STR, qVersion  # noqa: PLC0415  what fails here is told, not raised
    from PyQt6.QtGui import QFontDatabase, QGuiApplication  # noqa: PLC0415

    from app.hardware_gl import gl_renderer  # noqa: PLC0415

    app = QGuiApplication(["egopose"])
    screen = app.primaryScreen()
    print(
        json.dumps(
            {
                "qt": qVersion(),
                "pyqt": PYQT_VERSION_STR,
                "platform": app.platformName(),
                "renderer": gl_renderer(),
                "fonts": len(QFontDatabase.families()),
                "screen": [screen.size().width(), screen.size().height()] if screen is not None else None,
                "scale": screen.devicePixelRatio() if screen is not None else 1.0,
            }
        )
    )


if __name__ == "__main__":
    main()
