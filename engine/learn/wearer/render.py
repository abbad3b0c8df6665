"""Renders a scene through a fisheye: OpenGL without a window, a software driver will do."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from calib.cv import cv2
from engine.learn.wearer.body import Body, Posed, load_body
from engine.learn.wearer.coat import coat, regions
from engine.learn.wearer.gl import (
    NOISE_SIDE,
    Canvas,
    canvas,
    gl_context,
    layout,
    lens_table,
    noise_volume,
    shader_program,
    unlens_table,
)
from engine.learn.wearer.lens import Lens
from engine.learn.wearer.scene import Light, Outfit, Room, Scene
from engine.learn.wearer.shadows import REACH_M, SIDE, Cast
from engine.learn.wearer.solids import Kind, Rows, rows_of, solid
from engine.types import FloatArray, ImageArray

FAR_M = 20.0
_CLIP_DISTANCE0 = 0x3000
_DRAWN_M, _SKETCHED_M, _CAST_M = 0.004, 0.008, 0.02
"""Vertices this near to each other are drawn as one: in a picture, in one of many, and in the softer shadow."""
_STANDS = 5
_CORNERS = 12
"""Of the polygon that the room is drawn on, the circle of the lens inside it."""


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """What the camera sees."""

    image: ImageArray
    """(H, W, 3) uint8, RGB."""
    depth_m: FloatArray
    """(H, W) distance from the camera to the nearest of body and things; FAR_M where there is only the room."""
    region: NDArray[np.uint8]
    """(H, W) what is seen, numbers of `coat.REGIONS`."""


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Vertex arrays of a body shape."""

    drawn: Any
    sketched: Any
    casting: Any


@dataclass(slots=True, eq=False)
class Solid:
    """Vertex arrays of a solid, and the things that it stands for."""

    drawn: Any
    casting: Any
    instances: Any
    """A buffer of `table`."""
    table: FloatArray | None = None


class Renderer:
    """Draws scenes through one lens, `oversample` times as fine as the picture that it gives.

    Use it from the thread that made it; `close` frees it. Multisampling would cost a software driver far more.
    Raises EgoposeError where no OpenGL can be had.
    """

    def __init__(self, lens: Lens, oversample: float = 1.5, body: Body | None = None) -> None:
        self.view = lens
        self.body = body or load_body()
        self._gl = gl = gl_context()
        # The picture's first row is at the bottom for OpenGL, which turns what is clockwise.
        gl.front_face = "cw"
        gl.depth_func = "<"
        finer = lens.scaled(oversample)
        self._fine = canvas(gl, finer)
        self._plain = self._fine if finer is lens else canvas(gl, lens, lens.size[0] / finer.size[0])
        self._cast: Cast | None = None
        self._persons: dict[int, Person] = {}
        self._shadow_map = gl.depth_texture((SIDE, SIDE))
        self._shadow_map.compare_func = "<="
        self._shadow_map.filter = (gl.LINEAR, gl.LINEAR)
        self._shadow_map.repeat_x = self._shadow_map.repeat_y = False
        self._shadow = gl.framebuffer(depth_attachment=self._shadow_map)
        self._programs = {
            name: shader_program(gl, *stages)
            for name, stages in {
                "body": ("body.vert", "body.frag", ""),
                "thing": ("thing.vert", "thing.frag", ""),
                "clothes": ("disc.vert", "clothes.frag", ""),
                "room": ("disc.vert", "room.frag", ""),
                "body_shadow": ("body.vert", "shadow.frag", "#define SHADOW\n"),
                "thing_shadow": ("thing.vert", "shadow.frag", "#define SHADOW\n"),
            }.items()
        }
        self._bones, self._common = self._block("Bones", 0, 128 * 48), self._block("Common", 1, 16 * 16)
        cells = (_DRAWN_M, _SKETCHED_M, _CAST_M)
        self._faces = [gl.buffer(self.body.thinned(cell).astype("i4").tobytes()) for cell in cells]
        self._skin = gl.buffer(self._shared_attributes())
        disc = gl.buffer(_disc().tobytes())
        self._clothes, self._room = (
            gl.vertex_array(self._programs[name], [(disc, "2f", "corner")]) for name in ("clothes", "room")
        )
        self._solids: dict[Kind, Solid] = {}
        self._load_textures()

    def render(self, scene: Scene, posed: Posed, frame: int, camera: NDArray[np.float64]) -> Picture:
        """The picture of one posed frame; `camera` is (4, 4) from the camera's frame to the world."""
        with self._gl:
            self._draw(self._fine, scene, posed, frame, camera)
            return self._picture(self._fine.pixels(), self._fine.depth())

    def sketch(self, scene: Scene, posed: Posed, frame: int, camera: NDArray[np.float64]) -> ImageArray:
        """Only the image (H, W, 3) uint8, drawn no finer than it is, of a coarser body: good enough for a mean.

        The shadows are those of the last picture or sketch where that was of this scene and nothing moved much since.
        """
        with self._gl:
            self._draw(self._plain, scene, posed, frame, camera, sketchy=True)
            return self._image(self._plain.pixels())

    def _draw(
        self,
        on: Canvas,
        scene: Scene,
        posed: Posed,
        frame: int,
        camera: NDArray[np.float64],
        *,
        sketchy: bool = False,
    ) -> None:
        bones = self.body.skinning(posed, scene.shape, frame)
        self._bones.write(np.ascontiguousarray(bones[:, :3]).tobytes())
        positions = posed.positions[frame]
        cast = self._cast if sketchy and self._cast and self._cast.serves(scene, positions) else None
        self._cast = cast or Cast(scene, positions)
        self._common.write(_common_block(on, scene.light, camera, self._cast.lamp_view))
        self._dress(scene.outfit, scene.shape)
        self._furnish(scene.room, posed, frame)
        held = tuple(replace(t, matrix=bones[t.bone] @ t.matrix) for t in scene.held)
        rows = rows_of((*scene.room.things, *held), scene.outfit.seed)
        self._place(rows)
        person = self._person(scene.shape)
        self._gl.enable(self._gl.DEPTH_TEST)
        if cast is None and scene.light.shadow > 0:
            self._cast_shadows(person, rows)
        self._see(on, person.sketched if sketchy else person.drawn, rows)

    def _cast_shadows(self, person: Person, rows: Rows) -> None:
        gl = self._gl
        self._shadow.use()
        self._shadow.clear(depth=1.0)
        # What faces the lamp is all that lies nearest to it. The lamp's view is not upside down as the picture is.
        gl.front_face = "ccw"
        gl.enable(gl.CULL_FACE)
        person.casting.render()
        for kind in rows:
            self._solids[kind].casting.render(instances=len(rows[kind]))
        gl.disable(gl.CULL_FACE)
        gl.front_face = "cw"

    def _see(self, on: Canvas, body: Any, rows: Rows) -> None:
        gl = self._gl
        on.body.use()
        on.target.clear(0, 0, 0, 0, depth=1.0)
        for unit, texture in enumerate((self._lens, self._noise, self._shadow_map, self._unlens, *on.surface)):
            texture.use(unit)
        with self._solid_alone():
            body.render()
        on.target.use()
        # Dressed where something is nearer than the room, which is the body so far.
        gl.depth_func, on.target.depth_mask = ">", False
        self._clothes.render(gl.TRIANGLE_STRIP)
        gl.depth_func, on.target.depth_mask = "<", True
        with self._solid_alone():
            for kind in rows:
                self._solids[kind].drawn.render(instances=len(rows[kind]))
        # Last, so that nothing is computed of it where something stands before it.
        on.target.depth_mask = False
        self._room.render(gl.TRIANGLE_STRIP)
        on.target.depth_mask = True

    @contextmanager
    def _solid_alone(self) -> Iterator[None]:
        """Nothing behind the lens is drawn meanwhile, and no inside of what is closed."""
        self._gl.enable_direct(_CLIP_DISTANCE0)
        self._gl.enable(self._gl.CULL_FACE)
        yield
        self._gl.disable(self._gl.CULL_FACE)
        self._gl.disable_direct(_CLIP_DISTANCE0)

    def _picture(self, pixels: NDArray[np.uint8], depth: FloatArray) -> Picture:
        region = cv2.extractChannel(pixels, 3)
        if self.view.size != self._fine.lens.size:
            depth = cv2.resize(depth, self.view.size, interpolation=cv2.INTER_NEAREST).astype(np.float32, copy=False)
            region = cv2.resize(region, self.view.size, interpolation=cv2.INTER_NEAREST)
        # The room leaves the depth as it was cleared, which is as far as it goes.
        return Picture(self._image(pixels), depth * np.float32(FAR_M), region.astype(np.uint8, copy=False))

    def _image(self, pixels: NDArray[np.uint8]) -> ImageArray:
        image = cv2.cvtColor(pixels, cv2.COLOR_RGBA2RGB)
        if (image.shape[1], image.shape[0]) != self.view.size:
            image = cv2.resize(image, self.view.size, interpolation=cv2.INTER_AREA)
        return image.astype(np.uint8, copy=False)

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

    def _block(self, name: str, binding: int, size: int) -> Any:
        """A buffer for a block of uniforms, for all programs that have it."""
        buffer = self._gl.buffer(reserve=size, dynamic=True)
        buffer.bind_to_uniform_block(binding)
        for program in self._programs.values():
            if name in program:
                program[name].binding = binding
        return buffer

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

    def _person(self, shape: int) -> Person:
        if shape not in self._persons:
            mesh = np.concatenate([self.body.vertices[shape], self.body.normals(shape)], axis=1).astype("f4")
            own = self._gl.buffer(mesh.tobytes())
            arrays = []
            for name, faces in zip(("body", "body", "body_shadow"), self._faces, strict=True):
                program = self._programs[name]
                content = [
                    (own, *layout(program, ("3f", "position"), ("3f", "normal"))),
                    (
                        self._skin,
                        *layout(program, ("4f", "weight"), ("4u1", "bone"), ("3f", "place"), ("1f", "region")),
                    ),
                ]
                arrays.append(self._gl.vertex_array(program, content, faces))
            self._persons[shape] = Person(*arrays)
        return self._persons[shape]

    def _place(self, rows: Rows) -> None:
        """Have the solids of these things ready to be drawn."""
        for kind, table in rows.items():
            if kind not in self._solids:
                self._solids[kind] = self._solid(kind)
            placed = self._solids[kind]
            if placed.table is not table:
                placed.instances.orphan(table.nbytes)
                placed.instances.write(table.tobytes())
                placed.table = table

    def _solid(self, kind: Kind) -> Solid:
        points, normals, faces = solid(*kind)
        mesh = self._gl.buffer(np.concatenate([points, normals], axis=1).astype("f4").tobytes())
        index = self._gl.buffer(faces.astype("i4").tobytes())
        instances = self._gl.buffer(reserve=26 * 4, dynamic=True)
        arrays = []
        for name in ("thing", "thing_shadow"):
            program = self._programs[name]
            per_thing = layout(program, ("16f", "matrix"), ("4f", "first"), ("4f", "second"), ("2f", "kind"))
            content = [
                (mesh, *layout(program, ("3f", "position"), ("3f", "normal"))),
                (instances, per_thing[0] + "/i", *per_thing[1:]),
            ]
            arrays.append(self._gl.vertex_array(program, content, index))
        return Solid(arrays[0], arrays[1], instances)

    def _load_textures(self) -> None:
        gl = self._gl
        self._lens, self._unlens = (
            gl.texture((len(table), 1), table.shape[1], table.tobytes(), dtype="f4")
            for table in (lens_table(self.view), unlens_table(self.view))
        )
        for texture in (self._lens, self._unlens):
            texture.filter = (gl.LINEAR, gl.LINEAR)
            texture.repeat_x = texture.repeat_y = False
        self._noise = gl.texture3d((NOISE_SIDE,) * 3, 4, noise_volume().tobytes())
        self._noise.filter = (gl.LINEAR, gl.LINEAR)
        for name in self._programs:
            self._set(name, lens=0, noise=1, shadow_map=2, unlens=3, surface0=4, surface1=5, surface2=6)

    def _dress(self, outfit: Outfit, shape: int) -> None:
        rest = self.body.heads[shape]
        neck = float(rest[self.body.bone("neck01"), 2])
        hem = float(rest[self.body.bone("root"), 2]) * outfit.waist
        level = (neck, hem, outfit.shoe_m, outfit.hairline)
        cut = (outfit.sleeve, outfit.leg, outfit.collar, outfit.neckline_m)
        for name in ("body", "body_shadow"):
            self._set(name, cut=cut, level=level, loose=(*outfit.loose_m, 0.008 if outfit.shoe_m > 0 else 0.0))
        self._set(
            "clothes",
            cut=cut,
            level=level,
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


def _disc() -> NDArray[np.float32]:
    """(N, 2) corners around the circle of radius 1, in the order of a strip."""
    order = [0, *(k for i in range(1, _CORNERS // 2) for k in (i, _CORNERS - i)), _CORNERS // 2]
    turn = np.array(order) * 2 * np.pi / _CORNERS
    corners: NDArray[np.float32] = np.column_stack([np.cos(turn), np.sin(turn)]).astype(np.float32)
    return corners / np.float32(np.cos(np.pi / _CORNERS))


def _common_block(on: Canvas, light: Light, camera: NDArray[np.float64], lamp_view: NDArray[np.float64]) -> bytes:
    """The block of uniforms that all shaders share."""
    lens, reach = on.lens, float(on.lens.radii[-1])
    width, height = lens.size
    rows = np.zeros((16, 4), np.float32)
    rows[:4], rows[4:8] = np.linalg.inv(camera).T, lamp_view.T
    rows[8, :3], rows[9, :3] = camera[:3, 3], light.direction
    rows[10, :3], rows[11, :3], rows[12, :3] = light.lamp, light.sky, light.ground
    rows[13, :2] = light.shadow, light.softness_m / (2 * REACH_M)
    rows[14] = lens.end_angle, 2 * reach / width, 2 * reach / height, lens.end_angle / reach
    rows[15, :3] = (2 * lens.centre[0] + 1) / width - 1, (2 * lens.centre[1] + 1) / height - 1, on.soft
    return rows.tobytes()
