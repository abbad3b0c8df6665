"""Weights on disk: safetensors, loaded without executing anything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from engine.errors import EgoposeError
from engine.network.config import NetworkConfig
from engine.network.network import PoseNetwork

FORMAT = "egopose-weights-1"
MAX_BYTES = 1 << 30
SCALE = ":scale"
"""Behind the name of a tensor that is kept as int8: the name of its scales."""
KEPT_WHOLE = 4096
"""Tensors of up to this many numbers (norms, biases, the lens) stay fp32: they cost nothing."""


def save_weights(network: PoseNetwork, path: Path, note: str = "", kept: Literal["fp16", "int8"] = "fp16") -> None:
    """Write a network with its configuration and a line on where it comes from.

    Its large tensors are kept as fp16, or as int8 with one scale a row, which halves the file once more.
    """
    state: dict[str, torch.Tensor] = {}
    for name, tensor in network.state_dict().items():
        whole = tensor.detach().cpu().contiguous()
        large = whole.is_floating_point() and whole.numel() > KEPT_WHOLE
        if large and kept == "int8" and whole.ndim > 1:
            state[name], state[name + SCALE] = _rounded(whole)
        else:
            state[name] = whole.half() if large else whole
    part = path.with_suffix(".part")
    save_file(state, part, {"format": FORMAT, "config": network.config.to_json(), "note": note})
    part.replace(path)


def _rounded(tensor: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """(R, ...) to int8 and its (R, 1, ...) scales."""
    scale = tensor.flatten(1).abs().amax(1).clamp_min(1e-12).div(127).view(-1, *[1] * (tensor.ndim - 1))
    return (tensor / scale).round().to(torch.int8), scale


def load_network(path: Path) -> PoseNetwork:
    """The network that a weights file describes, in fp32, for inference.

    Raises EgoposeError where the file is missing, damaged, or of another size than it says.
    """
    if not path.is_file():
        raise EgoposeError(f"no weights at {path}; give --network small, or the path of a .safetensors file")
    if path.stat().st_size > MAX_BYTES:
        raise EgoposeError(f"{path} is larger than any network of this program (1 GiB); choose another weights file")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, OSError) as error:
        raise EgoposeError(f"{path} is damaged or no weights file ({error}); get it again or choose another") from error
    if metadata.get("format") != FORMAT:
        raise EgoposeError(f"{path} holds no weights of this program; choose a file that egopose train wrote")
    try:
        network = PoseNetwork(NetworkConfig.from_json(metadata["config"]), state["head.angle_table"])
        network.load_state_dict(restored(state))
    except (KeyError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise EgoposeError(
            f"the weights in {path} are of another size than they say ({reason}); get the file again"
        ) from error
    return network.eval().requires_grad_(False)


def restored(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What a weights file holds, in fp32 again."""
    whole = {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
    for name in [name for name in whole if name.endswith(SCALE)]:
        tensor = name.removesuffix(SCALE)
        whole[tensor] = whole[tensor].float() * whole.pop(name)
    return whole
