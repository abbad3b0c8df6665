"""`egopose evaluate` as a user runs it."""

from __future__ import annotations

import json
import shutil
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from app.cli import main
from tests.learn.data import making


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("data")
    making.write_shard(root / "test-0-00000.npz", making.shard_arrays(8, 4))
    making.write_sceneego(root / "test" / "jian1")
    return root


class Page(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.count: dict[str, int] = {}
        self.links: list[str] = []
        self.words: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.count[tag] = self.count.get(tag, 0) + 1
        if tag not in ("meta", "img", "br", "line", "rect", "circle", "polyline", "polygon"):
            self.open.append(tag)
        self.links += [value or "" for name, value in attrs if name in ("src", "href")]

    def handle_endtag(self, tag: str) -> None:
        if tag not in ("line", "rect", "circle", "polyline", "polygon"):
            assert self.open.pop() == tag

    def handle_data(self, text: str) -> None:
        self.words.append(text)


def test_two_networks_side_by_side(
    data: Path, tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = tmp_path / "other.safetensors"
    shutil.copy(tiny_weights, other)
    out = tmp_path / "report"
    words = ["evaluate", str(data), "--network", str(tiny_weights), "--network", str(other), "--report", str(out)]
    assert main(words) == 0
    said = capsys.readouterr().out
    assert "BA-MPJPE" in said
    assert "left foot" in said
    assert "1 of 5 poses are unknown" in said
    record = json.loads((out / "report.json").read_text())
    tiny, copy = record["networks"]
    assert (tiny["name"], copy["name"]) == ("tiny", "other")
    assert tiny["mpjpe"] == copy["mpjpe"]
    assert copy["mpjpe_against_first"]["high"] == 0
    assert tiny["sequences"].keys() == {"wearer test-0-00000", "SceneEgo jian1"}
    assert (tiny["frames"], tiny["scored"], tiny["clips"]) == (13, 12, 3)
    assert tiny["windowed"]["difference_mm"] < 0.1
    assert tiny["windowed"]["compared"] == 13
    assert tiny["data_sets"].keys() == {"wearer", "SceneEgo"}
    assert tiny["action"]["chance"] == pytest.approx(2 / 8)
    assert tiny["hidden_known"] is False
    page = Page((out / "report.html").read_text())
    assert not page.open
    # Self-contained: pictures are in it, and nothing is fetched.
    assert page.count["img"] > 4
    assert all(link.startswith("data:image/jpeg;base64,") for link in page.links)
    assert {"tiny", "other"} <= {word.strip() for word in page.words}
    assert page.count["svg"] > 10


def test_the_error_is_that_of_the_poses_themselves(
    data: Path, tiny_weights: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Against a replay of the same pictures, scored by hand."""
    shard = data / "test-0-00000.npz"
    assert (
        main(["evaluate", str(shard), "--network", str(tiny_weights), "--report", str(tmp_path), "--no-windows"]) == 0
    )
    record = json.loads((tmp_path / "report.json").read_text())["networks"][0]
    from engine.learn.data.windows import WindowDataset  # noqa: PLC0415
    from engine.runtime.eager import EagerRuntime  # noqa: PLC0415

    (sequence,) = making.read_all(shard)
    runtime = EagerRuntime.from_file(tiny_weights)
    errors = []
    for i in range(8):
        if i % 4 == 0:
            runtime.reset()
        picture, target = WindowDataset([sequence], runtime.side)[i]
        joints = runtime.run(picture[0].numpy()).joints_m
        errors.append(np.linalg.norm(joints - target.joints[0].numpy(), axis=-1).mean() * 1e3)
    assert record["mpjpe"]["mean"] == pytest.approx(np.mean(errors), rel=1e-4)
    assert record["windowed"] is None


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["none"], "none: is not there"),
        (["{data}", "--network", "no-such-network"], "no network is named no-such-network"),
        (["{data}", "--network", "small", "--network", "small"], "names the same weights twice"),
        (["{data}", "--split", "validation"], "for validation"),
        (["{data}", "--report", "{data}/test-0-00000.npz"], "cannot make the folder"),
        (["{broken}"], "holds no list of frames"),
        ([], "required: DATA"),
    ],
)
def test_what_a_user_can_get_wrong_is_told(
    words: list[str], said: str, data: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "broken"
    broken.mkdir()
    (broken / "pseudo_gt.pkl").write_bytes(b"\x80\x04}.")
    assert main(["evaluate", *(word.format(data=data, broken=broken) for word in words)]) == 2
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""
    assert "Traceback" not in captured.err
