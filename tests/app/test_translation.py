"""Texts in the user's language: looked up, filled in, counted, and collected for translators."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from string import Formatter

import pytest
from PyQt6.QtCore import QTranslator
from PyQt6.QtWidgets import QApplication

from app import messages, translation
from app.messages import all_messages, calls, messages_in, ts_text
from app.translation import noted, tr, use_language

POLISH = Path(__file__).parent / "translations"
"""egopose_pl.qm is what Qt's lrelease makes of the .ts beside it; Polish has three forms of a plural."""


@pytest.fixture
def polish(app: QApplication, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(translation, "_look_up", None)  # put back at the end
    assert use_language(app, "pl", POLISH)
    yield
    for translator in app.findChildren(QTranslator):
        app.removeTranslator(translator)


def test_english_needs_neither_qt_nor_a_file() -> None:
    code = (
        "import sys; from app.translation import tr;"
        "print(tr('Opening {name} …', name='x'), tr('{n} gap', '{n} gaps', n=1), tr('{n} gap', '{n} gaps', n=0),"
        "tr('{n} gap', '{n} gaps', n=2), tr('a {brace}'), any(name.startswith('PyQt6') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8", check=True, timeout=60,
                          env={"PYTHONPATH": str(messages.APP.parent), "PYTHONIOENCODING": "utf-8"})  # fmt: skip
    assert done.stdout.strip() == "Opening x … 1 gap 0 gaps 2 gaps a {brace} False"


def test_language_without_a_file_stays_english(app: QApplication, tmp_path: Path) -> None:
    assert not use_language(app, "pl", tmp_path)
    assert tr("Nothing open yet") == "Nothing open yet"


def test_words_their_order_and_plurals_are_the_languages_own(polish: None) -> None:
    assert tr("Nothing open yet") == "Nic nie jest otwarte"
    assert tr("{one} before {other}", one="A", other="B") == "B po A"
    counted = [tr("{n} gap", "{n} gaps", n=n) for n in (0, 1, 2, 5, 22)]
    assert counted == ["0 luk", "1 luka", "2 luki", "5 luk", "22 luki"]
    assert tr("not translated") == "not translated"


def test_translation_with_a_wrong_placeholder_is_not_shown(polish: None, caplog: pytest.LogCaptureFixture) -> None:
    assert tr("Opening {name} …", name="x") == "Opening x …"
    assert "other placeholders" in caplog.text


def test_every_text_can_be_collected() -> None:
    """A text made up on the spot is in no catalogue."""
    wrong = [
        f"{path.name}:{call.lineno}"
        for path in messages.APP.rglob("*.py")
        for call in calls(ast.parse(path.read_text(encoding="utf-8")))
        if not call.args or isinstance(call.args[0], (ast.JoinedStr, ast.BinOp))
    ]
    assert wrong == []


def test_every_placeholder_is_handed_over() -> None:
    """One that is not would raise where the text is shown; one that is too many is a slip."""
    wrong = []
    for path in messages.APP.rglob("*.py"):
        for call in calls(ast.parse(path.read_text(encoding="utf-8"))):
            texts = [a.value for a in call.args if isinstance(a, ast.Constant) and isinstance(a.value, str)]
            given = {keyword.arg for keyword in call.keywords if keyword.arg is not None}
            if not given or any(keyword.arg is None for keyword in call.keywords):
                continue  # a text without values keeps its braces; ** is not seen through
            for text in texts:
                asked = {name for _, name, _, _ in Formatter().parse(text) if name is not None}
                if asked - given or (given - asked - {"n"}):
                    wrong.append(f"{path.name}:{call.lineno} {sorted(asked ^ given)}")
    assert wrong == []


def test_texts_with_placeholders_are_given_values() -> None:
    wrong = [
        f"{path.name}:{call.lineno}"
        for path in messages.APP.rglob("*.py")
        for call in calls(ast.parse(path.read_text(encoding="utf-8")))
        if getattr(call.func, "id", "") == "tr"
        and not call.keywords
        and isinstance(call.args[0], ast.Constant)
        and re.search(r"\{\w+\}", str(call.args[0].value))
    ]
    assert wrong == []


SINKS = {
    "QAction", "QCheckBox", "QFileDialog", "QGroupBox", "QLabel", "QPushButton", "QRadioButton", "QToolButton",
    "addItem", "addMenu", "addTab", "drawText", "getExistingDirectory", "getOpenFileName", "getSaveFileName", "heading",
    "setAccessibleDescription", "setAccessibleName", "setInformativeText", "setItemText", "setPlaceholderText",
    "setPrefix", "setStatusTip", "setSuffix", "setText", "setTitle", "setToolTip", "setWindowTitle", "set_text",
}  # fmt: skip
"""Whatever is handed to these is read by somebody."""
FOR_THE_TERMINAL = {
    "cameras.py", "cli.py", "command.py", "datasets.py", "demo.py", "evaluate.py", "headless.py", "report.py",
}  # fmt: skip


UNTOLD = re.compile(r"<[^>]*>|egopose|\(\*[^)]*\)|\.\w+|\b[A-Z]{2,}\b")
"""What is the same in every language: mark-up, our name, file endings, abbreviations."""


def words_in(node: ast.AST) -> list[str]:
    """Literal words of an argument, outside of `tr` and `noted` and of what other calls are handed."""
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return [node.value] if re.search(r"[A-Za-z]{2}", UNTOLD.sub("", node.value)) else []
    if isinstance(node, ast.JoinedStr):
        return [word for part in node.values for word in words_in(part)]
    if isinstance(node, ast.IfExp):
        return words_in(node.body) + words_in(node.orelse)
    if isinstance(node, ast.BinOp):
        return words_in(node.left) + words_in(node.right)
    if isinstance(node, ast.BoolOp):
        return [word for part in node.values for word in words_in(part)]
    return []


def test_no_text_of_the_window_is_left_out() -> None:
    """Literals that are handed to Qt as text; those that go other ways are seen by their owners alone."""
    wrong = []
    for path in messages.APP.rglob("*.py"):
        if path.name in FOR_THE_TERMINAL or path.name.startswith("command"):
            continue
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and getattr(call.func, "attr", getattr(call.func, "id", "")) in SINKS:
                texts = [word for argument in call.args for word in words_in(argument)]
                wrong += [f"{path.relative_to(messages.APP)}:{call.lineno} {text!r}" for text in texts]
    assert wrong == []


def test_unwrapped_words_are_seen() -> None:
    def found(code: str) -> list[str]:
        call = ast.parse(code, mode="eval").body
        assert isinstance(call, ast.Call)
        return [word for argument in call.args for word in words_in(argument)]

    assert found("setText('Stop')") == ["Stop"]
    assert found("setText(tr('Stop') if on else 'Record')") == ["Record"]
    assert found("setText(f'{n} lost')") == [" lost"]
    assert found("setText('a ' + tr('b') + ' of them')") == [" of them"]
    assert found("setText(tr('Stop'))") == found("setText('✕')") == found("setText(f'{a} / {b}')") == []


def test_collected_with_places_and_plurals_and_translations_kept(tmp_path: Path) -> None:
    module = tmp_path / "module.py"
    module.write_text(
        "A = noted('Closed')\n\ndef f(n):\n    return tr('{n} gap', '{n} gaps', n=n), tr('Closed'), tr(A)\n",
        encoding="utf-8",
    )
    found = messages_in(module)
    assert [(m.text, m.plural, m.line) for m in found] == [
        ("Closed", False, 1),
        ("{n} gap", True, 4),
        ("Closed", False, 4),
    ]
    path = tmp_path / "egopose_pl.ts"
    path.write_text((POLISH / "egopose_pl.ts").read_text(encoding="utf-8"), encoding="utf-8")
    root = ET.fromstring(ts_text("pl", found, messages._translated(path)).partition("<!DOCTYPE TS>\n")[2])
    gap, closed = (next(m for m in root.iter("message") if m.findtext("source") == s) for s in ("{n} gap", "Closed"))
    assert [form.text for form in gap.iter("numerusform")] == ["{n} luka", "{n} luki", "{n} luk"]
    assert [place.get("line") for place in closed.iter("location")] == ["1", "4"]
    assert closed.find("translation[@type='unfinished']") is not None
    assert root.findtext("context/name") == translation.CONTEXT


def test_noted_is_the_text_itself() -> None:
    assert noted("Closed") == "Closed"
    assert all(message.text for message in all_messages())
