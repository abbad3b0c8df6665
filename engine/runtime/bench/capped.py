"""A network under a lower instruction set than the machine's: a laptop's, in a process of its own.

The variable must be set before the library is loaded, so `run_capped` starts this module as a program, which reads
what it is to do on stdin and tells what it found on stdout. Needs no torch.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from engine.errors import EgoposeError
from engine.runtime.bench.report import Capped, Cost

LAPTOP = "AVX2_VNNI"
VARIABLE = "ONEDNN_MAX_CPU_ISA"
"""oneDNN reads it, and OpenVINO, whose own kernels ask its oneDNN what there is."""
HIGHER = ("avx512", "amx", "avx10")
"""What the kernels of higher sets have in their names."""
SECONDS = 300


def run_capped(
    name: str, folder: Path, precision: str, gmac: float, *, rounds: int, frames: int, cap: str = LAPTOP
) -> Capped:
    """Measure an OpenVINO artefact under a cap; `gmac` is that of a frame. Raises EgoposeError where that fails."""
    asked = {"folder": str(folder), "precision": precision, "gmac": gmac, "rounds": rounds, "frames": frames}
    root = str(Path(__file__).resolve().parents[3])
    path = os.pathsep.join(filter(None, [root, os.environ.get("PYTHONPATH", "")]))
    try:
        done = subprocess.run(
            [sys.executable, "-m", "engine.runtime.bench.capped"],
            input=json.dumps(asked), capture_output=True, text=True, timeout=SECONDS, check=True,
            env=os.environ | {VARIABLE: cap, "PYTHONPATH": path},
        )  # fmt: skip
        told = json.loads(done.stdout)
    except subprocess.CalledProcessError as error:
        reason = (error.stderr.strip().splitlines() or ["it ended early"])[-1]
        raise EgoposeError(f"the network could not be measured under {cap}: {reason}") from error
    except (subprocess.TimeoutExpired, ValueError) as error:
        raise EgoposeError(f"the network could not be measured under {cap}: {error}") from error
    kernels = tuple(told["kernels"])
    held = bool(kernels) and not any(higher in kernel for kernel in kernels for higher in HIGHER)
    return Capped(cap, held, kernels, name, Cost(**told["cost"]), told["peak_share"])


def main() -> None:
    """Measure what stdin asks for, and the library's peak under the same cap in turn with it."""
    from dataclasses import asdict  # noqa: PLC0415

    from openvino import Core  # noqa: PLC0415

    from engine.runtime.bench.peak import kernels_of, openvino_chains  # noqa: PLC0415
    from engine.runtime.bench.timing import Subject, measure  # noqa: PLC0415
    from engine.runtime.openvino import OpenVino, settings  # noqa: PLC0415
    from engine.runtime.streaming import SPATIAL  # noqa: PLC0415

    asked = json.load(sys.stdin)
    folder, precision = Path(asked["folder"]), asked["precision"]
    compiled = Core().compile_model(folder / f"{SPATIAL}.xml", "CPU", settings(precision))
    runtime = OpenVino().load(folder)
    picture = np.random.default_rng(0).integers(0, 256, (runtime.side, runtime.side, 3), np.uint8)
    chains = openvino_chains(precision)
    subjects = [Subject("network", lambda: runtime.run(picture), asked["frames"])]
    subjects += [Subject(chain.name, chain.run, 2) for chain in chains]
    sampled = measure(subjects, asked["rounds"])
    peak = max(chain.gmac / sampled[chain.name].cost.cpu_ms for chain in chains)
    cost = sampled["network"].cost
    share = asked["gmac"] / cost.cpu_ms / peak
    found = {
        "kernels": kernels_of(compiled),
        "cost": asdict(cost),
        "peak_share": share if math.isfinite(share) else None,
    }
    print(json.dumps(found))


if __name__ == "__main__":
    main()
