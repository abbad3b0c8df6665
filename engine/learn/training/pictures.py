"""Validation pictures with truth and answer drawn in, for TensorBoard."""

from __future__ import annotations

from typing import Any

import numpy as np
from lightning.pytorch import Callback, LightningModule, Trainer
from lightning.pytorch.loggers import TensorBoardLogger
from numpy.typing import NDArray
from torch import Tensor

from calib.canonical import canonical_uv
from calib.cv import cv2
from engine.skeleton import BONES
from engine.types import ImageArray

COUNT = 8
SIDE = 256
TRUTH, ANSWER = (90, 220, 90), (60, 90, 255)  # BGR


class Pictures(Callback):
    """Draws the first pictures of each validation."""

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int, *_: Any
    ) -> None:
        pictures, target = batch
        if batch_idx or trainer.sanity_checking or not trainer.is_global_zero or not isinstance(pictures, Tensor):
            return
        logger = trainer.logger
        if isinstance(logger, TensorBoardLogger):
            # One of each window: neighbours look alike.
            drawn = [
                draw(
                    pictures[i, -1].cpu().numpy(),
                    answer=outputs["joints"][i, -1].cpu(),
                    truth=target.joints[i, -1].cpu(),
                )
                for i in range(min(COUNT, len(pictures)))
            ]
            sheet = np.concatenate(drawn, axis=1)[..., ::-1]
            logger.experiment.add_image(
                "validation/pictures", np.ascontiguousarray(sheet), trainer.global_step, dataformats="HWC"
            )


def draw(picture: ImageArray, *, answer: Tensor, truth: Tensor) -> ImageArray:
    """A canonical picture (S, S, 3) BGR with two skeletons (15, 3) in metres projected into it."""
    image = np.array(cv2.resize(np.ascontiguousarray(picture), (SIDE, SIDE), interpolation=cv2.INTER_AREA), np.uint8)
    for joints, colour in ((truth, TRUTH), (answer, ANSWER)):
        draw_bones(image, canonical_uv(joints.double().numpy())[0], colour)
    return image


def draw_bones(image: ImageArray, uv: NDArray[np.float64], colour: tuple[int, int, int]) -> None:
    """Draw lines between (15, 2) canonical points into the image; a joint outside it is left out."""
    inside = [bool(0 < u < 1 and 0 < v < 1) for u, v in uv]
    pixels = np.round(np.nan_to_num(uv) * len(image) * 16).astype(int).tolist()
    for parent, child in BONES:
        if inside[parent] and inside[child]:
            cv2.line(image, tuple(pixels[parent]), tuple(pixels[child]), colour, 1, cv2.LINE_AA, 4)
