"""The NVIDIA GPU that networks can run on, told by its driver.

torch is not imported, and where there is no driver it takes no time.
"""

from __future__ import annotations

import ctypes
import re
import sys
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

DRIVER = "nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1"
NO_GPU = "no NVIDIA GPU; one is needed, with its driver, for this; --runtime openvino and eager run on the processor"
CPU_TORCH = (
    "this PyTorch is built for the processor alone; in place of its CPU build, install the torch of the package index"
)
_NO_DEVICE, _STUB = 100, 34
"""What the driver answers where there is none, or where the library only stands in for a driver."""
_MAJOR, _MINOR = 75, 76
"""Numbers of the attributes that the compute capability is made of."""


@dataclass(frozen=True, slots=True)
class Gpu:
    """The first one that this process may use: the one that torch and TensorRT take, too."""

    name: str
    capability: tuple[int, int]
    """Compute capability, for instance (8, 9) of the GeForce RTX 40 series."""


@cache
def gpu() -> Gpu | None:
    """None where there is none, or its driver does not work; `missing_gpu` says which."""
    found = _ask()
    return found if isinstance(found, Gpu) else None


def missing_gpu() -> str | None:
    """None where there is a GPU; else one line: what is missing, and how to get it."""
    found = _ask()
    return None if isinstance(found, Gpu) else found


def missing_cuda() -> str | None:
    """The same of a GPU that torch can use. Does not import it: it was built for CUDA, or it was not."""
    return missing_gpu() or (CPU_TORCH if torch_cuda() is None else None)


@cache
def torch_cuda() -> str | None:
    """The version of CUDA that the installed torch was built for, as its own text says; None where that is none."""
    spec = find_spec("torch")
    if spec is None or spec.origin is None:
        return None
    with suppress(OSError):
        found = re.search(
            r"^cuda\b[^=]*=\s*['\"]([^'\"]+)['\"]",
            Path(spec.origin).with_name("version.py").read_text(encoding="utf-8"),
            re.MULTILINE,
        )
        return found[1] if found else None
    return None


@cache
def _ask() -> Gpu | str:
    """The GPU, or what is missing."""
    try:
        driver = ctypes.CDLL(DRIVER)
    except OSError:
        return NO_GPU
    return _of(driver)


def _of(driver: ctypes.CDLL) -> Gpu | str:
    """What a driver says of its first device, see the CUDA Driver API."""
    count, device = ctypes.c_int(), ctypes.c_int()
    status = driver.cuInit(0) or driver.cuDeviceGetCount(ctypes.byref(count))
    if status in (_NO_DEVICE, _STUB) or (status == 0 and count.value == 0):
        return NO_GPU
    name, major, minor = ctypes.create_string_buffer(256), ctypes.c_int(), ctypes.c_int()
    status = (
        status
        or driver.cuDeviceGet(ctypes.byref(device), 0)
        or driver.cuDeviceGetName(name, len(name), device)
        or driver.cuDeviceGetAttribute(ctypes.byref(major), _MAJOR, device)
        or driver.cuDeviceGetAttribute(ctypes.byref(minor), _MINOR, device)
    )
    if status:
        return f"the NVIDIA driver does not work (CUDA error {status}); update it and restart the computer"
    return Gpu(name.value.decode(errors="replace"), (major.value, minor.value))
