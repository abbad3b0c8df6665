"""What is live: the view in its states, recording, and the booth."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from app.screenshots.moments import lost, pictureless
from app.screenshots.studio import Studio, show_section
from app.translation import tr
from engine.skeleton import JOINTS
from engine.types import Snapshot, StreamState


def opening(studio: Studio) -> None:
    """A source is on its way."""
    feed = studio.open_live()
    feed.now, feed.view = pictureless(StreamState.OPENING), None
    studio.look()


def live(studio: Studio) -> None:
    """A calibrated camera."""
    studio.show_live()


def uncalibrated(studio: Studio) -> None:
    """A camera without a calibration, and a trail."""
    panel = studio.window.view.panel
    panel.set_shown(replace(panel.shown, trail=JOINTS.index("right_wrist")))
    studio.show_live(assumed=True)


def choices(studio: Studio) -> None:
    """The section Live of a calibrated camera."""
    show_section(studio, "Live")
    studio.show_live()


def changing(studio: Studio) -> None:
    """The same of an uncalibrated one, while a faster runtime is being made."""
    show_section(studio, "Live")
    feed = studio.show_live(assumed=True)
    building = "building TensorRT fp16, 40 %"
    feed.now = replace(
        feed.now, figures=replace(feed.now.figures, building=building, reason="TensorRT is not built yet")
    )
    studio.look()


def changed(studio: Studio) -> None:
    """A runtime that this machine does not have was chosen: the one before goes on, and why is said."""
    show_section(studio, "Live")
    studio.show_live()
    live = studio.window.living.live
    live.choose_runtime("tensorrt")
    studio.wait_for(lambda: _tried(studio))


def _tried(studio: Studio) -> bool:
    studio.look()
    return studio.window.living.live.notice is not None


def frozen(studio: Studio) -> None:
    """The picture is held, mirrored, and a snapshot of it was just written."""
    panel, controls = studio.window.view.panel, studio.window.live
    panel.set_shown(replace(panel.shown, mirrored=True))
    studio.show_live()
    controls.freeze(True)
    studio.look()
    controls.toast.say(tr("Kept: {path}", path="/home/ada/Videos/egopose/egopose-2026-01-31-102205.png"))


def mirrored(studio: Studio) -> None:
    """As in a mirror; the uncalibrated camera says so."""
    panel = studio.window.view.panel
    panel.set_shown(replace(panel.shown, mirrored=True))
    studio.show_live(assumed=True)


def folded(studio: Studio) -> None:
    """The sidebar folded away, the wearer from the side."""
    studio.window.view.sidebar.unfold(False)
    studio.window.view.skeleton.look_from("side")
    studio.show_live()


def bare(studio: Studio) -> None:
    """Only the joints of one side, from above, without heat."""
    panel = studio.window.view.panel
    left = frozenset(joint for joint, name in enumerate(JOINTS) if name.startswith("left"))
    panel.set_shown(replace(panel.shown, heatmaps=False, joints=left, lens=False))
    studio.window.view.skeleton.look_from("above")
    studio.show_live()


def camera_lost(studio: Studio) -> None:
    """The camera has been silent for a while."""
    studio.show_live(lost(studio.moment, 7.0))


def acting(studio: Studio) -> None:
    """A network that tells actions, on a machine too slow for the camera: the strip is as full as it gets."""
    figures = replace(
        studio.moment.figures, actions=("using a screwdriver", "walking"), overwritten=1234, produced=4321,
        runtime="TensorRT fp16, NVIDIA GeForce RTX 4060 Laptop GPU", reason="",
    )  # fmt: skip
    pose = replace(studio.moment.pose, action_scores=np.array([0.83, 0.17], np.float32))
    studio.show_live(Snapshot(figures, studio.moment.frame, pose), assumed=True)


def recording(studio: Studio) -> None:
    """A recording is under way, marked once."""
    feed, controls = studio.show_live(), studio.window.recording
    controls.toggle()
    for number, moment in enumerate(studio.moments):
        feed.taps.frame(moment.frame)
        feed.taps.pose(moment.pose)
        studio.wait_for(lambda least=number: _written(studio) > least)  # type: ignore[misc]
    controls.mark()
    studio.look()


def _written(studio: Studio) -> int:
    figures = studio.window.recording.recording.figures
    return figures.frames if figures is not None else 0


def recorded(studio: Studio) -> None:
    """It has ended."""
    recording(studio)
    studio.window.recording.toggle()
    studio.wait_for(lambda: _ended(studio))
    studio.look()


def _ended(studio: Studio) -> bool:
    studio.look()
    return studio.window.banner.notice is not None


def booth(studio: Studio) -> None:
    """What visitors see at first."""
    studio.show_live()
    studio.window.live.booth.enter()
    studio.leave.append(studio.window.live.booth.leave)
    studio.look()


def booth_waiting(studio: Studio) -> None:
    """What they see while the camera is away."""
    booth(studio)
    studio.opener.staged = None
    studio.open("camera:0")
    studio.look()
