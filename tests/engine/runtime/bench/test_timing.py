"""Rounds, ratios, and what is counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from engine.learn.baselines.published import PublishedNetwork
from engine.network.config import BASE, SMALL
from engine.network.network import PoseNetwork
from engine.runtime.bench import machine, timing
from engine.runtime.bench.contest import Way
from engine.runtime.bench.gpu import count_launches, gpu_figures
from engine.runtime.bench.peak import LAYERS, Chain, gmac_of
from engine.runtime.bench.run import peak_share, turned
from engine.runtime.bench.stages import EagerParts, ring_push_us, stages_of
from engine.runtime.bench.timing import Round, Sampled, Subject
from engine.runtime.bench.window import SlidingWindow
from engine.runtime.bench.work import counted, streamed_gmac, window_gmac
from engine.runtime.eager import EagerRuntime
from engine.runtime.streaming import StreamingRuntime
from tests.engine.runtime.test_eager import made


def test_every_round_has_every_subject_and_begins_with_another_one() -> None:
    ran: list[str] = []
    subjects = [
        Subject(name, lambda name=name: ran.append(name), frames, warm=1) for name, frames in (("a", 1), ("b", 3))
    ]
    told: list[str] = []
    sampled = timing.measure(subjects, 3, told.append)
    assert told == ["a", "b", "b", "a", "a", "b"]
    assert ran == ["a"] * 2 + ["b"] * 8 + ["a"] * 4 + ["b"] * 4
    assert (len(sampled["b"].rounds), sampled["b"].frames) == (3, 9)


def test_ratios_are_of_rounds_and_not_of_medians() -> None:
    """A machine that became three times slower in the middle changes neither."""
    slow = [1.0, 3.0, 3.0, 1.0]
    sampled = {
        "window": Sampled(tuple(Round(80 * s, 40 * s) for s in slow), 4),
        "ours": Sampled(tuple(Round(4 * s, s) for s in slow), 4),
    }
    assert timing.ratio(sampled, "window", "ours", cpu=True) == 40
    assert timing.ratio(sampled, "window", "ours", cpu=False) == 20
    assert sampled["ours"].cost.cpu_ms == 2


def test_what_is_counted_is_what_layers_multiply() -> None:
    conv = torch.nn.Conv2d(8, 16, 3, padding=1)
    assert counted(lambda: conv(torch.zeros(1, 8, 10, 10))) == pytest.approx(9 * 8 * 16 * 100 / 1e9)
    assert gmac_of(4, 8) == pytest.approx(LAYERS * 9 * 16 * 64 / 1e9)


def test_the_networks_of_full_size_cost_what_is_known_of_them() -> None:
    """The published design streamed is about 9.5 GMAC, its window of 32 frames 298: see the sizes' own account."""
    with torch.device("meta"):
        network, published = PoseNetwork(BASE, torch.zeros(512)), PublishedNetwork(BASE)
    assert 9.0 < streamed_gmac(network) < 10.0
    assert window_gmac(published) == pytest.approx(298, rel=0.05)


def test_the_window_runs_all_its_pictures_for_one_pose() -> None:
    config = replace(made(BASE).config, window=3, token_window=2)
    window = SlidingWindow(config)
    pictures = np.random.default_rng(0).integers(0, 256, (config.window + 1, config.side, config.side, 3), np.uint8)
    for picture in pictures:
        joints = window.run(picture)
    assert joints.shape == (15, 3)
    with torch.inference_mode():
        whole = window.network.forward_window(torch.from_numpy(pictures[1:])[None]).joints[0, -1].numpy()
    assert np.allclose(joints, whole, atol=1e-5)


def test_stages_are_those_of_a_frame_and_their_shares_add_up() -> None:
    from calib.formats import load_camera  # noqa: PLC0415
    from calib.remap import CanonicalView  # noqa: PLC0415

    network = made(BASE)
    view = CanonicalView(load_camera("sceneego"), (320, 256), network.config.side)
    stages = stages_of("eager", EagerParts(network), network.config, np.zeros((256, 320, 3), np.uint8), view, 3)
    names = [stage.name for stage in stages.stages]
    assert names == [
        "canonical view", "spatial stream", "motion encoder", "ring push", "temporal and pose", "read-back", "overlay",
    ]  # fmt: skip
    spent = {stage.name: stage.cpu_us for stage in stages.stages}
    assert all(us >= 0 for us in spent.values())
    beside = sum(spent[name] for name in ("canonical view", "ring push", "read-back", "overlay"))
    assert stages.beside_network == pytest.approx(beside / sum(spent.values()))
    assert ring_push_us(network.config, 50) > 0


def test_the_parts_that_are_timed_are_the_network_whether_side_by_side_or_in_turn() -> None:
    network = made(BASE)
    pictures = np.random.default_rng(0).integers(0, 256, (4, network.config.side, network.config.side, 3), np.uint8)
    eager = EagerRuntime(network)
    others = [StreamingRuntime(EagerParts(network), network.config, "", side_by_side=both) for both in (True, False)]
    try:
        for at, picture in enumerate(pictures):
            joints = eager.run(picture, motion=at != 2).joints_m
            for other in others:
                assert np.allclose(other.run(picture, motion=at != 2).joints_m, joints, atol=1e-5)
    finally:
        for runtime in (eager, *others):
            runtime.close()


def test_others_are_what_is_busy_besides_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten seconds of four cores: 16 s were busy, 6 of them this process's own."""
    clock, busy, own = iter([0.0, 10.0]), iter([100.0, 116.0]), iter([1.0, 7.0])
    monkeypatch.setattr(machine.time, "monotonic", lambda: next(clock))
    monkeypatch.setattr(machine, "_busy_s", lambda: next(busy))
    monkeypatch.setattr(machine, "_own_s", lambda: next(own))
    monkeypatch.setattr(machine.psutil, "cpu_count", lambda: 4)
    assert machine.Others().share() == pytest.approx(0.25)


def test_the_share_of_others_is_a_share_here_too() -> None:
    others = machine.Others()
    while machine._own_s() - others._own < 0.02:
        pass
    assert 0.0 <= others.share() <= 1.0


def test_launches_are_counted_and_nothing_else_of_the_host() -> None:
    calls = [("cudaLaunchKernel", 7), ("cudaLaunchKernelExC", 2), ("cuLaunchKernelEx", 1), ("cudaGraphLaunch", 1)]
    assert count_launches([*calls, ("cudaStreamSynchronize", 9), ("aten::conv2d", 4)]) == 11
    if not torch.cuda.is_available():
        assert gpu_figures(lambda: None) == (None, None)


def test_a_share_of_the_peak_is_that_of_one_thread() -> None:
    """10 GMAC in 200 ms on one thread, where the machine does 100 a second; side by side tells nothing of a thread."""
    chain = Chain("PyTorch", "fp32", (1, 1), 2.0, lambda: None)
    way = Way("eager", "", EagerRuntime(made(SMALL)), 2, "PyTorch", "fp32")
    sampled = {
        chain.name: Sampled((Round(40, 20), Round(60, 30)), 2),
        "eager": Sampled((Round(150, 400), Round(150, 600)), 2),
        turned("eager"): Sampled((Round(300, 200), Round(400, 300)), 2),
    }
    assert peak_share(sampled, way, [chain], 10.0) == pytest.approx(0.5)
    del sampled[turned("eager")]
    assert peak_share(sampled, way, [chain], 10.0) == pytest.approx(0.25)
    assert peak_share(sampled, replace(way, precision="int8"), [chain], 10.0) is None
