"""The overlay on a picture, for videos and PNGs that are written without a window."""

from __future__ import annotations

import numpy as np

from calib.cv import cv2
from calib.remap import CanonicalView
from engine.skeleton import BONES, JOINTS
from engine.types import ImageArray, Pose

RIGHT, LEFT, TORSO = (50, 130, 240), (235, 160, 60), (220, 220, 220)
"""BGR; orange against blue, which colour-blind people tell apart."""
HEAT_SHARE = 0.55
FAINT = 0.05
"""Joints below this confidence are not drawn: they are most likely out of the picture."""


def side_colour(joint: int) -> tuple[int, int, int]:
    """The BGR colour of a joint and of the bone that ends in it."""
    name = JOINTS[joint]
    return RIGHT if name.startswith("right") else LEFT if name.startswith("left") else TORSO


def draw_overlay(image: ImageArray, pose: Pose, view: CanonicalView) -> ImageArray:
    """A copy of the source picture, (H, W, 3) BGR, with heatmaps and 2D skeleton over it."""
    return draw_skeleton(blend_heat(image, pose, view), pose)


def draw_skeleton(image: ImageArray, pose: Pose) -> ImageArray:
    """A copy of the picture, (H, W, 3) BGR, with the 2D skeleton over it: all that a recorded pose has."""
    drawn = image.copy()
    thick = max(1, round(max(image.shape[:2]) / 320))
    known = np.isfinite(pose.uv_px).all(-1) & (pose.confidence >= FAINT)
    points = [(round(float(u)), round(float(v))) if ok else None for (u, v), ok in zip(pose.uv_px, known, strict=True)]
    for parent, child in BONES:
        a, b = points[parent], points[child]
        if a is not None and b is not None:
            cv2.line(drawn, a, b, (20, 20, 20), thick + 2, cv2.LINE_AA)
            cv2.line(drawn, a, b, side_colour(child), thick, cv2.LINE_AA)
    for joint, point in enumerate(points):
        if point is not None:
            cv2.circle(drawn, point, 2 * thick + 1, (20, 20, 20), -1, cv2.LINE_AA)
            cv2.circle(drawn, point, 2 * thick, side_colour(joint), -1, cv2.LINE_AA)
    return drawn


def blend_heat(image: ImageArray, pose: Pose, view: CanonicalView) -> ImageArray:
    """A copy of the picture with the strongest heatmap of each place glowing through."""
    height, width = image.shape[:2]
    heat = view.spread(pose.heatmaps.max(0), (width, height))
    glow = cv2.applyColorMap((heat * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    alpha = cv2.merge([np.clip(heat, 0, 1) * HEAT_SHARE] * 3)
    blended = cv2.convertScaleAbs(image * (1 - alpha) + glow * alpha)
    return np.asarray(blended, np.uint8)
