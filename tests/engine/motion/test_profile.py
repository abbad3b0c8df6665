"""Profiles of wearers, on disk and from a height."""

from __future__ import annotations

import json
from dataclasses import astuple
from pathlib import Path

import numpy as np
import pytest

from engine.errors import EgoposeError
from engine.learn.wearer.body import load_body
from engine.motion import profile as profiles
from engine.motion.kinematics import BoneLengths
from engine.motion.profile import (
    NETWORK_BONE,
    NETWORK_SCALE,
    PEOPLE,
    PROPORTIONS,
    Profile,
    from_height,
    likely,
    load_profile,
    measured,
    profile_names,
    save_profile,
)
from engine.skeleton import JOINTS
from tests.engine.motion.bodies import SKELETON, standing


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(profiles, "user_config_dir", lambda name: str(tmp_path / name))
    return profiles.profiles_folder()


def test_proportions_are_those_of_the_bodies_the_networks_learned() -> None:
    body = load_body()
    joints = body.heads[:, body.joint_bones].astype(np.float64)
    height = np.ptp(body.vertices[..., 2], axis=1)
    at = {name: joints[:, i] for i, name in enumerate(JOINTS)}
    at["hips"] = (at["left_hip"] + at["right_hip"]) / 2
    pairs = [("left_hip", "right_hip"), ("hips", "neck"), ("neck", "left_shoulder"), ("left_shoulder", "left_elbow"),
             ("left_elbow", "left_wrist"), ("left_hip", "left_knee"), ("left_knee", "left_ankle"),
             ("left_ankle", "left_foot")]  # fmt: skip
    measured = [float((np.linalg.norm(at[a] - at[b], axis=-1) / height).mean()) for a, b in pairs]
    assert astuple(PROPORTIONS) == pytest.approx(measured, abs=2e-3)


def bodies() -> tuple[np.ndarray, np.ndarray]:
    """(48, 8) bone lengths and (48,) heights of all of the wearer's bodies, metres."""
    body = load_body()
    rest = body.heads[:, body.joint_bones]
    lengths = [astuple(measured(np.repeat(one[None], 15, 0)).lengths) for one in rest]
    return np.array(lengths), np.ptp(body.vertices[..., 2], axis=1)


def test_people_spread_about_the_proportions_as_told() -> None:
    lengths, heights = bodies()
    found = np.log(lengths / heights[:, None] / astuple(PROPORTIONS)).std(axis=0)
    assert found == pytest.approx(astuple(PEOPLE), abs=1e-3)


def test_what_is_likely_is_nearer_to_the_truth_than_what_a_network_measures() -> None:
    rng, (truth, heights) = np.random.default_rng(0), bodies()
    wrong = np.exp(rng.normal(0, NETWORK_SCALE, (48, 1)) + rng.normal(0, NETWORK_BONE, truth.shape))
    found = [Profile("a", 1.7, BoneLengths(*row)) for row in truth * wrong]

    def error(profiles: list[Profile]) -> float:
        return float(np.abs(np.array([astuple(one.lengths) for one in profiles]) - truth).mean())

    asked = [likely(one, height) for one, height in zip(found, heights, strict=True)]
    assert [one.height_m for one in asked] == list(heights)
    assert error(asked) < 0.6 * error(found)
    assert error(asked) < error([from_height(height) for height in heights]), "measuring tells more than the height"
    assert error([likely(one) for one in found]) < 0.95 * error(found)


def test_an_average_body_is_likely_and_one_of_no_size_is_not() -> None:
    average = from_height(profiles.DEFAULT_HEIGHT_M, "Ada")
    same = likely(average)
    assert same.name == "Ada"
    assert same.height_m == pytest.approx(average.height_m)
    assert astuple(same.lengths) == pytest.approx(astuple(average.lengths))
    tall = likely(from_height(2.0))
    assert 1.85 < tall.height_m < 2.0
    with pytest.raises(EgoposeError, match="is not a person's"):
        likely(average, 17.0)


def test_a_profile_comes_back_as_it_was_kept() -> None:
    kept = Profile("Ada L.", 1.68, from_height(1.7).lengths)
    assert save_profile(kept).is_file()
    save_profile(from_height(1.9, "bob"))
    assert profile_names() == ["Ada L.", "bob"]
    assert load_profile("Ada L.") == kept
    profiles.remove_profile("bob")
    assert profile_names() == ["Ada L."]


@pytest.mark.parametrize("name", ["", "..", "../evil", "a/b", ".hidden", "x" * 61, "a\nb", "a\0b"])
def test_names_that_are_no_file_names_are_refused(name: str) -> None:
    with pytest.raises(EgoposeError, match="is no name for a profile"):
        save_profile(from_height(1.7, name))


def test_a_profile_that_is_not_there_names_those_that_are() -> None:
    with pytest.raises(EgoposeError, match="add --height METRES to make one"):
        load_profile("carol")
    save_profile(from_height(1.7, "dave"))
    with pytest.raises(EgoposeError, match="there are: dave"):
        load_profile("carol")


def _broken(record: dict[str, object], **changes: object) -> str:
    return json.dumps(record | changes)


def test_damaged_files_are_told_in_one_line(folder: Path) -> None:
    path = save_profile(from_height(1.7, "eve"))
    record = json.loads(path.read_text())
    lengths = record["lengths_m"]
    damaged = [
        "", "[]", "{", "[" * 100_000, "null", " " * (1 << 17), path.read_text()[:-20],
        _broken(record, version=2), _broken(record, height_m=17), _broken(record, height_m=True),
        _broken(record, height_m="1.7"), _broken(record, lengths_m=None), _broken(record, lengths_m={}),
        _broken(record, lengths_m=lengths | {"trunk": 0}), _broken(record, lengths_m=lengths | {"foot": float("nan")}),
    ]  # fmt: skip
    for text in damaged:
        path.write_text(text)
        with pytest.raises(EgoposeError, match="is damaged") as caught:
            load_profile("eve")
        assert "\n" not in str(caught.value)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(EgoposeError, match="is damaged"):
        load_profile("eve")


@pytest.mark.parametrize("height", [0.5, 3.0, float("nan"), float("inf"), -1.7])
def test_heights_that_nobody_has_are_refused(height: float) -> None:
    with pytest.raises(EgoposeError, match="is not a person's"):
        from_height(height)


def still(frames: int = 60, noise: float = 0.0) -> np.ndarray:
    return standing() + np.random.default_rng(0).normal(0, noise, (frames, 15, 3))


def test_a_wearer_who_stands_still_is_measured() -> None:
    exact = measured(still())
    assert astuple(exact.lengths) == pytest.approx(astuple(SKELETON.lengths))
    assert exact.height_m == pytest.approx(1.75)
    noisy = measured(still(90, 0.01), name="ann")
    assert noisy.name == "ann"
    assert astuple(noisy.lengths) == pytest.approx(astuple(SKELETON.lengths), abs=3e-3)


def test_outliers_and_what_is_missing_do_not_count() -> None:
    points, confidence = still(60, 0.002), np.ones((60, 15))
    points[:10, JOINTS.index("left_wrist")] += 1.0
    points[5:20] = np.nan
    points[20:50, JOINTS.index("right_foot")] *= 3
    confidence[20:50, JOINTS.index("right_foot")] = 0.01
    found = measured(points, confidence)
    assert astuple(found.lengths) == pytest.approx(astuple(SKELETON.lengths), abs=3e-3)


def test_left_and_right_are_averaged_and_one_side_is_enough() -> None:
    points = still()
    points[:, JOINTS.index("left_wrist")] += (points[:, 6] - points[:, 5]) * 0.2
    assert measured(points).lengths.lower_arm == pytest.approx(1.1 * SKELETON.lengths.lower_arm)
    points[:, JOINTS.index("left_wrist")] = np.nan
    assert measured(points).lengths.lower_arm == pytest.approx(SKELETON.lengths.lower_arm)


def test_a_height_that_is_given_scales_every_bone() -> None:
    found = measured(still(), height_m=1.80)
    assert found.height_m == 1.80
    assert astuple(found.lengths) == pytest.approx([1.80 / 1.75 * length for length in astuple(SKELETON.lengths)])


def test_who_cannot_be_measured_is_told_what_to_do() -> None:
    with pytest.raises(EgoposeError, match="not seen for long enough; stand still"):
        measured(still(10))
    with pytest.raises(EgoposeError, match="not seen for long enough"):
        measured(np.zeros((0, 15, 3)))
    moving = still()
    moving[::2, JOINTS.index("left_knee")] += [0, 0.3, 0]
    with pytest.raises(EgoposeError, match=r"the left knee changed by \d+%; stand still"):
        measured(moving)
    with pytest.raises(EgoposeError, match="not a person's"):
        measured(still(), height_m=17)
    with pytest.raises(EgoposeError, match="of a body of"):
        measured(still() * 3)
