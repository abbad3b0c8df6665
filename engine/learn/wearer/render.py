"""Renders a scene through a fisheye: OpenGL without a window, a software driver will do."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from calib.cv import cv2
from engine.errors import EgoposeError
from engine.learn.wearer import solids
from engine.learn.wearer.body import Body, Posed, load_body
from engine.learn.wearer.coat import coat, regions
from engine.learn.wearer.lens import Lens
from engine.learn.wearer.scene import Form, Light, Outfit, Room, Scene, Thing
from engine.types import FloatArray, ImageArray

FAR_M = 20.0
_SHADERS = Path(__file__).parent / "shaders"
_CLIP_DISTANCE0 = 0x3000
_SHADOW_SIDE = 192
_SHADOW_REACH_M = 1.3
_NOISE_SIDE = 64
_DRAWN_M, _CAST_M = 0.004, 0.02
"""Vertices this near to each other are drawn as one: in the picture, and in the softer shadow."""
_STANDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What the camera sees."""

    image: ImageArray
    """(H, W, 3) uint8, RGB."""
    depth_m: FloatArray
    """(H, W) distance from the camera to the nearest of body and things; FAR_M where there is only the room."""
    region: NDArray[np.uint8]
    """(H, W) what is seen, numbers of `coat.REGIONS`."""


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


@lru_cache(maxsize=1)
def noise_volume() -> NDArray[np.uint8]:
    """(N, N, N, 4) repeating fractal noise: its height, and its gradient around 128."""
    rng = np.random.default_rng(7)
    n = _NOISE_SIDE
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


class Renderer:
    """Draws scenes through one lens, `oversample` times as fine as the picture that it gives.

    Use it from the thread that made it; `close` frees it. Multisampling would cost a software driver far more.
    Raises EgoposeError where no OpenGL can be had.
    """

    def __init__(self, lens: Lens, oversample: float = 1.5, body: Body | None = None) -> None:
        self.view = lens
        self.lens = lens.scaled(oversample)
        self.body = body or load_body()
        self._gl = gl_context()
        self._buffers: dict[int, tuple[Any, Any]] = {}
        gl = self._gl
        self._drawn = gl.simple_framebuffer(self.lens.size, 4)
        self._shadow_map = gl.depth_texture((_SHADOW_SIDE, _SHADOW_SIDE))
        self._shadow_map.compare_func = "<="
        self._shadow_map.filter = (gl.LINEAR, gl.LINEAR)
        self._shadow_map.repeat_x = self._shadow_map.repeat_y = False
        self._shadow = gl.framebuffer(depth_attachment=self._shadow_map)
        self._programs = {
            name: self._program(*stages)
            for name, stages in {
                "body": ("body.vert", "body.frag", ""),
                "thing": ("thing.vert", "thing.frag", ""),
                "room": ("room.vert", "room.frag", ""),
                "body_shadow": ("body.vert", "shadow.frag", "#define SHADOW\n"),
                "thing_shadow": ("thing.vert", "shadow.frag", "#define SHADOW\n"),
            }.items()
        }
        self._bones = gl.buffer(reserve=128 * 64)
        for name in ("body", "body_shadow"):
            self._programs[name]["Bones"].binding = 0
        self._bones.bind_to_uniform_block(0)
        self._faces = [gl.buffer(self.body.thinned(cell).astype("i4").tobytes()) for cell in (_DRAWN_M, _CAST_M)]
        self._skin = gl.buffer(self._shared_attributes())
        quad = np.array([-1, -1, 1, -1, -1, 1, 1, 1], "f4")
        self._quad = gl.vertex_array(self._programs["room"], [(gl.buffer(quad.tobytes()), "2f", "corner")])
        self._things = gl.buffer(reserve=64 * 26 * 4, dynamic=True)
        self._solids = {form: self._solid(form) for form in Form}
        self._load_textures()

    def render(self, scene: Scene, posed: Posed, frame: int, camera: NDArray[np.float64]) -> Picture:
        """The picture of one posed frame; `camera` is (4, 4) from the camera's frame to the world."""
        with self._gl:
            bones = self.body.skinning(posed, scene.shape, frame)
            self._bones.write(np.ascontiguousarray(bones.transpose(0, 2, 1)).tobytes())
            lamp_view = _lamp_view(scene.light, posed.positions[frame, 0])
            self._common(scene.light, np.linalg.inv(camera), camera[:3, 3], lamp_view)
            self._dress(scene.outfit, scene.shape)
            self._furnish(scene.room, posed, frame)
            rows = self._instances((*scene.room.things, *scene.held), bones, scene.outfit.seed)
            self._draw(rows, scene.shape, with_shadow=scene.light.shadow > 0)
            return self._read()

    def _draw(self, rows: dict[Form, FloatArray], shape: int, *, with_shadow: bool) -> None:
        gl = self._gl
        drawn, shadow = self._person(shape)
        gl.enable(gl.DEPTH_TEST)
        if with_shadow:
            gl.disable_direct(_CLIP_DISTANCE0)
            self._shadow.use()
            self._shadow.clear(depth=1.0)
            shadow.render()
            self._draw_things(rows, 1)
        self._drawn.use()
        self._drawn.clear(0, 0, 0, 0, depth=1.0)
        for unit, texture in enumerate((self._lens, self._noise, self._shadow_map, self._unlens)):
            texture.use(unit)
        gl.enable_direct(_CLIP_DISTANCE0)
        gl.enable(gl.CULL_FACE)
        drawn.render()
        self._draw_things(rows, 0)
        gl.disable(gl.CULL_FACE)
        gl.disable_direct(_CLIP_DISTANCE0)
        self._quad.render(gl.TRIANGLE_STRIP)

    def _read(self) -> Picture:
        width, height = self.lens.size
        drawn = np.frombuffer(self._drawn.read(components=4, alignment=1), np.uint8).reshape(height, width, 4)[::-1]
        image, region = np.ascontiguousarray(drawn[..., :3]), np.ascontiguousarray(drawn[..., 3])
        raw = np.frombuffer(self._drawn.read(attachment=-1, components=1, dtype="f4", alignment=1), np.float32)
        depth = raw.reshape(height, width)[::-1]
        depth = np.where(depth < 0.9998, depth * np.float32(FAR_M), np.float32(FAR_M))
        if self.view.size != self.lens.size:
            image = cv2.resize(image, self.view.size, interpolation=cv2.INTER_AREA).astype(np.uint8)
            depth = cv2.resize(depth, self.view.size, interpolation=cv2.INTER_NEAREST).astype(np.float32)
            region = cv2.resize(region, self.view.size, interpolation=cv2.INTER_NEAREST).astype(np.uint8)
        return Picture(image, depth, region)

    def close(self) -> None:
        """Free the context. Idempotent."""
        if self._gl is not None:
            self._gl.release()
            self._gl = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _program(self, vertex: str, fragment: str, define: str) -> Any:
        common = (_SHADERS / "common.glsl").read_text(encoding="utf-8")
        version, rest = common.split("\n", maxsplit=1)
        head, fragment_head = f"{version}\n{define}{rest}", f"{version}\n{define}{rest}"
        # fwidth, which the patterns use, exists in fragment shaders alone.
        head = head.replace("fwidth(x)", "0.0")
        return self._gl.program(
            vertex_shader=head + (_SHADERS / vertex).read_text(encoding="utf-8"),
            fragment_shader=fragment_head + (_SHADERS / fragment).read_text(encoding="utf-8"),
        )

    def _set(self, program: str, **values: Any) -> None:
        for name, value in values.items():
            uniform = self._programs[program].get(name, None)
            # The compiler drops what a stage does not use.
            if uniform is not None:
                uniform.value = value

    def _shared_attributes(self) -> bytes:
        row = np.zeros(len(self.body.weights), [("weight", "4f4"), ("bone", "4u1"), ("place", "3f4"), ("region", "f4")])
        row["region"] = regions(self.body)
        row["weight"], row["bone"], row["place"] = self.body.weights, self.body.indices, coat(self.body)
        return row.tobytes()

    def _person(self, shape: int) -> tuple[Any, Any]:
        """Vertex arrays of a body shape, for the picture and for the shadow."""
        if shape not in self._buffers:
            mesh = np.concatenate([self.body.vertices[shape], self.body.normals(shape)], axis=1).astype("f4")
            own = self._gl.buffer(mesh.tobytes())
            pair = []
            for name, faces in zip(("body", "body_shadow"), self._faces, strict=True):
                program = self._programs[name]
                content = [
                    (own, *_layout(program, ("3f", "position"), ("3f", "normal"))),
                    (
                        self._skin,
                        *_layout(program, ("4f", "weight"), ("4u1", "bone"), ("3f", "place"), ("1f", "region")),
                    ),
                ]
                pair.append(self._gl.vertex_array(program, content, faces))
            self._buffers[shape] = (pair[0], pair[1])
        return self._buffers[shape]

    def _solid(self, form: Form) -> tuple[Any, Any]:
        points, normals, faces = solids.solid(form)
        mesh = self._gl.buffer(np.concatenate([points, normals], axis=1).astype("f4").tobytes())
        index = self._gl.buffer(faces.astype("i4").tobytes())
        arrays = []
        for name in ("thing", "thing_shadow"):
            program = self._programs[name]
            per_thing = _layout(program, ("16f", "matrix"), ("4f", "first"), ("4f", "second"), ("2f", "kind"))
            content = [
                (mesh, *_layout(program, ("3f", "position"), ("3f", "normal"))),
                (self._things, per_thing[0] + "/i", *per_thing[1:]),
            ]
            arrays.append(self._gl.vertex_array(program, content, index))
        return arrays[0], arrays[1]

    def _load_textures(self) -> None:
        gl, lens = self._gl, self.lens
        angles = np.linspace(0, 2 * lens.end_angle, 2048)
        step = lens.end_angle / (len(lens.radii) - 1)
        slope = (lens.radii[-1] - lens.radii[-2]) / step
        radii = np.interp(angles, np.linspace(0, lens.end_angle, len(lens.radii)), lens.radii)
        radii += slope * np.maximum(angles - lens.end_angle, 0)
        # Texel centres lie half a texel in: sample the tables there.
        centres = (np.arange(2048) + 0.5) / 2048
        forward = np.interp(centres * 2 * lens.end_angle, angles, radii)
        backward = lens.angles(centres * lens.radii[-1])
        self._lens = gl.texture((2048, 1), 1, forward.astype("f4").tobytes(), dtype="f4")
        self._unlens = gl.texture((2048, 1), 1, backward.astype("f4").tobytes(), dtype="f4")
        for texture in (self._lens, self._unlens):
            texture.filter = (gl.LINEAR, gl.LINEAR)
            texture.repeat_x = texture.repeat_y = False
        self._noise = gl.texture3d((_NOISE_SIDE,) * 3, 4, noise_volume().tobytes())
        self._noise.filter = (gl.LINEAR, gl.LINEAR)
        width, height = lens.size
        for name in self._programs:
            self._set(
                name,
                lens=0,
                noise=1,
                shadow_map=2,
                unlens=3,
                lens_scale=(lens.end_angle, 2 / width, 2 / height),
                lens_centre=((2 * lens.centre[0] + 1) / width - 1, 1 - (2 * lens.centre[1] + 1) / height),
                end=(float(lens.radii[-1]), 1.0),
            )

    def _common(
        self, light: Light, camera: NDArray[np.floating], eye: NDArray[np.float64], lamp_view: NDArray[np.float64]
    ) -> None:
        texels = light.softness_m / (2 * _SHADOW_REACH_M)
        for name in self._programs:
            self._set(
                name,
                camera=tuple(camera.T.astype(float).ravel()),
                eye=tuple(eye),
                lamp_direction=light.direction,
                lamp=light.lamp,
                sky=light.sky,
                ground=light.ground,
                lamp_shadow=(light.shadow, texels),
                lamp_view=tuple(lamp_view.T.astype(float).ravel()),
            )

    def _dress(self, outfit: Outfit, shape: int) -> None:
        rest = self.body.heads[shape]
        neck = float(rest[self.body.bone("neck01"), 2])
        hem = float(rest[self.body.bone("root"), 2]) * outfit.waist
        level = (neck, hem, outfit.shoe_m, outfit.hairline)
        cut = (outfit.sleeve, outfit.leg, outfit.collar, outfit.neckline_m)
        for name in ("body", "body_shadow"):
            self._set(name, cut=cut, level=level, loose=(*outfit.loose_m, 0.008 if outfit.shoe_m > 0 else 0.0))
        self._set(
            "body",
            skin=outfit.skin,
            hair=outfit.hair,
            shirt=outfit.shirt.colour,
            shirt2=outfit.shirt.second,
            trousers=outfit.trousers.colour,
            trousers2=outfit.trousers.second,
            shoe=outfit.shoe,
            sole=outfit.sole,
            patterns=(int(outfit.shirt.pattern), int(outfit.trousers.pattern)),
            finish=(outfit.shirt.repeats, outfit.trousers.repeats, outfit.crease, outfit.seed),
            marks=(outfit.beard, float(outfit.watch)),
        )

    def _furnish(self, room: Room, posed: Posed, frame: int) -> None:
        feet = [self.body.bone(f"{bone}.{side}") for bone in ("foot", "toe2-1") for side in "LR"]
        stands = np.zeros((_STANDS, 4))
        stands[:4, :2] = posed.positions[frame, feet, :2]
        height = np.maximum(posed.positions[frame, feet, 2] - room.low[2] - 0.05, 0)
        stands[:4, 2], stands[:4, 3] = 0.5 * np.exp(-height / 0.12), (0.1 + 0.5 * height) ** -2
        stands[4] = [*posed.positions[frame, 0, :2], 0.25, 0.5**-2]
        self._set("thing", floor_z=float(room.low[2]))
        self._set(
            "room",
            low=tuple(room.low),
            high=tuple(room.high),
            floor_a=room.floor.colour,
            floor_b=room.floor.second,
            wall_a=room.wall.colour,
            wall_b=room.wall.second,
            skirting=room.skirting,
            kinds=(int(room.floor.pattern), int(room.wall.pattern)),
            look=(room.floor.repeats, room.wall.repeats, 0.03, 0.37),
            stands=[tuple(row) for row in stands],
        )

    def _instances(self, things: tuple[Thing, ...], bones: FloatArray, seed: float) -> dict[Form, FloatArray]:
        rows: dict[Form, list[NDArray[np.float64]]] = {form: [] for form in Form}
        for thing in things:
            matrix = bones[thing.bone] @ thing.matrix if thing.bone >= 0 else thing.matrix
            s = thing.surface
            tail = [*s.colour, thing.glow, *s.second, s.repeats, float(s.pattern), seed]
            rows[thing.form].append(np.concatenate([matrix.T.ravel(), tail]))
        return {form: np.array(r, np.float32) for form, r in rows.items() if r}

    def _draw_things(self, rows: dict[Form, FloatArray], which: int) -> None:
        for form, table in rows.items():
            self._things.orphan(table.nbytes)
            self._things.write(table.tobytes())
            self._solids[form][which].render(instances=len(table))


def _lamp_view(light: Light, centre: FloatArray) -> NDArray[np.float64]:
    """(4, 4) from the world to the shadow's texture and depth, all 0..1 around `centre`."""
    z = np.asarray(light.direction, float)
    x = np.cross([0.0, 1.0, 0.0] if abs(z[1]) < 0.9 else [1.0, 0.0, 0.0], z)
    x /= np.linalg.norm(x)
    rotation = np.stack([x, np.cross(z, x), -z])
    view = np.eye(4)
    view[:3, :3] = rotation / (2 * _SHADOW_REACH_M)
    view[:3, 3] = 0.5 - view[:3, :3] @ centre.astype(float)
    return view


def _layout(program: Any, *attributes: tuple[str, str]) -> tuple[str, ...]:
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
