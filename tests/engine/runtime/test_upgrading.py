"""A faster runtime that is made while a slower one serves: the poses, the memory, and what goes wrong."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from calib.formats import load_camera
from engine.capture.opening import open_source
from engine.errors import EgoposeError
from engine.live.estimator import PoseEstimator
from engine.live.mailbox import Mailbox
from engine.live.pipeline import Estimate, Pipeline
from engine.network.weights import load_network
from engine.runtime import building
from engine.runtime.artefacts import Artefacts, Cancelled
from engine.runtime.backend import Backend, Tell, tell_nobody
from engine.runtime.building import Built
from engine.runtime.choice import Eager, open_runtime, way
from engine.runtime.eager import EagerRuntime
from engine.runtime.runtime import Runtime
from engine.runtime.upgrading import Better, Upgrading
from engine.types import Pose
from tests.engine.runtime.networks import OWN_ENCODER, REMEMBERING, make, recording

WAIT_S = 60.0


class Slow(Better):
    """Is made when the test says so, and tells what the test says."""

    title, reason = "OpenVINO int8", "no NVIDIA GPU"

    def __init__(self, made: Runtime | Exception) -> None:
        self.result = made
        self.tell: Tell = tell_nobody
        self.begun, self.go, self.cancelled = threading.Event(), threading.Event(), threading.Event()

    def make(self, tell: Tell) -> Runtime:
        self.tell = tell
        self.begun.set()
        assert self.go.wait(WAIT_S)
        if self.cancelled.is_set():
            raise Cancelled(self.title)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result

    def cancel(self) -> None:
        self.cancelled.set()
        self.go.set()

    def finish(self, runtime: Upgrading) -> None:
        """Let it be made, and wait until that is done."""
        self.go.set()
        runtime._maker.join(WAIT_S)


class Faster(EagerRuntime):
    """Told from the one that serves by what it says of itself; notes that it is closed."""

    closed = 0

    def __init__(self, network: Any) -> None:
        super().__init__(network)
        self.description = "OpenVINO int8, CPU"

    def close(self) -> None:
        self.closed += 1
        super().close()


@pytest.mark.parametrize("config", [REMEMBERING, OWN_ENCODER], ids=lambda c: c.name)
def test_the_poses_before_and_after_are_those_of_one_runtime(config: Any) -> None:
    network = make(config)
    pictures = np.random.default_rng(0).integers(0, 256, (9, 64, 64, 3), np.uint8)
    serving, better = EagerRuntime(network), Slow(Faster(network))
    serving.reason = "no NVIDIA GPU; nothing is compiled for OpenVINO yet"
    runtime, oracle = Upgrading(serving, better), EagerRuntime(network)
    assert better.begun.wait(WAIT_S)
    try:
        for at, picture in enumerate(pictures):
            if at == 3:
                better.tell("quantising", 0.4)
                assert runtime.building == "building OpenVINO int8, 40 %"
            if at == 5:
                better.finish(runtime)
                assert runtime.building == ""
            # The frame of the swap is one whose motion is spared: it reads the feature that went over.
            ours, theirs = (each.run(picture, motion=at != 5) for each in (runtime, oracle))
            assert np.array_equal(ours.joints_m, theirs.joints_m), at
            assert np.array_equal(runtime.memory(), oracle.memory()), at
            serves = "PyTorch eager, CPU" if at < 5 else "OpenVINO int8, CPU"
            assert runtime.description == serves
        assert runtime.reason == "no NVIDIA GPU"
        assert runtime.notice == ""
    finally:
        runtime.close()
        oracle.close()


def test_a_gap_before_the_swap_stays_a_gap() -> None:
    network = make(REMEMBERING)
    pictures = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), np.uint8)
    better = Slow(Faster(network))
    runtime, oracle = Upgrading(EagerRuntime(network), better), EagerRuntime(network)
    for picture in pictures[:2]:
        runtime.run(picture)
    better.finish(runtime)
    runtime.reset()
    for picture in pictures[2:]:
        assert np.array_equal(runtime.run(picture).joints_m, oracle.run(picture).joints_m)
    runtime.close()


@pytest.mark.parametrize(
    ("error", "says"),
    [
        (EgoposeError("cannot keep compiled networks in /x (No space left on device); make room there"), "make room"),
        (RuntimeError("a driver\ndied"), "(a driver died)"),
    ],
)
def test_what_cannot_be_built_is_a_notice_and_the_poses_go_on(error: Exception, says: str) -> None:
    network = make(REMEMBERING)
    picture = np.zeros((64, 64, 3), np.uint8)
    better = Slow(error)
    runtime = Upgrading(EagerRuntime(network), better)
    before = runtime.run(picture)
    better.finish(runtime)
    runtime.reset()
    assert np.array_equal(runtime.run(picture).joints_m, before.joints_m)
    assert runtime.notice.startswith("OpenVINO int8 could not be built (")
    assert runtime.notice.endswith("; PyTorch eager, CPU goes on")
    assert says in runtime.notice
    assert "\n" not in runtime.notice
    assert runtime.building == ""
    runtime.close()


def test_what_does_not_take_the_memory_over_never_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    network = make(REMEMBERING)
    pictures = np.random.default_rng(0).integers(0, 256, (4, 64, 64, 3), np.uint8)
    faster = Faster(network)

    def recall(memory: object) -> None:
        raise RuntimeError("the GPU is gone")

    better = Slow(faster)
    runtime, oracle = Upgrading(EagerRuntime(network), better), EagerRuntime(network)
    for at, picture in enumerate(pictures):
        if at == 2:
            better.finish(runtime)
            monkeypatch.setattr(faster, "recall", recall)
        assert np.array_equal(runtime.run(picture).joints_m, oracle.run(picture).joints_m), at
    assert runtime.description == "PyTorch eager, CPU"
    assert runtime.notice == "OpenVINO int8 could not be built (the GPU is gone); PyTorch eager, CPU goes on"
    assert faster.closed == 1
    runtime.close()
    assert faster.closed == 1


def test_no_frame_is_lost_on_the_way_from_one_to_the_other(tmp_path: Path) -> None:
    network, camera = make(REMEMBERING), load_camera("sceneego")
    folder = recording(tmp_path / "pictures", 9)

    def poses(runtime: Runtime, at_frame: Callable[[int, Pipeline], None]) -> list[Pose]:
        outbox: Mailbox[Estimate] = Mailbox(lossless=True)
        source = open_source(str(folder))
        pipeline = Pipeline(source, lambda _: PoseEstimator(runtime, camera), lossless=True, outbox=outbox)
        pipeline.start()
        found: list[Pose] = []
        try:
            while (estimate := outbox.take()) is not None:
                at_frame(len(found), pipeline)
                found.append(estimate.pose)
            pipeline.wait()
        finally:
            pipeline.stop()
        assert pipeline.snapshot().figures.runtime == runtime.description
        return found

    better = Slow(Faster(network))
    upgrading = Upgrading(EagerRuntime(network), better)
    building: list[str] = []

    def finish_in_the_middle(at: int, pipeline: Pipeline) -> None:
        building.append(pipeline.snapshot().figures.building)
        if at == 3:
            better.finish(upgrading)

    ours = poses(upgrading, finish_in_the_middle)
    theirs = poses(EagerRuntime(network), lambda at, pipeline: None)
    assert [pose.seq for pose in ours] == [pose.seq for pose in theirs] == list(range(9))
    assert all(np.array_equal(a.joints_m, b.joints_m) for a, b in zip(ours, theirs, strict=True))
    assert upgrading.description == "OpenVINO int8, CPU"
    assert building[0] == "building OpenVINO int8, 0 %"
    assert building[-1] == ""


class Broken(Faster):
    """Loads, and fails on its first run."""

    def run(self, picture: Any, *, motion: bool = True) -> Any:
        raise RuntimeError("no kernel image is available")


def test_what_fails_on_its_first_run_never_serves() -> None:
    network = make(REMEMBERING)
    broken = Broken(network)
    better = Slow(broken)
    runtime = Upgrading(EagerRuntime(network), better)
    better.finish(runtime)
    assert np.isfinite(runtime.run(np.zeros((64, 64, 3), np.uint8)).joints_m).all()
    assert "no kernel image" in runtime.notice
    assert broken.closed == 1
    runtime.close()


def test_closing_calls_the_build_off() -> None:
    better = Slow(EgoposeError("is never raised"))
    runtime = Upgrading(EagerRuntime(make(REMEMBERING)), better)
    assert better.begun.wait(WAIT_S)
    runtime.close()
    assert better.cancelled.is_set()
    assert not runtime._maker.is_alive()
    assert runtime.notice == ""


def test_closing_closes_what_was_made_and_not_yet_used() -> None:
    network = make(REMEMBERING)
    faster = Faster(network)
    better = Slow(faster)
    runtime = Upgrading(EagerRuntime(network), better)
    better.finish(runtime)
    runtime.close()
    assert faster.closed == 1


class Compiled(Backend):
    """Stands for one that could be made here."""

    name = "openvino"

    def __init__(self, lacks: str | None = None, lacks_to_build: str | None = None) -> None:
        self._lacks, self._lacks_to_build = lacks, lacks_to_build

    def missing(self) -> str | None:
        return self._lacks

    def missing_to_build(self) -> str | None:
        return self._lacks_to_build

    def identity(self) -> Mapping[str, str]:
        return {}

    def build(self, weights: Path, folder: Path, tell: Tell = tell_nobody) -> None:
        raise AssertionError("another process builds it")

    def load(self, folder: Path) -> Runtime:
        raise AssertionError("nothing is there")


@pytest.mark.parametrize(
    ("backend", "upgrades"),
    [
        (Compiled(), True),
        (Compiled(lacks="OpenVINO is not installed"), False),
        (Compiled(lacks_to_build="nncf is not installed"), False),
    ],
    ids=["can be made", "cannot run", "cannot be made"],
)
def test_it_is_made_where_it_can_be_and_where_that_is_wanted(
    tiny_weights: Path, tmp_path: Path, backend: Compiled, upgrades: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Built, "make", lambda self, tell: (_ for _ in ()).throw(Cancelled("not in this test")))
    artefacts = Artefacts(tmp_path, tmp_path)
    for upgrade in (False, True):
        runtime = open_runtime(tiny_weights, ways=(backend, Eager()), artefacts=artefacts, upgrade=upgrade)
        assert isinstance(runtime, Upgrading) == (upgrade and upgrades)
        assert runtime.description.startswith("PyTorch eager")
        runtime.close()


def test_the_other_process_tells_what_is_wrong(tmp_path: Path) -> None:
    backend = way("openvino")
    assert isinstance(backend, Backend)
    built = Built(backend, tmp_path / "gone.safetensors", Artefacts(tmp_path / "compiled"), "")
    with pytest.raises(EgoposeError, match=r"cannot read the weights .*gone.safetensors"):
        built.make(tell_nobody)


def test_the_other_process_is_ended_when_it_is_called_off(
    tiny_weights: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = way("openvino")
    assert isinstance(backend, Backend)
    built = Built(backend, tiny_weights, Artefacts(tmp_path / "compiled"), "")
    follow = building._follow

    def cancel_first(process: subprocess.Popen[str], tell: Tell) -> str:
        built.cancel()
        return follow(process, tell)

    monkeypatch.setattr(building, "_follow", cancel_first)
    with pytest.raises(Cancelled):
        built.make(tell_nobody)
    assert built._process is not None
    assert built._process.returncode
    with pytest.raises(Cancelled):
        built.make(tell_nobody)


@pytest.mark.soak
@pytest.mark.timeout(900)
def test_weights_of_ones_own_are_made_fast_while_they_run(tiny_weights: Path, tmp_path: Path) -> None:
    runtime = open_runtime(tiny_weights, artefacts=Artefacts(tmp_path), upgrade=True)
    oracle = EagerRuntime(load_network(tiny_weights))
    rng = np.random.default_rng(0)
    assert isinstance(runtime, Upgrading)
    try:
        runtime._maker.join(600)
        for _ in range(10):
            picture = rng.integers(0, 256, (64, 64, 3), np.uint8)
            ours, theirs = runtime.run(picture), oracle.run(picture)
            assert np.abs(ours.joints_m - theirs.joints_m).max() < 0.05
        assert runtime.description.startswith("OpenVINO"), runtime.notice
    finally:
        runtime.close()
        oracle.close()
    assert torch.get_num_threads() == 1
