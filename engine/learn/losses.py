"""The training loss: heatmaps, 3D position, kinematic consistency, motion, action."""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.network.network import NetworkOutput
from engine.network.spatial import POSITIVE_WEIGHT
from engine.skeleton import BONES

HEATMAP_SIGMA = 2 / 64
"""Standard deviation of a heatmap target as a share of the side (the published 2 of 64 cells)."""
HIDDEN_HEIGHT = 0.5
"""Height of the target peak of a joint that is in the picture but hidden."""


@dataclass(frozen=True, slots=True, eq=False)
class Target:
    """The truth of a batch of windows."""

    joints: Tensor
    """(B, T, 15, 3) metres, camera frame."""
    uv: Tensor
    """(B, T, 15, 2) canonical coordinates, outside 0..1 where the joint is out of the picture."""
    visible: Tensor
    """(B, T, 15) bool."""
    action: Tensor
    """(B, T) int64, -1 where it is not known."""


@dataclass(frozen=True, slots=True)
class LossWeights:
    """How much each term counts."""

    heatmap: float = 2.0
    location: float = 0.3
    uv: float = 4.0
    joints: float = 4.0
    bone_length: float = 2.0
    bone_length_squared: float = 0.0
    bone_direction: float = 0.2
    bearing: float = 0.5
    velocity: float = 1.0
    acceleration: float = 2.0
    action: float = 0.02


def heatmap_target(uv: Tensor, visible: Tensor, side: int) -> Tensor:
    """(..., 15, 2) and (..., 15) to (..., 15, side, side): a Gaussian of height 1 at a visible
    joint, lower at a hidden one, nothing where the joint is out of the picture."""
    centres = (torch.arange(side, device=uv.device, dtype=uv.dtype) + 0.5) / side
    across = torch.exp(-((centres - uv[..., :1]) ** 2) / (2 * HEATMAP_SIGMA**2))
    down = torch.exp(-((centres - uv[..., 1:]) ** 2) / (2 * HEATMAP_SIGMA**2))
    height = torch.where(visible, 1.0, HIDDEN_HEIGHT) * in_picture(uv)
    return height[..., None, None] * down[..., :, None] * across[..., None, :]


def in_picture(uv: Tensor) -> Tensor:
    """(..., 2) to (...) float: 1 inside the canonical view's circle."""
    return ((uv * 2 - 1).square().sum(-1) < 1).to(uv.dtype)


def bones(joints: Tensor) -> Tensor:
    """(..., 15, 3) to the (..., 14, 3) vectors from parent to child."""
    parents, children = zip(*BONES, strict=True)
    return joints[..., list(children), :] - joints[..., list(parents), :]


def loss_terms(output: NetworkOutput, target: Target) -> dict[str, Tensor]:
    """Each term of the loss, unweighted, by its name in `LossWeights`."""
    return heatmap_terms(output.logits, output.uv, target) | pose_terms(output.joints, output.action_logits, target)


def heatmap_terms(logits: Tensor, uv: Tensor, target: Target) -> dict[str, Tensor]:
    """What the heatmap network alone is held to. All means are over every joint, in the picture or not, so that
    the mean over the shares of a batch is that of the batch."""
    wanted = heatmap_target(target.uv, target.visible, logits.shape[-1])
    inside = in_picture(target.uv)
    positive = torch.tensor(POSITIVE_WEIGHT, device=logits.device)
    share = wanted.flatten(-2) / wanted.flatten(-2).sum(-1, keepdim=True).clamp_min(1e-6)
    crossed = -(share * logits.flatten(-2).log_softmax(-1)).sum(-1)
    return {
        "heatmap": F.binary_cross_entropy_with_logits(logits, wanted, pos_weight=positive),
        "location": (crossed * inside).mean(),
        "uv": ((uv - target.uv).abs().sum(-1) * inside).mean(),
    }


def pose_terms(joints: Tensor, action_logits: Tensor, target: Target) -> dict[str, Tensor]:
    """What the pose is held to: position, kinematics, the camera's rays, motion and action.

    `bearing` is the chord between the rays to the joint and to its truth, an angle for small ones: through any
    lens it is what the reprojection is off by.
    """
    ours, theirs = bones(joints), bones(target.joints)
    error = joints - target.joints
    longer = ours.norm(dim=-1) - theirs.norm(dim=-1)
    terms = {
        "joints": error.norm(dim=-1).mean(),
        "bone_length": longer.abs().mean(),
        "bone_length_squared": longer.square().mean(),
        "bone_direction": 1 - F.cosine_similarity(ours, theirs, dim=-1).mean(),
        "bearing": (F.normalize(joints, dim=-1) - F.normalize(target.joints, dim=-1)).norm(dim=-1).mean(),
    }
    if joints.shape[1] > 1:
        terms["velocity"] = error.diff(dim=1).norm(dim=-1).mean()
        if joints.shape[1] > 2:
            terms["acceleration"] = error.diff(n=2, dim=1).norm(dim=-1).mean()
        known = target.action >= 0
        if action_logits.shape[-1] and known.any():
            terms["action"] = F.cross_entropy(action_logits.flatten(0, 1), target.action.flatten(), ignore_index=-1)
    return terms


def weighted(terms: dict[str, Tensor], weights: LossWeights) -> Tensor:
    """The sum that is minimised."""
    return torch.stack([getattr(weights, name) * term for name, term in terms.items()]).sum()
