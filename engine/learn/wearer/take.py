"""A take: one person, scene and camera over the frames of one motion, ready to be drawn."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calib.cv import cv2
from engine.learn.wearer.body import Body, Posed
from engine.learn.wearer.coat import REGIONS
from engine.learn.wearer.lens import Lens
from engine.learn.wearer.motion import Motion
from engine.learn.wearer.mount import cameras, to_camera
from engine.learn.wearer.mounts import sample_mount
from engine.learn.wearer.render import Picture, Renderer
from engine.learn.wearer.sampling import sample_scene
from engine.learn.wearer.scene import Look, Mount, Scene
from engine.learn.wearer.sensor import Sensor, expose, sample_sensor, shading
from engine.skeleton import JOINTS
from engine.types import FloatArray, ImageArray

_OWN_REGIONS = {
    "neck": ("head", "trunk"),
    "shoulder": ("trunk", "upper_arm"),
    "elbow": ("upper_arm", "forearm"),
    "wrist": ("forearm", "hand"),
    "hip": ("pelvis", "thigh"),
    "knee": ("thigh", "shin"),
    "ankle": ("shin", "foot"),
    "foot": ("foot",),
}
_FLESH_M = 0.06
"""Whatever is seen this little before a joint does not hide it."""
_LIMB_M = 0.25
"""Nor does its own limb, seen along its length, up to this far before it."""


def _own() -> NDArray[np.bool_]:
    """(15, R) whether a region is of the joint's own limb."""
    own = np.zeros((len(JOINTS), len(REGIONS)), bool)
    for j, joint in enumerate(JOINTS):
        side, _, name = joint.rpartition("_")
        for region in _OWN_REGIONS[name]:
            own[j, REGIONS.index(region if region in REGIONS else f"{side}_{region}")] = True
    return own


_OWN = _own()

_SMEAR = 1.0
"""Pixels: less blur than this is not worth drawing."""
_TREMBLE = 0.47
"""Pixels: a third to each side where it goes diagonally."""
_MOST_BESIDES = 3
"""Pictures drawn before the sharp one at most, and after it."""

_NEAREST_M = np.array([0.0 if j == "neck" else 0.17 if j.endswith("wrist") else 0.14 for j in JOINTS])
"""Nothing real comes closer to the lens than this."""


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """T frames of truth, and all that is needed to draw them."""

    motion: Motion
    posed: Posed
    scene: Scene
    sensor: Sensor
    cameras: NDArray[np.float64]
    """(T, 4, 4) from the camera's frame to the world."""
    joints_m: FloatArray
    """(T, 15, 3) metres, camera frame."""

    def __len__(self) -> int:
        return len(self.joints_m)

    def collides(self, frames: NDArray[np.intp] | slice = slice(None)) -> bool:
        """Whether a joint comes so near to the lens that the camera would be in its way."""
        return collides(self.joints_m[frames])


def collides(joints_m: FloatArray) -> bool:
    """Whether any of (T, 15, 3) joints, camera frame, is nearer to the lens than it can be."""
    return bool((np.linalg.norm(joints_m, axis=2) < _NEAREST_M).any())


def seen_joints(body: Body, posed: Posed, placed: NDArray[np.float64]) -> FloatArray:
    """(T, 15, 3) joints in the frames of (T, 4, 4) cameras, metres."""
    world = posed.positions[:, body.joint_bones].astype(np.float64)
    return to_camera(placed, world).astype(np.float32)


def make_take(
    rng: np.random.Generator,
    body: Body,
    motion: Motion,
    shape: int,
    *,
    mount: Mount | None = None,
    look: Look = "varied",
) -> Take:
    """A random scene around a motion, with a random mount where none is given."""
    mount = mount or sample_mount(rng, look)
    posed = body.pose(motion, shape, curl=float(rng.uniform(0.0, 0.7)))
    scene = sample_scene(rng, body, motion, posed, shape, mount, look)
    placed = cameras(body, posed, shape, mount)
    joints = seen_joints(body, posed, placed)
    return Take(motion, posed, scene, sample_sensor(rng, look), placed, joints)


def shown(joints_m: FloatArray, drawn: Picture, lens: Lens) -> NDArray[np.bool_]:
    """(15,) whether each joint is inside the picture and hidden by nothing but its own limb."""
    pixels, inside = lens.project(joints_m.astype(np.float64))
    u, v = np.clip(np.round(pixels), 0, np.array(lens.size) - 1).astype(int).T
    before = np.linalg.norm(joints_m, axis=1) - drawn.depth_m[v, u]
    own = _OWN[np.arange(len(JOINTS)), drawn.region[v, u]]
    visible: NDArray[np.bool_] = inside & (before < np.where(own, _LIMB_M, _FLESH_M))
    return visible


def film(take: Take, frame: int, renderer: Renderer, rng: np.random.Generator) -> tuple[ImageArray, NDArray[np.bool_]]:
    """The picture (H, W, 3) RGB of one frame as the take's sensor gives it, and which joints (15,) it shows."""
    moments = shutter(take, frame, renderer.view)
    drawn = renderer.render(take.scene, take.posed, frame, take.cameras[frame])
    light = blurred(take, frame, renderer, drawn.image, moments)
    image = expose(light, take.sensor, shading(take.sensor, renderer.view), rng)
    return image, shown(take.joints_m[frame], drawn, renderer.view)


def shutter(take: Take, frame: int, lens: Lens) -> list[tuple[int, float]]:
    """The moments besides a frame's own at which to draw what moves while the shutter is open.

    Each is a neighbour of the frame, and what share (0..1) of the way to it; half of the time lies before the frame
    and half after it. There are none where nothing moves by a pixel.
    """
    pixels = smear(take, frame, lens)
    if pixels < _SMEAR:
        return []
    half = max(1, min(_MOST_BESIDES, round(pixels / 4)))
    reach = take.sensor.shutter_s / take.motion.dt_s / 2
    return [(other, reach * step / half) for step in range(1, half + 1) for other in _neighbours(take, frame)]


def blurred(
    take: Take, frame: int, renderer: Renderer, own: ImageArray, moments: list[tuple[int, float]]
) -> ImageArray:
    """The mean, in linear light, of a frame's `own` picture and those of moments of `shutter`."""
    if not moments:
        return own
    light = np.square(own, dtype=np.float32)
    for number, (other, share) in enumerate(moments):
        placed = take.cameras[frame] + share * (take.cameras[other] - take.cameras[frame])
        u, _, v = np.linalg.svd(placed[:3, :3] @ _trembled(number, renderer.view))
        placed[:3, :3] = u @ v
        sketch = renderer.sketch(take.scene, take.posed.between(frame, other, share), 0, placed)
        cv2.accumulateSquare(sketch, light)
    mean: ImageArray = np.sqrt(light / (1 + len(moments))).round().astype(np.uint8)
    return mean


def _trembled(number: int, lens: Lens) -> NDArray[np.float64]:
    """(3, 3) a turn of the camera by a part of a pixel, another one for each drawing of a picture.

    So edges become smooth in the mean of drawings that are no finer than it.
    """
    pixel = lens.end_angle / float(lens.radii[-1])
    turn = np.radians(45 + 137.5 * (number // 2)) + np.pi * (number % 2)
    x, y, z = _TREMBLE * pixel * np.array([np.cos(turn), np.sin(turn), 1 - 2 * (number % 2)])
    return np.array([[1, -z, y], [z, 1, -x], [-y, x, 1]])


def smear(take: Take, frame: int, lens: Lens) -> float:
    """By how many pixels the joint that moves most in the picture does so while the shutter is open."""
    if take.sensor.shutter_s <= 0 or len(take) < 2:
        return 0.0
    here, inside = lens.project(take.joints_m[frame].astype(np.float64))
    moved = [lens.project(take.joints_m[other].astype(np.float64))[0] - here for other in _neighbours(take, frame)]
    steps = np.linalg.norm(np.stack(moved), axis=-1).max(axis=0)
    return float(np.where(inside, steps, 0.0).max() * take.sensor.shutter_s / take.motion.dt_s)


def _neighbours(take: Take, frame: int) -> list[int]:
    return [other for other in (frame - 1, frame + 1) if 0 <= other < len(take)]
