"""Bakes adult body shapes of the Anny model into the small file that the synthetic wearer loads.

    python -m engine.learn.wearer.bake OUT.npz

Anny (Apache-2.0; MakeHuman's CC0 mesh and rig) is needed for the baking alone.
"""

from __future__ import annotations

import argparse
import importlib
import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.console import Console

from engine.errors import EgoposeError

SHAPES = 48
HEIGHT_M = (1.50, 1.95)
STEP_M = 1e-4
"""Positions are stored as whole multiples of this."""


def sample_shapes(model: Any, torch: Any, count: int) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Vertices (count, V, 3) and bone heads (count, B, 3) of adults, metres, z up, facing -y, soles at z = 0."""
    generator = torch.Generator().manual_seed(0)

    def uniform(low: float, high: float, n: int) -> Any:
        return low + (high - low) * torch.rand(n, generator=generator)

    vertices: list[NDArray[np.float32]] = []
    heads: list[NDArray[np.float32]] = []
    while sum(map(len, vertices)) < count:
        n = 32
        female = torch.rand(n, generator=generator) < 0.5
        phenotype = {
            "gender": torch.where(female, uniform(0.9, 1.0, n), uniform(0.0, 0.1, n)),
            "age": uniform(0.62, 0.87, n),
            "muscle": uniform(0.3, 0.8, n),
            "weight": uniform(0.2, 0.85, n),
            "height": uniform(0.25, 0.75, n),
            "proportions": uniform(0.3, 0.9, n),
        }
        pose = torch.eye(4)[None, None].repeat(n, model.bone_count, 1, 1)
        with torch.inference_mode():
            result = model(pose_parameters=pose, phenotype_kwargs=phenotype)
        v = result["rest_vertices"].numpy()
        h = result["rest_bone_heads"].numpy()
        height = np.ptp(v[..., 2], axis=1)
        fits = (height >= HEIGHT_M[0]) & (height <= HEIGHT_M[1])
        sole = v[..., 2].min(axis=1)[:, None, None] * np.array([0, 0, 1], np.float32)
        vertices.append((v - sole)[fits])
        heads.append((h - sole)[fits])
    return np.concatenate(vertices)[:count], np.concatenate(heads)[:count]


def bake(out: Path) -> None:
    """Write the shapes to `out`, whole or not at all. Raises EgoposeError without the `train` extra."""
    try:
        torch = importlib.import_module("torch")
        anny = importlib.import_module("anny")
    except ImportError as error:
        raise EgoposeError(f"{error.name} is not installed: baking bodies needs the extra `egopose[bake]`") from error
    model = anny.Anny().to(torch.float32).eval()
    vertices, heads = sample_shapes(model, torch, SHAPES)
    faces = model.faces.numpy()
    weights = model.vertex_bone_weights.numpy()
    order = np.argsort(-weights, axis=1, kind="stable")[:, :4]
    top = np.take_along_axis(weights, order, 1)
    indices = np.take_along_axis(model.vertex_bone_indices.numpy(), order, 1)
    top = np.round(top / top.sum(axis=1, keepdims=True) * 255)
    top[:, 0] += 255 - top.sum(axis=1)

    mean = np.round(vertices.mean(axis=0) / STEP_M)
    temporary = out.with_suffix(".tmp.npz")
    np.savez_compressed(
        temporary,
        step_m=np.float32(STEP_M),
        mean=mean.astype(np.int16),
        offsets=np.moveaxis(np.round(vertices / STEP_M) - mean, 2, 1).astype(np.int16),
        faces=faces.astype(np.uint16),
        weights=top.astype(np.uint8),
        indices=indices.astype(np.uint8),
        heads=heads.astype(np.float32),
        parents=np.array(model.bone_parents, np.int16),
        names=np.array(model.bone_labels),
    )
    os.replace(temporary, out)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("out", type=Path, metavar="OUT.npz")
    arguments = parser.parse_args()
    console = Console(stderr=True)
    try:
        bake(arguments.out)
    except EgoposeError as error:
        console.print(f"error: {error}", markup=False, soft_wrap=True)
        return 2
    console.print(f"{arguments.out}: {SHAPES} shapes, {arguments.out.stat().st_size / 1e6:.1f} MB", markup=False)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
