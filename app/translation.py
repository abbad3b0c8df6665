"""The window's words in the user's language. English is in the code; `tr` looks up the rest in Qt's .qm files.

    tr("Nothing open yet")
    tr("Opening {name} …", name=title)
    tr("{n} gap since the start", "{n} gaps since the start", n=figures.gaps)

Words and figures go into braces and are never put together with +, so that a language may order them as it likes.
A text that stands in a table, outside any function, is marked with `noted` there and handed to `tr` where it is shown.
Works before there is a QApplication, and where Qt is never loaded: then everything is English.
`python -m app.messages` collects what there is to translate.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from engine.assets import ASSETS

if TYPE_CHECKING:
    from pathlib import Path

    from PyQt6.QtCore import QCoreApplication

log = logging.getLogger(__name__)

CONTEXT = "egopose"
"""What Qt files our messages under."""
TRANSLATIONS = ASSETS / "translations"
"""Where egopose_LANGUAGE.qm lie."""

_look_up: Callable[[str, int], str] | None = None
"""From a text and a count, -1 for none; gives the text itself where there is no translation."""


def tr(text: str, many: str | None = None, *, n: int | None = None, **values: object) -> str:
    """An English text in the user's language, with its {placeholders} filled in.

    With a count `n`, `text` is the English singular and `many` the plural; {n} is the count. Translations have as
    many forms as their language needs.
    """
    if n is not None:
        values["n"] = n
    english = text if many is None or n == 1 else many
    found = text if _look_up is None else _look_up(text, -1 if n is None else n)
    if found != text:
        if not values:
            return found
        try:
            return found.format(**values)
        except (LookupError, ValueError, AttributeError):
            log.warning("the translation of %r has other placeholders; it stays English", text)
    return english.format(**values) if values else english


def noted(text: str) -> str:
    """The same text, noted as one to translate: for tables; what shows it calls `tr` with it."""
    return text


def use_language(app: QCoreApplication, language: str | None = None, folder: Path = TRANSLATIONS) -> bool:
    """Translate from now on; whether there is a file for it. `language` as in "de" or "pt_BR", None for the system's.

    Qt's own words, as on the buttons of dialogs, go with ours, so that no window speaks two languages.
    """
    global _look_up  # noqa: PLW0603  there is one program and one user
    # Not at the top: presenters run without Qt.
    from PyQt6.QtCore import QCoreApplication, QLibraryInfo, QLocale, QTranslator  # noqa: PLC0415

    locale = QLocale.system() if language is None else QLocale(language)
    ours, qts = QTranslator(app), QTranslator(app)
    if not ours.load(locale, CONTEXT, "_", str(folder), ".qm"):
        _look_up = None
        return False

    def look_up(text: str, n: int) -> str:
        return QCoreApplication.translate(CONTEXT, text, "", n)

    _look_up = look_up
    if qts.load(locale, "qtbase", "_", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        app.installTranslator(qts)
    app.installTranslator(ours)
    return True
