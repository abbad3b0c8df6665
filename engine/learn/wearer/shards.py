"""Writes training data: shards of pictures with exact truth.

A shard is an .npz file that holds, for about 1000 pictures:

    image      (N, side, side, 3) uint8, RGB, the canonical view
    joints_m   (N, 15, 3) float32, metres, camera frame
    uv         (N, 15, 2) float32, canonical, 0..1 inside the picture, may lie outside
    visible    (N, 15) bool, inside the picture and hidden by nothing but the joint's own limb
    action     (N,) uint8, numbers of `motion.ACTIONS`
    clip       (N,) int32, the same for frames that follow one another in time
    time_s     (N,) float32, seconds since the clip's first frame
    subject    (N,) text, "" for motion made in code
    motion     (N,) text
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calib.calibration import Calibration
from calib.canonical import CANONICAL, canonical_uv
from engine.errors import EgoposeError
from engine.learn.data.sequence import inside as in_view
from engine.learn.wearer.activities import made_motion
from engine.learn.wearer.body import SPLITS, Body, load_body
from engine.learn.wearer.lens import canonical_lens
from engine.learn.wearer.motion import ACTIONS, Motion, load_motions
from engine.learn.wearer.mounts import MountRange, sample_mount
from engine.learn.wearer.render import Renderer
from engine.learn.wearer.sampling import sample_shape
from engine.learn.wearer.take import Take, film, make_take

SUBJECTS: dict[str, tuple[str, ...]] = {
    "train": ("01", "02", "05", "06", "07", "08", "09", "10", "13"),
    "validation": ("03", "11", "12"),
    "test": ("14",),
}
"""People of each split: nobody is in two of them."""

SHARD = 1000
MADE = 0.35
"""Part of the clips whose motion is made in code."""
_CONTEXT_S = 1.5
"""Seconds of motion before and after a clip that the floor and the room are laid out for."""
_TRIES = 200


class Choice:
    """Draws clips of motion, balanced over actions."""

    def __init__(self, motions: Sequence[Motion]) -> None:
        self.motions = motions
        odds = np.sqrt([len(m) for m in motions])
        action = np.array([m.actions[0] for m in motions], int)
        total = np.bincount(action, odds, minlength=len(ACTIONS))
        odds = odds / np.sqrt(total[action])
        self.odds = odds / odds.sum() if len(motions) else odds

    def draw(self, rng: np.random.Generator, frames: int) -> tuple[Motion, np.ndarray[tuple[int], np.dtype[np.intp]]]:
        """A stretch of motion, and which of its frames make the clip: evenly spaced, 1/30 or 1/15 s apart."""
        step = int(rng.integers(1, 3)) if frames > 1 else 1
        if not self.motions or rng.random() < MADE:
            span = (frames - 1) * step + 1
            motion = made_motion(rng, span / 30 + 2 * _CONTEXT_S)
            first = int(rng.integers(0, len(motion) - span + 1))
            return motion, first + step * np.arange(frames)
        while True:
            motion = self.motions[int(rng.choice(len(self.motions), p=self.odds))]
            step = step if len(motion) >= (frames - 1) * step + 1 else 1
            span = (frames - 1) * step + 1
            if len(motion) >= span:
                break
        first = int(rng.integers(0, len(motion) - span + 1))
        context = round(_CONTEXT_S / motion.dt_s)
        start, end = max(0, first - context), min(len(motion), first + span + context)
        return motion.taken(slice(start, end)), first - start + step * np.arange(frames)


@dataclass(frozen=True, slots=True)
class Rig:
    """The user's own camera on its own mount; the defaults are the canonical lens, and heads of all kinds."""

    camera: Calibration = CANONICAL
    mount: MountRange | None = None


ANY_RIG = Rig()


def shown_by(camera: Calibration, side: int) -> NDArray[np.bool_]:
    """(side, side) which of the canonical view's pixels a camera's picture holds."""
    centres = (np.arange(side) + 0.5) / side
    uv = np.stack(np.meshgrid(centres, centres), axis=-1)
    return in_view(uv.astype(np.float32), camera)


def draw_take(
    rng: np.random.Generator, body: Body, choice: Choice, split: str, frames: int, mount: MountRange | None = None
) -> tuple[Take, np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """A random take and its frames, in none of which a hand is at the lens."""
    for _ in range(_TRIES):
        motion, picked = choice.draw(rng, frames)
        # One clip out of many: turn it so that rooms and light come from everywhere.
        turned = motion.turned(float(rng.uniform(0, 2 * np.pi)))
        take = make_take(rng, body, turned, sample_shape(rng, split), mount=sample_mount(rng, mount=mount))
        if not take.collides(picked):
            return take, picked
    raise EgoposeError(f"no clip of {frames} frames keeps the hands off the lens; use shorter clips or other motion")


def make_shard(
    path: Path,
    rng: np.random.Generator,
    renderer: Renderer,
    choice: Choice,
    *,
    split: str,
    count: int,
    frames: int,
    first: int,
    rig: Rig = ANY_RIG,
) -> Iterator[int]:
    """Write one shard, whole or not at all; gives the number of pictures done after each clip."""
    side = renderer.view.size[0]
    images = np.zeros((count, side, side, 3), np.uint8)
    joints = np.zeros((count, 15, 3), np.float32)
    visible = np.zeros((count, 15), bool)
    action = np.zeros(count, np.uint8)
    clip = np.zeros(count, np.int32)
    time_s = np.zeros(count, np.float32)
    names: list[tuple[str, str]] = []
    shows = None if rig.camera is CANONICAL else shown_by(rig.camera, side)
    done = clips = 0
    while done < count:
        take, picked = draw_take(rng, renderer.body, choice, split, frames, rig.mount)
        for frame in picked[: count - done]:
            images[done], visible[done] = film(take, int(frame), renderer, rng)
            joints[done] = take.joints_m[frame]
            action[done] = take.motion.actions[frame]
            clip[done] = first + clips
            time_s[done] = (frame - picked[0]) * take.motion.dt_s
            names.append((take.motion.subject, take.motion.name))
            done += 1
        clips += 1
        yield done
    uv = canonical_uv(joints.astype(np.float64))[0].astype(np.float32)
    if shows is not None:
        # What the user's camera does not see is black in the view that is made of its pictures.
        images *= shows[..., None]
        visible &= in_view(uv, rig.camera)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        np.savez(
            file,
            image=images,
            joints_m=joints,
            uv=uv,
            visible=visible,
            action=action,
            clip=clip,
            time_s=time_s,
            subject=np.array([subject for subject, _ in names]),
            motion=np.array([name for _, name in names]),
        )
        file.flush()
        os.fsync(file.fileno())
    os.replace(temporary, path)


def make_shards(
    out: Path,
    *,
    count: int,
    seed: int,
    bvh: Path | None,
    split: str,
    frames: int = 1,
    side: int = 192,
    part: tuple[int, int] = (0, 1),
    rig: Rig = ANY_RIG,
) -> Iterator[tuple[int, int]]:
    """Write all shards that are missing; gives (pictures done, pictures in all) as it goes.

    `part` (i, n) writes only every n-th shard from the i-th: for n processes side by side. The same seed gives
    the same shards on the same machine. Raises EgoposeError where motion or OpenGL is not to be had.
    """
    out.mkdir(parents=True, exist_ok=True)
    choice = Choice(load_motions(bvh, SUBJECTS[split]) if bvh else [])
    per_shard = max(1, SHARD // frames) * frames
    total = -(-count // frames) * frames
    sizes = [min(per_shard, total - start) for start in range(0, total, per_shard)]
    mine = range(part[0], len(sizes), part[1])
    everything, before = sum(sizes[i] for i in mine), 0
    options: dict[str, Any] = {"split": split, "frames": frames, "rig": rig}
    with Renderer(canonical_lens(side), body=load_body()) as renderer:
        for i in mine:
            path = out / f"{split}-{seed}-{i:05d}.npz"
            if not path.exists():
                rng = np.random.default_rng([seed, list(SPLITS).index(split), i])
                for done in make_shard(path, rng, renderer, choice, count=sizes[i], first=i * per_shard, **options):
                    yield before + done, everything
            before += sizes[i]
            yield before, everything
