"""The machine that is measured, named so that another one's figures can be told apart."""

from __future__ import annotations

import math
import os
import platform
import time
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import psutil

from engine.runtime.bench.report import Machine

TOLD = ("avx2", "avx_vnni", "avx512f", "avx512_vnni", "avx512_bf16", "amx_bf16", "amx_int8", "asimd", "asimddp", "i8mm")
LIBRARIES = ("torch", "openvino", "tensorrt", "tensorrt-rtx", "opencv-python", "numpy")


def this_machine() -> Machine:
    """Takes no time and imports no library that runs networks, but asks torch for its GPU where that is loaded."""
    return Machine(
        processor=_processor(),
        cores=cores(),
        extensions=_extensions(),
        gpu=_gpu(),
        memory_gb=_memory_gb(),
        system=f"{platform.system()} {platform.machine()}",
        versions={"python": platform.python_version()} | {name: v for name in LIBRARIES if (v := _version(name))},
        load=_load(),
    )


class Others:
    """What other processes take of the machine's cores, from when it is made on."""

    def __init__(self) -> None:
        self._began, self._busy, self._own = time.monotonic(), _busy_s(), _own_s()

    def share(self) -> float:
        """0..1 of all cores' time; what a hypervisor took counts as well. NaN if unknown."""
        elapsed = (time.monotonic() - self._began) * (psutil.cpu_count() or 1)
        others = (_busy_s() - self._busy) - (_own_s() - self._own)
        return min(1.0, max(0.0, others / elapsed)) if elapsed > 0 else math.nan


def _busy_s() -> float:
    """Seconds that all cores together were busy."""
    times = psutil.cpu_times()
    # A guest's time is in its host process's already.
    idle = ("idle", "iowait", "guest", "guest_nice")
    return float(sum(value for name, value in times._asdict().items() if name not in idle))


def _own_s() -> float:
    """Seconds of this process, and of those that it began and waited for."""
    return sum(os.times()[:4])


def cores() -> int:
    """Those that this process may use."""
    with suppress(AttributeError):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpuinfo(key: str) -> str:
    """The first value of a key in Linux's description of the processor, "" elsewhere."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == key:
                return value.strip()
    return ""


def _processor() -> str:
    from archspec.cpu import host  # noqa: PLC0415

    return _cpuinfo("model name") or platform.processor() or str(host().name)


def _extensions() -> tuple[str, ...]:
    from archspec.cpu import detect  # noqa: PLC0415

    has = detect.detected_info().features
    return tuple(name for name in TOLD if name in has)


def _gpu() -> str:
    import torch  # noqa: PLC0415

    return str(torch.cuda.get_device_name()) if torch.cuda.is_available() else ""


def _memory_gb() -> float:
    with suppress(AttributeError, ValueError, OSError):
        return round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1)
    return math.nan


def _version(name: str) -> str:
    with suppress(PackageNotFoundError):
        return version(name)
    return ""


def _load() -> float:
    with suppress(AttributeError, OSError):
        return round(os.getloadavg()[0], 1)
    return math.nan
