"""TorchScript: the network in one .pt file that torch loads without this project's code.

    net = torch.jit.load("network.pt")
    features, valid = net.no_features, net.no_valid
    joints, heatmaps, uv, confidence, actions, features, valid = net(picture, features, valid)

`picture` is (1, side, side, 3) uint8 BGR, the canonical view; the memory goes in and comes out, and before the first
frame and after a gap it is the empty one. What comes out stands in `engine/runtime/parts.py`. The file's extra
"network.json" tells the rest: `torch.jit.load(path, _extra_files=(extra := {"network.json": ""}))`.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from engine.assets import DEMO_SESSION
from engine.errors import EgoposeError
from engine.runtime.agreement import fault
from engine.runtime.backend import Backend, Tell, tell_nobody
from engine.runtime.description import DESCRIPTION, Description
from engine.runtime.runtime import Runtime
from engine.runtime.streaming import Parts, Seen, StreamingRuntime
from engine.types import FloatArray, ImageArray

if TYPE_CHECKING:
    import torch

FILE = "network.pt"
FORMAT = "1"


class TorchScript(Backend):
    """Networks as one TorchScript file, on the GPU where there is one."""

    name = "torchscript"

    def __init__(self, frames: Sequence[Path] = (DEMO_SESSION,)) -> None:
        """`frames`: recordings to hold what was made against the network with."""
        self._frames = tuple(frames)

    @property
    def title(self) -> str:
        return "TorchScript"

    def missing(self) -> str | None:
        if find_spec("torch") is None:
            return "PyTorch is not installed; it comes with: pip install torch"
        return None

    def identity(self) -> Mapping[str, str]:
        import torch  # noqa: PLC0415  which whoever loads the artefact needs anyway

        # What is traced on one kind of device makes its constants there.
        return {"format": FORMAT, "torch": torch.__version__, "device": device()}

    def build(self, weights: Path, folder: Path, tell: Tell = tell_nobody) -> None:
        if (line := self.missing()) is not None:
            raise EgoposeError(line)
        from engine.runtime.oracle import ASKED, Oracle  # noqa: PLC0415
        from engine.runtime.scripting import script  # noqa: PLC0415

        oracle = Oracle(weights, self._frames, tell)
        tell("tracing the network", ASKED)
        script(oracle.network, folder / FILE, oracle.description.to_json())
        tell("checking", 0.7)
        found = oracle.judge(self.load(folder))
        if wrong := fault(found):
            (folder / FILE).unlink()
            raise EgoposeError(f"{weights} cannot be compiled to TorchScript ({wrong}); run it eager")
        replace(oracle.description, agreement=found).write(folder)
        tell("compiled", 1.0)

    def load(self, folder: Path) -> Runtime:
        import torch  # noqa: PLC0415

        torch.set_num_threads(1)
        extra = {DESCRIPTION: ""}
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that it will be replaced one day
                path = str(folder / FILE)
                module = torch.jit.load(path, device(), _extra_files=extra)  # type: ignore[no-untyped-call]
            description = Description.from_json(_text(extra[DESCRIPTION]))
        except (RuntimeError, ValueError) as error:
            reason = str(error).strip().splitlines()[0]
            raise EgoposeError(
                f"the compiled network in {folder} cannot be loaded ({reason}); compile it again"
            ) from error
        where = torch.cuda.get_device_name() if device() == "cuda" else "CPU"
        return StreamingRuntime(TorchParts(module), description.config, f"TorchScript, {where}")


def device() -> str:
    """Where torch runs networks on this machine."""
    import torch  # noqa: PLC0415

    return "cuda" if torch.cuda.is_available() else "cpu"


def _text(extra: str | bytes) -> str:
    """A file's extra as torch hands it over, which depends on its version."""
    return extra if isinstance(extra, str) else extra.decode()


class TorchParts(Parts):
    """The parts as methods of one script module."""

    def __init__(self, module: Any) -> None:
        self._module = module

    def see(self, picture: ImageArray) -> Seen:
        return Seen(*self._call("see", picture))

    def move(self, picture: ImageArray) -> FloatArray:
        return self._call("move", picture)[0]

    def pose(self, seen: Seen, features: FloatArray, valid: NDArray[np.bool_]) -> tuple[FloatArray, FloatArray]:
        asked = (seen.tokens[0], seen.uv[0], seen.spread[0], seen.height[0], features, valid)
        joints, actions = self._call("pose", *asked)
        return joints, actions

    def _call(self, method: str, *inputs: NDArray[Any]) -> list[FloatArray]:
        """Arrays without their leading dimension of one, to arrays with it."""
        import torch  # noqa: PLC0415

        with torch.inference_mode():
            given = [torch.from_numpy(each)[None].to(device()) for each in inputs]
            said: torch.Tensor | tuple[torch.Tensor, ...] = getattr(self._module, method)(*given)
            return [each.cpu().numpy() for each in (said if isinstance(said, tuple) else (said,))]
