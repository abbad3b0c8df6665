"""What the machine is doing: processor, memory, and an NVIDIA GPU where its library is there. No Qt."""

from __future__ import annotations

import threading
from contextlib import suppress
from dataclasses import dataclass
from math import nan
from typing import Any

import psutil

EVERY_S = 1.0
"""Seconds between two looks."""
MIB = 1 << 20


@dataclass(frozen=True, slots=True)
class Gpu:
    """One look at an NVIDIA GPU."""

    name: str
    load: float
    """Share of the time that it computes, 0..1."""
    used_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Machine:
    """One look at all of it; NaN and 0 where nothing is known yet."""

    cores: float = nan
    """Processor time of this program, in cores."""
    load: float = nan
    """Of all cores together, by all programs, 0..1."""
    core_count: int = 0
    memory_bytes: int = 0
    """Of this program."""
    memory_free_bytes: int = 0
    memory_total_bytes: int = 0
    gpu: Gpu | None = None


class _Nvml:
    """The GPU's own library, loaded on first use; where that fails there is no GPU to tell of."""

    def __init__(self) -> None:
        self._library: Any = None
        self._handle: Any = None
        with suppress(Exception):  # not installed, no driver, no device: all the same to us
            import pynvml  # noqa: PLC0415  an extra

            pynvml.nvmlInit()
            self._library, self._handle = pynvml, pynvml.nvmlDeviceGetHandleByIndex(0)

    def look(self) -> Gpu | None:
        if self._handle is None:
            return None
        try:
            name = self._library.nvmlDeviceGetName(self._handle)
            load = self._library.nvmlDeviceGetUtilizationRates(self._handle).gpu / 100
            memory = self._library.nvmlDeviceGetMemoryInfo(self._handle)
        except Exception:  # the driver may be gone from one moment to the next
            return None
        name = name.decode() if isinstance(name, bytes) else str(name)
        return Gpu(name, load, int(memory.used), int(memory.total))


class MachineWatch:
    """Looks once a second, on a thread of its own: a driver may take its time to answer."""

    def __init__(self) -> None:
        self._newest = Machine()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def newest(self) -> Machine:
        """From any thread, without waiting."""
        return self._newest

    def start(self) -> None:
        """Begin to look. Idempotent."""
        if self._thread is None:
            self._stopping = threading.Event()
            self._thread = threading.Thread(
                target=self._run, args=(self._stopping,), name="egopose machine watch", daemon=True
            )
            self._thread.start()

    def stop(self, wait_s: float = 1.0) -> None:
        """Look no more. Idempotent."""
        thread, self._thread = self._thread, None
        self._stopping.set()
        if thread is not None:
            thread.join(wait_s)

    def _run(self, stopping: threading.Event) -> None:
        process, nvml = psutil.Process(), _Nvml()
        process.cpu_percent()  # both tell what was since the last call
        psutil.cpu_percent()
        while not stopping.wait(EVERY_S):
            with suppress(psutil.Error, OSError):
                self._newest = look(process, nvml)


def look(process: psutil.Process, nvml: _Nvml) -> Machine:
    """One look. Raises psutil.Error and OSError where the system refuses."""
    memory = psutil.virtual_memory()
    return Machine(
        cores=process.cpu_percent() / 100,
        load=psutil.cpu_percent() / 100,
        core_count=psutil.cpu_count() or 0,
        memory_bytes=process.memory_info().rss,
        memory_free_bytes=memory.available,
        memory_total_bytes=memory.total,
        gpu=nvml.look(),
    )
