"""Collects the texts that can be translated into Qt's .ts files: `python -m app.messages LANGUAGE`.

Qt's pylupdate6 sees only `tr` in classes, under the class's name; ours all lie under one name. What Qt Linguist has
filled in is kept. `lrelease` then makes the .qm that the program reads.
"""

from __future__ import annotations

import argparse
import ast
import xml.etree.ElementTree as ET
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.translation import CONTEXT, TRANSLATIONS
from engine.cameras import write_atomically

APP = Path(__file__).parent


@dataclass(frozen=True, slots=True)
class Message:
    """One text in the code."""

    text: str
    plural: bool
    path: Path
    line: int


def calls(tree: ast.AST) -> Iterator[ast.Call]:
    """Every call of `tr` and `noted` in a module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("tr", "noted"):
            yield node


def messages_in(path: Path) -> list[Message]:
    """Of one module, in its order. What `tr` is given as a variable was noted elsewhere."""
    found = []
    for call in calls(ast.parse(path.read_text(encoding="utf-8"))):
        first = call.args[0] if call.args else None
        if isinstance(first, ast.Constant) and isinstance(first.value, str):
            found.append(Message(first.value, len(call.args) > 1, path, call.lineno))
    return sorted(found, key=lambda message: message.line)


def all_messages(folder: Path = APP) -> list[Message]:
    """Of the whole program."""
    return [message for path in sorted(folder.rglob("*.py")) for message in messages_in(path)]


def _translated(ts: Path) -> dict[str, ET.Element]:
    """What was translated already: message elements by their source."""
    if not ts.is_file():
        return {}
    return {message.findtext("source", ""): message for message in ET.parse(ts).getroot().iter("message")}


def ts_text(language: str, messages: Iterable[Message], known: dict[str, ET.Element]) -> str:
    """A .ts file: each text once, with every place it stands at, and its translation where that is known."""
    root = ET.Element("TS", version="2.1", language=language, sourcelanguage="en")
    context = ET.SubElement(root, "context")
    ET.SubElement(context, "name").text = CONTEXT
    made: dict[str, ET.Element] = {}
    for message in messages:
        element = made.get(message.text)
        if element is None:
            element = made[message.text] = ET.SubElement(context, "message", numerus="yes" if message.plural else "no")
            ET.SubElement(element, "source").text = message.text
            before = known.get(message.text)
            done = before.find("translation") if before is not None else None
            if done is not None:
                element.append(done)
            else:
                blank = ET.SubElement(element, "translation", type="unfinished")
                if message.plural:
                    ET.SubElement(blank, "numerusform")
        place = message.path.relative_to(APP.parent) if message.path.is_relative_to(APP.parent) else message.path
        where = ET.Element("location", filename=f"../../{place.as_posix()}", line=str(message.line))
        element.insert(sum(child.tag == "location" for child in element), where)
    ET.indent(root)
    return '<?xml version="1.0" encoding="utf-8"?>\n<!DOCTYPE TS>\n' + ET.tostring(root, encoding="unicode") + "\n"


def main() -> None:
    """Write or bring up to date one language's file."""
    parser = argparse.ArgumentParser(description="Collect the texts to translate into assets/translations.")
    parser.add_argument("language", help="as in de or pt_BR")
    language = parser.parse_args().language
    path = TRANSLATIONS / f"{CONTEXT}_{language}.ts"
    messages = all_messages()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, ts_text(language, messages, _translated(path)).encode())
    count = len({message.text for message in messages})
    print(f"{path}: {count} texts; translate them with Qt Linguist, then run: lrelease {path}")


if __name__ == "__main__":
    main()
