"""What a calibration that was left had not saved yet, and how it is gone on with. No Qt."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.presenter import Notice
from app.translation import noted, tr
from calib.targets.board import Board

if TYPE_CHECKING:
    from app.calibration.look import Look
    from app.calibration.session import Session

GO_ON = noted("Go on with them")


@dataclass(frozen=True, slots=True)
class Unsaved:
    """Views that are no camera file yet."""

    spec: str
    name: str
    """Of their source, for people."""
    board: Board
    live: bool
    views: int
    struck: frozenset[str]
    """The names of those that were struck out."""
    folder: Path | None
    """Where a camera's views are kept; None of files, and where they could not be."""
    saving: Path | None
    """The file that was being saved, which leaving has called off."""

    @property
    def lost(self) -> bool:
        """Whether the views are gone for good."""
        return self.live and self.folder is None


def unsaved_of(session: Session, look: Look) -> Unsaved | None:
    """None where leaving costs nothing: all is saved, or files can be read again as they were."""
    struck = frozenset(one.name for one in look.taken if not one.used)
    if (
        not look.taken
        or (look.saved is not None and not look.doing.final)
        or not (session.live or struck or look.doing.final)
    ):
        return None
    return Unsaved(
        session.spec, session.name, session.board, session.live, len(look.taken), struck, session.folder,
        session.saving,
    )  # fmt: skip


def told(unsaved: Unsaved) -> Notice:
    """For the banner of the page that is shown instead."""
    if unsaved.lost:
        return Notice(
            tr(
                "{n} view of {name} could not be kept on disk and is gone; take it anew",
                "{n} views of {name} could not be kept on disk and are gone; take them anew",
                n=unsaved.views,
                name=unsaved.name,
            ),
            "error",
        )
    kept = (
        tr(
            "{n} view of {name} is kept, but no camera is saved yet.",
            "{n} views of {name} are kept, but no camera is saved yet.",
            n=unsaved.views,
            name=unsaved.name,
        )
        if unsaved.live
        else tr("No camera is saved yet of the views in {name}; what was struck out is known.", name=unsaved.name)
    )
    if unsaved.saving is not None:
        kept = tr("Saving {file} was called off. {kept}", file=unsaved.saving.name, kept=kept)
    return Notice(kept, "info", choices=(tr(GO_ON),))
