"""The T265's helper process: a fake library behind it, our own reader in front of it."""

from __future__ import annotations

import ast
import json
import threading
import urllib.request
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from calib.formats import load_camera
from calib.models.kannala_brandt import KannalaBrandt
from engine.capture import t265
from engine.capture.mjpeg import MjpegStream
from engine.capture.picture import encode_jpeg
from engine.errors import EgoposeError

LENS = {"width": 848, "height": 800, "fx": 286.0, "fy": 287.0, "ppx": 420.5, "ppy": 399.5}


class FakeLibrary:
    """As much of pyrealsense2 2.53.1 as the helper uses; ends by Ctrl+C when it is told to."""

    stream = SimpleNamespace(fisheye="fisheye")

    def __init__(self) -> None:
        self.enabled: list[object] = []
        self.end, self.stopped = threading.Event(), threading.Event()
        self.number = 0

    def pipeline(self) -> FakeLibrary:
        return self

    def config(self) -> FakeLibrary:
        return self

    def enable_stream(self, *what: object) -> None:
        self.enabled.append(what)

    def start(self, _config: object) -> Any:
        model = SimpleNamespace(name="kannala_brandt4")
        lens = SimpleNamespace(**LENS, model=model, coeffs=[-0.007, 0.045, -0.043, 0.008, 0.0])
        video = SimpleNamespace(get_intrinsics=lambda: lens)
        profile = SimpleNamespace(as_video_stream_profile=lambda: video)
        return SimpleNamespace(get_stream=lambda *_: profile)

    def wait_for_frames(self) -> Any:
        if self.end.wait(0.01):
            raise KeyboardInterrupt
        self.number += 1
        image = np.random.default_rng(self.number).integers(0, 255, (80, 84, 3), np.uint8)
        stamp = 7000.0 + self.number
        frame = SimpleNamespace(get_data=lambda: image, get_timestamp=lambda: stamp)
        return SimpleNamespace(get_fisheye_frame=lambda index: frame)

    def stop(self) -> None:
        self.stopped.set()


def test_what_the_helper_serves_is_what_egopose_reads(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    library = FakeLibrary()
    slot_ready = threading.Event()

    def encode(pixels: np.ndarray) -> bytes:
        slot_ready.set()
        return encode_jpeg(pixels, 90)

    runner = threading.Thread(target=t265.run, args=(library, encode, 0))
    runner.start()
    assert slot_ready.wait(10)
    address = capsys.readouterr().out.split()[-1]
    with urllib.request.urlopen(f"{address}camera.json", timeout=5) as answer:
        (tmp_path / "t265.json").write_bytes(answer.read())
    camera = load_camera(tmp_path / "t265.json")
    assert isinstance(camera.model, KannalaBrandt)
    assert camera.size == (848, 800)
    assert json.loads((tmp_path / "t265.json").read_text())["fx"] == LENS["fx"]
    with MjpegStream(address) as stream:
        for _ in range(3):
            frame = stream.read()
            assert frame is not None
            assert frame.device_ns is not None
            number = round(frame.device_ns / 1e6) - 7000
            truth = np.random.default_rng(number).integers(0, 255, (80, 84, 3), np.uint8)
            assert frame.encoded == encode_jpeg(truth, 90)
        library.end.set()
        runner.join(10)
        with pytest.raises(EgoposeError, match="is lost"):
            list(iter(stream.read, None))
    assert library.stopped.is_set()
    assert library.enabled == [("fisheye", 1), ("fisheye", 2)]


def test_the_helper_stands_alone_and_is_plain_python_3_10() -> None:
    tree = ast.parse(Path(t265.__file__).read_text(), feature_version=(3, 10))
    names = {
        alias.name.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names
    }
    names |= {node.module.split(".")[0] for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    assert not names & {"app", "engine", "calib"}
