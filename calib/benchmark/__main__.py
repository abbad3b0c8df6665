"""`python -m calib.benchmark`: the figures of the calibration, on one core in about half an hour for 1000 cameras."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from calib.benchmark.recovery import RECOVERED, Say, find_bends, recover, recovery_line
from calib.benchmark.rivals import compare, real_sets
from calib.benchmark.scatter import scatters
from calib.benchmark.speed import speeds

_BENDS, _SCATTERS, _REPEATS = 100, 10, 400


def main() -> int:
    """Run the parts that are asked for, and print what came of them."""
    parser = argparse.ArgumentParser(prog="python -m calib.benchmark", description=__doc__.split(":")[0])
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=["cameras", "warp", "sigma", "speed"])
    parser.add_argument("--cameras", type=int, default=1000, help="how many are made for the first part")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--real", type=Path, metavar="FOLDER", help="real measurements, such as tests/calib/data")
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures are written")
    asked = parser.parse_args()
    if asked.cameras < 1:
        parser.error(f"--cameras {asked.cameras}: make at least one")
    if asked.real is not None and not (asked.real / "board_10x7.npz").is_file():
        parser.error(f"--real {asked.real}: holds no board_10x7.npz; give the folder tests/calib/data of the sources")
    record: dict[str, Any] = {"seed": asked.seed}
    parts = [*asked.parts, *(["real"] if asked.real is not None and "real" not in asked.parts else [])]
    if "real" in parts and asked.real is None:
        parser.error("the part real needs --real FOLDER: give the folder tests/calib/data of the sources")
    for part in parts:
        began = time.monotonic()
        record[part] = PARTS[part](asked, _say)
        _say(f"{part}: {time.monotonic() - began:.0f} s")
    if asked.json is not None:
        asked.json.write_text(json.dumps(record, indent=1) + "\n")
    return 0


def _say(line: str) -> None:
    print(line, flush=True)


def _cameras(asked: argparse.Namespace, say: Say) -> dict[str, Any]:
    done = recover(asked.cameras, asked.seed, say=say)
    say(f"{len(done)} made cameras: {recovery_line(done)}")
    for one in sorted(done, key=lambda one: -one.error)[:5]:
        lens = f"{one.kind}, {one.field:.0f} degrees, as {one.chosen}"
        say(f"  camera {one.number}: {lens}: {one.error:.3f} px {one.note}")
    errors = np.array([one.error for one in done])
    return {
        "recovered": float((errors < RECOVERED).mean()),
        "p50_px": _known(np.median(errors)),
        "p95_px": _known(np.quantile(errors, 0.95, method="higher")),
        "all": [{**asdict(one), "error": _known(one.error)} for one in done],
    }


def _warp(asked: argparse.Namespace, say: Say) -> dict[str, Any]:
    done = find_bends(_BENDS, asked.seed, say=say)
    errors = np.array([one.error for one in done])
    p95, worst = float(np.quantile(errors, 0.95)), float(errors.max())
    say(f"{len(done)} warps of 0 to 0.05 squares: {p95:.4f} off at the 95th percentile, {worst:.4f} at most")
    return {"p95_squares": p95, "worst_squares": worst}


def _sigma(asked: argparse.Namespace, say: Say) -> dict[str, Any]:
    done = scatters(_SCATTERS, asked.seed, _REPEATS, say)
    ratios, coverage = [one.ratio for one in done], float(np.mean([one.coverage for one in done]))
    say(f"predicted / seen sigma {min(ratios):.3f} to {max(ratios):.3f}; 95 % regions hold {100.0 * coverage:.1f} %")
    return {"ratios": ratios, "coverage": [one.coverage for one in done]}


def _real(asked: argparse.Namespace, say: Say) -> dict[str, Any]:
    done = []
    for real in real_sets(asked.real):
        done.append(compare(real))
        theirs = ", ".join(f"{name} {rms:.4f}" for name, rms in done[-1].recipes.items())
        say(f"{real.name}: {done[-1].ours:.4f} px held out; OpenCV {theirs}; ratio {done[-1].ratio:.3f}")
    ratios = np.array([one.ratio for one in done])
    say(f"geometric mean of the ratios {np.exp(np.log(ratios).mean()):.3f}, the largest {ratios.max():.3f}")
    return {one.name: {"ours": one.ours, **{name: _known(rms) for name, rms in one.recipes.items()}} for one in done}


def _speed(asked: argparse.Namespace, say: Say) -> dict[str, Any]:
    done = speeds(asked.seed)
    for name, seconds in done.items():
        say(f"{name}: {1e3 * seconds:.0f} ms")
    return done


def _known(value: float) -> float | None:
    """JSON has no infinity."""
    return float(value) if np.isfinite(value) else None


PARTS: dict[str, Callable[[argparse.Namespace, Say], dict[str, Any]]] = {
    "cameras": _cameras,
    "warp": _warp,
    "sigma": _sigma,
    "speed": _speed,
    "real": _real,
}

if __name__ == "__main__":
    sys.exit(main())
