"""What was opened last, and thumbnails of it: kept, ordered, and quiet about what is gone or damaged."""

from __future__ import annotations

import os
import threading
from math import isnan
from pathlib import Path

import numpy as np
import pytest

from app.start import recents as recents_module
from app.start import thumbnails
from app.start.library import Library
from app.start.recents import Recent, forget, recents, recents_path, remember
from app.start.thumbnails import SIZE, Thumbnail, cache_folder, make_thumbnail, thumbnail
from calib.cv import cv2
from engine.assets import DEMO_SESSION
from engine.errors import EgoposeError


def touched(path: Path, at_s: float = 0.0) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch()
    os.utime(path, (at_s, at_s))
    return path


def test_the_newest_is_first_and_what_is_gone_falls_away(tmp_path: Path) -> None:
    a, b, c = (touched(tmp_path / name) for name in ("a.mp4", "b.mp4", "c.mp4"))
    for when, path in enumerate((a, b, c, a)):
        remember(path, float(when))
    b.unlink()
    assert recents(tmp_path / "none") == [Recent(a, 3.0), Recent(c, 2.0)]
    assert recents(tmp_path / "none", most=1) == [Recent(a, 3.0)]


def test_recordings_are_among_them_but_not_unfinished_ones(tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    old, new = touched(folder / "old.mcap", 10), touched(folder / "new.mcap", 30)
    touched(folder / "cut.part.mcap", 50)
    touched(folder / "notes.txt", 60)
    remember(old, 20.0)
    assert recents(folder) == [Recent(new, 30.0), Recent(old, 20.0)]
    remember(old, 40.0)
    assert [recent.path for recent in recents(folder)] == [old, new]


def test_what_is_forgotten_stays_away_until_it_is_opened_or_recorded_anew(tmp_path: Path) -> None:
    folder = tmp_path / "videos"
    recorded, opened = touched(folder / "walk.mcap", 10), touched(tmp_path / "a.mp4")
    remember(opened, 20.0)
    for path in (recorded, opened):
        forget(path, 30.0)
    assert recents(folder) == []
    assert recorded.exists()
    assert opened.exists()
    remember(opened, 40.0)
    touched(recorded, 50)
    assert recents(folder) == [Recent(recorded, 50.0), Recent(opened, 40.0)]


def test_the_list_stays_short(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recents_module, "_KEPT", 3)
    for when in range(5):
        remember(touched(tmp_path / f"{when}.mp4"), float(when))
    assert [recent.path.stem for recent in recents(tmp_path / "none")] == ["4", "3", "2"]


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"version": 9}', '{"version": 1}', '{"version": 1, "opened": [1]}', '{"version": 1, "opened": 3}'],
)
def test_a_damaged_list_begins_anew(tmp_path: Path, text: str, caplog: pytest.LogCaptureFixture) -> None:
    touched(recents_path()).write_text(text)
    assert recents(tmp_path) == []
    assert "begins anew" in caplog.text
    path = touched(tmp_path / "a.mp4")
    remember(path, 1.0)
    assert recents(tmp_path / "none") == [Recent(path, 1.0)]


def test_a_thumbnail_is_made_once_until_the_file_changes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    shown = np.broadcast_to(np.linspace(0, 255, 800).astype(np.uint8)[None, :, None], (600, 800, 3))
    cv2.imwrite(str(folder / "1.png"), np.zeros((600, 800, 3), np.uint8))
    cv2.imwrite(str(folder / "2.png"), shown)
    made: list[Path] = []
    monkeypatch.setattr(thumbnails, "make_thumbnail", lambda path: made.append(path) or make_thumbnail(path))
    first = thumbnail(folder)
    assert first.image.shape == (SIZE[1], SIZE[0], 3)
    assert first.image.std() > 10, "the black picture before it is passed over"
    again = thumbnail(folder)
    assert np.abs(again.image.astype(int) - first.image).mean() < 6, "JPEG"
    assert again.seconds == first.seconds
    assert len(made) == 1
    os.utime(folder, (1, 1))
    thumbnail(folder)
    assert len(made) == 2
    for kept in cache_folder().iterdir():
        kept.write_bytes(kept.read_bytes()[:40])
    thumbnail(folder)
    assert len(made) == 3, "a damaged one is made anew"


def test_a_thumbnail_of_the_demo_knows_its_length() -> None:
    found = make_thumbnail(DEMO_SESSION)
    assert 30 < found.seconds < 34
    assert found.image.shape[0] <= SIZE[1]
    assert found.image.shape[1] <= SIZE[0]


def test_an_unreadable_file_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "x.mcap").write_bytes(b"nothing")
    with pytest.raises(EgoposeError):
        thumbnail(tmp_path / "x.mcap")
    with pytest.raises(EgoposeError):
        thumbnail(tmp_path / "gone.mcap")


def test_the_library_tells_what_it_knows_and_ends_when_it_is_asked(tmp_path: Path) -> None:
    a, b, c = (touched(tmp_path / name, at) for name, at in (("a.mcap", 3.0), ("b.mcap", 2.0), ("c.mcap", 1.0)))
    reached, go_on = threading.Event(), threading.Event()
    seen: list[Path] = []

    def look(path: Path) -> Thumbnail:
        seen.append(path)
        if path == a:
            raise EgoposeError("nothing in it")
        reached.set()
        assert go_on.wait(10)
        return Thumbnail(np.zeros((2, 2, 3), np.uint8), float("nan"))

    library = Library(tmp_path, look)
    assert reached.wait(10)
    assert library.found is not None
    assert [(one.recent.path, one.unreadable) for one in library.found] == [(a, True), (b, False), (c, False)]
    library.stop()
    go_on.set()
    assert library.join(10)
    assert library.found[1].thumbnail is not None
    assert isnan(library.found[1].thumbnail.seconds)
    assert seen == [a, b], "what nobody waits for is not looked at"
