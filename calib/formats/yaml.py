"""The plain part of YAML that calibration files use, read without a YAML library.

Block mappings and lists by indentation, flow lists, numbers, words, quoted texts, comments; a tag
before a value is passed over. Anchors, flow mappings and multi-line texts are refused.
"""

from __future__ import annotations

import re
from typing import Any

from calib.errors import CalibrationError
from calib.formats.fields import Fields

_DEEPEST = 12
_NUMBER = re.compile(r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?")
_TAG = re.compile(r"!!?[\w-]*\s*")
_WORDS: dict[str, Any] = {"true": True, "false": False, "null": None, "~": None, "": None}

_Line = tuple[int, str]


def parse_yaml(text: str, where: str) -> Fields:
    """The mapping that the text holds. Raises CalibrationError where it is not one, or not plain."""
    lines = _logical_lines(text, where)
    value, rest = _block(lines, 0, where) if lines else (None, 0)
    if rest < len(lines):
        raise CalibrationError(f'{where}: "{lines[rest][1][:40]}" is not where it can be read: check the indentation')
    if not isinstance(value, dict):
        raise CalibrationError(f"{where}: holds no settings: choose a calibration file")
    return Fields(where, value)


def _logical_lines(text: str, where: str) -> list[_Line]:
    """(indentation, content), without comments, lists on one line."""
    lines: list[_Line] = []
    parts: list[str] = []
    indent = depth = 0
    for raw in text.splitlines():
        content = _without_comment(raw).rstrip()
        bare = content.strip()
        if not bare or (not parts and (bare in ("---", "...") or bare.startswith("%"))):
            continue
        if not parts:
            indent = len(content) - len(content.lstrip())
            if "\t" in content[:indent]:
                raise CalibrationError(f"{where}: is indented with tabs: use spaces")
        parts.append(bare)
        depth += bare.count("[") - bare.count("]")
        if depth <= 0:
            lines.append((indent, " ".join(parts)))
            parts, depth = [], 0
    if parts:
        raise CalibrationError(f"{where}: a list is not closed: the file is cut off, export it again")
    return lines


def _without_comment(line: str) -> str:
    quote = ""
    for i, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote else quote
        elif letter in "'\"":
            quote = letter
        elif letter == "#" and (i == 0 or line[i - 1] in " \t"):
            return line[:i]
    return line


def _block(lines: list[_Line], at: int, where: str, depth: int = 0) -> tuple[Any, int]:
    """The mapping or list that begins at a line, and the line after it."""
    if depth > _DEEPEST:
        raise CalibrationError(f"{where}: nested too deeply to be a calibration: choose another file")
    indent, content = lines[at]
    if content == "-" or content.startswith("- "):
        items = []
        while at < len(lines) and lines[at][0] == indent and (lines[at][1] == "-" or lines[at][1].startswith("- ")):
            inner = lines[at][1][1:].lstrip()
            if inner.startswith("- ") or _entry(inner):
                # A list item that is a block itself: it goes on as deep as its first word stands.
                lines[at] = (indent + len(lines[at][1]) - len(inner), inner)
                item, at = _block(lines, at, where, depth + 1)
            else:
                item, at = _value(inner, lines, at, indent, where, depth)
            items.append(item)
        return items, at
    entries: dict[str, Any] = {}
    while at < len(lines) and lines[at][0] == indent:
        entry = _entry(lines[at][1])
        if entry is None:
            raise CalibrationError(f'{where}: "{lines[at][1][:40]}" is not plain YAML: export the calibration again')
        value, at = _value(entry[1], lines, at, indent, where, depth)
        entries[entry[0]] = value
    return entries, at


def _entry(content: str) -> tuple[str, str] | None:
    """The key and the rest of a line "key: rest", or None."""
    if content[:1] in ("'", '"'):
        key, quote, rest = content[1:].partition(content[0])
        rest = rest.lstrip()
        plain = bool(quote) and (rest == ":" or rest.startswith(": "))
        return (key, rest[1:].lstrip()) if plain else None
    key, colon, rest = content.partition(": ")
    if not colon and content.endswith(":"):
        key, colon, rest = content[:-1], ":", ""
    if not colon or not key or key[0] in "[]{}&*!|>-#?,":
        return None
    return key.rstrip(), rest.lstrip()


def _value(text: str, lines: list[_Line], at: int, indent: int, where: str, depth: int) -> tuple[Any, int]:
    """What stands after a colon or a dash, on the same line or in the lines below it."""
    text = _TAG.sub("", text, count=1) if text.startswith("!") else text
    if text:
        return _scalar_or_list(text, where), at + 1
    below = at + 1 < len(lines) and (lines[at + 1][0] > indent or (lines[at + 1][0] == indent and _lists(lines, at)))
    return _block(lines, at + 1, where, depth + 1) if below else (None, at + 1)


def _lists(lines: list[_Line], at: int) -> bool:
    """Whether a list follows a key without being indented."""
    return lines[at + 1][1].startswith("- ") and not lines[at][1].startswith("-")


def _scalar_or_list(text: str, where: str) -> Any:
    if not text.startswith("["):
        return _scalar(text, where)
    stack: list[list[Any]] = [[]]
    for token in re.findall(r"[\[\],]|\"[^\"]*\"|'[^']*'|[^\[\],]+", text):
        if token == "[":
            stack.append([])
            if len(stack) > _DEEPEST:
                raise CalibrationError(f"{where}: nested too deeply to be a calibration: choose another file")
        elif token == "]":
            if len(stack) < 3:
                break
            done = stack.pop()
            stack[-1].append(done)
        elif token != "," and token.strip():
            stack[-1].append(_scalar(token.strip(), where))
    if len(stack) != 2 or text.count("[") != text.count("]") or not text.endswith("]"):
        raise CalibrationError(f'{where}: "{text[:40]}" is not a plain list: export the calibration again')
    return stack[1]


def _scalar(text: str, where: str) -> Any:
    if text[0] in "\"'" and text[-1] == text[0] and len(text) > 1:
        return text[1:-1]
    if _NUMBER.fullmatch(text):
        return float(text)
    if text[0] in "{&*|>[":
        raise CalibrationError(f'{where}: "{text[:40]}" is more than plain YAML: export the calibration again')
    return _WORDS.get(text.lower(), text)
