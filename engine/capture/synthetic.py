"""A camera that does not exist: the synthetic wearer as a source of frames with exact truth."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from calib.calibration import Calibration
from calib.errors import CalibrationError
from calib.formats import load_camera
from calib.remap import fit_camera
from engine.capture.source import Source, SourceInfo
from engine.errors import EgoposeError
from engine.learn.wearer.activities import ACTIVITIES, made_motion
from engine.learn.wearer.blend import joined, resampled
from engine.learn.wearer.body import SPLITS, Body, load_body
from engine.learn.wearer.bvh import load_bvh
from engine.learn.wearer.lens import lens_of
from engine.learn.wearer.motion import ACTIONS, Motion, load_motions, motion_from_bvh
from engine.learn.wearer.mount import cameras
from engine.learn.wearer.mounts import MountRange, sample_mount
from engine.learn.wearer.render import Renderer
from engine.learn.wearer.scene import Look, Mount
from engine.learn.wearer.take import Take, collides, film, make_take, seen_joints
from engine.types import Frame, Truth

CHAPTER_S = 40.0
"""After this long another person comes, in another room."""
BLEND_S = 0.7
"""One activity goes over into the next in this time."""
STILL_S = 6.0
"""So long whoever comes stands still: time to be measured."""

_DEMO = ("gesture", "reach", "squat", "walk", "wave", "knees", "before_face", "turn", "stand", "reach")
_DEMO_SHAPE = 43
"""One that training never sees."""
_TRIES = 100


class SyntheticWearer(Source):
    """A rendered person with a camera on the head: endless, or `frames` long; the same seed gives the same frames.

    Motion is made in code, or comes from `bvh`, a BVH file or a folder of them. Most who come stand still at first;
    `motion`, one of `ACTIVITIES`, is all that they do. `mount` tells how the camera sits on the head. `look` "demo"
    shows one person in a sunlit room. `capture_ns` and `device_ns` are the media time. Read from the thread that
    opened it.
    Raises EgoposeError, from here and from `open`, where a file cannot be used or there is no OpenGL.
    """

    def __init__(
        self,
        seed: int = 0,
        size: tuple[int, int] | None = None,
        fps: float = 30.0,
        frames: int | None = None,
        *,
        camera: str | Path | Calibration = "sceneego",
        bvh: Path | None = None,
        motion: str = "",
        mount: MountRange | None = None,
        look: Look = "varied",
    ) -> None:
        if seed < 0:
            raise EgoposeError(f"a seed of {seed} cannot be: give 0 or more")
        if not 1 <= fps <= 1000:
            raise EgoposeError(f"{fps:g} frames a second cannot be made: give 1 to 1000")
        if size is not None and (min(size) < 32 or max(size) > 4096):
            raise EgoposeError(f"pictures of {size[0]}x{size[1]} cannot be made: give sides of 32 to 4096")
        if motion and motion not in ACTIVITIES:
            raise EgoposeError(f"the synthetic wearer cannot {motion!r}; it can: {', '.join(ACTIVITIES)}")
        if motion and bvh is not None:
            raise EgoposeError(f"the motion is {motion!r} or that of {bvh}: leave one of them away")
        try:
            found = camera if isinstance(camera, Calibration) else load_camera(camera)
        except CalibrationError as error:
            raise EgoposeError(str(error)) from error
        half = (found.size[0] // 2, found.size[1] // 2)
        self._calibration = fit_camera(found, size or half)
        self._lens = lens_of(self._calibration)
        self._seed, self._fps, self._frames, self._look = seed, fps, frames, look
        self._bvh, self._motion, self._mount = bvh, motion, mount
        self._motions: list[Motion] = []
        self._lock = threading.Lock()
        self._renderer: Renderer | None = None
        self._take: Take | None = None
        self._next = self._chapter = self._first = 0

    @property
    def info(self) -> SourceInfo:
        width, height = self._calibration.size
        return SourceInfo(
            name="synthetic wearer",
            source_id=f"synthetic:{self._look}:{self._seed}:{width}x{height}",
            size=self._calibration.size,
            fps=self._fps,
            clock="media",
            live=False,
            seekable=False,
            frame_count=self._frames,
            calibration=self._calibration,
        )

    def open(self) -> None:
        with self._lock:
            if self._renderer is not None:
                return
            if self._bvh is not None:
                found = load_motions(self._bvh) if self._bvh.is_dir() else [_single(self._bvh)]
                self._motions = [m for m in (resampled(m, self._fps) for m in found) if len(m) >= 2]
                if not self._motions:
                    raise EgoposeError(f"{self._bvh}: no motion in it is two frames long; give a longer one")
            # A live camera must be quick; a demo is drawn once and looked at often.
            self._renderer = Renderer(self._lens, 1.5 if self._look == "demo" else 1.0, load_body())
            self._take = None
            self._next = self._chapter = self._first = 0

    def read(self) -> Frame | None:
        with self._lock:
            if self._renderer is None or (self._frames is not None and self._next >= self._frames):
                return None
            if self._take is None or self._next - self._first >= len(self._take):
                self._first = self._next
                self._take = self._new_take()
                self._chapter += 1
            seq, frame = self._next, self._next - self._first
            take = self._take
            image, visible = film(take, frame, self._renderer, np.random.default_rng([self._seed, 1, seq]))
            self._next += 1
            time_ns = round(seq * 1e9 / self._fps)
            return Frame(
                image=np.ascontiguousarray(image[..., ::-1]),
                seq=seq,
                capture_ns=time_ns,
                source_id=self.info.source_id,
                device_ns=time_ns,
                device_clock="media",
                truth=Truth(take.joints_m[frame], visible, ACTIONS[take.motion.actions[frame]]),
            )

    def close(self) -> None:
        with self._lock:
            if self._renderer is not None:
                self._renderer.close()
                self._renderer = None

    def _new_take(self) -> Take:
        """The next chapter, in which no hand comes to the lens."""
        assert self._renderer is not None
        body = self._renderer.body
        rng = np.random.default_rng([self._seed, 0, self._chapter])
        for _ in range(_TRIES):
            shape = _DEMO_SHAPE if self._look == "demo" else int(rng.integers(SPLITS["test"][1]))
            mount = sample_mount(rng, self._look, self._mount)
            motion = self._new_motion(rng, body, shape, mount)
            take = make_take(rng, body, motion, shape, mount=mount, look=self._look)
            if not take.collides():
                return take
        raise EgoposeError("in all of the motion a hand is at the lens; give other BVH files")

    def _new_motion(self, rng: np.random.Generator, body: Body, shape: int, mount: Mount) -> Motion:
        if self._motions:
            return self._motions[int(rng.integers(len(self._motions)))]
        parts = []
        for name, seconds in self._plan(rng):
            for _ in range(_TRIES):
                part = made_motion(rng, seconds + BLEND_S, name, self._fps)
                posed = body.pose(part, shape)
                if not collides(seen_joints(body, posed, cameras(body, posed, shape, mount))):
                    break
            parts.append(part)
        return joined(parts, BLEND_S)

    def _plan(self, rng: np.random.Generator) -> list[tuple[str, float]]:
        """The activities of a chapter, and for how many seconds each."""
        if self._motion:
            return [(self._motion, CHAPTER_S)]
        if self._look == "demo":
            return [(name, CHAPTER_S / len(_DEMO)) for name in _DEMO]
        if rng.random() < 0.2:
            return [("sit", CHAPTER_S)]
        # A chair would stand in the way of those who also walk.
        names = rng.choice([name for name in ACTIVITIES if name not in ("sit", "still")], 8)
        rest_s = (CHAPTER_S - STILL_S) / len(names)
        return [("still", STILL_S), *((str(name), rest_s) for name in names)]


def _single(path: Path) -> Motion:
    return motion_from_bvh(load_bvh(path, 1 / 60), path.stem, "", "other")
