"""What the doctor finds, as values, as a table, as text and as JSON. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from itertools import groupby
from typing import Any

from rich.table import Table
from rich.text import Text

from app.translation import noted, tr


class Verdict(StrEnum):
    """How it stands with one thing."""

    GOOD = "good"
    ABSENT = "absent"
    """Not there, and not needed: the program does without."""
    BROKEN = "broken"
    """Needed, and it does not work."""


MARKS = {Verdict.GOOD: ("✓", "green"), Verdict.ABSENT: ("·", "dim"), Verdict.BROKEN: ("✗", "bold red")}
"""The sign of each, and how a terminal writes it."""
GROUPS = {
    "program": noted("Program"),
    "network": noted("What runs the network"),
    "window": noted("Window"),
    "cameras": noted("Cameras"),
    "extras": noted("Extras"),
    "disk": noted("Disk"),
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    group: str
    """A key of GROUPS."""
    name: str
    verdict: Verdict
    text: str
    """What was found."""
    help: str = ""
    """What to do about it, "" where there is nothing to do."""


def sound(findings: Sequence[Finding]) -> bool:
    """Whether nothing that is needed is broken."""
    return all(finding.verdict is not Verdict.BROKEN for finding in findings)


def summary(findings: Sequence[Finding]) -> str:
    """One line on all of it."""
    broken = sum(finding.verdict is Verdict.BROKEN for finding in findings)
    if not broken:
        return tr("Nothing that is needed is broken.")
    return tr("{n} thing is broken: see ✗.", "{n} things are broken: see ✗.", n=broken)


def table(findings: Sequence[Finding]) -> Table:
    """For a terminal."""
    made = Table.grid(padding=(0, 2))
    made.add_column()
    made.add_column(no_wrap=True)
    made.add_column(overflow="fold")
    for group, members in groupby(findings, lambda finding: finding.group):
        made.add_row("", Text(tr(GROUPS[group]), "bold"), "")
        for finding in members:
            mark, style = MARKS[finding.verdict]
            text = Text(finding.text, "dim" if finding.verdict is Verdict.ABSENT else "")
            if finding.help:
                text.append(f"\n→ {finding.help}", "yellow")
            made.add_row(Text(mark, style), finding.name, text)
    return made


def plain_text(findings: Sequence[Finding]) -> str:
    """To paste into a message."""
    width = max((len(finding.name) for finding in findings), default=0)
    lines = [summary(findings)]
    for group, members in groupby(findings, lambda finding: finding.group):
        lines += ["", tr(GROUPS[group])]
        for finding in members:
            lines.append(f"  {MARKS[finding.verdict][0]} {finding.name:<{width}}  {finding.text}")
            if finding.help:
                lines.append(f"    {'':<{width}}  → {finding.help}")
    return "\n".join(lines) + "\n"


def as_json(findings: Sequence[Finding]) -> dict[str, Any]:
    """For programs."""
    return {"sound": sound(findings), "findings": [asdict(finding) for finding in findings]}
