"""A network that knows no single steps, run as if it were live: a window slides over what it encoded."""

from __future__ import annotations

import torch

from engine.learn.baselines.published import PublishedNetwork
from engine.network.network import Encoded
from engine.network.spatial import heat
from engine.runtime.runtime import Result, Runtime
from engine.types import ImageArray


class SlidingRuntime(Runtime):
    """Each picture is encoded once; what follows runs over the last window anew, and its newest pose is taken."""

    def __init__(self, network: PublishedNetwork) -> None:
        torch.set_num_threads(1)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._network = network.to(self._device).eval()
        self.network, self.side, self.actions = network.config.name, network.config.side, ()
        where = torch.cuda.get_device_name() if self._device.type == "cuda" else "CPU"
        self.description = f"PyTorch eager over a sliding window, {where}"
        self._past: Encoded | None = None

    @torch.inference_mode()
    def run(self, picture: ImageArray, *, motion: bool = True) -> Result:
        net = self._network
        newest = net.encode(torch.from_numpy(picture)[None, None].to(self._device))
        past, length = self._past, net.config.window
        parts = newest if past is None else (torch.cat(pair, 1)[:, -length:] for pair in zip(past, newest, strict=True))
        self._past = Encoded(*parts)
        joints, _ = net.follow(self._past)
        side = net.config.heatmap_side
        logits = newest.reads[0, 0].unflatten(-1, (side, side))
        return Result(
            joints_m=joints[0, -1].cpu().numpy(),
            heatmaps=heat(logits).cpu().numpy(),
            uv=newest.uv[0, 0].cpu().numpy(),
            confidence=heat(logits.flatten(1).amax(-1)).cpu().numpy(),
            action_scores=joints.new_empty(0).cpu().numpy(),
        )

    def reset(self) -> None:
        self._past = None
