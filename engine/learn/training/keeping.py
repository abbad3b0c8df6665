"""Weights between stages, and of a network that is not the project's own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from calib.canonical import canonical_angle_table
from engine.errors import EgoposeError
from engine.learn.baselines.published import PublishedNetwork
from engine.learn.baselines.weights import BASELINE_FORMAT
from engine.learn.training.module import Network
from engine.learn.training.recipe import Recipe
from engine.learn.wearer.motion import ACTIONS
from engine.network.network import PoseNetwork, channels_last
from engine.network.weights import MAX_BYTES, restored, save_weights

TABLE_SIZE = 1024
_FRESH = ("action.", "head.mean_", "fusion.ages", "head.steadier.")
"""What weights of an earlier kind may lack."""


def build(recipe: Recipe, side: int | None = None) -> Network:
    """The recipe's network, untrained, for pictures of its own side or another. Its action head names ACTIONS."""
    config = recipe.network if side is None else replace(recipe.network, side=side)
    if recipe.architecture == "published":
        return channels_last(PublishedNetwork(config))
    if config.streams != "spatial":
        config = replace(config, actions=ACTIONS)
    return channels_last(PoseNetwork(config, torch.from_numpy(canonical_angle_table(TABLE_SIZE))))


def save(network: Network, path: Path, note: str) -> None:
    """Write the weights whole or not at all; a `PoseNetwork`'s so that the program loads them."""
    if isinstance(network, PoseNetwork):
        save_weights(network, path, note)
        return
    part = path.with_suffix(".part")
    state = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    save_file(state, part, {"format": BASELINE_FORMAT, "config": network.config.to_json(), "note": note})
    part.replace(path)


def begin_from(network: Network, path: Path) -> None:
    """Take over weights. Raises EgoposeError where they are not of this network."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError("it is larger than 1 GiB")
        missing, unexpected = network.load_state_dict(restored(load_file(path)), strict=False)
    except (OSError, SafetensorError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0].rstrip(":")
        raise EgoposeError(f"cannot start from {path} ({reason}); give weights of this recipe's network") from error
    strange = [name for name in missing if not name.startswith(_FRESH)] + list(unexpected)
    if strange:
        raise EgoposeError(
            f"cannot start from {path}: {strange[0]} does not fit; give weights of this recipe's network"
        )
