"""What is wrong with a data set, and where."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be."""

    where: str
    what: str
    error: bool
    """Whether it must be mended; otherwise the rest can be used, and this says what is left out."""

    def __str__(self) -> str:
        return f"{self.where}: {self.what}"


@dataclass(slots=True)
class Findings:
    """A list of them that readers add to, so that one look at a data set tells all that is wrong."""

    found: list[Finding] = field(default_factory=list)

    def error(self, where: Path | str, what: str) -> None:
        """Something must be mended before the data can be used."""
        self.found.append(Finding(str(where), what, True))

    def note(self, where: Path | str, what: str) -> None:
        """Something is left out; the rest can be used."""
        self.found.append(Finding(str(where), what, False))

    def entries(self, folder: Path, truth: str, count: int, bad: list[int], missing: list[str]) -> None:
        """Of a folder's list of frames: those that are damaged or there twice, and those without their picture."""
        if bad:
            self.error(folder / truth, f"{len(bad)} of {count} entries are damaged or double, the first {bad[0]}")
        if missing and len(missing) + len(bad) == count:
            self.error(folder, f"none of its {count} pictures is there, first imgs/{missing[0]}")
        elif missing:
            self.note(folder, f"{len(missing)} of {count} pictures are missing and left out, first imgs/{missing[0]}")

    @property
    def errors(self) -> list[Finding]:
        return [finding for finding in self.found if finding.error]

    @property
    def notes(self) -> list[Finding]:
        return [finding for finding in self.found if not finding.error]
