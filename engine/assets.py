"""Where the files that come with the program lie."""

from __future__ import annotations

from pathlib import Path

from engine.errors import EgoposeError

ASSETS = Path(__file__).resolve().parent.parent / "assets"
WEIGHTS = ASSETS / "weights"
DEMO_SESSION = ASSETS / "demo.mcap"


def bundled_weights(name: str) -> Path:
    """The weights file of a bundled network's name, or the file a path names.

    Raises EgoposeError where neither is there.
    """
    if name.endswith(".safetensors"):
        path = Path(name)
        if not path.is_file():
            raise EgoposeError(
                f"no weights at {path}; give --network a bundled name ({_names()}) or a .safetensors file"
            )
        return path
    path = WEIGHTS / f"{name}.safetensors"
    if not path.is_file():
        raise EgoposeError(f"no network is named {name}; bundled: {_names()}; or give the path of a .safetensors file")
    return path


def bundled_names() -> tuple[str, ...]:
    """Of the networks whose weights come with the program."""
    return tuple(sorted(path.stem for path in WEIGHTS.glob("*.safetensors")))


def _names() -> str:
    return ", ".join(bundled_names()) or "none"
