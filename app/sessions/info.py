"""`egopose info FILE`: what a session holds, as a table for people or as JSON."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from rich.box import SIMPLE_HEAD
from rich.console import Console, Group
from rich.table import Table
from rich.text import Text

from app.sessions.names import size_text, time_text
from calib.calibration import Calibration
from engine.errors import EgoposeError
from engine.session.layout import NETWORK_KEY, PROFILE_KEY, RUNTIME_KEY, SMOOTHING_KEY
from engine.session.reader import Session
from engine.types import EventKind

_MOST_EVENTS = 40
"""In the table; the JSON has them all."""
_CUT_OFF = "cut off: `egopose recover` makes it whole"
_STYLES = {EventKind.GAP: "yellow", EventKind.DROP: "red", EventKind.CLOCK: "yellow", EventKind.MARK: "cyan"}


def describe(path: Path) -> dict[str, Any]:
    """All that `--json` prints; null where something is not known. Raises EgoposeError where it is no session."""
    with Session(path) as session:
        start = session.stamps[0].capture_ns
        steps = np.diff(session.times_ns) / 1e9  # in the order of time: no difference is negative
        said = session.metadata
        return {
            "file": str(path),
            "bytes": path.stat().st_size,
            "whole": session.whole,
            "seconds": round(session.duration_s, 3),
            "frames": len(session),
            "fps": round((len(session) - 1) / session.duration_s, 2) if session.duration_s > 0 else None,
            "longest_step_s": round(float(steps.max()), 3) if len(steps) else None,
            "pictures": session.pictures,
            "size": _size(session),
            "poses": session.pose_count,
            "network": said.get(NETWORK_KEY) or None,
            "runtime": said.get(RUNTIME_KEY) or None,
            "smoothing": said.get(SMOOTHING_KEY) or None,
            "profile": said.get(PROFILE_KEY) or None,
            "truth": session.truth_count,
            "recorded": said.get("recorded"),
            "source": said.get("source_name"),
            "source_id": said.get("source_id"),
            "clock": said.get("clock") or None,
            "camera": _camera(session.calibration),
            "events": [
                {
                    "kind": event.kind.value,
                    "seconds": round((event.capture_ns - start) / 1e9, 3),
                    "text": event.text,
                    "duration_s": round(event.duration_ns / 1e9, 3),
                }
                for event in session.events
            ],
            "diagnostics": session.diagnostics,
            "lost": list(session.skipped),
        }


def _size(session: Session) -> list[int] | None:
    """Of the first picture that can be decoded among the first few."""
    for index in range(min(5, len(session))):
        try:
            height, width = session.frame(index).image.shape[:2]
        except EgoposeError:
            continue
        return [width, height]
    return None


def _camera(calibration: Calibration | None) -> dict[str, Any] | None:
    if calibration is None:
        return None
    return {
        "name": calibration.name,
        "model": calibration.model.kind,
        "size": list(calibration.size),
        "valid_angle_deg": round(math.degrees(calibration.valid_angle), 1),
    }


def show(record: dict[str, Any], console: Console) -> None:
    """Print what `describe` has found for people."""
    facts = Table.grid(padding=(0, 3))
    facts.add_column(style="dim")
    facts.add_column()
    for name, text in _facts(record):
        facts.add_row(name, text)
    parts: list[Any] = [Text(str(record["file"]), "bold"), facts]
    if record["events"]:
        parts.append(_events(record["events"]))
    parts += [Text(f"! {line}", "yellow") for line in record["lost"]]
    console.print(Group(*parts))


def _facts(record: dict[str, Any]) -> list[tuple[str, str]]:
    camera, size = record["camera"], record["size"]
    pictures = f"{record['frames']:,} frames".replace(",", "\u2009")
    if record["fps"] is not None:
        pictures += f", {record['fps']:.1f} a second, the longest step {record['longest_step_s']:.2f} s"
    smoothed = f"smoothing {record['smoothing']}" if record["smoothing"] else ""
    fitted = f"bones of {record['profile']}" if record["profile"] else ""
    made_by = ", ".join(part for part in (record["network"], record["runtime"], smoothed, fitted) if part)
    kept = "H.264 video" if record["pictures"] == "h264" else "pictures"
    facts = [
        ("length", time_text(record["seconds"])),
        ("frames", pictures),
        ("kept as", f"{size[0]} x {size[1]} {kept}" if size else kept),
        ("poses", _share(record["poses"], record["frames"])),
        ("poses by", made_by if record["poses"] else ""),
        ("truth", _share(record["truth"], record["frames"])),
        ("file", size_text(record["bytes"]) + ("" if record["whole"] else f", {_CUT_OFF}")),
        ("recorded", record["recorded"] or ""),
        ("source", ", ".join(part for part in (record["source"], record["source_id"]) if part)),
        ("clock", record["clock"] or ""),
        ("camera", "not calibrated" if camera is None else f"{camera['name']} ({camera['model']}, "
         f"{camera['size'][0]} x {camera['size'][1]}, to {camera['valid_angle_deg']:.0f}° off the axis)"),
    ]  # fmt: skip
    return [(name, text) for name, text in facts if text]


def _share(count: int, frames: int) -> str:
    return "none" if not count else f"{count:,} ({100 * count / frames:.0f} % of the frames)".replace(",", "\u2009")


def _events(events: list[dict[str, Any]]) -> Table:
    table = Table(box=SIMPLE_HEAD, pad_edge=False)
    for name in ("at", "what", ""):
        table.add_column(name, justify="right" if name == "at" else "left")
    for event in events[:_MOST_EVENTS]:
        text = event["text"] + (f" ({event['duration_s']:.1f} s)" if event["duration_s"] else "")
        style = _STYLES.get(EventKind(event["kind"]), "")
        table.add_row(time_text(event["seconds"]), Text(event["kind"], style), Text(text))
    if len(events) > _MOST_EVENTS:
        table.add_row("", "", f"and {len(events) - _MOST_EVENTS} more: --json has them all")
    return table
