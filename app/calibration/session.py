"""A calibration in the window: what was taken, what is known, what to do next. Without Qt, on one thread."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from app.calibration.feed import BoardFeed, Sighting
from app.calibration.gather import picture_files
from app.calibration.guide import Guide
from app.calibration.look import NOTHING, Look
from app.calibration.report import check_sure
from app.calibration.solver import Job, Solved, Solver
from app.calibration.store import Kept, Origin, Store
from app.calibration.views import ENOUGH_TO_SOLVE, MOST_VIEWS, NEW_SHARE, SAME_SHARE, Stillness, Taken, is_new
from app.calibration.words import Doing, Standing, next_step
from app.presenter import Notice, one_line
from app.translation import tr
from calib.calibrate import Result
from calib.errors import CalibrationError
from calib.formats import save_camera
from calib.targets.board import Board, BoardKind
from calib.targets.detect import Detection
from engine.cameras import remember_camera
from engine.errors import EgoposeError
from engine.types import Frame, ImageArray

log = logging.getLogger(__name__)


class Session:
    """Takes views from a feed by itself, asks for solves, and saves; `look` is called at display rate."""

    def __init__(
        self,
        spec: str,
        board: Board,
        before: Callable[[], None] | None = None,
        struck: frozenset[str] = frozenset(),
    ) -> None:
        """Views named in `struck` begin struck out. Raises EgoposeError where the source is not there at all."""
        self.board, self.spec, self._struck = board, spec, struck
        self.automatic = True
        self._feed = BoardFeed(spec, board, before)
        self._solver = Solver()
        self._stillness = Stillness(board)
        self._still = 0.0
        self._new = True
        self._store: Store | None = None
        self._origin: Origin | None = None
        self._names: list[str] = []
        self._taken: list[Taken] = []
        self._numbered = self._without = 0
        self._sighting: Sighting | None = None
        self._result: Result | None = None
        self._guide = Guide(board, self._feed.live)
        self._revision = self._solved = self._asked = 0
        self._saving: tuple[Path, tuple[str, ...]] | None = None
        self._saved: tuple[Path, int] | None = None
        self._notice: Notice | None = None
        self._told: Exception | None = None
        self._feed.start()

    @classmethod
    def resumed(cls, kept: Kept, before: Callable[[], None] | None = None) -> Session:
        """Go on with views from disk. Raises EgoposeError."""
        numbers = [int(one.name.removeprefix("view-")) for one in kept.taken]
        session = cls(kept.origin.spec, kept.origin.board, before)
        session._origin, session._store = kept.origin, Store(kept.folder)
        session._taken = list(kept.taken)
        session._numbered = 1 + max(numbers, default=-1)
        session._changed()
        return session

    # What the user does

    def take(self) -> None:
        """Take the view that is seen now, new or not."""
        if self._sighting is not None and self._sighting.detection is not None:
            self._add(self._sighting, self._sighting.detection)
        else:
            self._notice = Notice(tr("no board is seen now; hold all of it in the picture"), "warning")

    def skip(self) -> None:
        """Suggest another place."""
        self._guide.skip()

    def set_used(self, name: str, used: bool) -> None:
        """Strike a view out, or put it back."""
        for i, one in enumerate(self._taken):
            if one.name == name and one.used != used:
                self._taken[i] = replace(one, used=used)
                if self._store is not None:
                    self._store.keep(self._taken[i], None)
                self._changed()

    def reconnect(self) -> None:
        """Open the source again, keeping every view."""
        self._notice = None
        previous = self._feed
        # The old one is stopped off the GUI thread, before the camera is opened again.
        self._feed = BoardFeed(self.spec, self.board, previous.stop)
        self._feed.start()

    def dismiss(self) -> None:
        """The user has read the notice."""
        self._notice = None

    def save(self, path: Path, kinds: Sequence[str], source_ids: Sequence[str]) -> None:
        """Solve thoroughly with these models, then write the file and remember it for these cameras."""
        self._notice = None
        self._saving = path, tuple(source_ids)
        self._ask(tuple(kinds), final=True)

    def cancel(self) -> None:
        """Leave off saving."""
        self._saving = None
        self._solver.cancel()
        self._catch_up()

    def _catch_up(self) -> None:
        """Solve quickly again, if the newest views' own solve gave way to one that came to nothing."""
        if self._solved != self._revision:
            self._asked = -1

    @property
    def can_save(self) -> bool:
        """Whether there is a result, and no saving under way."""
        return self._result is not None and self._saving is None

    @property
    def source_id(self) -> str:
        """Stable; complete once the source is open."""
        return self._origin.source_id if self._origin is not None else self._feed.info.source_id

    @property
    def name(self) -> str:
        """Of the source, for people."""
        return self._origin.name if self._origin is not None else self._feed.info.name

    @property
    def live(self) -> bool:
        """Whether views are taken from a camera rather than read from files."""
        return self._feed.live

    @property
    def folder(self) -> Path | None:
        """Where a camera's views are kept; None where nowhere."""
        return self._store.folder if self._store is not None else None

    @property
    def saving(self) -> Path | None:
        """The file that is being saved."""
        return self._saving[0] if self._saving is not None else None

    def close(self) -> None:
        """End every thread within about 1.5 s; views that were not saved stay on disk."""
        self._solver.cancel()
        self._feed.stop()
        self._solver.close()
        if self._store is not None:
            if self._saved is not None and self._saved[1] == self._revision:
                self._store.discard()
            else:
                self._store.close()
            self._store = None

    # What happens

    def look(self) -> Look:
        """The state now; cheap."""
        for sighting in self._feed.take():
            self._see(sighting)
        self._hear(self._solver.poll())
        self._check()
        return Look(
            frame=self._shown,
            sighting=self._sighting,
            still=self._still if self._new or not self.automatic else 0.0,
            taken=tuple(self._taken),
            result=self._result,
            coverage=self._guide.coverage,
            suggestion=self._guide.suggestion,
            say=next_step(self._standing()),
            doing=self._doing(),
            notice=self._notice,
            saved=self._saved[0] if self._saved is not None and self._saved[1] == self._revision else None,
        )

    @property
    def _shown(self) -> Frame | None:
        """The corners' own picture; where there are none the newest, since looking in vain takes long."""
        if self._sighting is None or (self._feed.live and self._sighting.detection is None):
            return self._feed.newest
        return self._sighting.frame

    def _see(self, sighting: Sighting) -> None:
        frame = sighting.frame
        size = (frame.image.shape[1], frame.image.shape[0])
        if self._origin is None:
            self._begin(size)
        assert self._origin is not None  # just begun
        if size != self._origin.size:
            ours = f"{self._origin.size[0]}x{self._origin.size[1]}"
            self._notice = Notice(
                tr(
                    "a picture is {size}, the views are {ours}; it is left out",
                    size=f"{size[0]}x{size[1]}",
                    ours=ours,
                ),
                "warning",
            )
            return
        self._sighting = sighting
        self._still = self._stillness.share(sighting.detection, frame.capture_ns)
        self._guide.see(frame.image)
        self._new = True
        self._without += sighting.detection is None
        if sighting.detection is None or not self.automatic or len(self._taken) >= MOST_VIEWS:
            return
        # Pictures in a folder were taken one by one; in a film the board must rest as before a camera.
        chosen = bool(self._names)
        taken = [one.detection for one in self._taken]
        self._new = is_new(self.board, sighting.detection, taken, size, SAME_SHARE if chosen else NEW_SHARE)
        if self._new and (chosen or self._still >= 1.0):
            self._add(sighting, sighting.detection)

    def _begin(self, size: tuple[int, int]) -> None:
        info = self._feed.info
        self._origin = Origin(self.spec, info.source_id, info.name, self.board, size)
        folder = Path(self.spec).expanduser()
        if not self._feed.live and folder.is_dir():
            self._names = [file.name for file in picture_files(folder)]
        self._guide_anew()

    def _add(self, sighting: Sighting, detection: Detection) -> None:
        seq = sighting.frame.seq
        name = f"view-{self._numbered:03d}" if self._feed.live else f"frame {seq}"
        if seq < len(self._names):
            name = self._names[seq]
        if any(one.name == name for one in self._taken):
            return
        self._numbered += 1
        one = Taken(name, detection, name not in self._struck)
        self._taken.append(one)
        if self._feed.live:
            self._keep(one, sighting.frame.image)
        self._changed()

    def _keep(self, one: Taken, picture: ImageArray) -> None:
        assert self._origin is not None  # views come after the first picture
        try:
            if self._store is None:
                self._store = Store.new(self._origin)
            self._store.keep(one, picture)
        except EgoposeError as error:
            self._notice = Notice(tr("views are not kept on disk: {why}", why=one_line(error)), "error")

    def _changed(self) -> None:
        """The used views are others than before."""
        self._revision += 1
        self._guide_anew()

    def _guide_anew(self) -> None:
        if self._origin is not None:
            self._guide.follow(self._origin.size, self._taken, self._result)

    # Solving and saving

    def _check(self) -> None:
        error = self._feed.error
        if error is not None and error is not self._told:
            self._told = error
            self._notice = Notice(one_line(error), "error", retry=True)
        if self._store is not None and (problem := self._store.problem()) is not None:
            self._notice = Notice(one_line(problem), "error")
        settled = self._feed.live or self._feed.ended
        if self._asked != self._revision and settled and self._saving is None and self._enough:
            self._ask((), final=False)
        if not self._enough and self._result is not None:
            self._result = None
            self._guide_anew()

    @property
    def _used(self) -> int:
        return sum(one.used for one in self._taken)

    @property
    def _enough(self) -> bool:
        return self._used >= ENOUGH_TO_SOLVE

    def _ask(self, kinds: tuple[str, ...], final: bool) -> None:
        assert self._origin is not None  # there are views
        self._asked = self._revision
        name = self._saving[0].stem if self._saving is not None else self._origin.name
        self._solver.request(
            Job(
                revision=self._revision,
                views=[one.view(self.board) for one in self._taken if one.used],
                size=self._origin.size,
                kinds=kinds,
                may_bend=self.board.kind is not BoardKind.CIRCLES,
                name=name,
                final=final,
            )
        )

    def _hear(self, solved: Solved | None) -> None:
        if solved is None or (solved.job.final and self._saving is None):
            return
        if solved.error is not None:
            if solved.job.final:
                self._saving = None
                self._catch_up()
            self._notice = Notice(one_line(solved.error), "warning")
            if not isinstance(solved.error, CalibrationError):
                log.error("solving failed", exc_info=solved.error)
            return
        self._result, self._solved = solved.result, solved.job.revision
        self._guide_anew()
        if solved.job.final and self._saving is not None and solved.result is not None:
            self._write(solved.result, solved.job.revision)

    def _write(self, result: Result, revision: int) -> None:
        assert self._saving is not None  # the caller looked
        (path, source_ids), self._saving = self._saving, None
        try:
            check_sure(result, self.name)
            path.parent.mkdir(parents=True, exist_ok=True)
            save_camera(result.calibration, path, residuals=result.figures)
            self._saved = path, revision
            for source_id in source_ids:
                remember_camera(source_id, path)
        except (EgoposeError, CalibrationError) as error:
            self._notice = Notice(one_line(error), "error")
        except OSError as error:
            self._notice = Notice(
                tr(
                    "cannot make {folder} ({why}); choose another folder",
                    folder=path.parent,
                    why=error.strerror,
                ),
                "error",
            )

    # Words

    def _doing(self) -> Doing:
        running = self._solver.running
        if running is not None:
            what, part = self._solver.progress
            return Doing(tr("saving: {what}", what=what) if running.final else tr("solving"), part, running.final)
        if self._saving is not None:
            return Doing(tr("saving"), 0.0, final=True)
        if not self._feed.live and not self._feed.ended:
            return Doing(tr("reading {name}", name=self.name), self._feed.part)
        return NOTHING

    def _standing(self) -> Standing:
        return Standing(
            name=self.name,
            live=self._feed.live,
            ended=self._feed.ended,
            failed=self._feed.error is not None,
            opened=self._sighting is not None,
            board=self._sighting is not None and self._sighting.detection is not None,
            still=self._still,
            new=self._new,
            automatic=self.automatic,
            views=len(self._taken),
            used=self._used,
            wish=self._guide.suggestion.text if self._guide.suggestion is not None else None,
            without=self._without if self._names else 0,
            unread=len(self._feed.skipped),
            saving=self._saving[0].name if self._saving is not None else None,
        )
