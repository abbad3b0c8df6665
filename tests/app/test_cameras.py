"""`egopose cameras`."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from app import cameras
from app.cli import main
from engine.cameras import remember_camera
from engine.capture.devices import Camera, Format

FISHEYE = Camera("camera:usb-Fish-0", "Fisheye 190", "/dev/null", "camera:usb-Fish-0")
REALSENSE = Camera("realsense:123", "RealSense T265", "USB 3.1", "realsense:123")
HIDDEN = Camera("camera:/dev/nowhere", "Hidden", "/dev/nowhere", "camera:/dev/nowhere")
FORMATS = (
    Format("MJPG", (1280, 1024), (60.0, 30.0)),
    Format("MJPG", (640, 512), (120.0,)),
    Format("YUYV", (640, 480), ()),
)


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("engine.cameras.user_config_dir", lambda _: str(tmp_path))
    monkeypatch.setattr(cameras, "list_cameras", lambda: (FISHEYE, REALSENSE, HIDDEN))
    monkeypatch.setattr(cameras, "formats_of", lambda camera: FORMATS if camera is FISHEYE else ())
    remember_camera(FISHEYE.id, tmp_path / "fish.json")


@pytest.mark.usefixtures("connected")
def test_cameras_are_listed_for_people(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["cameras"]) == 0
    assert (
        capsys.readouterr().out
        == f"""\
Fisheye 190
  open it with  egopose live camera:usb-Fish-0
  connected as  /dev/null
  MJPG          1280x1024 at 60 fps, 640x512 at 120 fps
  YUYV          640x480
  calibration   {tmp_path}/fish.json

RealSense T265
  open it with  egopose live realsense:123
  connected as  USB 3.1
  calibration   its own

Hidden
  open it with  egopose live camera:/dev/nowhere
  connected as  /dev/nowhere
  but           this user may not read it: add the user to the group that owns it, often `video`
  calibration   none yet: egopose calibrate
"""
    )


@pytest.mark.usefixtures("connected")
def test_cameras_are_listed_for_programs(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["cameras", "--json"]) == 0
    first, second, third = json.loads(capsys.readouterr().out)
    assert first == {
        "id": "camera:usb-Fish-0",
        "name": "Fisheye 190",
        "where": "/dev/null",
        "spec": "camera:usb-Fish-0",
        "formats": [
            {"codec": "MJPG", "size": [1280, 1024], "fps": [60.0, 30.0]},
            {"codec": "MJPG", "size": [640, 512], "fps": [120.0]},
            {"codec": "YUYV", "size": [640, 480], "fps": []},
        ],
        "calibration": f"{tmp_path}/fish.json",
        "readable": True,
    }
    assert (second["calibration"], third["calibration"], third["readable"]) == ("device", None, False)


def test_no_camera_says_what_to_do(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(cameras, "list_cameras", tuple)
    assert main(["cameras"]) == 0
    assert capsys.readouterr().out.startswith("No camera is connected: plug one in.")
    assert main(["cameras", "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == []
