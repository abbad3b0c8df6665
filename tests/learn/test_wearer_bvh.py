"""BVH files: read exactly, refused in one line where broken, retargeted without loss of direction."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from engine.errors import EgoposeError
from engine.learn.wearer.body import load_body
from engine.learn.wearer.bvh import load_bvh
from engine.learn.wearer.motion import ACTIONS, PART_INDEX, SEGMENTS, load_motions, motion_from_bvh

CHAIN = """HIERARCHY
ROOT hip
{
  OFFSET 1 2 3
  CHANNELS 6 Xposition Yposition Zposition Zrotation Xrotation Yrotation
  JOINT knee
  {
    OFFSET 0 -4 0
    CHANNELS 3 Zrotation Xrotation Yrotation
    End Site
    {
      OFFSET 0 -3 0
    }
  }
}
MOTION
Frames: 3
Frame Time: 0.01
0 0 0 0 0 0 0 0 0
10 20 30 90 0 0 0 90 0
1 1 1 10 20 30 40 50 60
"""

_TREE = {
    "hip": ("", (0, 0, 0)),
    "abdomen": ("hip", (0, 20, 0)),
    "chest": ("abdomen", (0, 12, 0)),
    "neck": ("chest", (0, 22, 0)),
    "head": ("neck", (0, 7, 0)),
}
for _s, _x in (("r", -1), ("l", 1)):
    _TREE |= {
        f"{_s}Collar": ("chest", (3 * _x, 19, 0)),
        f"{_s}Shldr": (f"{_s}Collar", (9 * _x, -2, 1)),
        f"{_s}ForeArm": (f"{_s}Shldr", (28 * _x, -2, 1)),
        f"{_s}Hand": (f"{_s}ForeArm", (22 * _x, 1, 7)),
        f"{_s}Thigh": ("hip", (9 * _x, -4, 0)),
        f"{_s}Shin": (f"{_s}Thigh", (1 * _x, -41, 2)),
        f"{_s}Foot": (f"{_s}Shin", (0, -40, -3)),
    }


def person_bvh(rows: np.ndarray, rename: dict[str, str] | None = None, dt: float = 1 / 30) -> str:
    """A person's file with these (T, 6 + 3 * 18) values."""
    lines = ["HIERARCHY"]

    def write(name: str, depth: int) -> None:
        pad = "  " * depth
        shown = (rename or {}).get(name, name)
        lines.append(f"{pad}{'JOINT' if depth else 'ROOT'} {shown}")
        lines.extend([pad + "{", f"{pad}  OFFSET {' '.join(map(str, _TREE[name][1]))}"])
        turns = "Zrotation Xrotation Yrotation"
        lines.append(f"{pad}  CHANNELS " + (f"3 {turns}" if depth else f"6 Xposition Yposition Zposition {turns}"))
        children = [child for child, (parent, _) in _TREE.items() if parent == name]
        for child in children:
            write(child, depth + 1)
        if not children:
            lines.extend([f"{pad}  End Site", pad + "  {", f"{pad}    OFFSET 0 1 0", pad + "  }"])
        lines.append(pad + "}")

    write("hip", 0)
    body = [" ".join(f"{value:.9g}" for value in row) for row in rows]
    return "\n".join([*lines, "MOTION", f"Frames: {len(rows)}", f"Frame Time: {dt}", *body]) + "\n"


def random_rows(frames: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    return np.hstack([rng.normal(90, 5, (frames, 3)), rng.uniform(-40, 40, (frames, 3 * len(_TREE)))])


def saved(tmp_path: Path, text: str, name: str = "a.bvh") -> Path:
    path = tmp_path / name
    path.write_text(text)
    return path


def test_reads_positions_and_rotations_exactly(tmp_path: Path) -> None:
    bvh = load_bvh(saved(tmp_path, CHAIN))
    assert bvh.names == ("hip", "knee", "knee_end")
    assert bvh.parents == (-1, 0, 1)
    positions, rotations = bvh.forward()
    np.testing.assert_allclose(positions[0], [[1, 2, 3], [1, -2, 3], [1, -5, 3]], atol=1e-12)
    # The root turns by 90 degrees about z: down becomes +x. The knee then bends about its own x.
    np.testing.assert_allclose(positions[1], [[11, 22, 33], [15, 22, 33], [15, 22, 30]], atol=1e-12)
    hip = Rotation.from_euler("ZXY", [10, 20, 30], degrees=True).as_matrix()
    knee = hip @ Rotation.from_euler("ZXY", [40, 50, 60], degrees=True).as_matrix()
    np.testing.assert_allclose(rotations[2, :2], [hip, knee], atol=1e-12)
    np.testing.assert_allclose(positions[2, 2], positions[2, 0] + hip @ [0, -4, 0] + knee @ [0, -3, 0], atol=1e-12)


def test_thins_frames(tmp_path: Path) -> None:
    bvh = load_bvh(saved(tmp_path, CHAIN), dt_s=0.02)
    assert bvh.dt_s == pytest.approx(0.02)
    np.testing.assert_array_equal(bvh.values[:, 0], [0, 1])


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("HIERARCHY", "HIERARCHIE", 1),
        ("OFFSET 1 2 3", "OFFSET 1 2", 4),
        ("OFFSET 0 -4 0", "OFFSET 0 nan 0", 8),
        ("OFFSET 0 -4 0", "OFFSET 0 four 0", 8),
        ("CHANNELS 3", "CHANNELS 4", 9),
        ("CHANNELS 3 Zrotation Xrotation Yrotation", "CHANNELS 3 Zrotation Zrotation Yrotation", 9),
        ("ROOT hip\n{", "ROOT hip\n", 4),
        ("  JOINT knee", "  ROOT knee", 6),
        ("Frames: 3", "Frames: -3", 17),
        ("Frames: 3", "Frames: 999999999999", 17),
        ("Frames: 3", "Frames: 900000", 18),
        ("Frame Time: 0.01", "Frame Time: 0", 18),
        ("Frame Time: 0.01", "Frame Time: inf", 18),
        ("10 20 30 90", "20 30 90", 20),
        ("10 20 30 90", "1e999 20 30 90", 20),
        ("MOTION", "MOTION MOTION", 16),
    ],
)
def test_names_file_and_line_of_a_fault(tmp_path: Path, old: str, new: str, line: int) -> None:
    path = saved(tmp_path, CHAIN.replace(old, new, 1))
    with pytest.raises(EgoposeError) as raised:
        load_bvh(path)
    assert str(raised.value).startswith(f"{path}, line {line}: ")
    assert "\n" not in str(raised.value)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, len(CHAIN) - 1), st.integers(0, 40), st.text(alphabet="{}0e9-. \nJOINTxE", max_size=12))
def test_damaged_files_raise_nothing_else(tmp_path: Path, at: int, cut: int, put: str) -> None:
    path = saved(tmp_path, CHAIN[:at] + put + CHAIN[at + cut :])
    # Whatever else it raises fails the test.
    with contextlib.suppress(EgoposeError):
        assert np.isfinite(load_bvh(path).forward()[0]).all()


def test_too_many_joints_are_refused(tmp_path: Path) -> None:
    deep = "HIERARCHY\nROOT a\n{\n" + "JOINT b\n{\n" * 300
    with pytest.raises(EgoposeError, match="more joints"):
        load_bvh(saved(tmp_path, deep))


@pytest.mark.parametrize("shape", [0, 17, 47])
def test_limbs_point_as_in_the_file_on_every_body(tmp_path: Path, shape: int) -> None:
    bvh = load_bvh(saved(tmp_path, person_bvh(random_rows(6))))
    motion = motion_from_bvh(bvh, "a", "01", "walk")
    positions, _ = bvh.forward()
    # The file's y is up and it faces +z; here z is up and the body faces -y.
    expected = positions @ np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]).T
    body = load_body()
    posed = body.pose(motion, shape)
    for side, s in (("R", "r"), ("L", "l")):
        for start, end, bone, tip in (
            ("Shldr", "ForeArm", "upperarm01", "lowerarm01"),
            ("ForeArm", "Hand", "lowerarm01", "wrist"),
            ("Thigh", "Shin", "upperleg01", "lowerleg01"),
            ("Shin", "Foot", "lowerleg01", "foot"),
        ):
            a, b = (expected[:, bvh.names.index(s + name)] for name in (start, end))
            p, q = (posed.positions[:, body.bone(f"{name}.{side}")] for name in (bone, tip))
            want, got = b - a, q - p
            want = want / np.linalg.norm(want, axis=1, keepdims=True)
            got = got / np.linalg.norm(got, axis=1, keepdims=True)
            np.testing.assert_allclose(got, want, atol=1e-5)
    leg = np.linalg.norm([1, -41, 2]) + np.linalg.norm([0, -40, -3])
    root = expected[:, 0] / leg * body.leg_length(shape)
    np.testing.assert_allclose(posed.positions[:, 0], root, atol=1e-5)


def test_the_unit_of_the_file_does_not_matter(tmp_path: Path) -> None:
    rows = random_rows(3)
    motion = motion_from_bvh(load_bvh(saved(tmp_path, person_bvh(rows))), "a", "", "walk")
    inches = person_bvh(np.hstack([rows[:, :3] / 2.54, rows[:, 3:]]))
    lines = [
        " ".join([words[0], *(f"{float(w) / 2.54:.9g}" for w in words[1:])]) if words[:1] == ["OFFSET"] else line
        for line in inches.splitlines()
        for words in [line.split()]
    ]
    other = motion_from_bvh(load_bvh(saved(tmp_path, "\n".join(lines), "b.bvh")), "a", "", "walk")
    np.testing.assert_allclose(other.root, motion.root, atol=1e-5)


def test_other_names_of_joints_are_known(tmp_path: Path) -> None:
    names = {"hip": "mixamorig:Hips", "abdomen": "Spine", "chest": "Spine1"}
    for s, side in (("r", "Right"), ("l", "Left")):
        names |= {f"{s}Collar": f"{side}Shoulder", f"{s}Shldr": f"{side}Arm", f"{s}ForeArm": f"{side}ForeArm"}
        names |= {f"{s}Hand": f"{side}Hand", f"{s}Thigh": f"{side}UpLeg", f"{s}Shin": f"{side}Leg"}
        names |= {f"{s}Foot": f"{side}Foot"}
    rows = random_rows(2)
    plain = motion_from_bvh(load_bvh(saved(tmp_path, person_bvh(rows))), "a", "", "walk")
    named = motion_from_bvh(load_bvh(saved(tmp_path, person_bvh(rows, names), "b.bvh")), "a", "", "walk")
    np.testing.assert_array_equal(named.rotations, plain.rotations)


def test_a_missing_part_is_named(tmp_path: Path) -> None:
    path = saved(tmp_path, person_bvh(random_rows(1), {"lShin": "tail"}))
    with pytest.raises(EgoposeError, match="left shin"):
        motion_from_bvh(load_bvh(path), "a", "", "walk")


def test_a_folder_with_a_list_of_clips(tmp_path: Path) -> None:
    for name in ("01_01", "02_01", "02_02"):
        saved(tmp_path, person_bvh(random_rows(4)), f"{name}.bvh")
    (tmp_path / "clips.csv").write_text('clip,subject,action\n01_01,01,walk\n02_01,02,"wash"\n02_02,02,yodel\n')
    motions = load_motions(tmp_path, ["02"])
    assert [(m.name, m.subject, ACTIONS[m.actions[0]], len(m)) for m in motions] == [
        ("02_01", "02", "reach", 4),
        ("02_02", "02", "other", 4),
    ]
    assert set(motions[0].rotations.shape) == {4, len(PART_INDEX), 3}
    assert len(motions[0].rest) == len(SEGMENTS)
    with pytest.raises(EgoposeError, match="no BVH file"):
        load_motions(tmp_path, ["99"])


@pytest.mark.parametrize(
    "table", ["clip,who\n1,2\n", "clip,subject,action\n../a,1,walk\n", "clip,subject,action\n/a,1,x\n"]
)
def test_a_list_of_clips_cannot_point_elsewhere(tmp_path: Path, table: str) -> None:
    (tmp_path / "clips.csv").write_text(table)
    with pytest.raises(EgoposeError, match=r"clips\.csv"):
        load_motions(tmp_path)


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(EgoposeError, match="no such folder"):
        load_motions(tmp_path / "none")
