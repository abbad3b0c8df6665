"""`egopose doctor`."""

from __future__ import annotations

import argparse
import json

from rich.console import Console

from app.doctor.findings import as_json, sound, summary, table


def add_doctor(command: argparse.ArgumentParser) -> None:
    """Its options."""
    command.add_argument("--json", action="store_true", help="for programs")
    command.set_defaults(command=run_doctor)


def run_doctor(arguments: argparse.Namespace) -> int:
    """0 where nothing that is needed is broken, else 1."""
    from app.doctor.checks import examine  # noqa: PLC0415

    findings = examine()
    if arguments.json:
        print(json.dumps(as_json(findings), indent=2))
    else:
        console = Console(highlight=False)
        console.print(table(findings))
        console.print(f"\n{summary(findings)}")
    return 0 if sound(findings) else 1
