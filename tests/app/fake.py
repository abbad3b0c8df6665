"""A wearer made of arithmetic, and feeds that show it, fail, or are slow."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from functools import cache

import numpy as np

from app.body import CAMERA_TO_DISPLAY
from calib.calibration import Calibration
from calib.cv import cv2
from calib.formats import load_camera
from calib.remap import CanonicalView
from engine.capture.source import SourceInfo
from engine.live.tap import Taps
from engine.motion.settings import MotionSettings
from engine.skeleton import BONES, JOINT_COUNT, JOINTS
from engine.types import Figures, Frame, Percentiles, Pose, Snapshot, StreamState

SIZE = 640, 512
ACTIONS = ("stand", "walk", "reach_up", "type")

_STANDING = {  # metres in the display frame: right, forward, up from the camera
    "neck": (0.0, -0.10, -0.22),
    "right_shoulder": (0.17, -0.11, -0.26),
    "right_hip": (0.10, -0.12, -0.75),
}


def joints_at(seconds: float) -> np.ndarray:
    """(15, 3) metres in the camera's frame: a walk on the spot."""
    swing = np.sin(2 * np.pi * 0.8 * seconds)
    points: dict[str, tuple[float, float, float]] = {"neck": _STANDING["neck"]}
    for side, sign in (("right", 1.0), ("left", -1.0)):
        s = sign * swing
        x, y, z = _STANDING["right_shoulder"]
        points[f"{side}_shoulder"] = (sign * x, y, z)
        points[f"{side}_elbow"] = (sign * 0.24, y + 0.06 - 0.12 * s, z - 0.26)
        points[f"{side}_wrist"] = (sign * 0.22, y + 0.24 - 0.18 * s, z - 0.38 + 0.05 * s)
        x, y, z = _STANDING["right_hip"]
        lift = max(0.0, s) * 0.10
        points[f"{side}_hip"] = (sign * x, y, z)
        points[f"{side}_knee"] = (sign * 0.11, y + 0.06 + 0.16 * s, z - 0.42 + lift)
        points[f"{side}_ankle"] = (sign * 0.11, y + 0.20 * s, z - 0.82 + lift)
        points[f"{side}_foot"] = (sign * 0.12, y + 0.15 + 0.20 * s, z - 0.87 + lift)
    display = np.array([points[name] for name in JOINTS])
    return np.asarray(display @ CAMERA_TO_DISPLAY, np.float32)


@cache
def canonical_view(size: tuple[int, int] = SIZE) -> CanonicalView:
    """Of the SceneEgo camera."""
    return CanonicalView(load_camera("sceneego"), size)


def pose_at(seconds: float, seq: int = 0, view: CanonicalView | None = None) -> Pose:
    """The pose with peaks and heatmaps where the joints are."""
    view = view or canonical_view()
    joints = joints_at(seconds)
    uv_px = view.camera.model.project(joints.astype(float))[0]
    uv = view.from_picture(uv_px)
    uv_px = np.where(np.isfinite(uv), uv_px, np.nan)
    axis = (np.arange(64) + 0.5) / 64
    away = (axis[None, None, :] - uv[:, 0, None, None]) ** 2 + (axis[None, :, None] - uv[:, 1, None, None]) ** 2
    heatmaps = np.exp(np.nan_to_num(-away / (2 * 0.02**2), nan=-np.inf)).astype(np.float32)
    confidence = np.where(np.isfinite(uv_px[:, 0]), 0.9, 0.1).astype(np.float32)
    scores = np.array([0.1, 0.7, 0.1, 0.1], np.float32)
    return Pose(seq, int(seconds * 1e9), joints, confidence, uv_px.astype(np.float32), heatmaps, scores)


def image_at(seconds: float, view: CanonicalView | None = None) -> np.ndarray:
    """(H, W, 3) a room's floor through the fisheye, and the wearer's limbs on it."""
    view = view or canonical_view()
    width, height = view.size
    grid = np.stack(np.meshgrid(np.arange(width), np.arange(height)), -1).astype(float)
    bearing, valid = view.camera.model.unproject(grid)
    down = np.where(bearing[..., 2] > 0.05, bearing[..., 2], np.nan)
    floor = bearing[..., :2] / down[..., None] * 1.6
    tiles = (np.floor(floor[..., 0] / 0.6) + np.floor(floor[..., 1] / 0.6)) % 2
    far = np.exp(-np.nan_to_num(np.hypot(floor[..., 0], floor[..., 1]), nan=9.0) / 3)
    tone = np.where(np.isnan(tiles), 60, 96 + 26 * np.nan_to_num(tiles)) * (0.4 + 0.6 * far)
    picture = (tone[..., None] * np.array([0.82, 0.94, 1.05])).astype(np.uint8)
    picture[~valid | (bearing[..., 2] < -0.1)] = 0
    joints = joints_at(seconds).astype(float)
    uv = view.camera.model.project(joints)[0]
    for parent, child in BONES:
        if np.isfinite(uv[[parent, child]]).all():
            thick = max(2, int(0.055 * width / 2 / np.linalg.norm(joints[[parent, child]].mean(0))))
            ends = [tuple(np.round(uv[j]).astype(int).tolist()) for j in (parent, child)]
            cv2.line(picture, *ends, (104, 88, 74), thick, cv2.LINE_AA)
    return picture


def figures(state: StreamState = StreamState.STREAMING, message: str = "") -> Figures:
    """Plausible ones."""
    return Figures(
        state=state, message=message, source_fps=59.9, pose_fps=31.4, age_ms=Percentiles(48.2, 61.0, 70.0),
        stages_ms={}, produced=4210, processed=2200, overwritten=2010, runtime="PyTorch eager, CPU",
        network="small", actions=ACTIONS,
    )  # fmt: skip


def snapshot_at(seconds: float = 0.4, seq: int = 0, view: CanonicalView | None = None) -> Snapshot:
    """Frame and pose of one moment."""
    pose = pose_at(seconds, seq, view)
    return Snapshot(figures(), Frame(image_at(seconds, view), seq, pose.capture_ns, "fake"), pose)


def flat_snapshot(pose: Pose | None, grey: int = 60) -> Snapshot:
    """A plain grey picture, on which every painted pixel is the overlay's."""
    image = np.full((SIZE[1], SIZE[0], 3), grey, np.uint8)
    return Snapshot(figures(), Frame(image, 0, 0, "flat"), pose)


def bare_pose(uv: dict[int, tuple[float, float]], confidence: float = 1.0) -> Pose:
    """Some joints at given pixels, the others unseen; no heat."""
    uv_px = np.full((JOINT_COUNT, 2), np.nan, np.float32)
    for joint, point in uv.items():
        uv_px[joint] = point
    sure = np.full(JOINT_COUNT, confidence, np.float32)
    heat = np.zeros((JOINT_COUNT, 64, 64), np.float32)
    return Pose(0, 0, joints_at(0.0), sure, uv_px, heat, np.zeros(0, np.float32))


class FakeFeed:
    """Streams from a thread of its own, like the real one."""

    def __init__(self, title: str = "Fake wearer", assumed: bool = False, picture: Snapshot | None = None) -> None:
        self.title, self.assumed_camera, self.source_id = title, assumed, "fake:1"
        self.view: CanonicalView | None = canonical_view()
        self.current = picture or flat_snapshot(pose_at(0.0))
        self.looks = 0
        self.started, self.stopped = threading.Event(), threading.Event()
        self.failure: Exception | None = None
        self.delay_s = 0.0
        self.taps = Taps()
        self.recordable = True
        self.motion = MotionSettings()
        self._thread = threading.Thread(target=self.stopped.wait, name="fake feed")

    def start(self) -> None:
        self._thread.start()
        self.started.set()

    def snapshot(self) -> Snapshot:
        self.looks += 1
        if self.delay_s:
            time.sleep(self.delay_s)
        if self.failure is not None:
            raise self.failure
        return self.current

    def origin(self) -> tuple[SourceInfo, Calibration | None]:
        return SourceInfo(self.title, "fake:0", SIZE, 60.0, "", live=True, seekable=False), self.view.camera

    def stop(self) -> None:
        self.stopped.set()
        if self.started.is_set():
            self._thread.join()


class SlowOpener:
    """Opens when it is told to."""

    def __init__(self, make: Callable[[], FakeFeed] = FakeFeed) -> None:
        self.make = make
        self.entered, self.go_on = threading.Event(), threading.Event()
        self.made: list[FakeFeed] = []

    def __call__(self, spec: str) -> FakeFeed:
        self.entered.set()
        self.go_on.wait(20)
        self.made.append(self.make())
        return self.made[-1]
