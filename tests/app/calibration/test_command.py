"""`egopose calibrate` and `egopose board` from end to end, and what is told of bad input."""

from __future__ import annotations

import json
from pathlib import Path

import av
import numpy as np
import pytest

from app.calibration.gather import Gathered
from app.calibration.views import Taken
from app.cli import main
from calib.cv import cv2
from calib.formats import load_camera
from calib.targets.detect import Detection
from engine.session.writer import SessionWriter
from engine.types import Frame
from tests.app.calibration.boards import BOARD, BOARD_TEXT, LENS, SIZE, folder, pictures, pose

KEYS = [
    "model", "rms_px", "heldout_rms_px", "views_used", "views_dropped", "warp", "uneven", "sigma_px", "seconds",
    "board", "size", "valid_angle_deg",
]  # fmt: skip


def calibrate(images: Path, out: Path, *more: str, board: str = BOARD_TEXT) -> int:
    return main(["calibrate", "--images", str(images), "--board", board, "--model", "kb4", "--out", str(out), *more])


def refused(capsys: pytest.CaptureFixture[str], status: int) -> str:
    """The one line that was told."""
    assert status == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert len(lines) == 1
    assert lines[0].startswith("egopose: ")
    return lines[0]


def test_a_folder_becomes_a_camera_and_a_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = folder(tmp_path / "images")
    (images / "10.jpg").write_text("not a picture")
    cv2.imwrite(str(images / "11.png"), np.full((480, 640), 90, np.uint8))
    cv2.imwrite(str(images / "12.png"), np.full((100, 120), 90, np.uint8))
    (images / "notes.txt").write_text("is no picture by its name")
    out, report = tmp_path / "camera.json", tmp_path / "report"
    assert calibrate(images, out, "--report", str(report)) == 0
    assert "kannala_brandt" in capsys.readouterr().out

    camera = load_camera(out)
    assert (camera.name, camera.size) == ("camera", SIZE)
    theta, phi = np.meshgrid(np.linspace(0.05, 0.6, 6), np.arange(0.0, 6.0, 0.7))
    rays = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), np.cos(theta)], -1)
    np.testing.assert_allclose(camera.model.project(rays)[0], LENS.project(rays)[0], atol=1.0)

    record = json.loads((report / "report.json").read_text())
    assert list(record) == KEYS
    assert record["model"] == "kannala_brandt"
    assert 0 < record["rms_px"] < 0.15
    assert 0 < record["heldout_rms_px"] < 0.2
    assert record["views_used"] == {"count": 10, "list": [f"{i:02d}.png" for i in range(10)]}
    why = {one["name"]: one["why"] for one in record["views_dropped"]}
    assert set(why) == {"10.jpg", "11.png", "12.png"}
    assert why["11.png"] == "the board was not found"
    assert "120x100" in why["12.png"]
    assert 0 < record["sigma_px"]["median"] <= record["sigma_px"]["max"]
    assert (record["size"], record["board"]) == ([640, 480], "chessboard:7x5:30mm")
    assert "10.jpg" in (report / "report.txt").read_text()
    for name in ("coverage.png", "residuals.png", "uncertainty.png", "undistorted.png"):
        picture = cv2.imread(str(report / name))
        assert picture is not None
        assert len(np.unique(picture.reshape(-1, 3), axis=0)) > 50, f"{name} is nearly empty"


def test_a_film_is_thinned_to_its_still_views(tmp_path: Path) -> None:
    film, out = tmp_path / "film.mp4", tmp_path / "camera.json"
    with av.open(str(film), "w") as container:
        stream = container.add_stream("libx264", rate=30, options={"crf": "12", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = *SIZE, "yuv420p"
        for picture in pictures():
            for _ in range(16):
                container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="bgr24")))
        container.mux(stream.encode(None))
    assert calibrate(film, out, "--report", str(tmp_path / "report")) == 0
    record = json.loads((tmp_path / "report" / "report.json").read_text())
    assert 8 <= record["views_used"]["count"] <= 12
    assert record["rms_px"] < 0.3
    assert any("looks like another view" in one["why"] for one in record["views_dropped"])


def test_a_session_is_calibrated_from(tmp_path: Path) -> None:
    with SessionWriter(recorded := tmp_path / "session.mcap", quality=95) as writer:
        for seq in range(8 * 6):
            writer.add(Frame(pictures()[seq // 8], seq, 40_000_000 * (seq + 1), "camera:held"))
    assert calibrate(recorded, tmp_path / "camera.json") == 0
    assert load_camera(tmp_path / "camera.json").size == SIZE


def test_views_that_differ_but_do_not_tell_the_lens(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    found = Gathered(SIZE, "file:images", "images")
    rng = np.random.default_rng(0)
    for i in range(6):
        rotation, shift = pose(0, 0, (0, 0, 0), 0.9)
        pixels, _ = LENS.project(BOARD.points @ rotation.T + shift + [0.01 * i, 0.0, 0.0])
        found.views.append(Taken(str(i), Detection(np.arange(35), pixels + 0.2 * rng.standard_normal(pixels.shape))))
    monkeypatch.setattr("app.calibration.headless.gather", lambda *_: found)
    assert "too alike to tell the lens" in refused(capsys, calibrate(tmp_path, tmp_path / "camera.json"))
    assert not (tmp_path / "camera.json").exists()


def test_a_camera_in_another_format(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["convert", "sceneego", str(tmp_path / "camera.yml")]) == 0
    told = capsys.readouterr()
    assert "at most 0.016 px" in told.out
    assert not told.err
    back = load_camera(tmp_path / "camera.yml")
    np.testing.assert_allclose(back.model.project(np.array([0.1, 0.2, 0.5]))[0], (670.049, 637.768), atol=0.017)
    assert main(["convert", "sceneego", str(tmp_path / "ds.json"), "--model", "ds"]) == 0
    told = capsys.readouterr()
    assert "double_sphere lens" in told.out
    assert told.err.startswith("egopose: warning: sceneego: as a double_sphere lens it is up to")
    assert main(["convert", str(tmp_path / "ds.json"), str(tmp_path / "x"), "--to", "basalt"]) == 0
    assert "nothing is lost" in capsys.readouterr().out


def test_what_cannot_be_converted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "camera.yml"
    (tmp_path / "cut.json").write_text('{"format": "egopose-cam')
    for words, says in (
        (["convert", "sceneego", str(tmp_path / "camera.bin")], "--to"),
        (["convert", "sceneego", str(tmp_path), "--to", "ros"], "is a folder"),
        (["convert", "sceneego", str(out), "--to", "mrcal"], "cannot hold"),
        (["convert", "sceneego", str(out), "--model", "auto"], "one model"),
        (["convert", "sceneego", str(out), "--model", "pinhole"], "no lens model is named"),
        (["convert", "nobody", str(out)], "no camera is named"),
        (["convert", str(tmp_path / "gone.json"), str(out)], "no such file"),
        (["convert", str(tmp_path / "cut.json"), str(out)], "not valid JSON"),
        (["convert", "sceneego", str(tmp_path / "gone" / "camera.json")], "cannot be written"),
        (["convert", "sceneego", str(out), "--to", "word"], "invalid choice"),
    ):
        assert says in refused(capsys, main(words))
        assert not out.exists()


@pytest.mark.parametrize(
    ("board", "says"),
    [("6x4:30mm", "in none of the 3 pictures"), ("seven", "is not a board"), ("7x5:30", "not a length")],
)
def test_the_wrong_board(tmp_path: Path, capsys: pytest.CaptureFixture[str], board: str, says: str) -> None:
    status = calibrate(folder(tmp_path / "images", 3), tmp_path / "camera.json", board=board)
    assert says in refused(capsys, status)
    assert not (tmp_path / "camera.json").exists()


def test_no_board_at_all(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "images").mkdir()
    for i in range(3):
        cv2.imwrite(str(tmp_path / "images" / f"{i}.png"), np.full((480, 640), 90, np.uint8))
    line = refused(capsys, calibrate(tmp_path / "images", tmp_path / "camera.json"))
    assert "was found in none of the 3 pictures" in line


def test_views_that_are_all_alike(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = tmp_path / "images"
    images.mkdir()
    for i in range(6):
        cv2.imwrite(str(images / f"{i}.png"), pictures()[0])
    assert "are alike" in refused(capsys, calibrate(images, tmp_path / "camera.json"))


def test_pictures_that_are_none(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = tmp_path / "images"
    images.mkdir()
    assert "holds no pictures" in refused(capsys, calibrate(images, tmp_path / "camera.json"))
    (images / "a.png").write_bytes(b"\x89PNG nonsense")
    assert "a.png" in refused(capsys, calibrate(images, tmp_path / "camera.json"))
    assert "no file or folder" in refused(capsys, calibrate(tmp_path / "gone", tmp_path / "camera.json"))


def test_what_cannot_be_written_is_told_before_the_work(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = folder(tmp_path / "images", 3)
    assert "cannot write" in refused(capsys, calibrate(images, tmp_path / "gone" / "camera.json"))
    assert "is a folder" in refused(capsys, calibrate(images, tmp_path))
    taken = tmp_path / "taken"
    taken.write_text("a file")
    line = refused(capsys, calibrate(images, tmp_path / "camera.json", "--report", str(taken)))
    assert "choose another --report" in line


def test_what_is_missing_on_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    images = str(folder(tmp_path / "images", 1))
    assert "--board" in refused(capsys, main(["calibrate", "--images", images]))
    assert "--out" in refused(capsys, main(["calibrate", "--images", images, "--board", BOARD_TEXT]))
    assert "--images" in refused(capsys, main(["calibrate", "--out", "camera.json"]))
    unknown = calibrate(tmp_path / "images", tmp_path / "camera.json", "--model", "pinhole")
    assert "no lens model is named pinhole" in refused(capsys, unknown)


def test_a_board_to_print(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["board", "9x6:25mm", "--out", str(tmp_path / "board.pdf")]) == 0
    assert (tmp_path / "board.pdf").read_bytes().startswith(b"%PDF-1.4")
    assert main(["board", "charuco:8x6:30mm:22mm", "--out", str(tmp_path / "board.svg")]) == 0
    assert "<svg" in (tmp_path / "board.svg").read_text()
    capsys.readouterr()
    assert ".pdf" in refused(capsys, main(["board", "9x6:25mm", "--out", str(tmp_path / "board.png")]))
    assert "cannot write" in refused(capsys, main(["board", "9x6:25mm", "--out", "/proc/board.pdf"]))
