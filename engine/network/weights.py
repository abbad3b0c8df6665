"""Weights on disk: safetensors, loaded without executing anything."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from engine.errors import EgoposeError
from engine.network.config import NetworkConfig
from engine.network.network import PoseNetwork

FORMAT = "egopose-weights-1"
MAX_BYTES = 1 << 30
KEPT_WHOLE = 4096
"""Tensors of up to this many numbers (norms, biases, the lens) stay fp32: they cost nothing."""


def save_weights(network: PoseNetwork, path: Path, note: str = "") -> None:
    """Write a network, its large tensors as fp16, with its configuration and a line on where it comes from."""
    state = {name: _compact(tensor) for name, tensor in network.state_dict().items()}
    part = path.with_suffix(".part")
    save_file(state, part, {"format": FORMAT, "config": network.config.to_json(), "note": note})
    part.replace(path)


def _compact(tensor: torch.Tensor) -> torch.Tensor:
    tensor = tensor.detach().cpu().contiguous()
    large = tensor.is_floating_point() and tensor.numel() > KEPT_WHOLE
    return tensor.half() if large else tensor


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
        network.load_state_dict({name: _restore(tensor) for name, tensor in state.items()})
    except (KeyError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise EgoposeError(
            f"the weights in {path} are of another size than they say ({reason}); get the file again"
        ) from error
    return network.eval().requires_grad_(False)


def _restore(tensor: torch.Tensor) -> torch.Tensor:
    return tensor.float() if tensor.is_floating_point() else tensor
