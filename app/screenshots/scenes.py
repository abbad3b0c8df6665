"""Every page and mode that is taken a picture of. A new page is a function here, and a line in SCENES."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import cast

from app.camera_watch import CameraWatch, Seen, small
from app.cameras import Known
from app.chooser import Chooser
from app.doctor.dialog import DoctorDialog
from app.doctor.findings import Finding, Verdict
from app.live.booth import Booth
from app.live.booth_mode import HOW, LEAVES
from app.live.presenter import KNOWN, NONE, Choice, lag_text, lens_note
from app.live.presenter import Chooser as LiveChooser
from app.live.section import LiveSection
from app.outputs.presenter import card_of
from app.outputs.section import OutputsSection
from app.presenter import Notice, Phase, Screen
from app.recording.presenter import Recording, RecordingScreen
from app.screenshots.moments import failed, lost
from app.screenshots.replays import compare, joint_by_joint, replay
from app.screenshots.studio import Studio, show_section
from app.start.library import Found
from app.start.presenter import start_screen
from app.start.recents import Recent
from app.start.thumbnails import Thumbnail, fitted
from app.translation import tr
from app.wearer.presenter import WearerScreen
from app.wearer.section import WearerSection
from app.wearer.standing import Hint
from app.wearer.wording import about_of, hint_of
from app.wording import UNCALIBRATED
from engine.capture.devices import Camera, Format
from engine.motion.outputs.choice import DEFAULTS, Address
from engine.motion.outputs.output import OutputState
from engine.motion.outputs.output import Phase as OutputPhase
from engine.motion.profile import from_height
from engine.skeleton import JOINTS
from engine.types import Snapshot

Arrange = Callable[[Studio], None]
_START_CAMERAS = (("Fisheye 190", "fisheye-190.json"), ("Integrated webcam", ""))


def first_start(studio: Studio) -> None:
    """Nothing is open, nothing was, and no camera is plugged in."""
    studio.show(Screen(Phase.EMPTY))
    studio.window.start.show_screen(start_screen((), (), datetime.now()))


def start(studio: Studio) -> None:
    """Nothing is open."""
    studio.show(Screen(Phase.EMPTY))
    _fill_start(studio)


def _fill_start(studio: Studio) -> None:
    """Sessions and cameras on the start page."""
    now = datetime.now()
    picture = Thumbnail(fitted(studio.moment.frame.image), 32.0)
    names = ("stairs", "kitchen", "walk in the garden", "egopose-2026-03-10-173002", "lost")
    found = [
        Found(
            Recent(Path(f"{name}.mcap"), now.timestamp() - 40_000 * i), 7_500_000, picture if name != "lost" else None
        )
        for i, name in enumerate(names)
    ]
    seen = [Seen(Known(Camera(name, name, "", name), (), file, True)) for name, file in _START_CAMERAS]
    studio.window.start.show_screen(start_screen(found, seen, now))


def cannot_open(studio: Studio) -> None:
    """What was to be opened is not there."""
    text = "camera 0 cannot be opened (/dev/video0 is busy); close the other program or choose another camera"
    studio.show(Screen(Phase.EMPTY, notice=Notice(text, "error", retry=True)))
    _fill_start(studio)


def opening(studio: Studio) -> None:
    """A source is on its way."""
    studio.show(Screen(Phase.OPENING, "Fisheye 190"))


def live(studio: Studio) -> None:
    """A calibrated camera."""
    studio.show_live()


def uncalibrated(studio: Studio) -> None:
    """A camera without a calibration, and a trail."""
    panel = studio.window.view.panel
    panel.set_shown(replace(panel.shown, trail=JOINTS.index("right_wrist")))
    studio.show_live(assumed=True)


def live_choices(studio: Studio) -> None:
    """The section Live of a calibrated camera."""
    _choose_live(studio, lens_note(studio.moment.view))


def live_uncertain(studio: Studio) -> None:
    """The same of an uncalibrated one, while another runtime is being made ready; and a trail."""
    uncalibrated(studio)
    note = tr("Uncalibrated: a default lens stands in, so distances are approximate."), "warning"
    _choose_live(studio, note, NONE, tr("Making {runtime} ready …", runtime="OpenVINO"), assumed=True)
    studio.window.live.badges.show_texts((tr(UNCALIBRATED),))


def _choose_live(
    studio: Studio, note: tuple[str, str], lens: str = KNOWN, changing: str = "", *, assumed: bool = False
) -> None:
    show_section(studio, "Live")
    studio.show_live(assumed=assumed)
    section = cast(LiveSection, studio.window.view.sidebar.current)
    screen, figures = section.live.screen(), studio.moment.figures
    rows = (Choice("camera:0", "Fisheye 190"), *screen.camera.choices[-2:])
    reason = tr("{runtime}: {reason}", runtime=figures.runtime, reason="no NVIDIA GPU")
    section.show_screen(
        replace(
            screen,
            camera=LiveChooser(rows, "camera:0"),
            lens=replace(screen.lens, chosen=lens, note=note[0], tone=note[1], locked=""),
            network=replace(screen.network, chosen="small", locked=""),
            runtime=replace(screen.runtime, chosen="auto", note=reason, locked=""),
            changing=changing,
            smoothing=0.5,
            lag=lag_text(0.5, 33.0),
            shown=True,
            live=True,
        )
    )


def frozen(studio: Studio) -> None:
    """The picture is held, mirrored, and a snapshot of it was just written."""
    panel, live = studio.window.view.panel, studio.window.live
    panel.set_shown(replace(panel.shown, mirrored=True))
    studio.show_live()
    live.badges.show_texts((tr("❚❚ Frozen"), tr("Mirrored")))
    live.toast.say(tr("Kept: {path}", path="/home/ada/Videos/egopose/egopose-2026-01-31-102205.png"))


def mirrored(studio: Studio) -> None:
    """As in a mirror; the uncalibrated camera says so."""
    panel = studio.window.view.panel
    panel.set_shown(replace(panel.shown, mirrored=True))
    studio.show_live(assumed=True)
    studio.window.live.badges.show_texts((tr("Mirrored"), tr(UNCALIBRATED)))


def booth(studio: Studio) -> None:
    """What visitors see at first."""
    _enter_booth(studio)
    studio.show_live()


def booth_waiting(studio: Studio) -> None:
    """What they see while the camera is away."""
    _enter_booth(studio)
    notice = Notice("camera 0 is not plugged in; plug it in", "error", retry=True)
    keeper, gone = Booth(), Screen(Phase.EMPTY, "Fisheye 190", notice=notice)
    keeper.due(gone, 0.0)
    studio.show(keeper.shown(gone, 0.0))


def _enter_booth(studio: Studio) -> None:
    studio.show_live()
    booth_mode = studio.window.live.booth
    booth_mode.show_controls(False)
    studio.window.live.toast.say(tr(HOW, key=LEAVES[0]))


def folded(studio: Studio) -> None:
    """The sidebar folded away, the wearer from the side."""
    studio.window.view.sidebar.unfold(False)
    studio.window.view.skeleton.look_from("side")
    studio.show_live()


def camera_lost(studio: Studio) -> None:
    """The camera has been silent for a while."""
    text = "Fisheye 190 does not answer; it is opened again as soon as it is back: check its cable"
    studio.show_live(lost(studio.moment, 7.0), notice=Notice(text, "warning"))


def source_failed(studio: Studio) -> None:
    """A source that ended with an error before its first picture."""
    text = "the session walk.mcap is damaged: egopose recover walk.mcap makes it whole"
    studio.show(Screen(Phase.EMPTY, "walk.mcap", Snapshot(failed(text)), notice=Notice(text, "error", retry=True)))
    _fill_start(studio)


def recording(studio: Studio) -> None:
    """A recording is under way, and the disk is slow."""
    studio.show_live(notice=Notice("The disk is filling up: 1 904 MiB are left, enough for 6 min.", "warning"))
    studio.window.recording.bar.show_screen(RecordingScreen(Recording.RUNNING, False, "2:07", "412 MB", "3 lost"))


def recorded(studio: Studio) -> None:
    """It has ended."""
    text = "Recorded 2:07, 3 810 frames, 412 MB: 2026-01-31 10.22.05.mcap"
    studio.show_live(notice=Notice(text, "info", choices=("Replay", "Show file")))


def diagnostics(studio: Studio) -> None:
    """With two minutes of history."""
    window, begin_s = studio.window, time.monotonic() - 120
    for number in range(120):
        moment = studio.moment
        slow = 1.0 + (0.4 if 70 < number < 84 else 0.05 * (number % 5))
        stages = {name: replace(p, p50=p.p50 * slow) for name, p in moment.figures.stages_ms.items()}
        age = replace(moment.figures.age_ms, p50=moment.figures.age_ms.p50 * slow, p95=moment.figures.age_ms.p95 * slow)
        window.diagnostics.sample(replace(moment.figures, stages_ms=stages, age_ms=age), begin_s + number)
    show_section(studio, "Diagnostics")
    studio.show_live()


def outputs(studio: Studio) -> None:
    """Each in another state."""
    show_section(studio, "Outputs")
    studio.show_live()
    osc, vmc, websocket, lsl = (replace(choice, on=True) for choice in DEFAULTS.values())
    websocket = replace(websocket, address=Address("0.0.0.0", 8765), token_hash="made")
    states = (
        OutputState(osc, OutputPhase.SENDING, 30.0, 900),
        OutputState(
            vmc, OutputPhase.SENDING, 30.0, 900, trouble="nobody listens at 127.0.0.1:39539 yet; start VSeeFace"
        ),
        OutputState(websocket, OutputPhase.SENDING, 30.0, 900, receivers=2),
        OutputState(lsl, OutputPhase.FAILED, trouble='LSL is not installed; it comes with: pip install -e ".[lsl]"'),
    )
    cards = [card_of(state, token="lq3TgXw0V1mTnq8sJ5y-bA" if state.receivers else "") for state in states]
    cast(OutputsSection, studio.window.view.sidebar.current).show_cards(cards)


def wearer(studio: Studio) -> None:
    """Standing still, two seconds to go, with a profile in use."""
    show_section(studio, "Wearer")
    studio.show_live()
    screen = WearerScreen(
        ("Ada", "Grace"), "Ada", about_of(from_height(1.72, "Ada")), True, 0.45, 2, *hint_of(Hint.HOLD), True
    )
    cast(WearerSection, studio.window.view.sidebar.current).show_screen(screen)


def wearer_moves(studio: Studio) -> None:
    """The wearer's feet are not seen, and the name is taken."""
    show_section(studio, "Wearer")
    studio.show_live()
    trouble = "There is a profile 'Grace' already; choose another name"
    hint = hint_of(Hint.SHOW, ("ankle", "foot"))
    screen = WearerScreen(
        ("Ada", "Grace"), "Ada", about_of(from_height(1.72, "Ada")), True, 0.0, 3, *hint, True, trouble
    )
    cast(WearerSection, studio.window.view.sidebar.current).show_screen(screen)


class _Connected:
    """Cameras as the chooser sees them, whatever this machine has."""

    error, running = "", False

    def __init__(self, studio: Studio) -> None:
        formats = (Format("MJPG", (1280, 1024), (60.0, 30.0)),)
        cameras = (
            ("Fisheye 190", "/dev/video0", "my.json", True),
            ("RealSense T265", "USB 3.1", "device", True),
            ("Integrated camera", "/dev/video2", "", False),
        )
        self.seen = tuple(
            Seen(
                Known(Camera(f"camera:{number}", name, where, f"camera:{number}"), formats, calibration, readable),
                small(studio.moment.frame.image) if number == 0 else None,
            )
            for number, (name, where, calibration, readable) in enumerate(cameras)
        )

    def stop(self) -> None:
        """Nothing is under way."""


def chooser(studio: Studio) -> None:
    """Three cameras, one of which may not be read."""
    studio.show_live()
    watch = cast(CameraWatch, _Connected(studio))
    dialog = Chooser(studio.window, "", lambda _: watch, studio.window.theme.colours)
    studio.over = dialog
    studio.leave.append(dialog.reject)
    studio.wait_for(lambda: dialog.list.count() == 3)


def doctor(studio: Studio) -> None:
    """With something broken."""
    studio.show_live()
    dialog = DoctorDialog(studio.window, studio.window.theme.colours)
    dialog.show_findings(
        [
            Finding("program", "egopose", Verdict.GOOD, "0.1.0"),
            Finding("network", "PyTorch", Verdict.GOOD, "2.13.0, built for CUDA 13.0"),
            Finding("network", "GPU", Verdict.BROKEN, "driver 470.1 does not work with a PyTorch built for CUDA 13.0",
                    "update the NVIDIA driver and restart, or install a PyTorch built for an older CUDA"),
            Finding("cameras", "Fisheye 190", Verdict.BROKEN, "/dev/video0 may not be read",
                    "sudo usermod -aG video $USER, then log in anew"),
        ]
    )  # fmt: skip
    studio.over = dialog
    studio.leave.append(dialog.close)


def calibration(studio: Studio) -> None:
    """The choices before the first view."""
    studio.window.calibrate()


SCENES: dict[str, Arrange] = {
    "start": start,
    "start-first": first_start,
    "start-error": cannot_open,
    "source-failed": source_failed,
    "opening": opening,
    "live": live,
    "live-uncalibrated": uncalibrated,
    "live-folded": folded,
    "live-choices": live_choices,
    "live-changing": live_uncertain,
    "live-frozen": frozen,
    "live-mirrored": mirrored,
    "booth": booth,
    "booth-waiting": booth_waiting,
    "live-lost": camera_lost,
    "recording": recording,
    "recorded": recorded,
    "diagnostics": diagnostics,
    "outputs": outputs,
    "wearer": wearer,
    "wearer-unseen": wearer_moves,
    "replay": replay,
    "replay-compare": compare,
    "replay-joints": joint_by_joint,
    "chooser": chooser,
    "doctor": doctor,
    "calibration": calibration,
}
"""By the name of their files."""
