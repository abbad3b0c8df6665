"""What the section shows of the wearer: the profile in use, those that are kept, how measuring goes. No Qt."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from app.feed import Feed
from app.preferences import change_preferences, load_preferences
from app.translation import tr
from app.wearer.standing import STAND_S, Hint, Sample, Standing
from app.wearer.wording import about_of, gave_up, hint_of, measured_text
from app.wording import sentence
from engine.errors import EgoposeError
from engine.motion.profile import (
    Profile,
    from_height,
    likely,
    load_profile,
    measured,
    profile_names,
    remove_profile,
    save_profile,
)
from engine.motion.settings import RAW
from engine.motion.stage import media_ns
from engine.types import Snapshot, StreamState


@dataclass(frozen=True, slots=True)
class WearerScreen:
    """Everything that is drawn."""

    names: tuple[str, ...]
    used: str = ""
    """Name of the profile in use, "" for none."""
    about: str = ""
    measuring: bool = False
    share: float = 0.0
    """Of the time that has to be stood still."""
    seconds_left: int = 0
    hint: str = ""
    """What to do, or how it went."""
    tone: str = "muted"
    can_measure: bool = False
    trouble: str = ""
    deleted: str = ""
    """Name of the profile that can be brought back."""


class Wearer:
    """Owns the choice of a profile and hands it to every feed; it is remembered. Used on the GUI thread."""

    def __init__(self) -> None:
        self._profile: Profile | None = None
        self._chosen = False
        """Whether it was chosen in this run."""
        self._remembered = ""
        """Name of the profile that the next run begins with."""
        self._feed: Feed | None = None
        self._snapshot: Snapshot | None = None
        self._standing: Standing | None = None
        self._height_m: float | None = None
        self._deleted: Profile | None = None
        self._said, self._tone, self._trouble = "", "muted", ""
        self._names = tuple(profile_names())
        self._do(self._recall)

    def _recall(self) -> None:
        """What was used last. Raises EgoposeError where it is not there any more, or damaged."""
        self._remembered = load_preferences().profile
        self._profile = load_profile(self._remembered) if self._remembered else None

    def look(self, feed: Feed | None, snapshot: Snapshot | None) -> None:
        """Follow what is shown; at display rate."""
        if feed is not self._feed:
            self._feed = feed
            if feed is not None:
                self._meet(feed)
            if self._standing is not None:
                self._standing = Standing()
        self._snapshot = snapshot if feed is not None else None
        if self._standing is not None and self._snapshot is not None:
            self._watch(self._standing, self._snapshot)

    def _meet(self, feed: Feed) -> None:
        """What was chosen in this run holds, else what the command line asks for, else what was used last."""
        asked = feed.motion.profile
        if not self._chosen and (asked is not None or feed.motion == RAW):
            self._profile = asked
        else:
            feed.motion = replace(feed.motion, profile=self._profile)

    def _remember(self) -> None:
        """For the next run. Raises EgoposeError where that cannot be written."""
        name = self._profile.name if self._profile is not None else ""
        if self._chosen and name != self._remembered:
            self._remembered = name
            change_preferences(profile=name)

    def _watch(self, standing: Standing, snapshot: Snapshot) -> None:
        frame, pose = snapshot.frame, snapshot.pose
        if frame is None or pose is None:
            return
        raw = pose.joints_m if pose.raw_joints_m is None else pose.raw_joints_m
        standing.add(Sample(media_ns(frame), raw, pose.confidence))
        if standing.hint is Hint.DONE:
            self._standing = None
            self._do(lambda: self._measured(standing))
        elif standing.hint is Hint.GAVE_UP:
            self._standing = None
            self._said, self._tone = gave_up(standing), "warning"

    def _measured(self, standing: Standing) -> None:
        joints, confidence = standing.held
        found = likely(measured(joints, confidence, self._free_name()), self._height_m)
        self._keep(found)
        self._said, self._tone = measured_text(found, standing, self._height_m), "good"

    @property
    def screen(self) -> WearerScreen:
        """What is drawn now."""
        used, standing = self._profile, self._standing
        hint, tone = self._hint()
        names = sorted({*self._names, *([used.name] if used is not None else [])})
        share = standing.share if standing is not None else 0.0
        return WearerScreen(
            tuple(names),
            used.name if used is not None else "",
            about_of(used),
            standing is not None,
            share,
            round(STAND_S * (1 - share) + 0.49),
            hint,
            tone,
            self._snapshot is not None and self._snapshot.frame is not None,
            self._trouble,
            self._deleted.name if self._deleted is not None else "",
        )

    def _hint(self) -> tuple[str, str]:
        standing, snapshot = self._standing, self._snapshot
        if snapshot is None or snapshot.frame is None:
            return tr("To measure, open a camera or a recording of the wearer."), "muted"
        if standing is None:
            return self._said, self._tone
        if snapshot.figures.state is StreamState.PAUSED:
            return tr("The recording is paused: play it."), "warning"
        if snapshot.figures.state is not StreamState.STREAMING:
            return tr("No new pictures arrive: wait until the camera is back, or play the recording again."), "warning"
        return hint_of(standing.hint, standing.missing, standing.settles_s)

    # What the user does

    def measure(self, height_m: float | None = None) -> None:
        """Begin to wait for the wearer to stand still; a height that is known scales what is measured."""
        self._standing, self._height_m = Standing(), height_m
        self._said = self._trouble = ""

    def cancel(self) -> None:
        """Measure nothing."""
        self._standing = None

    def use_height(self, height_m: float) -> None:
        """A new profile of average proportions."""
        self._do(lambda: self._keep(from_height(height_m, self._free_name())))

    def choose(self, name: str) -> None:
        """Use a profile that is kept, "" for none."""
        if name != (self._profile.name if self._profile is not None else ""):
            self._do(lambda: self._use(load_profile(name) if name else None))

    def rename(self, name: str) -> None:
        """The profile in use, to a name that is free."""
        self._do(lambda: self._rename(name.strip()))

    def delete(self) -> None:
        """Forget the profile in use."""
        self._do(self._delete)

    def restore(self) -> None:
        """Bring back what was deleted last."""
        deleted = self._deleted
        if deleted is not None:
            self._do(lambda: self._keep(deleted))

    def _rename(self, name: str) -> None:
        old = self._profile
        if old is None or name == old.name:
            return
        if name.casefold() in (kept.casefold() for kept in profile_names() if kept != old.name):
            raise EgoposeError(f"there is a profile {name!r} already; choose another name")
        renamed = replace(old, name=name)
        save_profile(renamed)
        self._use(renamed)
        if name.casefold() != old.name.casefold():  # else the same file where the disk does not tell them apart
            remove_profile(old.name)

    def _delete(self) -> None:
        gone = self._profile
        if gone is not None:
            remove_profile(gone.name)
            self._use(None)
            self._deleted = gone

    def _keep(self, profile: Profile) -> None:
        """Use it, and save it; where that fails it holds until the program ends."""
        self._use(profile)
        try:
            save_profile(profile)
        except EgoposeError as error:
            raise EgoposeError(f"the profile holds until the program ends: {error}") from error

    def _use(self, profile: Profile | None) -> None:
        self._profile, self._chosen, self._deleted = profile, True, None
        if self._feed is not None:
            self._feed.motion = replace(self._feed.motion, profile=profile)

    def _do(self, act: Callable[[], None]) -> None:
        """What goes wrong is told in the section."""
        self._said = self._trouble = ""
        try:
            act()
            self._remember()
        except EgoposeError as error:
            self._trouble = sentence(str(error))
        self._names = tuple(profile_names())

    def _free_name(self) -> str:
        taken = {name.casefold() for name in profile_names()}
        number, name = 1, tr("Wearer")
        while name.casefold() in taken:
            number += 1
            name = tr("Wearer {number}", number=number)
        return name
