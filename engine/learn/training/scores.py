"""What a validation finds, kept as it comes: the best weights, and a curve of error against pictures seen."""

from __future__ import annotations

import csv
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning.pytorch import Callback, LightningModule, Trainer
from torch import Tensor

from engine.learn.losses import Target
from engine.learn.metrics import mpjpe_mm, pa_mpjpe_mm
from engine.learn.training.keeping import save
from engine.learn.training.module import PoseModule
from engine.types import FloatArray

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Score:
    """The averaged weights on the validation set."""

    mpjpe_mm: float
    pa_mpjpe_mm: float
    uv_percent: float
    """Mean 2D error of visible joints in per cent of the picture's side."""
    tremble_mm: float
    """Mean second difference of a joint from frame to frame; NaN for single pictures."""
    true_tremble_mm: float
    """The same of the truth."""
    action_percent: float
    """Frames whose action is named right, of those whose action is known; NaN where there is none."""

    def line(self) -> str:
        """For people."""
        parts = [f"MPJPE {self.mpjpe_mm:.1f} mm", f"PA {self.pa_mpjpe_mm:.1f} mm", f"2D {self.uv_percent:.2f} %"]
        if np.isfinite(self.tremble_mm):
            parts.append(f"trembles {self.tremble_mm:.1f} mm a frame squared (truth {self.true_tremble_mm:.1f})")
        if np.isfinite(self.action_percent):
            parts.append(f"actions {self.action_percent:.0f} %")
        return ", ".join(parts)


def tremble_mm(joints: FloatArray) -> float:
    """(B, T, 15, 3) metres to the mean size of the joints' second difference over time, millimetres."""
    return (
        float(np.linalg.norm(np.diff(joints, 2, axis=1), axis=-1).mean() * 1e3) if joints.shape[1] > 2 else float("nan")
    )


class Scores(Callback):
    """Scores every validation, says so, and keeps the best weights. Listed before the average, so that it sees it."""

    def __init__(self, out: Path, say: Say) -> None:
        self.out, self.say = out, say
        self.best = float("inf")
        self._said: list[tuple[dict[str, Tensor], Target]] = []
        self._losses: list[Tensor] = []

    def state_dict(self) -> dict[str, Any]:
        return {"best": self.best}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.best = float(state_dict["best"])

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        self._losses.append(outputs["loss"].detach())

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int, *_: Any
    ) -> None:
        self._said.append(({name: part.cpu() for name, part in outputs.items()}, batch[1]))

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        said, self._said = self._said, []
        if trainer.sanity_checking or not said or not isinstance(pl_module, PoseModule):
            return
        loss = trainer.strategy.reduce(torch.stack(self._losses).mean(), reduce_op="mean")
        self._losses.clear()
        score = score_of(said)
        stage = pl_module.stage
        seen = trainer.global_step * stage.batch * stage.window
        pl_module.log_dict({f"validation/{name}": getattr(score, name) for name in Score.__dataclass_fields__})
        if not trainer.is_global_zero:
            return
        # The heatmap network alone is judged by what it learns; its pose is still drawn at random.
        error = score.uv_percent if stage.learns == "heatmaps" else score.mpjpe_mm
        self.say(f"{stage.name}: {seen} of {stage.pictures} pictures seen: loss {float(loss):.4f}; {score.line()}")
        self._add_to_curve(stage.name, seen, float(loss), score)
        if error < self.best:
            self.best = error
            save(
                pl_module.network, self.out / "weights.safetensors", f"{seen} pictures seen; validation {score.line()}"
            )

    def _add_to_curve(self, stage: str, seen: int, loss: float, score: Score) -> None:
        path = self.out / "curve.csv"
        fresh = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file)
            if fresh:
                writer.writerow(["stage", "pictures", "loss", *Score.__dataclass_fields__])
            figures = (getattr(score, name) for name in Score.__dataclass_fields__)
            writer.writerow([stage, seen, f"{loss:.6f}", *(f"{figure:.4f}" for figure in figures)])


def score_of(said: list[tuple[dict[str, Tensor], Target]]) -> Score:
    """The score of a validation's batches."""

    def whole(parts: list[Tensor]) -> FloatArray:
        return np.concatenate([part.cpu().numpy() for part in parts])

    joints, truth = whole([s["joints"] for s, _ in said]), whole([t.joints for _, t in said])
    visible = whole([t.visible for _, t in said])
    off = np.linalg.norm(whole([s["uv"] for s, _ in said]) - whole([t.uv for _, t in said]), axis=-1)[visible > 0]
    action, named = whole([t.action for _, t in said]), whole([s["actions"] for s, _ in said])
    right = (named.argmax(-1) == action)[action >= 0] if named.shape[-1] else np.zeros(0)
    flat, flat_truth = (part.reshape(-1, 15, 3).astype(np.float64) for part in (joints, truth))
    return Score(
        mpjpe_mm(flat, flat_truth),
        pa_mpjpe_mm(flat, flat_truth),
        float(off.mean() * 100) if len(off) else float("nan"),
        tremble_mm(joints),
        tremble_mm(truth),
        float(right.mean() * 100) if len(right) else float("nan"),
    )
