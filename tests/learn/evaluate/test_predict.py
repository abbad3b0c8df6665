"""Streamed and windowed predictions: the same where they can be, and nothing remembered across a gap."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from calib.canonical import canonical_angle_table
from engine.learn.baselines.published import PublishedNetwork
from engine.learn.baselines.weights import load_published
from engine.learn.data.sequence import Sequence
from engine.learn.evaluate.predict import Streamer, same_past, windowed
from engine.learn.evaluate.run import load
from engine.learn.training.keeping import save
from engine.network.config import BASE, SMALL
from engine.network.network import PoseNetwork
from engine.runtime.eager import EagerRuntime
from tests.learn.data import making

WINDOW = 5
LENGTHS = (3, 12, 1, 5)
"""Clips shorter than the window, much longer, alone, and just as long."""


@pytest.fixture(scope="module")
def network() -> PoseNetwork:
    torch.manual_seed(1)
    config = replace(SMALL, name="tiny", side=64, spatial_width=8, window=WINDOW, token_window=3,
                     actions=("stand", "walk"))  # fmt: skip
    made = PoseNetwork(config, torch.from_numpy(canonical_angle_table(512))).eval()
    # Untrained, the motion hardly reaches the pose; it must be seen to matter here.
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            if "scale" in name or "last" in name:
                parameter.normal_(std=0.5)
    return made


@pytest.fixture(scope="module")
def sequence(tmp_path_factory: pytest.TempPathFactory) -> Sequence:
    arrays = making.shard_arrays(sum(LENGTHS), 1, seed=3)
    arrays["clip"] = np.repeat(np.arange(len(LENGTHS)), LENGTHS).astype(np.int32)
    arrays["time_s"] = np.concatenate([np.arange(n) / 30 for n in LENGTHS]).astype(np.float32)
    path = making.write_shard(tmp_path_factory.mktemp("data") / "a.npz", arrays)
    (read,) = making.read_all(path)
    return read


@pytest.fixture(scope="module")
def streamed(network: PoseNetwork, sequence: Sequence) -> np.ndarray:
    return Streamer(EagerRuntime(network)).run(sequence).joints_m


def test_windows_give_what_the_stream_gives_wherever_their_past_is_the_same(
    network: PoseNetwork, sequence: Sequence, streamed: np.ndarray
) -> None:
    found = windowed(network, sequence, WINDOW)
    same = same_past(sequence, WINDOW)
    # The whole of each clip's first window, and of the long clip the last frame of each window after it.
    assert np.flatnonzero(same).tolist() == [0, 1, 2, 3, 4, 5, 6, 7, 12, 14, 15, 16, 17, 18, 19, 20]
    apart = np.linalg.norm(found - streamed, axis=-1).max(1) * 1e3
    assert apart[same].max() < 0.1
    assert apart[~same].min() > 0.1


def test_the_stream_equals_forward_window_over_every_frames_own_past(
    network: PoseNetwork, sequence: Sequence, streamed: np.ndarray
) -> None:
    for stretch in sequence.stretches():
        for i in range(stretch.start, stretch.stop):
            rows = range(max(stretch.start, i - WINDOW + 1), i + 1)
            pictures = torch.from_numpy(np.stack([sequence.picture(k, 64) for k in rows]))
            with torch.inference_mode():
                expected = network.forward_window(pictures[None]).joints[0, -1].numpy()
            assert np.abs(streamed[i] - expected).max() < 1e-4


def test_the_published_network_slides_its_window_over_what_it_encoded(sequence: Sequence, tmp_path: Path) -> None:
    torch.manual_seed(2)
    config = replace(
        BASE, name="published", side=64, spatial_width=8, motion="shared", motion_dim=32, window=WINDOW, token_window=1
    )
    save(PublishedNetwork(config), tmp_path / "a.safetensors", "note")
    network, runtime = load(tmp_path / "a.safetensors")
    found = Streamer(runtime).run(sequence)
    start = LENGTHS[0]
    for i in (start, start + 3, start + 9):
        rows = range(max(start, i - WINDOW + 1), i + 1)
        pictures = torch.from_numpy(np.stack([sequence.picture(k, 64) for k in rows]))
        with torch.inference_mode():
            expected = network.forward_window(pictures[None])
        assert np.abs(found.joints_m[i] - expected.joints[0, -1].numpy()).max() < 1e-5
        assert np.abs(found.confidence[i] - expected.confidence[0, -1].numpy()).max() < 1e-5
    assert windowed(network, sequence, WINDOW).shape == (len(sequence), 15, 3)
    assert load_published(tmp_path / "none") is None


def test_every_frame_is_counted_and_timed(network: PoseNetwork, sequence: Sequence) -> None:
    ticks: list[int] = []
    found = Streamer(EagerRuntime(network)).run(sequence, ticks.append)
    windowed(network, sequence, WINDOW, ticks.append)
    assert sum(ticks) == 2 * len(sequence)
    assert (found.stage_ms > 0).all()
    assert found.action_scores.shape == (len(sequence), 2)
    assert np.allclose(found.action_scores.sum(1), 1, atol=1e-5)


def test_cameras_take_turns_on_one_runtime(network: PoseNetwork, sequence: Sequence, tmp_path: Path) -> None:
    (tmp_path / "seq").mkdir()
    making.write_egopw(tmp_path / "seq")
    (real,) = making.read_all(tmp_path / "seq")
    streamer = Streamer(EagerRuntime(network))
    first = streamer.run(sequence).joints_m
    streamer.run(real)
    assert np.array_equal(streamer.run(sequence).joints_m, first)
