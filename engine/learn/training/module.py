"""A network in training: which part learns, the losses, the optimiser and its schedule."""

from __future__ import annotations

import math
import time
from typing import Any, Self

import torch
from lightning.pytorch import LightningModule
from torch import Tensor, nn

from engine.learn.baselines.published import PublishedNetwork
from engine.learn.losses import Target, heatmap_terms, loss_terms, pose_terms, weighted
from engine.learn.training.recipe import Recipe, Stage
from engine.network.network import Encoded, PoseNetwork

CLIP_NORM = 5.0
WEIGHT_DECAY = 1e-2
WARM_STEPS = 200
LAST_RATE = 0.01
"""What the learning rate falls to, as a share of its highest."""

Network = PoseNetwork | PublishedNetwork
Batch = tuple[Tensor | Encoded, Target]


class PoseModule(LightningModule):
    """One stage of training one network."""

    def __init__(self, network: Network, recipe: Recipe, stage: Stage) -> None:
        super().__init__()
        self.network, self.recipe, self.stage = network, recipe, stage
        self.steps = stage.epochs * stage.steps_per_epoch
        self.began = time.monotonic()
        for module in network.modules():
            if isinstance(module, nn.Dropout | nn.MultiheadAttention):
                set_dropout(module, recipe.dropout)
        for part in self.frozen:
            part.requires_grad_(False)

    @property
    def frozen(self) -> list[nn.Module]:
        """The parts that do not learn in this stage."""
        spatial, motion = self.network.spatial, self.network.motion
        heatmaps: list[nn.Module] = [spatial.encoder, spatial.decoder, spatial.head]
        if self.stage.learns == "heatmaps":
            rest = [module for module in self.network.children() if module is not spatial]
            return rest + [module for module in spatial.children() if module not in heatmaps]
        if self.stage.learns == "pose":
            return heatmaps
        if self.stage.learns == "after":
            readers = [spatial.shape, motion.encoder]
            return heatmaps + [reader for reader in readers if reader is not None]
        return []

    def train(self, mode: bool = True) -> Self:
        """As every module's, but what is frozen keeps its statistics."""
        super().train(mode)
        kept = [self.network] if self.stage.freezes_norms else self.frozen
        for module in (inner for part in kept for inner in part.modules()):
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
        return self

    def transfer_batch_to_device(self, batch: Batch, device: torch.device, dataloader_idx: int) -> Batch:
        """A `Target` is frozen, which Lightning's own transfer refuses."""
        inputs, target = batch
        moved = Encoded(*(p.to(device) for p in inputs)) if isinstance(inputs, Encoded) else inputs.to(device)
        return moved, Target(*(getattr(target, name).to(device) for name in Target.__dataclass_fields__))

    def terms(self, batch: Batch) -> dict[str, Tensor]:
        """The loss's terms of a batch of pictures, or of what the frozen encoders said of them."""
        inputs, target = batch
        if isinstance(inputs, Encoded):
            joints, actions = self.network.follow(Encoded(*(part.float() for part in inputs)))
            return pose_terms(joints.float(), actions.float(), target)
        output = self.network.forward_window(inputs)
        output = type(output)(*(part.float() for part in output))
        if self.stage.learns == "heatmaps":
            return heatmap_terms(output.logits, output.uv, target)
        return loss_terms(output, target)

    def on_train_start(self) -> None:
        self.began = time.monotonic()

    def training_step(self, batch: Batch, _index: int) -> Tensor:
        """One step's loss; every term is logged."""
        terms = self.terms(batch)
        loss = weighted(terms, self.recipe.losses)
        size = len(batch[1].joints)
        self.log_dict({f"train/{name}": value.detach() for name, value in terms.items()}, batch_size=size)
        self.log("train/loss", loss.detach(), batch_size=size, on_step=False, on_epoch=True, sync_dist=True)
        return loss

    def validation_step(self, batch: Batch, _index: int) -> dict[str, Tensor]:
        """`joints` (B, T, 15, 3), `uv` (B, T, 15, 2) and `actions` (B, T, A)."""
        inputs, _ = batch
        if isinstance(inputs, Encoded):
            inputs = Encoded(*(part.float() for part in inputs))
            joints, actions = self.network.follow(inputs)
            return {"joints": joints.float(), "uv": inputs.uv, "actions": actions.float()}
        output = self.network.forward_window(inputs)
        parts = {"joints": output.joints, "uv": output.uv, "actions": output.action_logits}
        return {name: part.float() for name, part in parts.items()}

    def configure_optimizers(self) -> Any:
        """AdamW on what learns; the rate warms up and falls on a cosine."""
        learning = [parameter for parameter in self.network.parameters() if parameter.requires_grad]
        optimiser = torch.optim.AdamW(learning, self.stage.rate, weight_decay=WEIGHT_DECAY, fused=True)
        schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, self.rate_share)
        return {"optimizer": optimiser, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def rate_share(self, step: int) -> float:
        """The learning rate of a step as a share of its highest."""
        seconds = self.stage.seconds
        done = (time.monotonic() - self.began) / seconds if seconds else step / self.steps
        warm = min(1.0, (step + 1) / min(WARM_STEPS, max(1, self.steps // 10)))
        fall = 0.5 * (1 + math.cos(math.pi * min(1.0, done)))
        return warm * (LAST_RATE + (1 - LAST_RATE) * fall)


def set_dropout(module: nn.Module, share: float) -> None:
    """The share that a dropout, or an attention that has one inside, drops."""
    if isinstance(module, nn.MultiheadAttention):
        module.dropout = share
    elif isinstance(module, nn.Dropout):
        module.p = share
