"""Reads BVH motion capture files, which may come from anywhere."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import EgoposeError

MAX_BYTES = 256 << 20
MAX_JOINTS = 512
MAX_DEPTH = 128
MAX_FRAMES = 1_000_000
_CHANNELS = {f"{axis}{kind}" for axis in "XYZ" for kind in ("position", "rotation")}


@dataclass(frozen=True, slots=True, eq=False)
class Bvh:
    """A skeleton and its motion; frame and unit of length are the file's own."""

    path: Path
    names: tuple[str, ...]
    """Joints and end sites; a parent comes before its children."""
    parents: tuple[int, ...]
    """-1 for the root."""
    offsets: NDArray[np.float64]
    """(J, 3) from the parent, in rest."""
    channels: tuple[tuple[str, ...], ...]
    """Of each joint, in the order of the file; rotations multiply from left to right."""
    values: NDArray[np.float64]
    """(T, C) degrees and lengths."""
    dt_s: float

    def rest(self) -> NDArray[np.float64]:
        """(J, 3) positions with all rotations zero, the root at the origin."""
        positions = np.zeros((len(self.names), 3))
        for j, parent in enumerate(self.parents):
            if parent >= 0:
                positions[j] = positions[parent] + self.offsets[j]
        return positions

    def forward(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Positions (T, J, 3) and rotations (T, J, 3, 3) of all joints in the file's world."""
        frames, joints = len(self.values), len(self.names)
        positions = np.zeros((frames, joints, 3))
        rotations = np.zeros((frames, joints, 3, 3))
        column = 0
        for j, parent in enumerate(self.parents):
            local = np.broadcast_to(np.eye(3), (frames, 3, 3))
            shift = np.tile(self.offsets[j], (frames, 1))
            for channel in self.channels[j]:
                value = self.values[:, column]
                column += 1
                axis = "XYZ".index(channel[0])
                if channel.endswith("rotation"):
                    local = local @ axis_rotation(axis, np.deg2rad(value))
                elif parent < 0:
                    shift[:, axis] += value
                else:
                    # A position channel replaces the offset of a joint that is not the root.
                    shift[:, axis] = value
            if parent < 0:
                positions[:, j], rotations[:, j] = shift, local
            else:
                rotations[:, j] = rotations[:, parent] @ local
                positions[:, j] = positions[:, parent] + np.einsum("tij,tj->ti", rotations[:, parent], shift)
        return positions, rotations


def axis_rotation(axis: int, angle: NDArray[np.float64]) -> NDArray[np.float64]:
    """(..., 3, 3) right-handed rotations about x, y or z (0, 1, 2) by (...) radians."""
    out = np.zeros((*angle.shape, 3, 3))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    out[..., axis, axis] = 1
    out[..., i, i] = out[..., j, j] = np.cos(angle)
    out[..., j, i] = np.sin(angle)
    out[..., i, j] = -out[..., j, i]
    return out


class _Lines:
    """The file's words, line by line, for messages that name the line."""

    def __init__(self, path: Path, text: str) -> None:
        self.path = path
        self.lines = text.splitlines()
        self.at = 0

    def next(self, what: str) -> list[str]:
        while self.at < len(self.lines):
            words = self.lines[self.at].split()
            self.at += 1
            if words:
                return words
        raise self.error(f"the file ends where {what} should be")

    def error(self, message: str) -> EgoposeError:
        return EgoposeError(f"{self.path}, line {self.at}: {message}; export the motion again as BVH")

    def numbers(self, words: list[str], count: int) -> list[float]:
        try:
            values = [float(word) for word in words]
        except ValueError:
            raise self.error("a number cannot be read") from None
        if len(values) != count:
            raise self.error(f"{len(values)} numbers where {count} should be")
        if not all(map(math.isfinite, values)):
            raise self.error("a number is not finite")
        return values


def load_bvh(path: Path, dt_s: float | None = None) -> Bvh:
    """Read a file, keeping every n-th frame so that frames are about `dt_s` seconds apart.

    Raises EgoposeError with the file and the line where it is not a BVH file, or too large to be one of a person.
    """
    try:
        if path.stat().st_size > MAX_BYTES:
            raise EgoposeError(f"{path}: larger than {MAX_BYTES >> 20} MiB; cut the motion into shorter files")
        text = path.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        raise EgoposeError(f"{path}: cannot be read ({error.strerror}); check the path") from error
    lines = _Lines(path, text)
    names, parents, offsets, channels = _hierarchy(lines)
    width = sum(map(len, channels))
    frames, interval = _header(lines)
    step = 1 if dt_s is None else max(1, round(dt_s / interval))
    kept = range(0, frames, step)
    # What is left of the text bounds the frames, so that a false count cannot claim memory.
    if frames > len(lines.lines) - lines.at:
        raise lines.error(f"{frames} frames are announced, but fewer lines follow")
    values = np.empty((len(kept), width))
    for i in range(frames):
        words = lines.next("a frame")
        if i % step == 0:
            values[i // step] = lines.numbers(words, width)
    return Bvh(path, tuple(names), tuple(parents), np.array(offsets), tuple(channels), values, interval * step)


def _hierarchy(lines: _Lines) -> tuple[list[str], list[int], list[list[float]], list[tuple[str, ...]]]:
    names: list[str] = []
    parents: list[int] = []
    offsets: list[list[float]] = []
    channels: list[tuple[str, ...]] = []
    stack: list[int] = []
    if lines.next("HIERARCHY") != ["HIERARCHY"]:
        raise lines.error("this is no BVH file: it does not begin with HIERARCHY")
    while (words := lines.next("MOTION")) != ["MOTION"]:
        key = words[0]
        if key in ("ROOT", "JOINT", "End"):
            if len(words) < 2 or (key == "ROOT") != (not names) or (key != "ROOT" and not stack):
                raise lines.error(f"{key} has no place here")
            if len(names) >= MAX_JOINTS or len(stack) >= MAX_DEPTH:
                raise lines.error("more joints than a person has")
            parents.append(stack[-1] if stack else -1)
            names.append(f"{names[stack[-1]]}_end" if key == "End" else " ".join(words[1:]))
            offsets.append([0.0, 0.0, 0.0])
            channels.append(())
            if lines.next("{") != ["{"]:
                raise lines.error("{ is missing")
            stack.append(len(names) - 1)
        elif key == "}" and stack:
            stack.pop()
        elif key == "OFFSET" and stack:
            offsets[stack[-1]] = lines.numbers(words[1:], 3)
        elif key == "CHANNELS" and stack and not channels[stack[-1]]:
            named = tuple(words[2:])
            if words[1:2] != [str(len(named))] or len(set(named)) != len(named) or not set(named) <= _CHANNELS:
                raise lines.error("the channels cannot be read")
            channels[stack[-1]] = named
        else:
            raise lines.error(f"{key} has no place here")
    if stack or not names:
        raise lines.error("the skeleton is not complete")
    return names, parents, offsets, channels


def _header(lines: _Lines) -> tuple[int, float]:
    """Number of frames and seconds between them."""
    words = lines.next("Frames:")
    if words[0] != "Frames:" or len(words) != 2 or not words[1].isdecimal():
        raise lines.error("Frames: and their number should be here")
    if len(words[1]) > 9 or not 1 <= int(words[1]) <= MAX_FRAMES:
        raise lines.error(f"the number of frames must be from 1 to {MAX_FRAMES}")
    frames = int(words[1])
    words = lines.next("Frame Time:")
    if words[:2] != ["Frame", "Time:"]:
        raise lines.error("Frame Time: should be here")
    (interval,) = lines.numbers(words[2:], 1)
    if not 1e-4 <= interval <= 10:
        raise lines.error("the time between frames must be from 0.0001 to 10 seconds")
    return frames, interval
