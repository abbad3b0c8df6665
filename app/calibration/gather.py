"""From a folder, a video or a session to the views to calibrate from. No Qt."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from app.calibration.views import MOST_VIEWS, NEW_SHARE, SAME_SHARE, Taken, spread_out
from calib.cv import cv2
from calib.solve.problem import LEAST_VIEWS
from calib.targets.board import Board, BoardKind
from calib.targets.detect import Detection, detect
from engine.capture.images import is_picture, natural_key
from engine.capture.opening import open_source
from engine.capture.picture import MAX_BYTES, PictureError, decode_picture
from engine.errors import EgoposeError
from engine.types import ImageArray

Progress = Callable[[str, float], None]
"""Called with what is being done and the part that is behind, 0 to 1. May raise to stop."""

_WORKERS = 2
_AHEAD = 4
"""Pictures in hand at once: memory stays bounded however long a film is."""
_MOST_CANDIDATES = 240
_WINDOW = 8
"""Frames of a film of which at most one is looked at."""
_THUMB = 160
_BLURRED = 0.3
"""Part of the median sharpness of a film's candidates below which one counts as blurred."""


@dataclass(frozen=True, slots=True)
class Dropped:
    """A picture that was not used, and why, in words for people."""

    name: str
    why: str


@dataclass(slots=True, eq=False)
class Gathered:
    """What a source had to give."""

    size: tuple[int, int]
    source_id: str
    name: str
    views: list[Taken] = field(default_factory=list)
    dropped: list[Dropped] = field(default_factory=list)
    picture: ImageArray | None = None
    """The picture in which the board is largest, to show what the calibration does."""


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """A picture that was looked at."""

    name: str
    size: tuple[int, int] | None
    """None where it is no picture."""
    detection: Detection | None
    picture: ImageArray | None
    why: str = ""
    sharpness: float = float("nan")


def gather(spec: str, board: Board, progress: Progress | None = None) -> Gathered:
    """The board's views in whatever `open_source` opens, thinned to at most `MOST_VIEWS` that differ.

    Raises EgoposeError where the source cannot be used, and where fewer than three differing views are in it.
    """
    path = Path(spec).expanduser()
    seen = _from_folder(path, board, progress) if path.is_dir() else _from_source(spec, board, progress)
    source_id = f"file:{path.resolve()}" if path.exists() else spec
    pictures: list[_Seen] = []
    shown: tuple[float, ImageArray | None] = (-1.0, None)
    for one in seen:
        if one.detection is not None:
            width = float(np.prod(np.ptp(one.detection.pixels, axis=0)))
            shown = max(shown, (width, one.picture), key=lambda pair: pair[0])
        # Only what was found is kept: hundreds of pictures would not fit into memory.
        pictures.append(_Seen(one.name, one.size, one.detection, None, one.why, one.sharpness))
    return _sorted_out(pictures, board, Gathered((0, 0), source_id, path.stem or spec, picture=shown[1]), spec)


def _sorted_out(pictures: list[_Seen], board: Board, result: Gathered, spec: str) -> Gathered:
    sizes = Counter(one.size for one in pictures if one.size is not None)
    if not sizes:
        why = f" ({pictures[0].name} {pictures[0].why})" if pictures else ""
        raise EgoposeError(f"{spec} holds no picture that can be read{why}; give pictures of the board {board}")
    result.size = sizes.most_common(1)[0][0]
    sharp = np.nanmedian([one.sharpness for one in pictures] or [np.nan]) if _measured(pictures) else 0.0
    kept: list[_Seen] = []
    for one in pictures:
        if one.size is None:
            result.dropped.append(Dropped(one.name, one.why))
        elif one.size != result.size:
            what = f"is {one.size[0]}x{one.size[1]}, most are {result.size[0]}x{result.size[1]}"
            result.dropped.append(Dropped(one.name, what))
        elif one.detection is None:
            result.dropped.append(Dropped(one.name, "the board was not found"))
        elif one.sharpness < _BLURRED * sharp:
            result.dropped.append(Dropped(one.name, "is blurred"))
        else:
            kept.append(one)
    if not kept:
        raise EgoposeError(_not_found(board, spec, len(pictures)))
    if len(kept) < LEAST_VIEWS:
        raise EgoposeError(
            f"the board {board} was found in {len(kept)} of {len(pictures)} pictures of {spec}; take 15 or more, "
            "sharp, with all of the board in the picture"
        )
    detections = [one.detection for one in kept if one.detection is not None]
    diagonal = float(np.hypot(*result.size))
    least = (NEW_SHARE if _measured(pictures) else SAME_SHARE) * diagonal
    chosen = spread_out(board, detections, MOST_VIEWS, least)
    if len(chosen) < LEAST_VIEWS:
        raise EgoposeError(
            f"all {len(kept)} views of the board in {spec} are alike; hold it in other places, and tilted each way"
        )
    result.views = [Taken(kept[i].name, detections[i]) for i in chosen]
    why = f"looks like another view; {len(chosen)} that differ are used"
    result.dropped += [Dropped(one.name, why) for i, one in enumerate(kept) if i not in set(chosen)]
    return result


def _measured(pictures: list[_Seen]) -> bool:
    """Whether these are frames of a film, whose sharpness was measured."""
    return any(np.isfinite(one.sharpness) for one in pictures)


def _not_found(board: Board, spec: str, count: int) -> str:
    hint = " (inner corners, one less than squares)" if board.kind is BoardKind.CHESSBOARD else ""
    return f"the board {board} was found in none of the {count} pictures of {spec}; check its kind and its counts{hint}"


def picture_files(folder: Path) -> list[Path]:
    """The pictures of a folder, or of its `imgs/`, in the natural order of their names. Raises EgoposeError."""
    try:
        for place in (folder, folder / "imgs"):
            files = [file for file in place.iterdir() if is_picture(file)] if place.is_dir() else []
            if files:
                return sorted(files, key=lambda file: (natural_key(file.name), file.name))
    except OSError as error:
        raise EgoposeError(f"{folder} cannot be read ({error.strerror}); check its permissions") from error
    raise EgoposeError(f"{folder} holds no pictures; give a folder with .jpg, .png, .bmp, .webp or .tiff files")


def read_picture(path: Path) -> ImageArray:
    """(H, W, 3) BGR. Raises PictureError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PictureError(f"is larger than {MAX_BYTES >> 20} MiB")
        return decode_picture(path.read_bytes())
    except OSError as error:
        raise PictureError(f"cannot be read ({error.strerror})") from error


def _from_folder(folder: Path, board: Board, progress: Progress | None) -> Iterator[_Seen]:
    files = picture_files(folder)

    def look(file: Path) -> _Seen:
        try:
            picture = read_picture(file)
        except PictureError as error:
            return _Seen(file.name, None, None, None, str(error))
        return _look(file.name, picture, board)

    with ThreadPoolExecutor(_WORKERS) as pool:
        ahead: deque[Future[_Seen]] = deque()
        try:
            for number, file in enumerate(files):
                ahead.append(pool.submit(look, file))
                if len(ahead) > _AHEAD:
                    yield ahead.popleft().result()
                if progress is not None:
                    progress(f"looking for the board: {file.name}", (number + 1) / len(files))
            while ahead:
                yield ahead.popleft().result()
        finally:
            for waiting in ahead:
                waiting.cancel()


def _look(name: str, picture: ImageArray, board: Board, sharpness: float = float("nan")) -> _Seen:
    size = (picture.shape[1], picture.shape[0])
    return _Seen(name, size, detect(board, picture), picture, sharpness=sharpness)


def _from_source(spec: str, board: Board, progress: Progress | None) -> Iterator[_Seen]:
    """Of each stretch of a film the frame that moved least and is sharpest."""
    source = open_source(spec)
    if source.info.live:
        raise EgoposeError(f"{spec} never ends; leave --images away to calibrate a camera in the window")
    with source, ThreadPoolExecutor(_WORKERS) as pool:
        count = source.info.frame_count
        window = _WINDOW if count is None else max(_WINDOW, -(-count // _MOST_CANDIDATES))
        ahead: deque[Future[_Seen]] = deque()
        best: tuple[float, float, str, ImageArray] | None = None
        last: ImageArray | None = None
        read = 0
        try:
            while (frame := source.read()) is not None:
                read += 1
                thumb = _thumb(frame.image)
                moving = 255.0 if last is None or last.shape != thumb.shape else float(cv2.absdiff(thumb, last).mean())
                last = thumb
                sharpness = float(cv2.Laplacian(thumb, cv2.CV_32F).var())
                score = sharpness / (1.0 + moving)
                if best is None or score > best[0]:
                    best = score, sharpness, f"frame {frame.seq}", frame.image
                if read % window == 0:
                    ahead.append(pool.submit(_look, best[2], best[3], board, best[1]))
                    best = None
                if len(ahead) > _AHEAD:
                    yield ahead.popleft().result()
                if progress is not None:
                    progress(f"looking for the board: frame {frame.seq}", read / count if count else 0.5)
            if best is not None:
                ahead.append(pool.submit(_look, best[2], best[3], board, best[1]))
            while ahead:
                yield ahead.popleft().result()
            for line in source.skipped:
                name, _, why = line.partition(" ")
                yield _Seen(name, None, None, None, why)
        finally:
            for waiting in ahead:
                waiting.cancel()


def _thumb(image: ImageArray) -> ImageArray:
    """A small grey picture, by which motion and sharpness are told."""
    height = max(1, round(_THUMB * image.shape[0] / image.shape[1]))
    small = cv2.resize(image, (_THUMB, height), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2GRAY), np.uint8)
