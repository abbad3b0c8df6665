"""Whether this machine draws OpenGL in hardware."""

from __future__ import annotations

import logging

from PyQt6.QtGui import QGuiApplication, QOffscreenSurface, QOpenGLContext

log = logging.getLogger(__name__)

_GL_RENDERER = 0x1F01
_SOFTWARE = ("llvmpipe", "softpipe", "swrast", "software", "swiftshader", "gdi generic", "basic render")


def is_hardware(renderer: str) -> bool:
    """Whether a GL_RENDERER names a graphics processor."""
    return bool(renderer.strip()) and not any(word in renderer.lower() for word in _SOFTWARE)


def gl_renderer() -> str:
    """GL_RENDERER of a context of Qt's own; "" where there is none or it cannot be asked."""
    if QGuiApplication.platformName() in ("offscreen", "minimal", "vnc", "linuxfb"):
        return ""
    surface = QOffscreenSurface()
    surface.create()
    context = QOpenGLContext()
    if not (surface.isValid() and context.create() and context.makeCurrent(surface)):
        return ""
    try:
        from PyQt6.QtOpenGL import (  # noqa: PLC0415
            QOpenGLFunctions_2_0,
            QOpenGLVersionFunctionsFactory,
            QOpenGLVersionProfile,
        )

        profile = QOpenGLVersionProfile()
        profile.setVersion(2, 0)
        functions = QOpenGLVersionFunctionsFactory.get(profile, context)
        return str(functions.glGetString(_GL_RENDERER)) if isinstance(functions, QOpenGLFunctions_2_0) else ""
    finally:
        context.doneCurrent()


def has_hardware_gl() -> bool:
    """False wherever it is not certain, since the painter works everywhere."""
    try:
        renderer = gl_renderer()
    except Exception as error:  # a driver or binding may fail in any way; the painter stands in
        log.info("OpenGL cannot be asked for (%s); the 3D view is painted", error)
        return False
    log.info("OpenGL renderer: %s", renderer or "none")
    return is_hardware(renderer)
