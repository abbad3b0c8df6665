"""Any data, by its path: what kind it is, its sequences, and all that is wrong with it."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

import numpy as np

from engine.errors import EgoposeError
from engine.learn.data import egopw, mo2cap2, sceneego, sessions, shards, unrealego
from engine.learn.data.findings import Findings
from engine.learn.data.folders import PictureFiles
from engine.learn.data.sequence import Sequence

SPLITS = ("train", "validation", "test")
_MAX_LIST = 1 << 24
_DEEPEST = 8
_SHOWN = 10
_FAR_M = 20.0
"""Nobody's joint is so far from the camera on the head."""
_BONE_M = (0.02, 1.0)
"""The median bone of a person is longer than the first and shorter than the second."""


class Reader(Protocol):
    """What a module that reads a data set has."""

    DATA_SET: str

    def recognise(self, path: Path) -> bool:
        """Whether it is a sequence of this data set."""

    def in_split(self, path: Path, split: str) -> bool:
        """Whether it belongs to "train", "validation" or "test"."""

    def read(self, path: Path, findings: Findings) -> Sequence | None:
        """The sequence; None where it cannot be used, which is then among the findings."""


READERS = tuple(cast(Reader, module) for module in (shards, sessions, egopw, sceneego, mo2cap2, unrealego))


@dataclass(frozen=True, slots=True)
class Data:
    """What was found."""

    sequences: list[Sequence]
    findings: Findings

    @property
    def frames(self) -> int:
        return sum(len(sequence) for sequence in self.sequences)


def read_data(
    paths: Iterable[Path], split: str | None = None, progress: Callable[[str], None] = lambda name: None
) -> Data:
    """The sequences of files, folders, folders of folders, and list files with a sequence a line.

    With `split`, only those that the data set has in it. `progress` is told the name of each as it is read.
    """
    findings, sequences = Findings(), []
    for path in paths:
        found = 0
        for reader, place in _places(path, findings):
            found += 1
            if split is None or reader.in_split(place, split):
                progress(place.name)
                sequence = reader.read(place, findings)
                if sequence is not None:
                    sequences.append(sequence)
        if not found and path.exists() and not any(f.where.startswith(str(path)) for f in findings.errors):
            findings.error(path, "holds no data of a kind that is known here: shards, sessions, EgoPW, SceneEgo, ...")
    return Data(sequences, findings)


def open_data(
    paths: Iterable[Path], split: str | None = None, progress: Callable[[str], None] = lambda name: None
) -> Data:
    """As `check_data`, for use: raises EgoposeError with the list of what must be mended."""
    paths = list(paths)
    data = check_data(paths, split, progress)
    errors = data.findings.errors
    if errors:
        told = [str(finding) for finding in errors[:_SHOWN]]
        if len(errors) > _SHOWN:
            told.append(f"and {len(errors) - _SHOWN} more: `egopose datasets check` lists all")
        faults = "1 fault" if len(errors) == 1 else f"{len(errors)} faults"
        raise EgoposeError(f"{faults} in the data must be mended: {'; '.join(told)}")
    if not data.frames:
        where = ", ".join(map(str, paths))
        raise EgoposeError(f"no frames in {where}{f' for {split}' if split else ''}; give other data, or another split")
    return data


def check_data(
    paths: Iterable[Path],
    split: str | None = None,
    progress: Callable[[str], None] = lambda name: None,
    *,
    thorough: bool = False,
) -> Data:
    """As `read_data`, with every picture's header and end, the poses' size and what is known of them looked over.

    `thorough` decodes every picture, which takes as long as an evaluation without a network.
    """
    data = read_data(paths, split, progress)
    for sequence in data.sequences:
        if thorough:
            _decode(sequence, data.findings, progress)
        elif isinstance(sequence.pictures, PictureFiles):
            progress(f"{sequence.name}: pictures")
            sequence.pictures.faults(data.findings)
        _look_over(sequence, data.findings)
    return data


def _decode(sequence: Sequence, findings: Findings, progress: Callable[[str], None]) -> None:
    for index in range(len(sequence)):
        if index % 100 == 0:
            progress(f"{sequence.name}: picture {index} of {len(sequence)}")
        try:
            sequence.pictures.raw(index)
        except EgoposeError as error:
            findings.error(f"{sequence.data_set} {sequence.name}", str(error))


def _look_over(sequence: Sequence, findings: Findings) -> None:
    where = f"{sequence.data_set} {sequence.name}"
    unknown = int((~np.isfinite(sequence.joints_m).all((1, 2))).sum())
    if unknown == len(sequence):
        findings.note(where, f"not one of its {len(sequence)} poses is known whole")
    elif unknown:
        findings.note(where, f"{unknown} of {len(sequence)} poses are unknown or not whole, and not scored as whole")
    from engine.learn.metrics import bone_lengths_m  # noqa: PLC0415

    furthest = float(np.abs(sequence.joints_m[np.isfinite(sequence.joints_m)]).max(initial=0.0))
    if furthest > _FAR_M:
        findings.error(where, f"a joint lies {furthest:.3g} m away: the numbers are damaged, or in another unit")
        return
    lengths = bone_lengths_m(sequence.joints_m)
    middle = float(np.median(lengths[np.isfinite(lengths)])) if np.isfinite(lengths).any() else 0.3
    if not _BONE_M[0] < middle < _BONE_M[1]:
        findings.error(where, f"its bones are {middle:.3g} m long in the median: the unit is wrong")


def _places(path: Path, findings: Findings) -> Iterator[tuple[Reader, Path]]:
    """Every sequence at or under a path, with its reader."""
    if path.suffix.lower() == ".txt":
        yield from _listed(path, findings)
        return
    if not path.exists():
        findings.error(path, "is not there; check the name")
        return
    yield from _under(path, findings, 0)


def _under(path: Path, findings: Findings, depth: int) -> Iterator[tuple[Reader, Path]]:
    reader = next((reader for reader in READERS if reader.recognise(path)), None)
    if reader is not None:
        yield reader, path
    elif path.is_dir() and depth < _DEEPEST:
        try:
            inside = sorted(entry.path for entry in os.scandir(path) if not entry.name.startswith("."))
        except OSError as error:
            findings.error(path, f"cannot be read ({error.strerror})")
            return
        for entry in map(Path, inside):
            if entry.is_dir() or entry.suffix.lower() in (".npz", ".mcap", *mo2cap2.SUFFIXES):
                yield from _under(entry, findings, depth + 1)


def _listed(path: Path, findings: Findings) -> Iterator[tuple[Reader, Path]]:
    """The sequences that a list file names, a line each, relative to its folder."""
    try:
        if path.stat().st_size > _MAX_LIST:
            findings.error(path, "is far too long for a list of sequences")
            return
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        findings.error(path, f"cannot be read ({getattr(error, 'strerror', None) or 'no text'})")
        return
    if not any(line.strip() for line in lines):
        findings.error(path, "is empty")
    for at, line in enumerate(lines, 1):
        if not line.strip():
            continue
        place = path.parent / line.strip()
        found = list(_under(place, findings, 0)) if place.exists() else []
        if not found:
            findings.error(
                f"{path}:{at}", f"{line.strip()} " + ("holds no sequence" if place.exists() else "is not there")
            )
        yield from found
