"""What tests of drawing need."""

from __future__ import annotations

import pytest

from engine.errors import EgoposeError
from engine.learn.wearer.gl import gl_context


@pytest.fixture(scope="session")
def opengl() -> None:
    """Skips a test where no OpenGL can be had."""
    try:
        gl_context().release()
    except EgoposeError as error:
        pytest.skip(str(error))
