"""What only a GPU has: time between events on its stream, and what the host starts on it for a frame."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median

import torch

LAUNCHES = ("cudaLaunchKernel", "cuLaunchKernel", "cudaGraphLaunch")
"""Beginnings of the names of the calls that start something."""
FRAMES = 20


def gpu_figures(run: Callable[[], object]) -> tuple[float, int] | tuple[None, None]:
    """Milliseconds from before to after a frame by the GPU's clock, in the median, and the launches a frame.

    The runtime has streams of its own and waits for them: the host's part is in it. None without a GPU.
    """
    if not torch.cuda.is_available():
        return None, None
    for _ in range(3):
        run()
    durations = []
    for _ in range(FRAMES):
        began, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call]
        began.record()
        run()
        ended.record()
        ended.synchronize()
        durations.append(began.elapsed_time(ended))
    return median(durations), launches(run)


def launches(run: Callable[[], object]) -> int:
    """Kernels and graphs that one frame starts, as the profiler counts the host's calls."""
    from torch.profiler import ProfilerActivity, profile  # noqa: PLC0415

    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
        run()
        torch.cuda.synchronize()
    return count_launches([(event.key, event.count) for event in profiler.key_averages()])


def count_launches(calls: list[tuple[str, int]]) -> int:
    """Of (name, how often) of the host's calls, those that start something on the GPU."""
    return sum(count for name, count in calls if name.startswith(LAUNCHES))
