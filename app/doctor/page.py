"""What the doctor finds as rich text, for the window. No Qt."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from itertools import groupby

from app.doctor.findings import GROUPS, MARKS, Finding, Verdict
from app.theme import GAP, Colours
from app.translation import tr


def page(findings: Sequence[Finding], colours: Colours) -> str:
    """A table: mark, name, what was found, and below it what to do about it."""
    inks = {Verdict.GOOD: colours.good, Verdict.ABSENT: colours.muted, Verdict.BROKEN: colours.error}
    rows = []
    for group, members in groupby(findings, lambda finding: finding.group):
        rows.append(f"<tr><td colspan=3 style='padding-top:{GAP}px'><b>{escape(tr(GROUPS[group]))}</b></td></tr>")
        for finding in members:
            text = colours.muted if finding.verdict is Verdict.ABSENT else colours.text
            found = f"<span style='color:{text}'>{escape(finding.text)}</span>"
            if finding.help:
                found += f"<br><span style='color:{colours.warning}'>→ {escape(finding.help)}</span>"
            mark = f"<span style='color:{inks[finding.verdict]}'>{MARKS[finding.verdict][0]}</span>"
            cells = (mark, f"<span style='white-space:pre; color:{text}'>{escape(finding.name)}</span>", found)
            rows.append(
                "<tr>" + "".join(f"<td style='padding:2px {GAP}px 2px 0'>{cell}</td>" for cell in cells) + "</tr>"
            )
    return f"<table cellspacing=0>{''.join(rows)}</table>"
