"""What a calibration in the window says: what to do next, and what is being computed. Pure functions, no Qt."""

from __future__ import annotations

from dataclasses import dataclass

from app.calibration.views import ENOUGH_TO_SOLVE, MOST_VIEWS
from app.translation import tr


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a calibration stands."""

    name: str
    """Of the source, for people."""
    live: bool
    """A camera, not files."""
    ended: bool
    """All files were read."""
    failed: bool
    """The source cannot be read any more."""
    opened: bool
    """There has been a picture."""
    board: bool
    """The newest picture shows the board."""
    still: float
    """0 to 1: how long the board has been still, of what it takes."""
    new: bool
    """It is held as in no view yet."""
    automatic: bool
    """Views are taken by themselves."""
    views: int
    used: int
    """Views that were not struck out."""
    wish: str | None
    """Where to hold the board; None where everything is covered."""
    without: int
    """Pictures that somebody chose and that do not show the board."""
    unread: int
    """Files that cannot be read."""
    saving: str | None
    """The file that is being saved."""


@dataclass(frozen=True, slots=True)
class Doing:
    """What is being computed."""

    what: str = ""
    part: float | None = None
    """How much of it is done; None where that is not known."""
    final: bool = False
    """Whether it is the solve before saving, which can be cancelled."""


def next_step(standing: Standing) -> str:
    """What to do next, in one line."""
    if not standing.opened:
        return tr("No picture.") if standing.failed else tr("Opening {name} …", name=standing.name)
    if standing.saving is not None:
        return tr(
            "Comparing lens models on views that were left out, then saving {file} …",
            file=standing.saving,
        )
    return _before_camera(standing) if standing.live else _with_files(standing)


def _before_camera(standing: Standing) -> str:
    if standing.views >= MOST_VIEWS:
        return tr("{count} views are taken: save the camera.", count=MOST_VIEWS)
    wish = standing.wish if standing.wish is not None else tr("Everything is covered: save the camera.")
    if not standing.board:
        return wish if standing.views else tr("{wish} The whole board must be in the picture.", wish=wish)
    if standing.still >= 1.0 and not standing.automatic:
        return tr("The board is still: take the view (T).")
    return tr("Hold still …") if standing.still > 0.3 and standing.new and standing.automatic else wish


def _with_files(standing: Standing) -> str:
    name, used = standing.name, standing.used
    if not standing.ended:
        return tr(
            "Looking for the board in {name}: {n} view so far.",
            "Looking for the board in {name}: {n} views so far.",
            name=name,
            n=used,
        )
    if used < ENOUGH_TO_SOLVE:
        return tr(
            "{n} usable view in {name}: {enough} are needed, 15 are better. Check the board's kind and counts.",
            "{n} usable views in {name}: {enough} are needed, 15 are better. Check the board's kind and counts.",
            name=name,
            enough=ENOUGH_TO_SOLVE,
            n=used,
        )
    gone = [tr("{count} without the board", count=standing.without)] if standing.without else []
    gone += [tr("{count} that cannot be read", count=standing.unread)] if standing.unread else []
    found = tr("{n} view in {name}", "{n} views in {name}", name=name, n=used)
    if gone:
        found = tr("{found} ({left_out})", found=found, left_out=", ".join(gone))
    return tr("{found}. Strike out what is bad, then save the camera.", found=found)
