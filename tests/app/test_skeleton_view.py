"""The 3D view: pointer and keys, what it paints, and which renderer is taken."""

from __future__ import annotations

from math import radians

import numpy as np
import pytest
from PyQt6.QtCore import QEvent, QPoint, QPointF, Qt
from PyQt6.QtGui import QMouseEvent, QWheelEvent
from PyQt6.QtTest import QTest
from PyQt6.QtWidgets import QApplication

from app import hardware_gl, lens_picture, skeleton_view
from app.body import Style, ghost, to_display
from app.hardware_gl import is_hardware
from app.lens_picture import EVERY_S, SIDE, LensPicture, round_picture
from app.orbit import Orbit, preset
from app.shown import Shown
from app.skeleton_view import PaintedSkeletonView, make_skeleton_view
from app.theme import DARK
from engine.skeleton import JOINTS
from engine.types import Frame
from tests.app import fake
from tests.app.qt import count, pixels

LEFT, NO = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier


@pytest.fixture
def view(app: QApplication) -> PaintedSkeletonView:
    made = PaintedSkeletonView()
    made.resize(500, 600)
    return made


def drag(view: PaintedSkeletonView, dx: float, dy: float, button: Qt.MouseButton, keys: Qt.KeyboardModifier) -> None:
    start = QPointF(250, 300)
    for kind, at, pressed in (
        (QEvent.Type.MouseButtonPress, start, button),
        (QEvent.Type.MouseMove, start + QPointF(dx, dy), button),
        (QEvent.Type.MouseButtonRelease, start + QPointF(dx, dy), Qt.MouseButton.NoButton),
    ):
        QApplication.sendEvent(view, QMouseEvent(kind, at, at, button, pressed, keys))


def wheel(view: PaintedSkeletonView, pixel: QPoint, angle: QPoint, keys: Qt.KeyboardModifier = NO) -> None:
    at = QPointF(250, 300)
    event = QWheelEvent(at, at, pixel, angle, Qt.MouseButton.NoButton, keys, Qt.ScrollPhase.NoScrollPhase, False)
    QApplication.sendEvent(view, event)


def test_drag_turns_and_shift_or_right_drag_moves(view: PaintedSkeletonView) -> None:
    drag(view, 100, -20, LEFT, NO)
    assert view.orbit == Orbit().orbited(radians(45), radians(-9))
    for button, keys in ((LEFT, Qt.KeyboardModifier.ShiftModifier), (Qt.MouseButton.RightButton, NO)):
        view.set_orbit(Orbit())
        drag(view, 30, 40, button, keys)
        assert view.orbit == Orbit().panned(30, 40, (500, 600))


def test_wheel_and_touchpad_zoom_and_shift_moves(view: PaintedSkeletonView) -> None:
    wheel(view, QPoint(0, 0), QPoint(0, 1200))
    assert view.orbit.distance == pytest.approx(Orbit().distance / 2)
    view.set_orbit(Orbit())
    wheel(view, QPoint(0, -400), QPoint(0, -120))
    assert view.orbit.distance == pytest.approx(Orbit().distance * 2)
    view.set_orbit(Orbit())
    wheel(view, QPoint(8, 4), QPoint(0, 0), Qt.KeyboardModifier.ShiftModifier)
    assert view.orbit == Orbit().panned(8, 4, (500, 600))


def test_keys_do_what_the_pointer_does(view: PaintedSkeletonView) -> None:
    QTest.keyClick(view, Qt.Key.Key_Right)
    assert view.orbit == Orbit().orbited(24 * radians(0.45), 0)
    QTest.keyClick(view, Qt.Key.Key_Home)
    QTest.keyClick(view, Qt.Key.Key_Up, Qt.KeyboardModifier.ShiftModifier)
    assert view.orbit == Orbit().panned(0, -24, (500, 600))
    QTest.keyClick(view, Qt.Key.Key_Home)
    QTest.keyClick(view, Qt.Key.Key_Plus)
    assert view.orbit == Orbit().zoomed(1.15)


def test_double_click_resets(view: PaintedSkeletonView) -> None:
    view.look_from("above")
    assert view.orbit == preset("above")
    QTest.mouseDClick(view, LEFT)
    assert view.orbit == Orbit()


def test_limbs_are_painted_where_the_joints_project(view: PaintedSkeletonView) -> None:
    empty = pixels(view)
    pose = fake.pose_at(0.4)
    view.show_pose(pose)
    painted = pixels(view)
    projected = view.orbit.project(to_display(pose.joints_m), (500, 600))
    changed = (painted != empty).any(-1)
    for x, y, _ in projected:
        assert changed[int(y), int(x)]
    assert count(painted, DARK.right, 60) > 200
    assert count(painted, DARK.left, 60) > 200
    view.show_pose(None)
    assert np.array_equal(pixels(view), empty)


@pytest.mark.parametrize(("style", "colour"), [(Style.LINE, DARK.text), (Style.DASHED, DARK.accent)])
def test_ghosts_stand_beside_the_pose_in_lines_of_their_own(
    view: PaintedSkeletonView, style: Style, colour: str
) -> None:
    pose = fake.pose_at(0.4)
    view.show_pose(pose)
    alone = pixels(view)
    away = pose.joints_m + np.array([0.5, 0.0, 0.0], np.float32)
    view.show_ghosts((ghost(away, "truth", style),))
    both = pixels(view)
    projected = view.orbit.project(to_display(away), (500, 600))
    changed = (both != alone).any(-1)
    for x, y, _ in projected:
        assert changed[int(y) - 4 : int(y) + 5, int(x) - 4 : int(x) + 5].any()
    assert count(both, colour, 12) > count(alone, colour, 12) + 100
    away[3] = np.nan  # what is not known of the truth is left out
    view.show_ghosts((ghost(away, "truth", style),))
    assert pixels(view).shape == both.shape
    view.show_ghosts(())
    assert np.array_equal(pixels(view), alone)


def test_click_on_a_joint_tells_which_and_a_drag_or_a_miss_does_not(view: PaintedSkeletonView) -> None:
    clicked: list[int] = []
    view.joint_clicked.connect(clicked.append)
    pose = fake.pose_at(0.4)
    view.show_pose(pose)
    wrist = JOINTS.index("left_wrist")
    x, y, _ = view.orbit.project(to_display(pose.joints_m[wrist]), (500, 600))
    QTest.mouseClick(view, LEFT, pos=QPoint(int(x) + 3, int(y)))
    QTest.mouseClick(view, LEFT, pos=QPoint(5, 5))
    drag(view, 40, 0, LEFT, NO)
    view.show_pose(None)
    QTest.mouseClick(view, LEFT, pos=QPoint(int(x), int(y)))
    assert clicked == [wrist]


def test_trail_of_the_chosen_joint_is_painted_in_its_sides_colour(view: PaintedSkeletonView) -> None:
    def painted(shown: Shown) -> np.ndarray:
        view.show_pose(None)
        view.set_shown(shown)
        for frame in range(20):
            view.show_pose(fake.pose_at(frame / 30, frame))
        return pixels(view)

    without = painted(Shown())
    wrist = painted(Shown(trail=JOINTS.index("left_wrist")))
    assert count(wrist, DARK.left, 20) > count(without, DARK.left, 20) + 30
    assert np.array_equal(painted(Shown()), without)


def test_camera_carries_its_picture_the_right_way_round(view: PaintedSkeletonView) -> None:
    image = np.zeros((400, 600, 3), np.uint8)
    image[:, :] = (0, 200, 0)
    image[:200, 300:] = (0, 0, 250)  # red ahead and to the wearer's right
    view.look_from("above")  # from above and behind: ahead is up, right is right
    view.show_frame(Frame(image, 0, 0, "quarters"))
    view.show_pose(fake.pose_at(0.4))
    red = (pixels(view).astype(int) - (0, 0, 230) > -25).all(-1) & (pixels(view)[..., 1] < 40)
    rows, columns = np.nonzero(red)
    apex = view.orbit.project(np.zeros(3), (500, 600))
    assert len(rows) > 50
    assert (rows.mean() < apex[1], columns.mean() > apex[0]) == (True, True)
    view.set_shown(Shown(lens=False))
    assert count(pixels(view), "#fa0000", 30) == 0


def test_small_picture_is_made_anew_only_a_few_times_a_second(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(lens_picture.time, "monotonic", lambda: now[0])
    lens, frames = LensPicture(), [Frame(np.full((64, 64, 3), v, np.uint8), v, 0, "x") for v in range(3)]
    first = lens.of(frames[0])
    now[0] += EVERY_S / 2
    assert lens.of(frames[1]) is first
    now[0] += EVERY_S
    assert lens.of(frames[2]) is not first
    assert lens.of(None) is None


def test_small_picture_is_the_middle_cut_to_a_disc() -> None:
    image = np.zeros((100, 200, 3), np.uint8)
    image[:, 50:150] = (10, 20, 200)
    disc = round_picture(image)
    assert disc[SIDE // 2, SIDE // 2].tolist() == [10, 20, 200, 255]
    assert disc[SIDE // 2, 2].tolist() == [10, 20, 200, 255]
    assert disc[0, 0].tolist() == [0, 0, 0, 0]


def test_unsure_limbs_fade_and_unknown_ones_are_left_out(view: PaintedSkeletonView) -> None:
    pose = fake.pose_at(0.4)
    sure = type(pose)(0, 0, pose.joints_m, np.ones(15, np.float32), pose.uv_px, pose.heatmaps, pose.action_scores)
    view.show_pose(sure)
    bright = int(pixels(view).sum())
    unsure = type(pose)(0, 0, pose.joints_m, np.zeros(15, np.float32), pose.uv_px, pose.heatmaps, pose.action_scores)
    view.show_pose(unsure)
    faded = int(pixels(view).sum())
    nowhere = np.full((15, 3), np.nan, np.float32)
    view.show_pose(type(pose)(0, 0, nowhere, sure.confidence, pose.uv_px, pose.heatmaps, pose.action_scores))
    empty = int(pixels(view).sum())
    assert bright > faded > empty


@pytest.mark.parametrize("pixels_high", [(500, 600), (201, 203), (900, 220)])
def test_any_size_and_any_view_can_be_painted(view: PaintedSkeletonView, pixels_high: tuple[int, int]) -> None:
    view.resize(*pixels_high)
    view.show_pose(fake.pose_at(0.4))
    for name in ("three-quarter", "front", "side", "behind", "above"):
        view.look_from(name)
        assert pixels(view).shape[:2] == pixels_high[::-1]
    view.set_orbit(Orbit(elevation=radians(-60), distance=0.5))  # from below, amid the body
    assert pixels(view).shape[:2] == pixels_high[::-1]


@pytest.mark.parametrize(
    ("renderer", "hardware"),
    [("llvmpipe (LLVM 15.0.6, 256 bits)", False), ("softpipe", False), ("Software Rasterizer", False), ("", False),
     ("GDI Generic", False), ("Google SwiftShader", False), ("NVIDIA H100/PCIe/SSE2", True),
     ("Mesa Intel(R) UHD Graphics 620 (KBL GT2)", True), ("AMD Radeon RX 6600 (radeonsi)", True)],
)  # fmt: skip
def test_which_renderers_are_hardware(renderer: str, hardware: bool) -> None:
    assert is_hardware(renderer) is hardware


def test_painter_is_taken_offscreen_and_wherever_gl_fails(app: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    assert hardware_gl.gl_renderer() == ""
    assert isinstance(make_skeleton_view(), PaintedSkeletonView)

    def broken() -> str:
        raise RuntimeError("the driver is broken")

    monkeypatch.setattr(hardware_gl, "gl_renderer", broken)
    assert isinstance(make_skeleton_view(), PaintedSkeletonView)
    monkeypatch.setattr(skeleton_view, "has_hardware_gl", lambda: True)
    monkeypatch.setattr(skeleton_view, "GLSkeletonView", lambda parent: "gl")
    assert make_skeleton_view() == "gl"
