"""The program from its start to the first pose of the bundled network: without torch, and in little memory."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from engine.runtime.choice import open_runtime
from engine.runtime.eager import EagerRuntime

FIRST_POSE = """
import json, sys
from types import SimpleNamespace
from archspec.cpu import detect
detect.detected_info = lambda: SimpleNamespace(features=set(sys.argv[1:]))
from app.settings import Settings
from engine.assets import DEMO_SESSION
from engine.session.source import SessionSource

with SessionSource(DEMO_SESSION) as source:
    estimator = Settings().estimator_maker()(source)
    pose = estimator.estimate(source.read())
    estimator.close()
told = {"joints": pose.joints_m.tolist(), "torch": "torch" in sys.modules, "runtime": estimator.runtime}
if sys.platform == "linux":
    most = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
    told["megabytes"] = int(most.split()[1]) / 1024
print(json.dumps(told))
"""


@pytest.mark.parametrize(
    ("features", "runs"),
    [
        (("avx2", "avx_vnni"), "OpenVINO int8, CPU"),
        (("avx2",), "OpenVINO fp32, CPU without VNNI"),
        (("avx512f", "avx512_bf16"), "OpenVINO fp32, CPU without VNNI"),
        (("neon", "asimd"), "OpenVINO fp32, CPU without VNNI"),
    ],
)
def test_the_first_pose_needs_no_torch_and_little_memory(features: tuple[str, ...], runs: str) -> None:
    words = [sys.executable, "-c", FIRST_POSE, *features]
    child = subprocess.run(words, capture_output=True, text=True, check=True)
    told = json.loads(child.stdout)
    assert told["runtime"] == runs
    assert not told["torch"]
    assert told.get("megabytes", 0) < 350
    assert np.isfinite(told["joints"]).all()


def test_weights_of_which_nothing_is_compiled_run_in_torch(tiny_weights: Path) -> None:
    runtime = open_runtime(tiny_weights)
    assert isinstance(runtime, EagerRuntime)
    assert runtime.reason.endswith("nothing is compiled for OpenVINO yet")
    runtime.close()
