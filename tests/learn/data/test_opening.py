"""Any path to data, and a list of all that is wrong with it before anything is trained."""

from __future__ import annotations

import contextlib
import json
import pickle
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from app.cli import main
from engine.errors import EgoposeError
from engine.learn.data.opening import check_data, open_data, read_data
from tests.learn.data import making


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all kinds of data, in folders of their own."""
    root = tmp_path_factory.mktemp("original")
    making.write_egopw(root / "EgoPW" / "ayush_new" / "one")
    making.write_egopw(root / "EgoPW" / "mohamed" / "two")
    making.write_sceneego(root / "SceneEgo" / "test" / "jian1")
    making.write_sceneego(root / "SceneEgo" / "train" / "pranay2")
    (root / "Mo2Cap2").mkdir()
    making.write_mo2cap2_train(root / "Mo2Cap2" / "part.hdf5")
    making.write_mo2cap2_test(root / "Mo2Cap2" / "olek_outdoor")
    making.write_unrealego(root / "UnrealEgo" / "Street" / "walk")
    (root / "shards").mkdir()
    making.write_shard(root / "shards" / "train-0-00000.npz")
    making.write_session(root / "a.mcap")
    return root


@pytest.fixture
def everything(original: Path, tmp_path: Path) -> Path:
    """A copy that may be broken."""
    return shutil.copytree(original, tmp_path / "data")


def names(root: Path, split: str | None = None) -> list[str]:
    data = read_data([root], split)
    assert not data.findings.errors, [str(f) for f in data.findings.errors]
    return sorted(sequence.name for sequence in data.sequences)


def test_all_kinds_are_found_under_one_folder(everything: Path) -> None:
    training = ["a", "part", "pranay2", "train-0-00000", "two", "walk"]
    assert names(everything, "train") == training
    assert names(everything, "test") == ["a", "jian1", "olek_outdoor", "one", "walk"]
    assert len(names(everything)) == 9
    assert open_data([everything / "shards", everything / "a.mcap"]).frames == 17


def test_a_list_file_names_sequences(everything: Path) -> None:
    listed = everything / "test_egopw.txt"
    listed.write_text("EgoPW/ayush_new/one\n\nEgoPW/gone\nUnrealEgo/Street\nSceneEgo/nothing\n")
    (everything / "SceneEgo" / "nothing").mkdir()
    data = read_data([listed])
    assert [sequence.name for sequence in data.sequences] == ["one", "walk"]
    assert [str(f).removeprefix(str(everything)) for f in data.findings.errors] == [
        "/test_egopw.txt:3: EgoPW/gone is not there",
        "/test_egopw.txt:5: SceneEgo/nothing holds no sequence",
    ]
    listed.write_text("\n")
    assert "is empty" in read_data([listed]).findings.errors[0].what
    listed.write_bytes(b"\xff\xfe\x00")
    assert "no text" in read_data([listed]).findings.errors[0].what


def rewrite(path: Path, change: Callable[[list], object]) -> None:
    records = pickle.loads(path.read_bytes())
    changed = change(records)
    path.write_bytes(pickle.dumps(records if changed is None else changed))


def cut(path: Path, share: float = 0.5) -> None:
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def mo2cap2(root: Path, **changed: object) -> None:
    making.write_mo2cap2_train(root / "Mo2Cap2" / "part.hdf5", **changed)


E = "EgoPW/mohamed/two/"
S = "SceneEgo/train/pranay2/"
FAULTS: dict[str, tuple[Callable[[Path], object], str]] = {
    "truth cut off": (lambda d: cut(d / E / "pseudo_gt.pkl"), "pseudo_gt.pkl: is cut off"),
    "truth empty": (lambda d: (d / E / "pseudo_gt.pkl").write_bytes(b""), "pseudo_gt.pkl: is cut off or no pickle"),
    "truth runs code": (
        lambda d: (d / E / "pseudo_gt.pkl").write_bytes(b"cos\nsystem\n(S'echo'\ntR."),
        "pseudo_gt.pkl: wants to run os.system",
    ),
    "truth is no list": (lambda d: rewrite(d / E / "pseudo_gt.pkl", lambda r: {"a": 1}), "holds no list of frames"),
    "a pose of another size": (
        lambda d: rewrite(d / E / "pseudo_gt.pkl", lambda r: r[1].update(optimized_local_pose=np.ones((17, 3)))),
        "1 of 5 entries are damaged or double, the first 1",
    ),
    "a frame without a name": (lambda d: rewrite(d / E / "pseudo_gt.pkl", lambda r: r[3].clear()), "first 3"),
    "a frame that is there twice": (lambda d: rewrite(d / E / "pseudo_gt.pkl", lambda r: r.append(r[0])), "first 5"),
    "a picture cut off": (lambda d: cut(d / E / "imgs/img_000005.jpg"), "img_000005.jpg: is cut off"),
    "an empty picture": (lambda d: (d / E / "imgs/img_000005.jpg").write_bytes(b""), "img_000005.jpg: is empty"),
    "no pictures": (lambda d: shutil.rmtree(d / E / "imgs"), "none of its 5 pictures is there"),
    "millimetres": (
        lambda d: rewrite(d / S / "local_pose_gt.pkl", scaled(1000)),
        "in another unit",
    ),
    "no start": (lambda d: (d / S / "syn.json").unlink(), "syn.json: cannot be read"),
    "a start of another kind": (
        lambda d: (d / S / "syn.json").write_text(json.dumps({"ego": 1})),
        "syn.json: is damaged",
    ),
    "frames before the first": (
        lambda d: (d / S / "syn.json").write_text(json.dumps({"ego": 0, "ext": 100})),
        "5 of 5 entries are damaged",
    ),
    "hdf5 cut off": (lambda d: cut(d / "Mo2Cap2/part.hdf5"), "part.hdf5: is cut off or no HDF5"),
    "hdf5 lacks": (lambda d: mo2cap2(d, Annot2D=None), "lacks Annot2D"),
    "hdf5 of unequal parts": (
        lambda d: mo2cap2(d, Annot3D=np.zeros((2, 15, 3))),
        "Annot3D has 2 entries",
    ),
    "hdf5 of another size": (lambda d: mo2cap2(d, Images=np.zeros((3, 3, 64, 64), np.uint8)), "Images is"),
    "hdf5 with another lens": (lambda d: mo2cap2(d, Annot2D=np.full((3, 15, 2), 128.0)), "another camera"),
    "mat cut off": (lambda d: cut(d / "Mo2Cap2/olek_outdoor/olek_outdoor_gt.mat"), "olek_outdoor_gt.mat: is cut off"),
    "a picture too many": (
        lambda d: shutil.copy(d / E / "imgs/img_000005.jpg", d / "Mo2Cap2/olek_outdoor/imgs/img-99.jpg"),
        "holds 5 pictures and 4 poses",
    ),
    "npy cut off": (lambda d: cut(next(d.glob("UnrealEgo/**/frame_1.npy"))), "frame_1.npy: is cut off"),
    "npy lacks": (
        lambda d: np.save(next(d.glob("UnrealEgo/**/frame_1.npy")), {"a": 1}),  # type: ignore[arg-type]
        "lacks 'input_rgb_left'",
    ),
    "camera damaged": (lambda d: cut(d / "UnrealEgo/Street/walk/camera.json"), "camera.json"),
    "session cut off": (lambda d: cut(d / "a.mcap", 0.01), "a.mcap"),
    "shard cut off": (lambda d: cut(d / "shards/train-0-00000.npz"), "train-0-00000.npz: is cut off"),
}


def scaled(factor: float) -> Callable[[list], list]:
    """SceneEgo's records in another unit."""

    def change(records: list) -> list:
        return [r | {"ego_pose_gt": None if (pose := r["ego_pose_gt"]) is None else pose * factor} for r in records]

    return change


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_told_with_its_place(everything: Path, fault: str) -> None:
    break_it, said = FAULTS[fault]
    break_it(everything)
    errors = [str(finding) for finding in check_data([everything]).findings.errors]
    assert len(errors) == 1, errors
    assert said in errors[0]
    with pytest.raises(EgoposeError, match="must be mended"):
        open_data([everything])


def test_all_faults_are_told_at_once(everything: Path) -> None:
    for name in ("truth runs code", "hdf5 cut off", "no start", "npy cut off", "session cut off", "shard cut off"):
        FAULTS[name][0](everything)
    data = check_data([everything, everything / "gone"])
    assert len(data.findings.errors) == 7
    assert sorted(s.name for s in data.sequences) == ["jian1", "olek_outdoor", "one", "walk"]


FILES = (
    "EgoPW/mohamed/two/pseudo_gt.pkl",
    "EgoPW/mohamed/two/imgs/img_000005.jpg",
    "SceneEgo/train/pranay2/syn.json",
    "Mo2Cap2/part.hdf5",
    "Mo2Cap2/olek_outdoor/olek_outdoor_gt.mat",
    "UnrealEgo/Street/walk/camera.json",
    "UnrealEgo/Street/walk/all_data_with_img-256_hm-64_pose-16_npy/frame_1.npy",
    "shards/train-0-00000.npz",
    "a.mcap",
)


@pytest.mark.parametrize("name", FILES)
def test_damage_anywhere_is_told_or_does_no_harm(everything: Path, name: str) -> None:
    rng = np.random.default_rng(len(name))
    path = everything / name
    whole = path.read_bytes()
    for attempt in range(8):
        data = bytearray(whole)
        # The heads of files are where damage does most.
        reach = min(len(data), 4000) if attempt % 2 else len(data)
        for place in rng.integers(0, reach, 3):
            data[place : place + 8] = rng.bytes(8)
        path.write_bytes(data if attempt % 4 else data[: rng.integers(len(data))])
        for sequence in check_data([path.parent]).sequences:
            for index in range(len(sequence)):
                with contextlib.suppress(EgoposeError):
                    assert sequence.picture(index, 32).shape == (32, 32, 3)


def test_a_thorough_check_finds_what_only_decoding_shows(everything: Path) -> None:
    picture = everything / E / "imgs/img_000005.jpg"
    whole = picture.read_bytes()
    start = whole.index(b"\xff\xdb")  # The quantisation table, without which nothing can be decoded.
    picture.write_bytes(whole[:start] + b"\xff\xfe" + whole[start + 2 :])
    folder = everything / "EgoPW/mohamed"
    assert not check_data([folder]).findings.errors
    (found,) = check_data([folder], thorough=True).findings.errors
    assert "img_000005.jpg is damaged" in str(found)
    assert main(["datasets", "check", str(folder), "--thorough"]) == 2
    assert main(["datasets", "check", str(folder)]) == 0


def test_missing_pictures_are_a_gap_that_is_counted(everything: Path) -> None:
    (everything / E / "imgs/img_000005.jpg").unlink()
    data = check_data([everything / "EgoPW/mohamed"])
    assert not data.findings.errors
    assert data.sequences[0].clip.tolist() == [0, 1, 2, 2]
    assert "1 of 5 pictures are missing and left out, first imgs/img_000005.jpg" in str(data.findings.notes[0])


def test_a_folder_of_nothing_is_told(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert "no data of a kind that is known" in check_data([tmp_path / "empty"]).findings.errors[0].what
    making.write_shard(tmp_path / "train-0-00000.npz")
    with pytest.raises(EgoposeError, match=r"no frames in .* for test"):
        open_data([tmp_path / "train-0-00000.npz"], "test")


def test_the_command_tells_what_is_there_and_what_is_wrong(
    everything: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["datasets", "check", str(everything)]) == 0
    said = capsys.readouterr().out
    assert "EgoPW" in said
    assert [line.split()[2] for line in said.splitlines() if line.startswith("in all")] == ["9"]
    FAULTS["hdf5 cut off"][0](everything)
    FAULTS["a picture cut off"][0](everything)
    assert main(["datasets", "check", str(everything)]) == 2
    captured = capsys.readouterr()
    assert "part.hdf5: is cut off" in captured.out
    assert "img_000005.jpg: is cut off" in captured.out
    assert "2 faults" in captured.err
    assert "Traceback" not in captured.out + captured.err


def test_bones_of_no_person_are_told(everything: Path) -> None:
    rewrite(
        everything / S / "local_pose_gt.pkl",
        lambda records: [
            r | {"ego_pose_gt": None if r["ego_pose_gt"] is None else r["ego_pose_gt"] / 100} for r in records
        ],
    )
    (found,) = check_data([everything / S]).findings.errors
    assert "the unit is wrong" in found.what
