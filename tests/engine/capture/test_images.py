"""A folder of pictures as a source."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from calib.cv import cv2
from engine.capture.images import ImageFolder, natural_key
from engine.capture.opening import open_source
from engine.errors import EgoposeError
from engine.types import Frame


def picture(value: int, size: tuple[int, int] = (40, 30)) -> np.ndarray:
    return np.full((size[1], size[0], 3), value, np.uint8)


def write(path: Path, value: int, size: tuple[int, int] = (40, 30)) -> None:
    path.write_bytes(cv2.imencode(path.suffix, picture(value, size))[1].tobytes())


def read_all(source: ImageFolder) -> list[Frame]:
    return list(iter(source.read, None))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in (1, 2, 10, 9):
        write(tmp_path / f"img{number}.png", number)
    return tmp_path


def test_natural_order_and_times(folder: Path) -> None:
    with ImageFolder(folder, fps=25) as source:
        assert source.info.frame_count == 4
        assert source.info.size == (40, 30)
        assert source.duration_s == pytest.approx(3 / 25)
        frames = read_all(source)
    assert [int(frame.image[0, 0, 0]) for frame in frames] == [1, 2, 9, 10]
    assert [frame.seq for frame in frames] == [0, 1, 2, 3]
    assert [frame.capture_ns for frame in frames] == [0, 40_000_000, 80_000_000, 120_000_000]
    assert frames[1].device_clock == "file"


def test_natural_key_orders_numbers_by_value() -> None:
    assert sorted(["b", "a10", "a2", "A1", "10", "9"], key=natural_key) == ["9", "10", "A1", "a2", "a10", "b"]


def test_an_undecodable_picture_in_the_middle_leaves_a_gap(folder: Path) -> None:
    (folder / "img2.png").write_bytes(b"no picture")
    with ImageFolder(folder) as source:
        frames = read_all(source)
        assert [frame.seq for frame in frames] == [0, 2, 3]
        assert source.skipped == ("img2.png is not a JPEG, PNG, BMP, WebP or TIFF picture",)
        source.seek_frame(0)
        read_all(source)
        assert len(source.skipped) == 1, "the same picture is counted once"


def test_each_frame_keeps_its_own_size(folder: Path) -> None:
    write(folder / "img3.jpg", 3, (64, 20))
    with ImageFolder(folder) as source:
        sizes = [frame.image.shape[:2] for frame in read_all(source)]
    assert sizes == [(30, 40), (30, 40), (20, 64), (30, 40), (30, 40)]


def test_seeking(folder: Path) -> None:
    with ImageFolder(folder, fps=30) as source:
        for index in (3, 0, 2):
            source.seek_frame(index)
            frame = source.read()
            assert frame is not None
            assert frame.seq == index
            source.seek(frame.capture_ns / 1e9)
            again = source.read()
            assert again is not None
            assert again.seq == index
        source.seek(1e6)
        last = source.read()
        assert last is not None
        assert last.seq == 3
        source.seek(-5.0)
        first = source.read()
        assert first is not None
        assert first.seq == 0


def test_a_data_set_sequence_keeps_its_pictures_in_imgs(tmp_path: Path) -> None:
    (tmp_path / "imgs").mkdir()
    write(tmp_path / "imgs" / "img_000000.jpg", 5)
    (tmp_path / "annotations.txt").write_text("not a picture")
    with open_source(str(tmp_path)) as source:
        assert source.info.frame_count == 1


def test_a_single_picture_is_a_source_of_one_frame(folder: Path) -> None:
    with open_source(str(folder / "img9.png"), fps=10) as source:
        frame = source.read()
        assert frame is not None
        assert int(frame.image[0, 0, 0]) == 9
        assert source.read() is None


def test_empty_folder(tmp_path: Path) -> None:
    with pytest.raises(EgoposeError, match="holds no pictures"):
        ImageFolder(tmp_path).open()


def test_folder_without_one_good_picture(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_bytes(b"")
    with pytest.raises(EgoposeError, match=r"No picture in .* can be decoded; the first: a\.png is empty"):
        ImageFolder(tmp_path).open()


def test_no_such_folder(tmp_path: Path) -> None:
    with pytest.raises(EgoposeError, match="There is no folder or picture"):
        ImageFolder(tmp_path / "none").open()


@pytest.mark.parametrize("fps", [0.0, -1.0, float("nan")])
def test_a_rate_must_be_above_zero(tmp_path: Path, fps: float) -> None:
    with pytest.raises(EgoposeError, match="not a rate"):
        ImageFolder(tmp_path, fps)


def test_a_closed_source_gives_nothing(folder: Path) -> None:
    source = ImageFolder(folder)
    assert source.read() is None
    source.open()
    source.close()
    source.close()
    assert source.read() is None
