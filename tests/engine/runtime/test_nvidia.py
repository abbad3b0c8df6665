"""What the driver says of the GPU, from drivers that answer as the real one may."""

from __future__ import annotations

import ctypes
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from engine.runtime import nvidia
from engine.runtime.nvidia import CPU_TORCH, NO_GPU, Gpu


class Driver:
    """Answers as libcuda does; `status` of every call, by its name, where it is not 0."""

    def __init__(self, count: int = 1, **status: int) -> None:
        self._count, self._status = count, status

    def __getattr__(self, call: str) -> Any:
        def answer(*arguments: Any) -> int:
            if call == "cuDeviceGetCount":
                arguments[0]._obj.value = self._count
            if call == "cuDeviceGetName":
                arguments[0].value = b"NVIDIA GeForce RTX 4060 Laptop GPU"
            if call == "cuDeviceGetAttribute":
                arguments[0]._obj.value = {75: 8, 76: 9}[arguments[1]]
            return self._status.get(call, 0)

        return answer


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Answers what `driver` makes of the module; None stands for no driver at all."""

    def ask(driver: Driver | None) -> Gpu | str:
        def load(name: str) -> Driver:
            if driver is None:
                raise OSError(f"{name}: cannot open shared object file")
            return driver

        monkeypatch.setattr(nvidia, "ctypes", SimpleNamespace(**{**vars(ctypes), "CDLL": load}))
        nvidia._ask.cache_clear()
        return nvidia._ask()

    yield ask
    monkeypatch.undo()
    nvidia._ask.cache_clear()
    nvidia.gpu.cache_clear()


def test_the_gpu_is_named_with_its_capability(asked: Any) -> None:
    assert asked(Driver()) == Gpu("NVIDIA GeForce RTX 4060 Laptop GPU", (8, 9))
    assert nvidia.missing_gpu() is None


@pytest.mark.parametrize(
    "driver", [None, Driver(0), Driver(cuInit=100), Driver(cuInit=34)], ids=["none", "hidden", "no device", "stub"]
)
def test_where_there_is_none_that_is_said(asked: Any, driver: Driver | None) -> None:
    assert asked(driver) == NO_GPU
    assert nvidia.missing_gpu() == nvidia.missing_cuda() == NO_GPU
    assert NO_GPU.partition(";")[0] == "no NVIDIA GPU"  # as the strip has it


@pytest.mark.parametrize(
    "call", ["cuInit", "cuDeviceGetCount", "cuDeviceGet", "cuDeviceGetName", "cuDeviceGetAttribute"]
)
def test_a_driver_that_does_not_work_is_another_thing(asked: Any, call: str) -> None:
    said = asked(Driver(**{call: 999}))
    assert said == "the NVIDIA driver does not work (CUDA error 999); update it and restart the computer"


def test_a_torch_for_the_processor_is_told_without_importing_it(
    asked: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked(Driver())
    monkeypatch.setattr(nvidia, "find_spec", lambda name: SimpleNamespace(origin=str(tmp_path / "__init__.py")))
    for text, version, missing in (
        ("cuda: Optional[str] = None\n", None, CPU_TORCH),
        ("cuda: Optional[str] = '13.0'\nhip = None\n", "13.0", None),
        ("cuda = '12.6'\n", "12.6", None),
    ):
        (tmp_path / "version.py").write_text(text)
        nvidia.torch_cuda.cache_clear()
        assert nvidia.torch_cuda() == version
        assert nvidia.missing_cuda() == missing
    nvidia.torch_cuda.cache_clear()


def test_the_installed_torch_agrees_with_itself() -> None:
    import torch  # noqa: PLC0415

    nvidia.torch_cuda.cache_clear()
    assert nvidia.torch_cuda() == torch.version.cuda


def test_looking_for_a_gpu_imports_no_torch() -> None:
    code = (
        "import sys; from engine.runtime.choice import way; way('cuda-graphs').missing(); print('torch' in sys.modules)"
    )
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert child.stdout.strip() == "False"
