"""What every test gets: one thread for torch, and no thread may outlive its test."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from calib.canonical import canonical_angle_table
from engine.network.config import SMALL
from engine.network.network import PoseNetwork
from engine.network.weights import save_weights

# Threads of torch that share their cores with anything else wait for each other most of the time.
os.environ.setdefault("OMP_NUM_THREADS", "1")
torch.set_num_threads(int(os.environ["OMP_NUM_THREADS"]))

GRACE_S = 5.0
ALLOWED = ("pytest_timeout", "ThreadPoolExecutor", "asyncio", "QDBus", "tqdm")


@pytest.fixture(autouse=True)
def no_thread_left() -> Iterator[None]:
    """Fail a test that leaves a thread behind."""
    before = set(threading.enumerate())
    yield
    deadline = time.monotonic() + GRACE_S
    for thread in set(threading.enumerate()) - before:
        if not thread.name.startswith(ALLOWED):
            thread.join(max(0.0, deadline - time.monotonic()))
            assert not thread.is_alive(), f"the thread {thread.name!r} was left behind"


@pytest.fixture(scope="session")
def tiny_weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Weights of an untrained network that is quick to run."""
    torch.manual_seed(0)
    config = replace(SMALL, name="tiny", side=64, spatial_width=8, window=8, actions=("stand", "walk"))
    path = tmp_path_factory.mktemp("weights") / "tiny.safetensors"
    save_weights(PoseNetwork(config, torch.from_numpy(canonical_angle_table(512))), path)
    return path
