"""Pickles of data sets, read without running anything that is in them.

What may be in one: numbers, text, bytes, lists, tuples, sets, dicts, and numpy's arrays and scalars of plain numbers.
Arrays are put together here, from their bytes, so that nothing in the file reaches numpy's own unpickling.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

MAX_BYTES = 1 << 30
_REFUSED = {"NEXT_BUFFER", "READONLY_BUFFER", "EXT1", "EXT2", "EXT4", "PERSID", "BINPERSID"} | {
    "INST",
    "OBJ",
    "NEWOBJ",
    "NEWOBJ_EX",
}
"""They make objects of any kind, or name what is not in the file."""
_MEMO = {"PUT", "BINPUT", "LONG_BINPUT", "GET", "BINGET", "LONG_BINGET"}
_KINDS = "biufc"


class PickleError(ValueError):
    """A pickle cannot be used; the message ends a sentence that begins with the file's name."""


def load_pickle(path: Path) -> Any:
    """What a file holds. Raises PickleError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PickleError(f"is larger than {MAX_BYTES >> 30} GiB")
        return loads(path.read_bytes())
    except OSError as error:
        raise PickleError(f"cannot be read ({error.strerror or error})") from error


def load_npy_object(path: Path) -> Any:
    """The object that a .npy file holds, as numpy saves a dict. Raises PickleError."""
    try:
        if path.stat().st_size > MAX_BYTES:
            raise PickleError(f"is larger than {MAX_BYTES >> 30} GiB")
        file = io.BytesIO(path.read_bytes())
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        _, _, dtype = read(file)
    except OSError as error:
        raise PickleError(f"cannot be read ({error.strerror or error})") from error
    except ValueError as error:
        raise PickleError("is cut off or no .npy file") from error
    if not dtype.hasobject:
        raise PickleError(f"holds {dtype} where a dict is due")
    return loads(file.read())


def loads(data: bytes) -> Any:
    """What a pickle holds. Raises PickleError where it is cut off or holds anything else than plain data."""
    _look_over(data)
    try:
        return _finished(_Reader(io.BytesIO(data), encoding="latin1").load(), {})
    except PickleError:
        raise
    except RecursionError as error:
        raise PickleError("holds itself, or is nested too deeply") from error
    except Exception as error:  # a damaged pickle can raise nearly anything
        raise PickleError(f"is damaged ({type(error).__name__})") from error


def _look_over(data: bytes) -> None:
    """Refuse what could run code or take memory, before anything is made."""
    try:
        for code, argument, _ in pickletools.genops(data):
            if code.name in _REFUSED:
                raise PickleError(f"holds more than plain data ({code.name.lower()})")
            if code.name in _MEMO and not 0 <= int(argument or 0) <= len(data):
                raise PickleError("is damaged (memo)")
    except PickleError:
        raise
    except Exception as error:  # genops gives ValueError for most faults, not for all
        raise PickleError("is cut off or no pickle") from error


class _Type:
    """A numpy dtype, as far as it is plain."""

    def __init__(self, name: Any, *_: Any) -> None:
        name = name.decode("ascii") if isinstance(name, bytes) else name
        self.objects = name in ("O", "O8", "|O")
        self.dtype = np.dtype("u1")
        if not self.objects:
            if not isinstance(name, str) or len(name) > 8:
                raise PickleError("holds an array of an unknown type")
            try:
                self.dtype = np.dtype(name)
            except TypeError as error:
                raise PickleError("holds an array of an unknown type") from error
            if self.dtype.kind not in _KINDS:
                raise PickleError(f"holds an array of {self.dtype}")

    def __setstate__(self, state: Any) -> None:
        # (version, byte order, ...): the rest concerns types that are not plain.
        if not self.objects and isinstance(state, tuple) and len(state) > 1 and state[1] in ("<", ">", "=", "|"):
            self.dtype = self.dtype.newbyteorder(state[1])


class _Array:
    """An array whose state is still to come."""

    value: Any = None

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or len(state) != 5 or not isinstance(state[2], _Type):
            raise PickleError("is damaged (array)")
        _, shape, kind, fortran, raw = state
        if not isinstance(shape, tuple) or not all(isinstance(n, int) and n >= 0 for n in shape):
            raise PickleError("is damaged (shape)")
        if kind.objects:
            if not isinstance(raw, list) or len(raw) != math.prod(shape):
                raise PickleError("is damaged (objects)")
            self.value = raw if shape else raw[0]
        else:
            self.value = _numbers(raw, kind, shape, "F" if fortran else "C")


def _numbers(raw: Any, kind: _Type, shape: tuple[int, ...], order: Any) -> Any:
    data = raw.encode("latin1") if isinstance(raw, str) else raw
    if not isinstance(data, bytes) or len(data) != math.prod(shape) * kind.dtype.itemsize:
        raise PickleError("is damaged (array)")
    return np.frombuffer(data, kind.dtype).reshape(shape, order=order).copy()


def _reconstruct(*_: Any) -> _Array:
    return _Array()


def _scalar(kind: Any, raw: Any = b"") -> Any:
    if not isinstance(kind, _Type) or kind.objects:
        raise PickleError("is damaged (scalar)")
    return _numbers(raw, kind, (1,), "C")[0]


def _frombuffer(raw: Any, kind: Any, shape: Any, order: Any) -> Any:
    """How protocol 5 writes an array."""
    state = (1, shape, kind, order == "F", bytes(raw))
    array = _Array()
    array.__setstate__(state)
    return array


def _encode(text: Any, encoding: Any) -> bytes:
    """How protocol 2 writes bytes."""
    if not isinstance(text, str) or encoding not in ("latin1", "latin-1"):
        raise PickleError("is damaged (bytes)")
    return text.encode("latin1")


class _NdArray:
    """Stands for numpy's class where it is only named."""


class _Maker:
    """What a pickle gets where it names one of numpy's functions: it can be called, and nothing else."""

    __slots__ = ("_make",)

    def __init__(self, make: Callable[..., Any]) -> None:
        self._make = make

    def __call__(self, *arguments: Any) -> Any:
        return self._make(*arguments)

    def __setstate__(self, _: Any) -> None:
        raise PickleError("holds more than plain data (state)")


_ALLOWED = {
    ("_codecs", "encode"): _Maker(_encode),
    ("collections", "OrderedDict"): _Maker(dict),
    ("numpy", "dtype"): _Maker(_Type),
    ("numpy", "ndarray"): _Maker(_NdArray),
}
for _core in ("numpy.core", "numpy._core"):
    _ALLOWED[f"{_core}.multiarray", "_reconstruct"] = _Maker(_reconstruct)
    _ALLOWED[f"{_core}.multiarray", "scalar"] = _Maker(_scalar)
    _ALLOWED[f"{_core}.numeric", "_frombuffer"] = _Maker(_frombuffer)


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        try:
            return _ALLOWED[module, name]
        except KeyError:
            raise PickleError(f"wants to run {module}.{name}, which plain data never does") from None


def _finished(value: Any, done: dict[int, Any]) -> Any:
    """The same, with arrays in place of what stood for them; what is shared stays shared."""
    if isinstance(value, _Array):
        return _finished(value.value, done)
    if not isinstance(value, (list, tuple, dict)):
        return value
    if id(value) not in done:
        if isinstance(value, dict):
            done[id(value)] = {key: _finished(item, done) for key, item in value.items()}
        else:
            done[id(value)] = type(value)(_finished(item, done) for item in value)
    return done[id(value)]
