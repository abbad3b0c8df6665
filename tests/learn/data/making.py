"""Small data in exactly the formats that the readers read."""

from __future__ import annotations

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from calib.calibration import Calibration
from calib.canonical import canonical_uv
from calib.formats import load_camera, save_camera
from calib.models.kannala_brandt import KannalaBrandt
from calib.remap import fit_camera
from engine.capture.picture import encode_jpeg
from engine.learn.data.findings import Findings
from engine.learn.data.opening import read_data
from engine.learn.data.sequence import Sequence
from engine.learn.data.shards import read
from engine.session.writer import SessionWriter
from engine.types import Frame, Truth

SIDE = 64


def poses(count: int, seed: int = 0) -> np.ndarray:
    """(N, 15, 3) float32 metres, all in the picture of any of the cameras."""
    rng = np.random.default_rng(seed)
    return rng.uniform(-0.25, 0.25, (count, 15, 3)).astype(np.float32) + np.array([0, 0, 0.6], np.float32)


def disc(uv: np.ndarray, side: int = SIDE) -> np.ndarray:
    """(side, side, 3) with one bright disc at canonical uv."""
    v, u = np.mgrid[:side, :side]
    distance = np.hypot((u + 0.5) / side - uv[0], (v + 0.5) / side - uv[1]) * side
    return np.repeat((255 * np.exp(-(distance**2) / 8)).astype(np.uint8)[..., None], 3, -1)


def centroid(picture: np.ndarray) -> np.ndarray:
    """Canonical uv of what is bright in a square picture."""
    side = len(picture)
    weights = picture[..., 0].astype(float) ** 2
    v, u = np.mgrid[:side, :side]
    return np.array([((u + 0.5) * weights).sum(), ((v + 0.5) * weights).sum()]) / weights.sum() / side


def shard_arrays(count: int = 12, per_clip: int = 4, seed: int = 0) -> dict[str, np.ndarray]:
    """A shard whose pictures show a disc at joint 3."""
    joints = poses(count, seed)
    uv = canonical_uv(joints.astype(np.float64))[0].astype(np.float32)
    return {
        "image": np.stack([disc(place[3]) for place in uv]),
        "joints_m": joints,
        "uv": uv,
        "visible": np.random.default_rng(seed).random((count, 15)) < 0.8,
        "action": (np.arange(count) % 5).astype(np.uint8),
        "clip": (np.arange(count) // per_clip).astype(np.int32),
        "time_s": (np.arange(count) % per_clip / 30).astype(np.float32),
        "subject": np.array(["14"] * count),
        "motion": np.array(["14_01"] * count),
    }


def write_shard(path: Path, arrays: dict[str, np.ndarray] | None = None) -> Path:
    np.savez(path, **(arrays or shard_arrays()))  # type: ignore[arg-type]
    return path


def shard(path: Path, **options: int) -> Sequence:
    """A shard written and read back."""
    findings = Findings()
    sequence = read(write_shard(path, shard_arrays(**options)), findings)
    assert sequence is not None, findings.found
    return sequence


def photograph(camera: Calibration, joints: np.ndarray, size: tuple[int, int], joint: int = 3) -> np.ndarray:
    """(H, W, 3) BGR with a bright disc where the camera sees one joint."""
    fitted = fit_camera(camera, size)
    (u, v), _ = fitted.model.project(joints[joint].astype(np.float64))
    y, x = np.mgrid[: size[1], : size[0]]
    bright = 255 * np.exp(-((x - u) ** 2 + (y - v) ** 2) / (2 * (size[1] / 40) ** 2))
    return np.repeat(bright.astype(np.uint8)[..., None], 3, -1)


def write_pictures(folder: Path, camera: str, joints: np.ndarray, names: list[str]) -> None:
    """Small pictures of the camera's shape: 320 x 256."""
    folder.mkdir(parents=True, exist_ok=True)
    for pose, name in zip(joints, names, strict=True):
        (folder / name).write_bytes(encode_jpeg(photograph(load_camera(camera), pose, (320, 256)), 95))


def pixels_of(camera: str, joints: np.ndarray) -> np.ndarray:
    return load_camera(camera).model.project(joints.astype(np.float64))[0].astype(np.float32)


def write_egopw(folder: Path, numbers: tuple[int, ...] = (4, 5, 6, 8, 9), **changed: Any) -> np.ndarray:
    """A sequence as EgoPW has it, frame 7 missing; the poses."""
    joints = poses(len(numbers), 2)
    names = [f"img_{n:06d}.jpg" for n in numbers]
    write_pictures(folder / "imgs", "egopw", joints, names)
    records = [
        {"image_name": name, "joints_2d": pixels.astype(float), "optimized_local_pose": pose.astype(float)}
        for name, pixels, pose in zip(names, pixels_of("egopw", joints), joints, strict=True)
    ]
    for place, change in changed.get("records", {}).items():
        records[place] |= change
    (folder / "pseudo_gt.pkl").write_bytes(pickle.dumps(records, protocol=changed.get("protocol", 4)))
    return joints


def write_sceneego(folder: Path, *, ego: int = 120, ext: int = 40, count: int = 5) -> np.ndarray:
    """A sequence as SceneEgo has it, the pose of its third frame None; the poses."""
    joints = poses(count, 3)
    write_pictures(folder / "imgs", "sceneego", joints, [f"img_{ego + 2 + i:06d}.jpg" for i in range(count)])
    (folder / "syn.json").write_text(json.dumps({"ego": ego, "ext": ext}))
    records = [{"ext_id": ext + 2 + i, "ego_pose_gt": None if i == 2 else joints[i]} for i in range(count)]
    (folder / "local_pose_gt.pkl").write_bytes(pickle.dumps(records))
    return joints


def write_mo2cap2_train(path: Path, count: int = 3, **changed: Any) -> np.ndarray:
    import h5py  # noqa: PLC0415

    joints = poses(count, 4)
    camera = fit_camera(load_camera("egopw"), (256, 256))
    images = np.stack([photograph(load_camera("egopw"), pose, (256, 256)) for pose in joints])
    pixels = camera.model.project(joints.astype(np.float64))[0]
    arrays = {
        "Images": images[..., ::-1].transpose(0, 3, 1, 2),
        "Annot2D": pixels.astype(np.float32),
        "Annot3D": joints * 1000,
    } | changed
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            if array is not None:
                file[name] = array
    return joints


def write_mo2cap2_test(folder: Path, count: int = 4) -> np.ndarray:
    from scipy.io import savemat  # noqa: PLC0415

    joints = poses(count, 5)
    write_pictures(folder / "imgs", "egopw", joints, [f"img-{i:05d}.jpg" for i in (7, 8, 9, 11)[:count]])
    savemat(folder / "olek_outdoor_gt.mat", {"pose_gt": joints.astype(float) * 1000})
    return joints


UNREALEGO_CAMERA = Calibration("glasses", KannalaBrandt([320, 320, 512, 512, 0.0, 0.0, 0.0, 0.0]), (1024, 1024), 1.6)
UNREALEGO_ORDER = (1, 3, 5, 7, 2, 4, 6, 9, 11, 13, 15, 8, 10, 12, 14)


def write_unrealego(folder: Path, count: int = 3) -> np.ndarray:
    """A motion as UnrealEgo's prepared files have it: the poses about the pelvis, so that their place is lost."""
    joints = poses(count, 6)
    camera = fit_camera(UNREALEGO_CAMERA, (256, 256))
    files = folder / "all_data_with_img-256_hm-64_pose-16_npy"
    files.mkdir(parents=True)
    save_camera(UNREALEGO_CAMERA, folder / "camera.json")
    grid = np.arange(64) + 0.5
    for i, pose in enumerate(joints):
        rgb = photograph(UNREALEGO_CAMERA, pose, (256, 256))[..., ::-1] / 255
        normal = ((rgb - [0.485, 0.456, 0.406]) / [0.229, 0.224, 0.225]).transpose(2, 0, 1).astype(np.float32)
        cells = (camera.model.project(pose.astype(np.float64))[0] + 0.5) / 4
        across, down = (np.exp(-((grid - cells[:, k : k + 1]) ** 2) / 2) for k in (0, 1))
        maps, whole = np.zeros((15, 64, 64), np.float32), np.zeros((16, 3), np.float32)
        pelvis = (pose[7] + pose[11]) / 2
        for ours, theirs in enumerate(UNREALEGO_ORDER):
            maps[theirs - 1] = down[ours][:, None] * across[ours]
            whole[theirs] = (pose[ours] - pelvis) * 100
        values = {"input_rgb_left": normal, "gt_heatmap_left": maps, "gt_local_pose": whole}
        np.save(files / f"frame_{i}.npy", values, allow_pickle=True)  # type: ignore[arg-type]
    return joints


def write_session(path: Path, count: int = 5) -> np.ndarray:
    """A session whose third frame has no truth and whose fourth number was dropped."""
    joints, camera = poses(count, 7), load_camera("sceneego")
    with SessionWriter(path, camera) as writer:
        for i in range(count):
            seq = i + (i >= 3)
            truth = None if i == 2 else Truth(joints[i], np.arange(15) % 2 == 0, "walk")
            image = photograph(camera, joints[i], (320, 256))
            writer.add(Frame(image, seq, 10**9 + seq * 40_000_000, "made", truth=truth))
    return joints


def read_all(*paths: Path) -> list[Sequence]:
    """Everything at these paths, which must be without a fault."""
    data = read_data(paths)
    assert not data.findings.errors, [str(f) for f in data.findings.errors]
    return data.sequences
