"""What each vertex of the body is part of, and the smooth coordinates that the shaders cut garments by."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.learn.wearer.body import Body
from engine.types import FloatArray

ARM, LEG, HEAD = range(3)

REGIONS: tuple[str, ...] = (
    "room",
    "thing",
    "head",
    "trunk",
    "pelvis",
    *(
        f"{side}_{part}"
        for side in ("right", "left")
        for part in ("upper_arm", "forearm", "hand", "thigh", "shin", "foot")
    ),
)
"""What a pixel can show, in the order of the numbers that the renderer gives."""

_REGION_OF = {
    "head": "head", "neck": "head", "eye": "head", "root": "pelvis", "pelvis": "pelvis", "spine05": "pelvis",
    "upperarm": "upper_arm", "lowerarm": "forearm", "wrist": "hand", "finger": "hand", "metacarpal": "hand",
    "upperleg": "thigh", "lowerleg": "shin", "foot": "foot", "toe": "foot",
}  # fmt: skip


def regions(body: Body) -> NDArray[np.uint8]:
    """(V,) number in `REGIONS` of each vertex, by the bone that moves it most."""
    number = np.full(len(body.names), REGIONS.index("trunk"), np.uint8)
    for i, name in enumerate(body.names):
        base, _, side = name.partition(".")
        for prefix, region in _REGION_OF.items():
            if base.startswith(prefix):
                limb = f"{'left' if side == 'L' else 'right'}_{region}"
                number[i] = REGIONS.index(limb if limb in REGIONS else region)
    strongest = body.indices[np.arange(len(body.weights)), body.weights.argmax(axis=1)]
    found: NDArray[np.uint8] = number[strongest]
    return found


def coat(body: Body) -> FloatArray:
    """(V, 3) along the arm, the leg and up the head; -1 on vertices that are not of that limb.

    Arm: 0 at the shoulder, 0.5 at the elbow, 1 at the wrist, more on the hand. Leg: likewise from hip over knee
    to ankle. Head: 0 at the base of the neck, 1 at the crown.
    """
    vertices = body.vertices.mean(axis=0).astype(np.float64)
    heads = body.heads.mean(axis=0).astype(np.float64)
    out = np.full((len(vertices), 3), -1.0)
    for side in "LR":
        for column, chain, bones in (
            (ARM, ("upperarm01", "lowerarm01", "wrist"), ("upperarm", "lowerarm", "wrist", "finger", "metacarpal")),
            (LEG, ("upperleg01", "lowerleg01", "foot"), ("upperleg", "lowerleg", "foot", "toe")),
        ):
            of = _share(body, bones, side) > 0.5
            out[of, column] = _along(vertices[of], [heads[body.bone(f"{b}.{side}")] for b in chain])
    of = _share(body, ("neck", "head", "eye"), "") > 0.3
    base = heads[body.bone("neck01"), 2]
    out[of, HEAD] = (vertices[of, 2] - base) / (vertices[:, 2].max() - base)
    return out.astype(np.float32)


def _share(body: Body, prefixes: tuple[str, ...], side: str) -> NDArray[np.float64]:
    """(V,) the part of each vertex' weight on bones of these names."""
    of = np.array([name.startswith(prefixes) and name.endswith(f".{side}" if side else "") for name in body.names])
    share: NDArray[np.float64] = (body.weights * of[body.indices]).sum(axis=1, dtype=np.float64)
    return share


def _along(points: NDArray[np.float64], joints: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    """(N,) place along a chain of two bones: 0, 0.5 and 1 at its joints, carried on beyond both ends."""
    best = np.full(len(points), np.inf)
    place = np.zeros(len(points))
    for k in range(2):
        start, line = joints[k], joints[k + 1] - joints[k]
        u = (points - start) @ line / (line @ line)
        u = np.clip(u, -1.0 if k == 0 else 0.0, 1.0 if k == 0 else 2.0)
        distance = np.linalg.norm(points - start - u[:, None] * line, axis=1)
        nearer = distance < best
        best[nearer], place[nearer] = distance[nearer], (k + u[nearer]) / 2
    return place
