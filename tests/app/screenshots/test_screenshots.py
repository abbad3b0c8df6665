"""Pictures of every page, and the clip."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
from PyQt6.QtGui import QFont, QImage, QPixmap
from PyQt6.QtWidgets import QApplication, QWidget

from app.cli import main
from app.main_window import MainWindow
from app.pixels import bgr_of
from app.screenshots import clip, command
from app.screenshots.clip import make_clip
from app.screenshots.moments import Moment
from app.screenshots.scenes import SCENES
from app.screenshots.studio import take
from app.theme import DARK, LIGHT, Theme, ThemeChoice
from engine.errors import EgoposeError
from engine.types import Percentiles
from tests.app import fake
from tests.app.contrast import of_painters, of_widgets, poor
from tests.app.qt import count
from tests.app.test_layout import clipped


def moment(number: int) -> Moment:
    snapshot = fake.flat_snapshot(fake.pose_at(number / 30, number))
    assert snapshot.frame is not None
    assert snapshot.pose is not None
    figures = replace(fake.figures(), stages_ms={"network": Percentiles(30.0, 34.0, 40.0)})
    return Moment(snapshot.frame, snapshot.pose, fake.canonical_view(), figures)


def some(number: int = 3) -> list[Moment]:
    return [moment(index) for index in range(number)]


@pytest.mark.parametrize("name", SCENES)
def test_all_can_be_read_on_any_page(name: str, app: QApplication) -> None:
    """Nothing is clipped, at the least size neither, and every text stands out from what it was really painted on."""
    wrong: list[str] = []
    themes: list[Theme] = []

    def grab(shown: QWidget) -> QPixmap:
        if isinstance(shown, MainWindow):
            shown.resize(960, 560)
            app.processEvents()
            wrong.extend(f"at 960 x 560: {each}" for each in clipped(shown))
            shown.resize(1280, 800)
            for _ in range(3):
                app.processEvents()
            themes.append(shown.theme)
        wrong.extend(clipped(shown))
        found, colours = of_widgets(shown), themes[-1].colours
        with of_painters(shown, found):
            picture = shown.grab()
        grounds = colours.surface, colours.stage
        wrong.extend(f"{themes[-1].choice}: {each}" for each in poor(picture, found, grounds))
        assert found, "something is written"
        wrong.extend(f"an option of the command line: {one.text}" for one in found if "--" in one.text)
        return picture

    pictures = take(SCENES[name], some, (1280, 800), [ThemeChoice.DARK, ThemeChoice.LIGHT], grab)
    for taken, colours in zip(pictures, (DARK, LIGHT), strict=True):
        picture = bgr_of(taken.toImage().convertToFormat(QImage.Format.Format_RGB32))
        assert picture.shape == (800, 1280, 3)
        assert count(picture, colours.text, 60) > 100
    assert wrong == []


@pytest.mark.parametrize("name", ["start-crowded", "live-acting", "live-choices", "outputs", "wearer", "calibration"])
def test_nothing_is_clipped_in_a_larger_font(name: str, app: QApplication) -> None:
    """Desktops have 11 points where this program has 9 by itself."""
    wrong: list[str] = []
    before, larger = app.font(), QFont(app.font())
    larger.setPointSizeF(11.0)

    def grab(window: QWidget) -> QPixmap:
        app.processEvents()
        wrong.extend(clipped(window))
        return window.grab()

    app.setFont(larger)
    try:
        take(SCENES[name], some, (1280, 800), [ThemeChoice.DARK], grab)
    finally:
        app.setFont(before)
    assert wrong == []


def test_mark_of_an_uncalibrated_camera_is_seen_from_its_first_picture_on(app: QApplication) -> None:
    (taken,) = take(SCENES["live-uncalibrated"], lambda: some(1), (1280, 800), [ThemeChoice.DARK])
    corner = bgr_of(taken.copy(0, 30, 300, 50).toImage().convertToFormat(QImage.Format.Format_RGB32))
    assert count(corner, DARK.warning, 24) > 50


def test_one_command_takes_them_in_a_process_and_a_home_of_their_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "SIZES", ((1000, 600, 1.5),))
    assert main(["screenshots", "--out", str(tmp_path / "shots"), "--only", "start", "--theme", "dark"]) == 0
    assert "1 pictures" in capsys.readouterr().out
    image = QImage(str(tmp_path / "shots" / "1000x600-150" / "start-dark.png"))
    assert (image.width(), image.height()) == (1500, 900)
    assert count(bgr_of(image.convertToFormat(QImage.Format.Format_RGB32)), DARK.stage, 8) > 1e5
    assert "start-dark.png" in (tmp_path / "shots" / "index.html").read_text()


def test_what_cannot_be_done_is_said_in_a_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").touch()
    for words, said in (
        ([], "--out DIR"),
        (["--out", str(tmp_path / "file" / "x")], "cannot make the folder"),
        (["--out", str(tmp_path / "a"), "--only", "nowhere"], "no page is called nowhere"),
        (["--clip", str(tmp_path / "a.avi")], "end it in .webp"),
    ):
        assert main(["screenshots", *words]) == 2
        error = capsys.readouterr().err
        assert said in error
        assert error.count("\n") == 1


@pytest.mark.parametrize("ending", [".mp4", ".gif", ".webp"])
def test_clip_is_as_long_as_it_says(
    ending: str, tmp_path: Path, app: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    def looks(_begin: int, number: int) -> Iterator[Moment]:
        return (moment(index) for index in range(number))

    monkeypatch.setattr(clip, "moments", looks)
    monkeypatch.setattr(clip, "SIZE", (200, 124))
    path = tmp_path / "new" / f"clip{ending}"
    assert make_clip(path, seconds=0.6).startswith(f"written: {path}, 1 s")
    data = path.read_bytes()
    if ending == ".webp":
        assert (data[:4], data[8:12]) == (b"RIFF", b"WEBP")
        assert data.count(b"ANMF") == 6
        return
    with av.open(str(path)) as file:
        frames = [frame.to_ndarray(format="bgr24") for frame in file.decode(video=0)]
    assert len(frames) == 6
    assert frames[0].shape == (124, 200, 3)
    assert not np.array_equal(frames[0], frames[-1])


def test_clip_of_nothing_is_an_error(tmp_path: Path, app: QApplication, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clip, "moments", lambda *_: iter(()))
    with pytest.raises(EgoposeError, match="no frame"):
        make_clip(tmp_path / "clip.mp4")
