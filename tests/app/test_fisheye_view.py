"""What is painted over the picture, and where."""

from __future__ import annotations

import numpy as np
import pytest
from PyQt6.QtCore import QRect, Qt
from PyQt6.QtWidgets import QApplication

from app.fisheye_view import FisheyeView, heat_layer, heat_levels, warm_box
from app.shown import Shown
from app.theme import DARK
from engine.skeleton import JOINTS
from engine.types import Pose
from tests.app import fake
from tests.app.qt import bgr, count, pixels

ALL = Shown()
WRIST, NECK, LEFT_WRIST = JOINTS.index("right_wrist"), 0, JOINTS.index("left_wrist")


@pytest.fixture
def view(app: QApplication) -> FisheyeView:
    made = FisheyeView()
    made.resize(800, 512)  # the picture is 640x512, so bars of 80 on either side
    return made


def show(view: FisheyeView, pose: Pose | None, shown: Shown = ALL, heat: bool = True) -> np.ndarray:
    snapshot = fake.flat_snapshot(pose)
    view.set_shown(shown)
    view.show_picture(snapshot.frame, snapshot.pose, fake.canonical_view() if heat else None)
    return pixels(view)


def test_picture_keeps_its_shape_and_pixels(view: FisheyeView) -> None:
    painted = show(view, None)
    assert (painted[:, 80:720] == 60).all()
    assert (painted[:, :80] == bgr(DARK.stage)).all()
    assert (painted[:, 720:] == bgr(DARK.stage)).all()


def test_picture_is_shown_in_its_colours_at_half_its_size(view: FisheyeView) -> None:
    image = np.zeros((512, 640, 3), np.uint8)
    image[:, :320] = (200, 10, 30)
    image[:, 320:] = (20, 90, 250)
    view.resize(320, 256)
    frame = fake.flat_snapshot(None).frame
    assert frame is not None
    view.show_picture(type(frame)(image, 0, 0, "halves"), None, None)
    painted = pixels(view)
    assert painted[128, 20].tolist() == [200, 10, 30]
    assert painted[128, 300].tolist() == [20, 90, 250]


@pytest.mark.parametrize("uv", [(0.0, 0.0), (320.0, 256.0), (100.5, 400.25), (639.0, 511.0)])
def test_joint_sits_at_its_pixel(view: FisheyeView, uv: tuple[float, float]) -> None:
    painted = show(view, fake.bare_pose({WRIST: uv}), heat=False)
    rows, columns = np.nonzero((np.abs(painted.astype(int) - bgr(DARK.right)).max(-1)) <= 12)
    inside = [8 < uv[0] < 631, 8 < uv[1] < 503]
    assert len(rows) > 5
    if all(inside):
        assert columns.mean() == pytest.approx(80 + uv[0], abs=0.6)
        assert rows.mean() == pytest.approx(uv[1], abs=0.6)
    assert view.to_widget(np.array(uv)).tolist() == [80 + uv[0] + 0.5, uv[1] + 0.5]


def test_overlay_follows_the_picture_when_the_widget_shrinks(view: FisheyeView) -> None:
    view.resize(320, 400)
    painted = show(view, fake.bare_pose({NECK: (200.0, 300.0)}), heat=False)
    rows, columns = np.nonzero((np.abs(painted.astype(int) - bgr(DARK.torso)).max(-1)) <= 12)
    assert columns.mean() == pytest.approx((200.5) / 2 - 0.5, abs=0.7)
    assert rows.mean() == pytest.approx(72 + (300.5) / 2 - 0.5, abs=0.7)


def test_each_toggle_changes_its_own_part(view: FisheyeView) -> None:
    pose = fake.pose_at(0.4)
    everything = show(view, pose)
    no_heat = show(view, pose, Shown(heatmaps=False))
    no_skeleton = show(view, pose, Shown(skeleton=False))
    nothing = show(view, pose, Shown(heatmaps=False, skeleton=False))
    assert count(no_heat, DARK.left) > 50
    assert count(no_skeleton, DARK.left) == 0
    assert (nothing[:, 80:720] == 60).all()
    assert not np.array_equal(everything, no_heat)
    assert not np.array_equal(everything, no_skeleton)
    assert (no_skeleton[:, 80:720] != 60).any()


def test_hidden_joint_takes_its_bones_and_heat_along(view: FisheyeView) -> None:
    only_heat = Shown(skeleton=False)
    pose = fake.pose_at(0.4)
    u, v = view_point(view, pose, LEFT_WRIST)
    assert (show(view, pose, only_heat)[v, u] != 60).any()
    assert (show(view, pose, only_heat.with_joints({LEFT_WRIST}, False))[v, u] == 60).all()
    bone = fake.bare_pose({LEFT_WRIST: (200.0, 200.0), LEFT_WRIST - 1: (300.0, 200.0)})
    assert count(show(view, bone, heat=False)[190:210, 320:340], DARK.left) > 20
    hidden = show(view, bone, ALL.with_joints({LEFT_WRIST}, False), heat=False)
    assert count(hidden[190:210, 260:340], DARK.left) == 0
    none = show(view, pose, Shown(joints=frozenset()))
    assert (none[:, 80:720] == 60).all()


def view_point(view: FisheyeView, pose: Pose, joint: int) -> tuple[int, int]:
    show(view, pose)
    u, v = view.to_widget(pose.uv_px[joint]).astype(int)
    return int(u), int(v)


def test_unseen_joint_is_left_out_with_its_bones(view: FisheyeView) -> None:
    painted = show(view, fake.bare_pose({LEFT_WRIST: (200.0, 200.0)}), heat=False)
    assert count(painted[:, :260], DARK.left) == 0
    assert count(painted[:, 260:300], DARK.left) > 20
    assert count(painted[:, 300:], DARK.left) == 0


def test_confidence_is_opacity(view: FisheyeView) -> None:
    def at_joint(confidence: float) -> np.ndarray:
        painted = show(view, fake.bare_pose({NECK: (320.0, 256.0)}, confidence), heat=False)
        return painted[256, 400].astype(float)

    expected = 60 + (bgr(DARK.torso) - 60) * (0.15 + 0.85 * 0.4)
    assert at_joint(0.4) == pytest.approx(expected, abs=2)
    assert at_joint(1.0) == pytest.approx(bgr(DARK.torso), abs=1)


def test_shapes_differ_by_side(view: FisheyeView) -> None:
    """In a mark's box a disc fills pi/4, a square all, a diamond half."""
    for joint, colour, share in ((WRIST, DARK.right, 0.785), (LEFT_WRIST, DARK.left, 1.0), (NECK, DARK.torso, 0.5)):
        view.resize(2560, 2048)  # large marks
        painted = show(view, fake.bare_pose({joint: (320.0, 256.0)}), heat=False)
        mask = np.abs(painted.astype(int) - bgr(colour)).max(-1) <= 20
        rows, columns = np.nonzero(mask)
        box = (np.ptp(rows) + 1) * (np.ptp(columns) + 1)
        assert mask.sum() / box == pytest.approx(share, abs=0.09)


def test_heat_is_brightest_where_the_joint_is() -> None:
    pose = fake.pose_at(0.4)
    heat = heat_layer(heat_levels(pose, frozenset({LEFT_WRIST})), fake.canonical_view(), (320, 256))
    assert heat is not None
    x, y, w, h = heat.box.getRect()
    assert heat.pixels.shape == (h, w)
    assert (heat.image.width(), heat.image.height()) == (w, h)
    alpha = (heat.pixels >> 24).astype(float)
    rows, columns = np.nonzero(alpha > 0.95 * alpha.max())
    found = [(columns.mean() + x) * 2 + 0.5, (rows.mean() + y) * 2 + 0.5]
    assert found == pytest.approx(pose.uv_px[LEFT_WRIST], abs=3)
    assert (alpha[:, 0] == 0).all()
    assert (alpha[0] == 0).all()
    premultiplied = heat.pixels.view(np.uint8).reshape(h, w, 4)
    assert (premultiplied[..., :3] <= premultiplied[..., 3:]).all()


@pytest.mark.parametrize("moment", [0.0, 0.4, 1.3])
def test_no_heat_is_left_out(moment: float) -> None:
    """Against the whole layer: outside the box that is made, all of it is clear."""
    levels, canonical = heat_levels(fake.pose_at(moment), ALL.joints), fake.canonical_view()
    whole = canonical.spread(levels, (320, 256))
    heat = heat_layer(levels, canonical, (320, 256))
    assert heat is not None
    x, y, w, h = heat.box.getRect()
    assert (heat.pixels != 0).sum() == (whole >= 16).sum()
    assert ((heat.pixels != 0) == (whole[y : y + h, x : x + w] >= 16)).all()


def test_no_heat_at_all_is_no_layer() -> None:
    assert heat_layer(np.zeros((48, 48), np.uint8), fake.canonical_view(), (320, 256)) is None


def test_heat_is_computed_once_for_a_pose(view: FisheyeView, monkeypatch: pytest.MonkeyPatch) -> None:
    canonical = fake.canonical_view()
    calls: list[tuple[int, int]] = []
    spread = canonical.spread
    monkeypatch.setattr(canonical, "spread", lambda *of: calls.append(of[1]) or spread(*of))
    pose = fake.pose_at(0.4)
    snapshot = fake.flat_snapshot(pose)
    view.show_picture(snapshot.frame, snapshot.pose, canonical)
    pixels(view)
    pixels(view)
    assert len(calls) == 2  # a coarse one tells where it is warm
    view.set_shown(ALL.with_joints({NECK}, False))
    pixels(view)
    assert len(calls) == 4


def test_warm_box_holds_a_coarse_pixel_around_what_is_warm() -> None:
    levels = np.zeros((6, 8), np.uint8)
    assert warm_box(levels, (40, 30)).isEmpty()
    levels[2, 4:6] = 200
    assert warm_box(levels, (40, 30)).getRect() == (15, 5, 20, 15)
    levels[0, 7] = 200
    assert warm_box(levels, (40, 30)).getRect() == (15, 0, 25, 20)


def test_only_the_picture_is_painted_again(view: FisheyeView) -> None:
    """With the marks of joints at its edge, which hang over."""
    edge = fake.flat_snapshot(fake.bare_pose({NECK: (0.0, 256.0)}))
    view.show()
    view.show_picture(edge.frame, edge.pose, None)
    QApplication.processEvents()
    assert pixels(view)[256, 66:80].max() > pixels(view)[0, 0].max() + 20
    painted: list[QRect] = []
    view.paintEvent = lambda event: painted.append(event.region().boundingRect())  # type: ignore[method-assign]
    view.show_picture(edge.frame, None, None)
    QApplication.processEvents()
    view.close()
    assert painted == [QRect(66, 0, 668, 512)]


@pytest.mark.parametrize("ratio", [1.0, 1.25, 1.5, 2.0])
def test_nothing_of_the_last_skeleton_is_left_around_the_next(view: FisheyeView, ratio: float) -> None:
    view.devicePixelRatioF = lambda: ratio  # type: ignore[method-assign]
    show(view, fake.bare_pose({WRIST: (200.3, 200.7)}), heat=False)
    view._layer.fill(Qt.GlobalColor.green)  # as if a skeleton had been everywhere
    painted = show(view, fake.bare_pose({WRIST: (301.3, 303.9)}), heat=False)
    assert count(painted, "#00ff00", 120) == 0
