"""What the doctor finds as rich text, for the window. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

from app.doctor.findings import GROUPS, MARKS, Finding, Verdict
from app.theme import GAP, Colours
from app.translation import tr


def page(findings: Sequence[Finding], colours: Colours) -> str:
    """A table: name with its mark, what was found, and below it what to do about it."""
    inks = {Verdict.GOOD: colours.good, Verdict.ABSENT: colours.muted, Verdict.BROKEN: colours.error}
    rows = []
    for group, members in groupby(findings, lambda finding: finding.group):
        rows.append(f"<td colspan=2 style='padding-top:{GAP}px'><b>{escape(tr(GROUPS[group]))}</b></td>")
        for finding in members:
            text = colours.muted if finding.verdict is Verdict.ABSENT else colours.text
            mark = f"<span style='color:{inks[finding.verdict]}'>{MARKS[finding.verdict][0]}</span>"
            name = f"{mark}&nbsp;&nbsp;{escape(finding.name).replace(' ', '&nbsp;')}"
            found = escape(finding.text)
            if finding.help:
                found += f"<br><span style='color:{colours.warning}'>→ {escape(finding.help)}</span>"
            look = f"style='color:{text}; padding:2px {2 * GAP}px 2px 0'"
            rows.append(f"<td {look}>{name}</td><td {look}>{found}</td>")
    return f"<table cellspacing=0>{''.join(f'<tr>{row}</tr>' for row in rows)}</table>"
