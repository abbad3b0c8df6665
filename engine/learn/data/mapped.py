"""Arrays of an .npz file, mapped into memory where they lie: 6 GB of pictures cost no memory and no time to open."""

from __future__ import annotations

import math
import struct
import zipfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

_LOCAL_HEADER = struct.Struct("<4s22xHH")
"""Of a file in a zip archive, as far as it is needed here (APPNOTE.TXT, 4.3.7): mark, lengths of name and extra."""


class MemberError(ValueError):
    """An array cannot be had; the message ends a sentence that begins with the file's name."""


@dataclass(slots=True)
class Member:
    """One array of an .npz file that is not compressed. Pickles as where it is, not what it holds."""

    path: Path
    offset: int
    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    _array: NDArray[Any] | None = field(default=None, repr=False)

    @property
    def array(self) -> NDArray[Any]:
        """The array, read-only, mapped on first use. Raises OSError where the file has gone."""
        if self._array is None:
            self._array = np.memmap(self.path, self.dtype, "r", self.offset, self.shape)
        return self._array

    def __reduce__(self) -> tuple[Any, ...]:
        return Member, (self.path, self.offset, self.shape, self.dtype)


def members(path: Path) -> dict[str, Member]:
    """All arrays of an .npz file. Raises MemberError where one is missing its bytes, is compressed or holds objects."""
    try:
        size = path.stat().st_size
        with zipfile.ZipFile(path) as archive, path.open("rb") as file:
            return {
                info.filename.removesuffix(".npy"): _member(path, size, file, info)
                for info in archive.infolist()
                if info.filename.endswith(".npy")
            }
    except zipfile.BadZipFile as error:
        raise MemberError("is cut off or no .npz file") from error
    except OSError as error:
        raise MemberError(f"cannot be read ({error.strerror or error})") from error


def _member(path: Path, size: int, file: IO[bytes], info: zipfile.ZipInfo) -> Member:
    name = info.filename.removesuffix(".npy")
    if info.compress_type != zipfile.ZIP_STORED:
        raise MemberError(f"has {name} compressed, which cannot be mapped; write it with numpy.savez")
    file.seek(info.header_offset)
    header = file.read(_LOCAL_HEADER.size)
    if len(header) < _LOCAL_HEADER.size or header[:4] != b"PK\x03\x04":
        raise MemberError(f"is damaged before {name}")
    _, name_length, extra_length = _LOCAL_HEADER.unpack(header)
    start = info.header_offset + 30 + name_length + extra_length
    file.seek(start)
    try:
        version = np.lib.format.read_magic(file)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, fortran, dtype = read(file)
    except ValueError as error:
        raise MemberError(f"is damaged in the header of {name}") from error
    if dtype.hasobject or fortran:
        raise MemberError(f"holds {name} as objects or in Fortran's order; write it anew")
    offset = file.tell()
    due = math.prod(shape) * dtype.itemsize
    if due != info.file_size - (offset - start) or offset + due > size:
        raise MemberError(f"is cut off or damaged in {name}")
    return Member(path, offset, shape, dtype)
