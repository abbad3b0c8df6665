"""Every page and mode that is taken a picture of. A new page is a function here, and a line in SCENES."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import cast

from app.camera_watch import CameraWatch, Seen, small
from app.cameras import Known
from app.chooser import Chooser
from app.doctor.dialog import DoctorDialog
from app.doctor.findings import Finding, Verdict
from app.presenter import Phase, Screen
from app.screenshots import calibrations, lives, replays, sections
from app.screenshots.moments import pictureless
from app.screenshots.studio import CAMERA, Studio
from app.start.library import Found
from app.start.presenter import start_screen
from app.start.recents import Recent
from app.start.thumbnails import Thumbnail, fitted
from engine.capture.devices import Camera, Format
from engine.types import StreamState

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
    studio.open(CAMERA)
    _fill_start(studio)


def source_failed(studio: Studio) -> None:
    """A source that ended with an error before its first picture."""
    feed = studio.open_live()
    text = "the session walk.mcap is damaged at 0:07; egopose recover walk.mcap makes whole what can be read"
    feed.now = pictureless(StreamState.FAILED, text)
    studio.look()
    _fill_start(studio)


def crowded(studio: Studio) -> None:
    """Names longer than their places, a camera that may not be read, more of everything."""
    studio.show(Screen(Phase.EMPTY))
    now = datetime.now()
    picture = Thumbnail(fitted(studio.moment.frame.image), 5025.0)
    long = "2026-03-10 17.30.02 walking down the stairs of the new building with both hands full"
    found = [
        Found(Recent(Path(f"{long} {i}.mcap"), now.timestamp() - 9e6 * i), 75_000_000_000, picture) for i in range(9)
    ]
    found.append(Found(Recent(Path("damaged.mcap"), now.timestamp()), 17, None, unreadable=True))
    name = "ELP-USBGS1200P02-H130 Global Shutter USB Camera with a very long name"
    seen = [
        Seen(
            Known(
                Camera(f"camera:{i}", name, "", f"camera:{i}"), (), "camera-of-the-cap-that-is-in-the-lab.json", i < 3
            )
        )
        for i in range(4)
    ]
    studio.window.start.show_screen(start_screen(found, seen, now))


def looking(studio: Studio) -> None:
    """In the first moments, when nothing is known yet."""
    studio.show(Screen(Phase.EMPTY))
    studio.window.start.show_screen(start_screen(None, None, datetime.now()))


def dropping(studio: Studio) -> None:
    """A file is held over the window."""
    start(studio)
    studio.window.start.set_hovered(True)


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


def no_camera(studio: Studio) -> None:
    """The chooser without any."""
    watch = cast(CameraWatch, _Connected(studio))
    watch.seen = ()
    dialog = Chooser(studio.window, "", lambda _: watch, studio.window.theme.colours)
    studio.over = dialog
    studio.leave.append(dialog.reject)
    studio.wait_for(lambda: dialog.note.text().startswith("No camera"))


SCENES: dict[str, Arrange] = {
    "start": start,
    "start-first": first_start,
    "start-looking": looking,
    "start-crowded": crowded,
    "start-drop": dropping,
    "start-error": cannot_open,
    "source-failed": source_failed,
    "opening": lives.opening,
    "live": lives.live,
    "live-uncalibrated": lives.uncalibrated,
    "live-folded": lives.folded,
    "live-bare": lives.bare,
    "live-acting": lives.acting,
    "live-choices": lives.choices,
    "live-changing": lives.changing,
    "live-unchanged": lives.changed,
    "live-frozen": lives.frozen,
    "live-mirrored": lives.mirrored,
    "live-lost": lives.camera_lost,
    "booth": lives.booth,
    "booth-waiting": lives.booth_waiting,
    "recording": lives.recording,
    "recorded": lives.recorded,
    "diagnostics": sections.diagnostics,
    "outputs": sections.outputs,
    "outputs-off": sections.outputs_off,
    "wearer-first": sections.wearer_first,
    "wearer": sections.wearer,
    "wearer-unseen": sections.wearer_unseen,
    "wearer-measured": sections.wearer_measured,
    "wearer-deleted": sections.wearer_deleted,
    "replay": replays.replay,
    "replay-compare": replays.compare,
    "replay-joints": replays.joint_by_joint,
    "replay-video": replays.video,
    "chooser": chooser,
    "chooser-empty": no_camera,
    "doctor": doctor,
    "calibration": calibrations.setup,
    "calibration-tags": calibrations.setup_tags,
    "calibration-taking": calibrations.taking,
    "calibration-solved": calibrations.solved,
    "calibration-uncertainty": calibrations.uncertainty,
    "calibration-residuals": calibrations.residuals,
    "calibration-errors": calibrations.errors,
    "calibration-none": calibrations.too_few,
}
"""By the name of their files."""
