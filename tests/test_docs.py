"""The documents: their links lead somewhere, and the commands they name exist."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

import pytest

from app.cli import parser

ROOT = Path(__file__).parents[1]


def _ours(path: Path) -> bool:
    parts = path.relative_to(ROOT).parts
    return "out" not in parts and not any(part.startswith(".") for part in parts)


DOCUMENTS = sorted(filter(_ours, ROOT.rglob("*.md")))
LINK = re.compile(r"\]\((?!https?:|#)([^)#]+)(?:#[^)]*)?\)")
CODE = re.compile(r"```.*?```|`[^`\n]+`", re.DOTALL)
COMMAND = re.compile(r"(?:^|`)egopose ([a-z]+)", re.MULTILINE)


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_lead_somewhere(path: Path) -> None:
    assert [link for link in LINK.findall(path.read_text(encoding="utf-8")) if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_commands_exist(path: Path) -> None:
    known = next(action for action in parser([])._actions if isinstance(action, argparse._SubParsersAction)).choices
    named = {command for code in CODE.findall(path.read_text(encoding="utf-8")) for command in COMMAND.findall(code)}
    assert sorted(named - set(known)) == []
