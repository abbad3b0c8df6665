"""How much there is to compute: multiplications and additions, counted without computing them."""

from __future__ import annotations

import copy
from collections.abc import Callable

import torch
from torch.utils.flop_counter import FlopCounterMode

from engine.learn.baselines.published import PublishedNetwork
from engine.network.network import PoseNetwork

NOWHERE = "meta"
"""The device on which tensors have shapes and no contents."""


def streamed_gmac(network: PoseNetwork) -> float:
    """10^9 multiplications and additions of one streamed frame."""
    net, side = copy.deepcopy(network).to(NOWHERE).requires_grad_(False), network.config.side
    picture = torch.zeros((1, side, side, 3), dtype=torch.uint8, device=NOWHERE)
    return counted(lambda: net.step(picture, net.empty_memory()))


def window_gmac(network: PublishedNetwork) -> float:
    """The same of one frame by the sliding window."""
    net, config = copy.deepcopy(network).to(NOWHERE).requires_grad_(False), network.config
    shape = (1, config.window, config.side, config.side, 3)
    return counted(lambda: net.forward_window(torch.zeros(shape, dtype=torch.uint8, device=NOWHERE)))


@torch.no_grad()
def counted(call: Callable[[], object]) -> float:
    """10^9 multiplications and additions of a call; the counter counts the two as two operations."""
    with FlopCounterMode(display=False) as counter:
        call()
    return float(counter.get_total_flops()) / 2e9
