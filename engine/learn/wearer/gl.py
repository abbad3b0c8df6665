"""What drawing takes from OpenGL: a context without a window, the shaders, the noise, a canvas to draw on."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engine.errors import EgoposeError
from engine.learn.wearer.lens import Lens
from engine.types import FloatArray

NOISE_SIDE = 64
_SHADERS = Path(__file__).parent / "shaders"


def gl_context() -> Any:
    """A context without a window. Raises EgoposeError where none can be had."""
    # llvmpipe starts a thread for each core; several renderers side by side then only get into each other's way.
    os.environ.setdefault("LP_NUM_THREADS", "1")
    backend: dict[str, Any] = {"backend": "egl"}
    import moderngl  # noqa: PLC0415 - drawing is the only thing that needs GL

    context: Any
    try:
        context = moderngl.create_context(standalone=True, require=330, **backend)
    except Exception as error:
        # moderngl raises bare Exceptions, OSErrors and ValueErrors for a missing library, driver or version.
        raise EgoposeError(
            f"no OpenGL 3.3 to draw the synthetic wearer with ({error}); install libegl1 and libgl1-mesa-dri"
        ) from error
    # Nothing is freed one by one: an object collected late would be deleted in whichever context is current then.
    context.gc_mode = None
    return context


def shader_program(gl: Any, vertex: str, fragment: str, define: str) -> Any:
    """The program of two of our shaders, after what all of them share."""
    common = (_SHADERS / "common.glsl").read_text(encoding="utf-8")
    version, rest = common.split("\n", maxsplit=1)
    head = f"{version}\n{define}{rest}"
    return gl.program(
        vertex_shader=head + (_SHADERS / vertex).read_text(encoding="utf-8"),
        fragment_shader=head + (_SHADERS / fragment).read_text(encoding="utf-8"),
    )


def layout(program: Any, *attributes: tuple[str, str]) -> tuple[str, ...]:
    """A vertex format, with padding for the attributes that a program does not use."""
    formats, names = [], []
    for kind, name in attributes:
        if program.get(name, None) is not None:
            formats.append(kind)
            names.append(name)
        else:
            count, size = (int(kind[:-2]), 1) if kind.endswith("u1") else (int(kind[:-1]), 4)
            formats.append(f"{count * size}x")
    return (" ".join(formats), *names)


@lru_cache(maxsize=1)
def noise_volume() -> NDArray[np.uint8]:
    """(N, N, N, 4) repeating fractal noise: its height, and its gradient around 128."""
    rng = np.random.default_rng(7)
    n = NOISE_SIDE
    f = np.fft.fftfreq(n) * n
    radius = np.sqrt(f[:, None, None] ** 2 + f[None, :, None] ** 2 + f[None, None, : n // 2 + 1] ** 2)
    spectrum = np.fft.rfftn(rng.normal(size=(n, n, n))) / np.maximum(radius, 2.0) ** 1.9
    spectrum[0, 0, 0] = 0
    height = np.fft.irfftn(spectrum, s=(n, n, n), axes=(0, 1, 2))
    height /= height.std()
    gradient = np.stack([np.roll(height, -1, a) - np.roll(height, 1, a) for a in (2, 1, 0)], axis=-1)
    gradient /= gradient.std()
    volume = np.concatenate([0.5 + height[..., None] / 5, 0.5 + gradient / 6], axis=-1)
    return (np.clip(volume, 0, 1) * 255).astype(np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Canvas:
    """Pictures of one size through a lens: colour with the region in alpha, and depth. Its first row is the top one."""

    lens: Lens
    target: Any
    """The framebuffer."""
    body: Any
    """The framebuffer that the body is drawn on first, of the same depth."""
    surface: tuple[Any, ...]
    """Its textures: which place of the body each pixel shows."""
    soft: float
    """How many of its pixels one of the finest canvas is: a line is to be as thick on both."""

    def pixels(self) -> NDArray[np.uint8]:
        """(H, W, 4) what was drawn: RGB, and the region."""
        width, height = self.lens.size
        return np.frombuffer(self.target.read(components=4, alignment=1), np.uint8).reshape(height, width, 4)

    def depth(self) -> FloatArray:
        """(H, W) its depth, 0..1."""
        width, height = self.lens.size
        raw = self.target.read(attachment=-1, components=1, dtype="f4", alignment=1)
        return np.frombuffer(raw, np.float32).reshape(height, width)


def canvas(gl: Any, lens: Lens, soft: float = 1.0) -> Canvas:
    """A canvas for a lens' own size."""
    depth = gl.depth_renderbuffer(lens.size)
    # Half the digits would show in the finest noise at a place of the body, and nowhere else.
    surface = tuple(gl.texture(lens.size, 4, dtype=dtype) for dtype in ("f4", "f2", "f2"))
    return Canvas(
        lens,
        gl.framebuffer(gl.renderbuffer(lens.size, 4), depth),
        gl.framebuffer(surface, depth),
        surface,
        soft,
    )


def lens_table(lens: Lens, entries: int = 2048) -> NDArray[np.float32]:
    """(N, 1) distance from the centre, 1 at the end of the lens, at angles up to twice the end angle."""
    # Texel centres lie half a texel in: the table is sampled there.
    angles = (np.arange(entries) + 0.5) / entries * 2 * lens.end_angle
    step = lens.end_angle / (len(lens.radii) - 1)
    slope = (lens.radii[-1] - lens.radii[-2]) / step
    radii = np.interp(angles, np.linspace(0, lens.end_angle, len(lens.radii)), lens.radii)
    radii += slope * np.maximum(angles - lens.end_angle, 0)
    return (radii[:, None] / lens.radii[-1]).astype(np.float32)


def unlens_table(lens: Lens, entries: int = 2048) -> NDArray[np.float32]:
    """(N, 2) sine and cosine of the angle from the axis, at distances from the centre up to the end of the lens."""
    angles = lens.angles((np.arange(entries) + 0.5) / entries * lens.radii[-1])
    return np.column_stack([np.sin(angles), np.cos(angles)]).astype(np.float32)
