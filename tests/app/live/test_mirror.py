"""The mirror: picture, heat and both skeletons change sides together; words do not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from PyQt6.QtCore import QPointF
from PyQt6.QtWidgets import QApplication

from app.body import to_display
from app.fisheye_view import FisheyeView
from app.orbit import Orbit
from app.shown import Shown
from app.skeleton_view import PaintedSkeletonView
from engine.types import Frame
from tests.app import fake
from tests.app.qt import pixels


def near(one: np.ndarray, other: np.ndarray) -> bool:
    """But for the edges of strokes, which fall between pixels."""
    return float((np.abs(one.astype(int) - other.astype(int)).max(-1) > 40).mean()) < 0.004


@pytest.fixture
def picture(app: QApplication) -> FisheyeView:
    view = FisheyeView()
    view.resize(640, 512)
    image = np.random.default_rng(0).integers(0, 60, (*fake.SIZE[::-1], 3), np.uint8)
    image[:, :200] = 90
    pose = fake.pose_at(0.4)
    view.show_picture(Frame(image, 0, pose.capture_ns, "fake"), pose, fake.canonical_view())
    return view


@pytest.mark.parametrize("shown", [Shown(), Shown(heatmaps=False, skeleton=False), Shown(heatmaps=False)])
def test_picture_heat_and_skeleton_change_sides(picture: FisheyeView, shown: Shown) -> None:
    picture.set_shown(shown)
    plain = pixels(picture)
    picture.set_shown(replace(shown, mirrored=True))
    assert near(pixels(picture), plain[:, ::-1])
    assert not near(pixels(picture), plain)
    picture.set_shown(shown)
    np.testing.assert_array_equal(pixels(picture), plain)


def test_what_is_written_over_the_picture_is_not_mirrored(picture: FisheyeView) -> None:
    shown = Shown(heatmaps=False, skeleton=False)
    grey = np.full((*fake.SIZE[::-1], 3), 70, np.uint8)
    picture.show_picture(Frame(grey, 0, 0, "flat"), None, None)
    picture.set_stale(("Camera lost", "This picture is 7 s old"))
    picture.set_shown(shown)
    plain = pixels(picture)
    picture.set_shown(replace(shown, mirrored=True))
    np.testing.assert_array_equal(pixels(picture), plain)


def test_the_view_in_3d_changes_sides_and_is_turned_as_it_is_seen(app: QApplication) -> None:
    view = PaintedSkeletonView()
    view.resize(400, 500)
    pose = fake.pose_at(0.4)
    view.show_pose(pose)
    size = 400.0, 500.0
    plain = view.orbit.project(to_display(pose.joints_m), size)
    view.set_shown(Shown(mirrored=True))
    shown = view.orbit.project(to_display(pose.joints_m), size)
    np.testing.assert_allclose(shown[:, 0], 400 - plain[:, 0])
    np.testing.assert_allclose(shown[:, 1:], plain[:, 1:])
    assert view.joint_at(QPointF(*shown[3, :2])) == 3
    view.look_from("side")
    assert view.orbit.mirrored
    target = np.asarray(view.orbit.target)
    near_eye = target - 0.2 * view.orbit.axes()[2]
    before = view.orbit.project(near_eye, size)
    view._drag(20, 0, pan=False)
    assert view.orbit.project(near_eye, size)[0] > before[0] + 1, "what is in front goes with the pointer"
    seen = view.orbit.project(target, size)
    view._drag(30, 10, pan=True)
    np.testing.assert_allclose(view.orbit.project(target, size)[:2], seen[:2] + np.array((30.0, 10.0)), atol=0.5)
    view.set_shown(Shown())
    assert view.orbit == replace(view.orbit, mirrored=False)
    assert Orbit().mirrored is False
