"""Writes training data: shards of pictures with exact truth.

    python -m engine.learn.wearer.shards --out DIR --count N --seed S --bvh DIR --split train

A shard is an .npz file that holds, for about 1000 pictures:

    image      (N, side, side, 3) uint8, RGB, the canonical view
    joints_m   (N, 15, 3) float32, metres, camera frame
    uv         (N, 15, 2) float32, canonical, 0..1 inside the picture, may lie outside
    visible    (N, 15) bool, inside the circle and hidden by nothing but the joint's own limb
    action     (N,) uint8, numbers of `motion.ACTIONS`
    clip       (N,) int32, the same for frames that follow one another in time
    time_s     (N,) float32, seconds since the clip's first frame
    subject    (N,) text, "" for motion made in code
    motion     (N,) text
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from calib.canonical import canonical_uv
from engine.errors import EgoposeError
from engine.learn.wearer.activities import made_motion
from engine.learn.wearer.body import SPLITS, Body, load_body
from engine.learn.wearer.lens import canonical_lens
from engine.learn.wearer.motion import ACTIONS, Motion, load_motions
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


def draw_take(
    rng: np.random.Generator, body: Body, choice: Choice, split: str, frames: int
) -> tuple[Take, np.ndarray[tuple[int], np.dtype[np.intp]]]:
    """A random take and its frames, in none of which a hand is at the lens."""
    for _ in range(_TRIES):
        motion, picked = choice.draw(rng, frames)
        # One clip out of many: turn it so that rooms and light come from everywhere.
        take = make_take(rng, body, motion.turned(float(rng.uniform(0, 2 * np.pi))), sample_shape(rng, split))
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
    done = clips = 0
    while done < count:
        take, picked = draw_take(rng, renderer.body, choice, split, frames)
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
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    with temporary.open("wb") as file:
        np.savez(
            file,
            image=images,
            joints_m=joints,
            uv=canonical_uv(joints.astype(np.float64))[0].astype(np.float32),
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
    with Renderer(canonical_lens(side), body=load_body()) as renderer:
        for i in mine:
            path = out / f"{split}-{seed}-{i:05d}.npz"
            if not path.exists():
                rng = np.random.default_rng([seed, list(SPLITS).index(split), i])
                for done in make_shard(
                    path, rng, renderer, choice, split=split, count=sizes[i], frames=frames, first=i * per_shard
                ):
                    yield before + done, everything
            before += sizes[i]
            yield before, everything


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="where the shards go")
    parser.add_argument("--count", type=int, required=True, metavar="N", help="pictures in all")
    parser.add_argument("--seed", type=int, default=0, metavar="S")
    parser.add_argument("--bvh", type=Path, metavar="DIR", help="real motion; without it all motion is made in code")
    parser.add_argument("--split", choices=list(SPLITS), default="train")
    parser.add_argument("--clip-frames", type=int, default=1, metavar="T", help="consecutive frames of each clip")
    parser.add_argument("--side", type=int, default=192, metavar="PX", help="of the pictures")
    parser.add_argument("--part", default="0/1", metavar="I/N", help="write every N-th shard from the I-th")
    a = parser.parse_args()
    i, _, n = a.part.partition("/")
    console = Console(stderr=True)
    if not (i.isdecimal() and n.isdecimal() and int(i) < int(n)):
        parser.error("--part is I/N with I from 0 to N - 1")
    if min(a.count, a.clip_frames) < 1 or a.seed < 0 or not 32 <= a.side <= 2048:
        parser.error("counts are 1 or more, the seed 0 or more, the side 32 to 2048")
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    try:
        with Progress(*columns, console=console) as progress:
            task = progress.add_task(f"{a.split} pictures", total=None)
            for done, everything in make_shards(
                a.out,
                count=a.count,
                seed=a.seed,
                bvh=a.bvh,
                split=a.split,
                frames=a.clip_frames,
                side=a.side,
                part=(int(i), int(n)),
            ):
                progress.update(task, completed=done, total=everything)
    except EgoposeError as error:
        console.print(f"error: {error}", markup=False, soft_wrap=True)
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
