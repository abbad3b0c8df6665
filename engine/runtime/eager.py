"""PyTorch eager: the oracle that every other runtime is held against."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import torch

from engine.live.ring import Ring
from engine.network.network import PoseNetwork, channels_last
from engine.network.spatial import heat
from engine.network.weights import load_network
from engine.runtime.runtime import Result, Runtime
from engine.types import FloatArray, ImageArray


class EagerRuntime(Runtime):
    """Runs a network as it is written, on the GPU where there is one.

    Each picture's motion feature is computed once and kept in a ring. Where the motion
    stream has an encoder of its own, the two streams run side by side, one thread each.
    """

    def __init__(self, network: PoseNetwork) -> None:
        # More threads a stream collapse as soon as the window wants a core, and cost repeatability.
        torch.set_num_threads(1)
        self._device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
        self._network = channels_last(network).to(self._device).eval()
        config = network.config
        self.network, self.side, self.actions = config.name, config.side, config.actions
        where = torch.cuda.get_device_name() if self._device.type == "cuda" else "CPU"
        self.description = f"PyTorch eager, {where}"
        self._ring = Ring(config.window, config.memory_dim)
        self.spares_motion = network.motion.encoder is not None
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="motion stream") if self.spares_motion else None
        self._feature: torch.Tensor | None = None
        """The last frame's motion feature, (1, motion_dim); None before the first."""

    @classmethod
    def from_file(cls, weights: Path) -> EagerRuntime:
        """A runtime for a weights file. Raises EgoposeError as `load_network` does."""
        return cls(load_network(weights))

    @torch.inference_mode()
    def run(self, picture: ImageArray, *, motion: bool = True) -> Result:
        net = self._network
        x = net.normalise(torch.from_numpy(picture)[None].to(self._device))
        coming: Future[torch.Tensor] | None = None
        if self._pool is not None and (motion or self._feature is None):
            coming = self._pool.submit(self._motion, x)
        spatial = net.spatial(x)
        if self._pool is None:
            self._feature = self._motion(spatial.summary)
        elif coming is not None:
            self._feature = coming.result()
        assert self._feature is not None
        self._ring.push(net.keep(spatial, self._feature)[0].cpu().numpy())
        features = torch.from_numpy(self._ring.window())[None].to(self._device)
        valid = torch.from_numpy(self._ring.valid())[None].to(self._device)
        out = net.newest(spatial, features, valid)
        return Result(
            joints_m=out.joints[0].cpu().numpy(),
            heatmaps=heat(out.logits[0]).cpu().numpy(),
            uv=out.uv[0].cpu().numpy(),
            confidence=out.confidence[0].cpu().numpy(),
            action_scores=out.action_logits[0].softmax(-1).cpu().numpy(),
        )

    @torch.inference_mode()
    def _motion(self, x: torch.Tensor) -> torch.Tensor:
        feature: torch.Tensor = self._network.motion(x)
        return feature

    def reset(self) -> None:
        self._ring.clear()
        self._feature = None

    def memory(self) -> FloatArray:
        return self._ring.rows()

    def recall(self, memory: FloatArray) -> None:
        self._ring.fill(memory)
        last = memory[-1:, : self._network.config.motion_dim]
        self._feature = torch.from_numpy(last.copy()).to(self._device) if len(last) else None

    def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=True)
