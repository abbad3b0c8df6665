"""What is chosen while a camera is shown, computed from feed and settings. No Qt."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from app.camera_watch import CameraWatch
from app.feed import Feed
from app.live.change import Change, Make, with_lens, without_lens
from app.opener import FeedOpener
from app.preferences import Preferences
from app.presenter import Notice, Phase, Screen, one_line
from app.settings import DEFAULT_CAMERA, Settings
from app.start.presenter import watch_briefly
from app.translation import tr
from app.wording import reason_text, sentence, without_options
from calib.formats import load_camera
from calib.remap import CanonicalView
from engine.assets import bundled_names
from engine.cameras import remember_camera
from engine.motion.settings import RAW
from engine.network.config import BASE, SMALL
from engine.runtime.choice import AUTO, TITLES
from engine.types import Snapshot

OTHER = "…"
"""The key of the choice that asks for a file, or an address."""
KNOWN, NONE = "known", "none"
"""Keys of calibrations: what is known of the camera, and the default lens in place of one."""
_SYNTHETIC = "synthetic"


@dataclass(frozen=True, slots=True)
class Choice:
    """One row of a list."""

    key: str
    text: str
    possible: bool = True


@dataclass(frozen=True, slots=True)
class Chooser:
    """One list: its rows, which of them holds, and what is to be said of it."""

    choices: tuple[Choice, ...] = ()
    chosen: str = ""
    note: str = ""
    tone: str = "muted"
    locked: str = ""
    """Why nothing else can be chosen now, "" where it can."""


@dataclass(frozen=True, slots=True)
class LiveScreen:
    """Everything the section draws at one moment."""

    camera: Chooser
    lens: Chooser
    network: Chooser
    runtime: Chooser
    changing: str = ""
    """What is being made ready meanwhile."""
    done: float | None = None
    """How far that is, 0..1, where it is known."""
    smoothing: float = 0.0
    lag: str = ""
    frozen: bool = False
    shown: bool = False
    """Whether there is a picture."""
    live: bool = False
    """Whether there is one that goes on by itself, which can be frozen."""


class Live:
    """Owns the choices and what is frozen. Used on the GUI thread; waits in `close` alone."""

    def __init__(
        self,
        opener: object,
        reopen: Callable[[], None],
        preferences: Preferences,
        keep: Callable[..., None],
        watch: Callable[[], CameraWatch] = watch_briefly,
    ) -> None:
        """`reopen` opens what is shown again, with the settings that the opener then has; `keep` remembers choices.

        What is kept is named as in `Preferences`.
        """
        self._opener = opener if isinstance(opener, FeedOpener) else None
        self._reopen, self._keep, self._new_watch = reopen, keep, watch
        self._watch: CameraWatch | None = None
        self._ending: list[CameraWatch | Change] = []
        self._feed: Feed | None = None
        self._spec: str | None = None
        self._snapshot: Snapshot | None = None
        self._view: CanonicalView | None = None
        self._recording = False
        self._change: Change | None = None
        self._changing = ""
        self._changed: Callable[[], None] = _nothing
        self._notice: Notice | None = None
        self._frozen: tuple[Snapshot, CanonicalView | None] | None = None
        self._bundled = bundled_names()
        self._smoothing = preferences.smoothing
        self._chosen = False
        """Whether the strength was chosen in this run."""
        self._files: dict[str, str] = {}
        """The calibration files that were chosen in this run, by source."""

    @property
    def notice(self) -> Notice | None:
        """What could not be changed, until it is read."""
        return self._notice

    def tell(self, notice: Notice) -> None:
        """Say something of the choices, until it is read or something is chosen."""
        self._notice = notice

    def dismiss(self, notice: Notice) -> None:
        """The user has read it."""
        if notice == self._notice:
            self._notice = None

    # What is shown

    def settle(self) -> None:
        """Take over a change that has been tried. Before everything else at a look."""
        outcome = self._change.poll() if self._change is not None else None
        if outcome is None or self._change is None or self._opener is None:
            return
        self._ending.append(self._change)
        self._change, self._changing = None, ""
        if isinstance(outcome, Exception):
            reason = without_options(one_line(outcome))
            self._notice = Notice(tr("Nothing was changed: {reason}", reason=reason), "error")
            return
        self._opener.settings, self._notice = outcome, None
        self._changed()
        if self._feed is not None:
            self._reopen()

    def look(self, feed: Feed | None, spec: str | None, screen: Screen, *, recording: bool) -> Screen:
        """Follow what is shown, at display rate; the screen as it is to be drawn."""
        if feed is not self._feed:
            self._feed, self._frozen = feed, None
            if feed is not None:
                self._meet(feed)
        self._spec, self._recording = spec, recording
        self._snapshot, self._view = screen.snapshot if screen.phase is Phase.PICTURE else None, screen.view
        if not self.frozen or self._snapshot is None:
            return screen
        snapshot, view = self.shown
        return replace(screen, snapshot=snapshot, view=view, frozen=True)

    def _meet(self, feed: Feed) -> None:
        """What was chosen in this run holds, else what the command line asks for, else what was used last."""
        settings = self._opener.settings if self._opener is not None else Settings()
        asked = settings.smoothing is not None or replace(feed.motion, profile=None) == RAW
        if self._smoothing is not None and (self._chosen or not asked):
            feed.motion = replace(feed.motion, smoothing=self._smoothing)

    @property
    def shown(self) -> tuple[Snapshot | None, CanonicalView | None]:
        """What is seen now, frozen or not; None without a picture."""
        if self._snapshot is None or self._frozen is None:
            return self._snapshot, self._view
        return replace(self._frozen[0], figures=self._snapshot.figures), self._frozen[1]

    @property
    def frozen(self) -> bool:
        """Whether the picture is held."""
        return self._frozen is not None

    @property
    def live(self) -> bool:
        """Whether there is a picture that goes on by itself."""
        return self._snapshot is not None and self._feed is not None and self._feed.recordable

    def freeze(self, on: bool) -> None:
        """Hold the picture that is seen, or let it go on; what is behind it goes on all the time."""
        self._frozen = (self._snapshot, self._view) if on and self.live and self._snapshot is not None else None

    def screen(self) -> LiveScreen:
        """What the section draws now."""
        locked = tr("A recording is under way: end it first.") if self._recording else ""
        if self._opener is None:
            locked = tr("This window shows what it is given.")
        pose = self._snapshot.pose if self._snapshot is not None else None
        smoothing = self._feed.motion.smoothing if self._feed is not None else 0.0
        return LiveScreen(
            replace(self._cameras(), locked=locked),
            replace(self._lenses(), locked=locked),
            self._networks(locked),
            replace(self._runtimes(), locked=locked),
            self._changing,
            self._change.done if self._change is not None else None,
            smoothing,
            lag_text(smoothing, pose.lag_ns / 1e6 if pose is not None else None),
            self.frozen,
            self._snapshot is not None,
            self.live,
        )

    def _cameras(self) -> Chooser:
        seen = (self._watch.seen if self._watch is not None else None) or ()
        rows = [Choice(one.known.camera.spec, one.known.camera.name) for one in seen]
        rows.append(Choice(_SYNTHETIC, tr("Synthetic wearer")))
        shown = self._feed.source_id if self._feed is not None else ""
        chosen = next((one.known.camera.spec for one in seen if one.known.camera.id == shown), self._spec or "")
        if chosen and chosen not in [row.key for row in rows]:
            rows.insert(0, Choice(chosen, self._feed.title if self._feed is not None else chosen))
        rows.append(Choice(OTHER, tr("Other camera or address…")))
        return Chooser(tuple(rows), chosen)

    def _lenses(self) -> Chooser:
        source = self._feed.source_id if self._feed is not None else ""
        settings = self._opener.settings if self._opener is not None else Settings()
        chosen = settings.lenses.get(source)
        key = KNOWN if chosen is None else NONE if chosen.assumed else self._files.get(source, chosen.name)
        rows = [
            Choice(KNOWN, tr("This camera's own")),
            Choice(NONE, tr("None: a default lens")),
            Choice("egopw", tr("EgoPW's camera")),
            Choice(DEFAULT_CAMERA, tr("SceneEgo's camera")),
        ]
        if key not in [row.key for row in rows]:
            rows.insert(2, Choice(key, Path(key).name))
        rows.append(Choice(OTHER, tr("Calibration file…")))
        note, tone = lens_note(self._view if self._snapshot is not None else None)
        return Chooser(tuple(rows), key, note, tone)

    def _networks(self, locked: str) -> Chooser:
        settings = self._opener.settings if self._opener is not None else Settings()
        bundled = self._bundled
        rows = [Choice(name, name) for name in bundled]
        rows += [
            Choice(one.name, tr("{network} (comes without weights)", network=one.name), possible=False)
            for one in (SMALL, BASE)
            if one.name not in bundled
        ]
        if settings.network not in bundled:
            rows.append(Choice(settings.network, Path(settings.network).name))
        rows.append(Choice(OTHER, tr("Weights file…")))
        if not locked and self._feed is not None and not self._feed.recordable:
            locked = tr("Of a recording, Replay chooses the network.")
        return Chooser(tuple(rows), settings.network, locked=locked)

    def _runtimes(self) -> Chooser:
        settings = self._opener.settings if self._opener is not None else Settings()
        rows = [Choice(AUTO, tr("The fastest there is")), *(Choice(key, title) for key, title in TITLES.items())]
        figures = self._snapshot.figures if self._snapshot is not None else None
        if figures is None or not figures.runtime:
            return Chooser(tuple(rows), settings.runtime)
        runs = tr("{runtime}: {reason}", runtime=figures.runtime, reason=reason_text(figures.reason))
        lines = [runs if figures.reason else figures.runtime, sentence(figures.building), sentence(figures.notice)]
        tone = "warning" if figures.notice else "muted"
        return Chooser(tuple(rows), settings.runtime, "\n".join(filter(None, lines)), tone)

    # What the user does

    def choose_lens(self, key: str) -> None:
        """A calibration for the camera that is shown: `KNOWN`, `NONE`, a known camera's name or a file."""
        feed = self._feed
        if feed is None:
            return
        source, size = feed.source_id, self._view.size if self._view is not None else None
        if key == KNOWN:
            self._try(without_lens(source), tr("Reading the calibration …"))
            return

        def make(settings: Settings) -> Settings:
            lens = replace(load_camera(DEFAULT_CAMERA if key == NONE else key), assumed=key == NONE)
            if size is not None:
                CanonicalView(lens, size, 64)  # what cannot be used is told now
            return with_lens(source, lens)(settings)

        def kept() -> None:
            self._files[source] = key
            if feed.recordable and not (self._spec or "").startswith(_SYNTHETIC) and Path(key).is_file():
                remember_camera(source, Path(key))

        self._try(make, tr("Reading the calibration …"), kept)

    def choose_network(self, key: str) -> None:
        """A bundled network's name, or a weights file."""
        saying = tr("Making the network {name} ready …", name=Path(key).stem)
        self._try(lambda settings: replace(settings, network=key), saying, lambda: self._keep(network=key))

    def choose_runtime(self, key: str) -> None:
        """One of `engine.runtime.choice.choices`."""
        title = TITLES.get(key, tr("the fastest runtime"))
        saying = tr("Making {runtime} ready …", runtime=title)
        self._try(lambda settings: replace(settings, runtime=key), saying, lambda: self._keep(runtime=key))

    @property
    def changing(self) -> bool:
        """Whether a change is being tried."""
        return self._change is not None

    def cancel(self) -> None:
        """Leave off the change that is being tried; what is shown goes on as it was."""
        change, self._change, self._changing = self._change, None, ""
        if change is not None:
            change.stop()
            self._ending.append(change)

    def set_smoothing(self, strength: float) -> None:
        """Of the filter, 0..1; holds from the next pose on, and for what is opened next."""
        self._smoothing, self._chosen = min(max(strength, 0.0), 1.0), True
        if self._feed is not None:
            self._feed.motion = replace(self._feed.motion, smoothing=self._smoothing)

    @property
    def smoothing(self) -> float | None:
        """What was chosen of the filter; None where nothing was."""
        return self._smoothing

    def enter(self) -> None:
        """The section is seen: follow what is plugged in."""
        if self._watch is None:
            self._watch = self._new_watch()

    def leave(self) -> None:
        """It is not seen any more."""
        if self._watch is not None:
            self._watch.stop()
            self._ending.append(self._watch)
            self._watch = None
        self._ending = [one for one in self._ending if not one.join(0.0)]

    def close(self, seconds: float) -> None:
        """Leave, and wait for every thread, for no longer than this in all."""
        self.leave()
        self.cancel()
        deadline = time.monotonic() + seconds
        for one in self._ending:
            one.join(max(0.0, deadline - time.monotonic()))

    def _try(self, make: Make, saying: str, changed: Callable[[], None] | None = None) -> None:
        """Try a change beside what is shown. While one is being tried nothing else is."""
        if self._opener is None or self._change is not None:
            return
        self._notice, self._changing, self._changed = None, saying, changed or _nothing
        self._change = Change(self._opener.settings, make)


def _nothing() -> None:
    """Of a change that leaves nothing to be done."""


def lag_text(smoothing: float, lag_ms: float | None) -> str:
    """What a strength of the filter costs, as it was measured over the last second; None where nothing moves yet."""
    if smoothing <= 0:
        return tr("Off: every pose as the network finds it, nothing lags.")
    if lag_ms is None or lag_ms <= 0:
        return tr("Its delay is told as soon as something moves.")
    return tr("Moving joints are {ms} ms late.", ms=f"{lag_ms:.0f}")


def lens_note(view: CanonicalView | None) -> tuple[str, str]:
    """What is to be said of the calibration in use, and in which tone."""
    if view is None:
        return "", "muted"
    if view.camera.assumed:
        return tr("Uncalibrated: a default lens stands in, so distances are approximate."), "warning"
    (width, height), (full_width, full_height) = view.size, view.calibrated_size
    if view.size == view.calibrated_size:
        return tr("Calibrated at {was}.", was=f"{width} x {height}"), "good"
    was, now = f"{full_width} x {full_height}", f"{width} x {height}"
    if abs(width * full_height - height * full_width) <= max(full_width, full_height):
        return tr("Calibrated at {was}, scaled to {now}.", was=was, now=now), "good"
    return tr(
        "Calibrated at {was}, but the picture has {now}, another shape: it is taken as cut evenly. Calibrate at this "
        "size for true distances.",
        was=was,
        now=now,
    ), "warning"
