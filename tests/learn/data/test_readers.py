"""Each data set, written small in its own format and read back."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from calib.canonical import canonical_uv
from engine.learn.data import egopw, mo2cap2, sceneego, sessions, unrealego
from engine.learn.data.findings import Findings
from engine.learn.data.opening import Reader
from engine.learn.data.sequence import Sequence
from engine.learn.wearer.motion import ACTIONS
from tests.learn.data import making

SIDE = 128


def read(reader: object, path: Path) -> tuple[Sequence, Findings]:
    findings = Findings()
    assert isinstance(reader, object)
    known: Reader = reader  # type: ignore[assignment]
    assert known.recognise(path)
    sequence = known.read(path, findings)
    assert sequence is not None, [str(f) for f in findings.found]
    return sequence, findings


SOURCES: dict[str, tuple[object, str, Callable[[Path], np.ndarray]]] = {
    "EgoPW": (egopw, "subject/seq", making.write_egopw),
    "SceneEgo": (sceneego, "jian1", making.write_sceneego),
    "Mo2Cap2 training": (mo2cap2, "mo2cap2.hdf5", making.write_mo2cap2_train),
    "Mo2Cap2 test": (mo2cap2, "olek_outdoor", making.write_mo2cap2_test),
    "UnrealEgo": (unrealego, "motion", making.write_unrealego),
    "session": (sessions, "a.mcap", making.write_session),
}


def made(kind: str, tmp_path: Path) -> tuple[Sequence, np.ndarray, Findings]:
    reader, name, write = SOURCES[kind]
    path = tmp_path / name
    (path if not path.suffix else path.parent).mkdir(parents=True, exist_ok=True)
    joints = write(path)
    return *read(reader, path), joints  # type: ignore[return-value]


@pytest.mark.parametrize("kind", SOURCES)
def test_the_canonical_picture_shows_the_joint_where_the_truth_says(kind: str, tmp_path: Path) -> None:
    sequence, findings, joints = made(kind, tmp_path)  # type: ignore[misc]
    assert not findings.errors
    close = 0.012 if kind == "UnrealEgo" else 1e-5
    for i in range(len(sequence)):
        shown = making.centroid(sequence.picture(i, SIDE))
        expected = canonical_uv(joints[i].astype(np.float64))[0]
        assert np.abs(shown - expected[3]).max() < 0.01
        if sequence.known[i]:
            assert np.abs(sequence.joints_m[i] - joints[i]).max() < close
            assert np.abs(sequence.uv[i] - expected).max() < 2e-3
            assert sequence.visible[i].all() or sequence.hidden_known
        else:
            assert np.isnan(sequence.joints_m[i]).all()
    sent = pickle.loads(pickle.dumps(sequence))
    assert np.array_equal(sent.picture(0, SIDE), sequence.picture(0, SIDE))
    assert sequence.pictures.name(1)


CLIPS = {
    "EgoPW": [0, 0, 0, 1, 1],
    "SceneEgo": [0, 0, 0, 0, 0],
    "Mo2Cap2 training": [0, 1, 2],
    "Mo2Cap2 test": [0, 0, 0, 1],
    "UnrealEgo": [0, 0, 0],
    "session": [0, 0, 0, 1, 1],
}
UNKNOWN = {"SceneEgo": [2], "session": [2]}


@pytest.mark.parametrize("kind", SOURCES)
def test_gaps_stay_gaps_and_unknown_poses_stay_in_their_place(kind: str, tmp_path: Path) -> None:
    sequence, _, _ = made(kind, tmp_path)
    assert sequence.clip.tolist() == CLIPS[kind]
    assert np.flatnonzero(~sequence.known).tolist() == UNKNOWN.get(kind, [])
    assert sum(span.stop - span.scored for span in sequence.cover(2)) == len(sequence)


def test_a_session_keeps_what_is_hidden_and_what_is_done(tmp_path: Path) -> None:
    sequence, _, _ = made("session", tmp_path)
    assert sequence.hidden_known
    assert sequence.visible[0].tolist() == [i % 2 == 0 for i in range(15)]
    assert sequence.action.tolist() == [ACTIONS.index("walk")] * 2 + [-1] + [ACTIONS.index("walk")] * 2
    assert np.allclose(sequence.time_s, [0, 0.04, 0.08, 0.16, 0.2])


def test_egopw_keeps_pixels_where_a_pose_is_not_known(tmp_path: Path) -> None:
    folder = tmp_path / "ayush" / "seq"
    making.write_egopw(folder, records={1: {"optimized_local_pose": np.full((15, 3), np.nan)}})
    sequence, findings = read(egopw, folder)
    assert np.isnan(sequence.joints_m[1]).all()
    assert np.isfinite(sequence.uv[1]).all()
    assert not findings.errors
    assert set(sequence.subject) == {"ayush"}
    assert sequence.windows(2, 1, known=True).tolist() == [3]


@pytest.mark.parametrize("protocol", range(6))
def test_egopw_of_any_pickle_protocol(protocol: int, tmp_path: Path) -> None:
    joints = making.write_egopw(tmp_path / "seq", protocol=protocol)
    sequence, _ = read(egopw, tmp_path / "seq")
    assert np.allclose(sequence.joints_m, joints, atol=1e-6)


def test_the_wrong_lens_is_noticed(tmp_path: Path) -> None:
    making.write_egopw(tmp_path / "seq")
    making.save_camera(making.UNREALEGO_CAMERA, tmp_path / "camera.json")
    _, findings = read(egopw, tmp_path / "seq")
    assert "another camera" in findings.errors[0].what


def test_unrealego_says_that_it_needs_a_camera_and_counts_poses_that_do_not_fit(tmp_path: Path) -> None:
    making.write_unrealego(tmp_path / "motion")
    file = tmp_path / "motion" / unrealego.FOLDER / "frame_1.npy"
    values = np.load(file, allow_pickle=True).item()
    values["gt_local_pose"] = values["gt_local_pose"][::-1].copy()
    np.save(file, values)
    sequence, findings = read(unrealego, tmp_path / "motion")
    assert np.isnan(sequence.joints_m[1]).all()
    assert "1 of 3 poses do not fit" in findings.notes[0].what
    (tmp_path / "motion" / "camera.json").unlink()
    assert unrealego.read(tmp_path / "motion", findings) is None
    assert "needs the calibration" in findings.errors[0].what


def test_mo2cap2_poses_are_known_in_any_of_matlabs_orders(tmp_path: Path) -> None:
    from scipy.io import savemat  # noqa: PLC0415

    joints = making.write_mo2cap2_test(tmp_path / "olek_outdoor")
    for order in ((0, 2, 1), (2, 1, 0), (1, 2, 0)):
        savemat(
            tmp_path / "olek_outdoor" / "olek_outdoor_gt.mat",
            {"pose_gt": (joints * 1000).astype(float).transpose(order)},
        )
        sequence, _ = read(mo2cap2, tmp_path / "olek_outdoor")
        assert np.allclose(sequence.joints_m, joints, atol=1e-6)


def test_splits_are_those_of_the_data_sets(tmp_path: Path) -> None:
    assert egopw.in_split(tmp_path / "kripa_new" / "a", "test")
    assert not egopw.in_split(tmp_path / "kripa_new" / "a", "train")
    assert egopw.in_split(tmp_path / "mohamed" / "a", "train")
    assert not egopw.in_split(tmp_path / "mohamed" / "a", "validation")
    assert sceneego.in_split(tmp_path / "test" / "jian1", "test")
    assert not sceneego.in_split(tmp_path / "test" / "jian1", "train")
    assert sceneego.in_split(tmp_path / "train" / "pranay2", "train")
    assert not sceneego.in_split(tmp_path / "test" / "pranay2", "test")
    making.write_mo2cap2_train(tmp_path / "a.h5")
    assert mo2cap2.in_split(tmp_path / "a.h5", "train")
    assert mo2cap2.in_split(tmp_path, "test")
    assert not mo2cap2.in_split(tmp_path, "validation")
    motion = tmp_path / "Street" / "Day" / "walk" / unrealego.FOLDER
    motion.mkdir(parents=True)
    assert unrealego.in_split(motion.parent, "test")
    (tmp_path / "test.txt").write_text("UnrealEgoData\\Street\\Day\\walk\n")
    (tmp_path / "train.txt").write_text("UnrealEgoData\\Street\\Day\\run\n")
    assert unrealego.in_split(motion.parent, "test")
    assert not unrealego.in_split(motion.parent, "train")
