"""What is compared against: the published way of running, all networks over the whole window for each new frame."""

from __future__ import annotations

import torch

from engine.learn.baselines.published import PublishedNetwork
from engine.network.config import NetworkConfig
from engine.network.network import channels_last
from engine.types import FloatArray, ImageArray


class SlidingWindow:
    """Keeps the last T pictures and runs the published network over all of them, eagerly, on one thread or the GPU.

    Both ResNets look at every picture again, which is what makes it slow, and every frame's pose is decoded.
    """

    def __init__(self, config: NetworkConfig) -> None:
        """With random weights, in the sizes of `config`: what it says is of no interest here, what it costs is."""
        torch.set_num_threads(1)
        torch.manual_seed(0)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self.network = channels_last(PublishedNetwork(config)).to(self._device).eval().requires_grad_(False)
        shape = (1, config.window, config.side, config.side, 3)
        self._pictures = torch.zeros(shape, dtype=torch.uint8, device=self._device)

    @torch.inference_mode()
    def run(self, picture: ImageArray) -> FloatArray:
        """(side, side, 3) uint8 BGR to the newest frame's (15, 3) joints."""
        newest = torch.from_numpy(picture)[None, None].to(self._device)
        self._pictures = torch.cat([self._pictures[:, 1:], newest], 1)
        joints: FloatArray = self.network.forward_window(self._pictures).joints[0, -1].cpu().numpy()
        return joints
