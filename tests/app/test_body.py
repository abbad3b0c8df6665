"""Display frame, floor, drawing order."""

from __future__ import annotations

from math import cos, exp, radians, sin

import numpy as np
import pytest

from app.body import CAMERA_TO_DISPLAY, RADII, Floor, Joint, Limb, grid_lines, parts, to_display
from app.body_painter import capsule
from app.orbit import Orbit
from app.shown import BONE_SIDES, JOINT_SIDES, Side
from engine.skeleton import BONES, JOINTS
from tests.app import fake

FOOT_RADIUS = RADII[JOINTS.index("left_foot")]


def test_display_frame_is_a_rotation_with_the_documented_tilt() -> None:
    assert pytest.approx(np.eye(3), abs=1e-12) == CAMERA_TO_DISPLAY @ CAMERA_TO_DISPLAY.T
    assert np.linalg.det(CAMERA_TO_DISPLAY) == pytest.approx(1.0)
    # The optical axis points down and, by ten degrees, ahead.
    assert to_display(np.array([0.0, 0.0, 1.0])) == pytest.approx([0, sin(radians(10)), -cos(radians(10))])
    assert to_display(np.array([1.0, 0.0, 0.0])) == pytest.approx([1, 0, 0])
    assert to_display(np.array([0.0, -1.0, 0.0]))[1] > 0.9  # the picture's top is ahead


def feet_at(height: float) -> np.ndarray:
    joints = np.zeros((15, 3))
    joints[:, 2] = -0.5
    joints[JOINTS.index("left_foot"), 2] = height + FOOT_RADIUS
    return joints


def test_floor_starts_at_the_lowest_foot_and_settles_exponentially() -> None:
    floor = Floor()
    assert floor.update(feet_at(-1.5), 0) == pytest.approx(-1.5)
    assert floor.update(feet_at(-1.6), 150_000_000) == pytest.approx(-1.5 - 0.1 * (1 - exp(-1)))
    before = floor.height
    assert floor.update(feet_at(-1.0), 1_150_000_000) == pytest.approx(before + (-1.0 - before) * (1 - exp(-1)))


def test_floor_is_drawn_where_it_is_to_within_what_is_seen() -> None:
    floor = Floor()
    floor.update(feet_at(-1.5), 0)
    assert floor.shown == floor.height
    floor.update(feet_at(-1.503), 33_000_000)
    assert (floor.height < -1.5, floor.shown) == (True, pytest.approx(-1.5))
    for frame in range(2, 60):
        floor.update(feet_at(-1.6 + 0.001 * (frame % 3)), frame * 33_000_000)
        assert abs(floor.shown - floor.height) <= 0.004


def test_floor_begins_anew_after_a_jump_in_time_and_keeps_without_feet() -> None:
    floor = Floor()
    floor.update(feet_at(-1.5), 10_000_000_000)
    assert floor.update(feet_at(-1.2), 0) == pytest.approx(-1.2)  # the recording began again
    assert floor.update(np.full((15, 3), np.nan), 1) == pytest.approx(-1.2)


def test_sides_of_joints_and_bones() -> None:
    assert JOINT_SIDES.count(Side.RIGHT) == JOINT_SIDES.count(Side.LEFT) == 7
    trunk = {BONES[i] for i, side in enumerate(BONE_SIDES) if side is Side.TORSO}
    assert trunk == {(0, 1), (0, 4), (1, 7), (4, 11)}


def test_parts_are_sorted_and_unknown_joints_left_out_with_their_bones() -> None:
    joints = to_display(fake.joints_at(0.4))
    joints[JOINTS.index("left_knee")] = np.nan
    drawn = parts(Orbit().project(joints, (600, 600)), np.ones(15), 800.0)
    depths = [part.depth for part in drawn]
    assert depths == sorted(depths, reverse=True)
    assert sum(isinstance(part, Joint) for part in drawn) == 14
    assert sum(isinstance(part, Limb) for part in drawn) == 12


def test_each_mark_is_drawn_after_the_limbs_that_meet_there() -> None:
    projected = Orbit().project(to_display(fake.joints_at(0.4)), (600, 600))
    drawn = parts(projected, np.ones(15), 800.0)
    for index, part in enumerate(drawn):
        if isinstance(part, Limb):
            later = [other.centre for other in drawn[index:] if isinstance(other, Joint)]
            assert part.start in later
            assert part.end in later


def test_capsule_encloses_both_circles() -> None:
    box = capsule((10.0, 20.0), (70.0, 60.0), (12.0, 6.0)).boundingRect()
    assert box.left() == pytest.approx(-2.0, abs=0.5)
    assert box.right() == pytest.approx(76.0, abs=0.5)
    hidden = capsule((10.0, 20.0), (11.0, 20.0), (12.0, 6.0)).boundingRect()
    assert (hidden.width(), hidden.center().x()) == pytest.approx((24.0, 10.0), abs=0.2)


def test_grid_lies_on_the_floor_and_fades_to_nothing() -> None:
    lines, strength = grid_lines(-1.6)
    assert (lines[..., 2] == -1.6).all()
    assert (strength.min(), strength.max()) == (pytest.approx(1 / 6), 1)
    away = np.hypot(*lines.mean(axis=1)[:, :2].T)
    assert (np.abs(strength - (1 - away / 2.5) - 1 / 12) <= 1 / 12 + 1e-9).all()
    assert np.hypot(*lines[..., :2].reshape(-1, 2).T).max() == pytest.approx(2.5)


def test_grid_is_without_holes() -> None:
    """Of each line all that lies within reach: the pieces' lengths add up to the chords of a disc."""
    lines, _ = grid_lines(0.0)
    length = np.linalg.norm(lines[:, 1] - lines[:, 0], axis=1).sum()
    offsets = np.arange(-2.0, 2.01, 0.5)
    assert length == pytest.approx(2 * (2 * np.sqrt(2.5**2 - offsets**2)).sum())
