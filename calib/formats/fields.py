"""Reading fields of untrusted JSON, with errors that name the file, the key and the remedy."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import numpy as np

from calib.errors import CalibrationError

MAX_BYTES = 1 << 20
MAX_SIDE = 1 << 15
MAX_TERMS = 64
MAX_TEXT = 4096


def read_text(path: Path) -> str:
    """The text of a small file. Raises CalibrationError where it is missing, unreadable, too large or not UTF-8."""
    try:
        if not path.is_file():
            raise CalibrationError(f"{path}: there is no such file: check the path")
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise CalibrationError(f"{path}: cannot be read ({error.strerror}): check its permissions") from error
    if len(data) > MAX_BYTES:
        raise CalibrationError(f"{path}: larger than 1 MiB, so not a calibration: choose another file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CalibrationError(f"{path}: not text, so not a calibration: choose another file") from error


def parse_json(text: str, where: str) -> Fields:
    """The object that the text holds. Raises CalibrationError where it is not strict JSON or not an object."""

    def not_finite(word: str) -> NoReturn:
        raise ValueError(f"{word} is not a number")

    try:
        value = json.loads(text, parse_constant=not_finite)
    except RecursionError as error:
        raise CalibrationError(f"{where}: nested too deeply to be a calibration: choose another file") from error
    except ValueError as error:
        raise CalibrationError(f"{where}: not valid JSON ({error}): export it again") from error
    if not isinstance(value, dict):
        raise CalibrationError(f"{where}: holds no JSON object: choose a calibration file")
    return Fields(where, value)


@dataclass(frozen=True, slots=True)
class Fields:
    """A JSON object of a file, read key by key. Every method raises CalibrationError."""

    where: str
    values: Mapping[str, Any]
    prefix: str = ""

    def fail(self, key: str, what: str) -> NoReturn:
        """Raise the one-line error for a key."""
        raise CalibrationError(f'{self.where}: "{self.prefix}{key}" {what}')

    def get(self, key: str) -> Any:
        """The raw value of a key that must be there."""
        if key not in self.values:
            self.fail(key, "is missing: export the calibration again")
        return self.values[key]

    def section(self, key: str) -> Fields:
        """A nested object."""
        value = self.get(key)
        if not isinstance(value, dict):
            self.fail(key, "must be an object: export the calibration again")
        return Fields(self.where, value, f"{self.prefix}{key}.")

    def text(self, key: str, default: str | None = None) -> str:
        """A string of at most MAX_TEXT characters."""
        value = self.get(key) if default is None else self.values.get(key, default)
        if not isinstance(value, str) or len(value) > MAX_TEXT:
            self.fail(key, f"must be a text of at most {MAX_TEXT} characters: correct it")
        return value

    def flag(self, key: str, default: bool) -> bool:
        """true or false."""
        value = self.values.get(key, default)
        if not isinstance(value, bool):
            self.fail(key, "must be true or false: correct it")
        return value

    def number(self, key: str) -> float:
        """A finite number."""
        return self._number(key, self.get(key))

    def numbers(self, key: str, least: int, most: int = MAX_TERMS) -> tuple[float, ...]:
        """A list of `least` to `most` finite numbers."""
        value = self.get(key)
        if not isinstance(value, Sequence) or isinstance(value, str) or not least <= len(value) <= most:
            count = f"{least}" if least == most else f"{least} to {most}"
            self.fail(key, f"must be a list of {count} numbers: export the calibration again")
        return tuple(self._number(f"{key}[{i}]", item) for i, item in enumerate(value))

    def size(self, key: str) -> tuple[int, int]:
        """(width, height) in pixels."""
        width, height = self.numbers(key, 2, 2)
        if not all(side == int(side) and 1 <= side <= MAX_SIDE for side in (width, height)):
            self.fail(key, f"must be [width, height] in whole pixels, 1 to {MAX_SIDE}: correct it")
        return int(width), int(height)

    def _number(self, key: str, value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(key, "must be a number: correct it")
        try:
            number = float(value)
        except OverflowError:
            number = np.inf
        if not np.isfinite(number):
            self.fail(key, "must be a finite number: correct it")
        return number
