"""The lamp's view of a scene, which its shadows are looked up in."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.learn.wearer.scene import Scene
from engine.types import FloatArray

SIDE = 192
"""Texels of the square shadow map."""
REACH_M = 1.3
"""How far from its centre it goes."""


@dataclass(frozen=True, slots=True, eq=False)
class Cast:
    """What a shadow map was drawn of."""

    scene: Scene
    positions: FloatArray
    """(B, 3) heads of the bones, world."""

    @property
    def lamp_view(self) -> NDArray[np.float64]:
        """(4, 4) from the world to the shadow map's texture and depth, all 0..1 around the body's root."""
        z = np.asarray(self.scene.light.direction, float)
        x = np.cross([0.0, 1.0, 0.0] if abs(z[1]) < 0.9 else [1.0, 0.0, 0.0], z)
        x /= np.linalg.norm(x)
        view = np.eye(4)
        view[:3, :3] = np.stack([x, np.cross(z, x), -z]) / (2 * REACH_M)
        view[:3, 3] = 0.5 - view[:3, :3] @ self.positions[0].astype(float)
        return view

    def serves(self, scene: Scene, positions: FloatArray) -> bool:
        """Whether the map is as good as one of this scene and pose: no bone moved by more than its texel."""
        moved = np.linalg.norm(positions - self.positions, axis=1).max()
        return scene is self.scene and bool(moved < 2 * REACH_M / SIDE)
