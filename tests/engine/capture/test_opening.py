"""From what a user types to a source."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

from engine.capture.images import ImageFolder
from engine.capture.mjpeg import MjpegStream
from engine.capture.network import RtspStream, UdpStream
from engine.capture.opening import open_source
from engine.capture.realsense import RealSenseCamera, RealSenseRecording
from engine.capture.uvc import UvcCamera, UvcConfig
from engine.capture.video import VideoFile
from engine.errors import EgoposeError
from engine.session.source import SessionSource


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What the synthetic wearer was asked for."""
    asked: list[dict[str, Any]] = []
    module = types.ModuleType("engine.capture.synthetic")
    module.SyntheticWearer = lambda **settings: asked.append(settings)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "engine.capture.synthetic", module)
    return asked


def test_files_and_folders(tmp_path: Path) -> None:
    for name in ("a.mcap", "a.mp4", "a.weird", "a.PNG"):
        (tmp_path / name).touch()
    assert isinstance(open_source(str(tmp_path / "a.mcap")), SessionSource)
    assert isinstance(open_source(str(tmp_path / "a.mp4")), VideoFile)
    assert isinstance(open_source(str(tmp_path / "a.weird")), VideoFile)
    assert isinstance(open_source(str(tmp_path / "a.PNG")), ImageFolder)
    assert isinstance(open_source(str(tmp_path), fps=10), ImageFolder)


def test_cameras() -> None:
    for spec, name in (("camera:0", "camera 0"), ("camera:/dev/video2", "camera /dev/video2")):
        source = open_source(spec)
        assert isinstance(source, UvcCamera)
        assert source.info.name == name
    with pytest.raises(EgoposeError, match="needs a number or a path"):
        open_source("camera:")


def test_options_of_a_camera() -> None:
    source = open_source("camera:usb-Fish-0,size=1280x1024,fps=60,exposure=-6,gain=2.5,codec=YUYV")
    assert isinstance(source, UvcCamera)
    assert source._config == UvcConfig((1280, 1024), 60, "YUYV", {"exposure": -6, "gain": 2.5})
    for option, told in (("zoom=2", "no option 'zoom'"), ("size=12", "no setting"), ("gain=x", "no setting")):
        with pytest.raises(EgoposeError, match=told):
            open_source(f"camera:0,{option}")


def test_what_is_connected_otherwise(tmp_path: Path) -> None:
    for spec, kind in (
        ("http://10.0.0.5/video", MjpegStream),
        ("https://10.0.0.5/video", MjpegStream),
        ("rtsp://10.0.0.5/live", RtspStream),
        ("udp://:5000", UdpStream),
        ("realsense", RealSenseCamera),
        ("realsense:123", RealSenseCamera),
    ):
        assert type(open_source(spec)) is kind
    for name in ("a.bag", "a.db3"):
        (tmp_path / name).touch()
        assert isinstance(open_source(str(tmp_path / name)), RealSenseRecording)


def test_the_synthetic_wearer(made: list[dict[str, Any]], tmp_path: Path) -> None:
    walk = tmp_path / "walk.bvh"
    walk.touch()
    open_source("synthetic")
    open_source("synthetic:seed=3", fps=20)
    open_source(f"synthetic:seed=4,size=640x512,fps=15,bvh={walk}")
    open_source("synthetic:motion=still")
    assert made == [
        {"seed": 0},
        {"seed": 3, "fps": 20},
        {"seed": 4, "size": (640, 512), "fps": 15.0, "bvh": walk},
        {"seed": 0, "motion": "still"},
    ]


@pytest.mark.parametrize("option", ["seed=x", "size=640", "colour=red", "bvh=/none"])
def test_wrong_options_of_the_synthetic_wearer(made: list[dict[str, Any]], option: str) -> None:
    with pytest.raises(EgoposeError):
        open_source(f"synthetic:{option}")
    assert made == []


def test_a_missing_file_suggests_a_near_name(tmp_path: Path) -> None:
    (tmp_path / "session.mcap").touch()
    with pytest.raises(EgoposeError, match=r"did you mean .*session\.mcap\?") as told:
        open_source(str(tmp_path / "sesion.mcap"))
    assert "\n" not in str(told.value)
    with pytest.raises(EgoposeError, match="check the name"):
        open_source(str(tmp_path / "zzz"))
    with pytest.raises(EgoposeError, match="There is no folder"):
        open_source(str(tmp_path / "none" / "a.mp4"))


def test_a_video_has_its_own_rate(tmp_path: Path) -> None:
    (tmp_path / "a.mp4").touch()
    with pytest.raises(EgoposeError, match="times of its own"):
        open_source(str(tmp_path / "a.mp4"), fps=30)


@pytest.mark.parametrize(
    ("address", "told"),
    [
        ("ftp://host/a.mp4", "give an address that begins with http, https, rtsp, rtsps, udp"),
        ("rtsp:///live", "is no address: write for instance rtsp://"),
        ("rtsp://host:123456/live", "the port is a number up to 65535"),
        ("udp://127.0.0.1", "names no port"),
        ("udp://somewhere:5000", "names no address of this machine"),
    ],
)
def test_addresses_that_cannot_be_read(address: str, told: str) -> None:
    with pytest.raises(EgoposeError, match=told):
        open_source(address)
