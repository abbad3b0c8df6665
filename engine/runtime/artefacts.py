"""Compiled networks on disk: found by what they were made of, and checked before they are used.

An artefact is a folder of files and a manifest with their sizes and hashes. It is written beside
its place and moved there whole. One that is damaged, cut off, of other weights or of another
machine is not found, and so is built again.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout
from platformdirs import user_cache_path

from engine.assets import ASSETS
from engine.errors import EgoposeError
from engine.runtime.backend import Backend

log = logging.getLogger(__name__)

COMPILED = ASSETS / "compiled"
"""Artefacts that come with the program."""
FORMAT = "egopose-artefact-2"
MANIFEST = "manifest.json"
MAX_MANIFEST_BYTES = 1 << 16
MAX_WEIGHTS_BYTES = 1 << 30
MAX_FILES = 64
MAX_BYTES = 4 << 30
"""Of one artefact in all."""
UNUSED_S = 60 * 24 * 3600
"""An artefact that nobody has asked for this long is cleared away when another is made."""
LOOK_S = 0.1
"""How often one who waits for another process's build looks whether to give up."""


class Cancelled(Exception):  # noqa: N818  it is no error
    """The build was called off; nothing of it is left."""


@dataclass(frozen=True, slots=True)
class Key:
    """What an artefact is made of: any other weights, version or machine is another artefact."""

    weights_sha256: str
    backend: str
    """Its name, lower-case letters, digits and "-"."""
    identity: tuple[tuple[str, str], ...]
    """What else it depends on, sorted: versions, the GPU's name, the instruction set."""

    def as_json(self) -> dict[str, Any]:
        """As the manifest holds it."""
        return {"weights": self.weights_sha256, "backend": self.backend, "identity": dict(self.identity)}

    @property
    def name(self) -> str:
        """Of the artefact's folder."""
        text = json.dumps(self.as_json(), sort_keys=True)
        return f"{self.backend}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"


def key_of(weights: Path, backend: str, identity: Mapping[str, str]) -> Key:
    """The key of what `backend` makes of a weights file. Raises EgoposeError where the file cannot be read."""
    try:
        if weights.stat().st_size > MAX_WEIGHTS_BYTES:
            raise EgoposeError(f"{weights} is larger than any network of this program (1 GiB); choose another file")
        digest = _sha256(weights)
    except OSError as error:
        raise EgoposeError(f"cannot read the weights {weights} ({error.strerror}); choose another file") from error
    return Key(digest, backend, tuple(sorted(identity.items())))


def default_root() -> Path:
    """The user's folder of compiled networks."""
    return user_cache_path("egopose", appauthor=False) / "compiled"


class Artefacts:
    """The compiled networks of this user, and those that come with the program."""

    def __init__(self, root: Path | None = None, bundled: Path = COMPILED) -> None:
        self.root = default_root() if root is None else root
        self._bundled = bundled

    def find(self, key: Key) -> Path | None:
        """The folder of an artefact that is whole and of this key; None where there is none. Reads all of it once."""
        for root in (self.root, self._bundled):
            folder = root / key.name
            fault = check(folder, key)
            if fault is None:
                if root == self.root:
                    _touch(folder)
                return folder
            if fault:
                log.warning("the compiled network %s is not used: %s", folder, fault)
        return None

    def compiled(self, weights: Path, backend: Backend) -> Path | None:
        """As `find`, of these weights for this machine. Raises EgoposeError where the weights cannot be read."""
        return self.find(key_of(weights, backend.name, backend.identity()))

    def fault(self, key: Key) -> str:
        """Why the user's own artefact of this key is not used; "" where it is whole, or there is none."""
        return check(self.root / key.name, key) or ""

    def obtain(
        self, key: Key, build: Callable[[Path], None], stop: Callable[[], bool] = lambda: False, *, anew: bool = False
    ) -> Path:
        """The same, built where there is none, or where `anew` asks for it.

        `build` fills an empty folder with files. Of two processes that want the same artefact one builds and the
        other waits for it; `stop` is asked meanwhile whether to give up. Raises Cancelled then, EgoposeError where
        nothing can be written, and whatever `build` raises; in each case nothing is left behind.
        """
        if not anew and (found := self.find(key)) is not None:
            return found
        asked = time.time()
        try:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
            with _alone(self.root / f"{key.name}.lock", stop):
                # Whoever held the lock before may have made it.
                place = self.root / key.name
                if check(place, key) is None and (not anew or place.stat().st_mtime > asked):
                    return place
                self._sweep(key)
                return self._made(key, build, stop)
        except OSError as error:
            raise EgoposeError(
                f"cannot keep compiled networks in {self.root} ({error.strerror or error}); make room there"
            ) from error

    def remove(self, key: Key) -> None:
        """Forget an artefact, as one that did not load. A bundled one stays."""
        shutil.rmtree(self.root / key.name, ignore_errors=True)

    def _made(self, key: Key, build: Callable[[Path], None], stop: Callable[[], bool]) -> Path:
        place = self.root / key.name
        with tempfile.TemporaryDirectory(prefix=_partial(key), dir=self.root, ignore_cleanup_errors=True) as name:
            folder = Path(name) / "new"
            folder.mkdir()
            build(folder)
            if stop():
                raise Cancelled(key.name)
            seal(folder, key)
            if place.exists():
                place.rename(Path(name) / "old")
            folder.rename(place)
        _sync(self.root)
        return place

    def _sweep(self, key: Key) -> None:
        """Clear away what a process that was ended left of this key, and what was not used for long."""
        for partial in self.root.glob(f"{_partial(key)}*"):
            shutil.rmtree(partial, ignore_errors=True)
        for manifest in self.root.glob(f"*/{MANIFEST}"):
            if time.time() - manifest.parent.stat().st_mtime > UNUSED_S:
                shutil.rmtree(manifest.parent, ignore_errors=True)


def check(folder: Path, key: Key) -> str | None:
    """None where a folder is a whole artefact of this key; else what is wrong with it, "" where there is none."""
    if not folder.is_dir() or folder.is_symlink():
        return ""
    try:
        _check_files(folder, _manifest(folder, key))
    except _UnsoundError as fault:
        return str(fault)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        return f"its manifest does not hold ({type(error).__name__})"
    return None


class _UnsoundError(Exception):
    """What is wrong with an artefact."""


def _manifest(folder: Path, key: Key) -> dict[str, Any]:
    with (folder / MANIFEST).open("rb") as file:
        text = file.read(MAX_MANIFEST_BYTES + 1)
    if len(text) > MAX_MANIFEST_BYTES:
        raise _UnsoundError("its manifest is too large")
    manifest: dict[str, Any] = json.loads(text)
    if manifest.get("format") != FORMAT:
        raise _UnsoundError("it is of another version of the program")
    if manifest.get("key") != key.as_json():
        raise _UnsoundError("it was made for other weights or another machine")
    return manifest


def _check_files(folder: Path, manifest: dict[str, Any]) -> None:
    """Sizes before contents, so that nothing is read that cannot be right."""
    files = manifest["files"]
    names = {entry.name for entry in os.scandir(folder)} - {MANIFEST}
    if not 0 < len(files) <= MAX_FILES or names != set(files):
        raise _UnsoundError("files are missing, or there are others")
    if sum(entry["bytes"] for entry in files.values()) > MAX_BYTES:
        raise _UnsoundError("it is too large")
    for name, entry in files.items():
        path = folder / name
        if path.is_symlink() or not path.is_file() or path.stat().st_size != entry["bytes"]:
            raise _UnsoundError(f"{name} is cut off or of another size")
        if _sha256(path) != entry["sha256"]:
            raise _UnsoundError(f"{name} is damaged")


def seal(folder: Path, key: Key) -> None:
    """Write the manifest of the files in a folder, and bring all to the disk.

    Raises ValueError where there are none, or something that is no file, and OSError.
    """
    paths = sorted(folder.iterdir())
    if not 0 < len(paths) <= MAX_FILES or not all(path.is_file() for path in paths):
        raise ValueError(f"an artefact holds from 1 to {MAX_FILES} files and nothing else")
    files = {path.name: {"bytes": path.stat().st_size, "sha256": _sha256(path)} for path in paths}
    manifest = {"format": FORMAT, "key": key.as_json(), "files": files}
    (folder / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    for path in (*paths, folder / MANIFEST, folder):
        _sync(path)


def _partial(key: Key) -> str:
    return f".{key.name}."


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _touch(folder: Path) -> None:
    try:
        os.utime(folder)
    except OSError:
        log.debug("cannot note the use of %s", folder)


def _sync(path: Path) -> None:
    if os.name == "nt" and path.is_dir():
        return  # Windows opens no folders
    handle = os.open(path, os.O_RDONLY if os.name != "nt" else os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _alone(path: Path, stop: Callable[[], bool]) -> Iterator[None]:
    """Hold a lock that the system releases with the process. Raises Cancelled."""
    lock = FileLock(path)
    while True:
        if stop():
            raise Cancelled(path.name)
        try:
            lock.acquire(timeout=LOOK_S)
            break
        except Timeout:
            continue
    try:
        yield
    finally:
        lock.release()
