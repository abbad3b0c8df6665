"""Takes the pictures of one size and scale: `python -m app.screenshots.worker FOLDER WxH THEMES [SCENE ...]`."""

from __future__ import annotations

import sys
from functools import cache
from html import escape
from pathlib import Path

from app.screenshots.moments import Moment, moments
from app.screenshots.scenes import SCENES
from app.screenshots.studio import take
from app.theme import ThemeChoice
from engine.errors import EgoposeError

BEGIN, COUNT = 271, 30
"""Frames of the demo: its wearer walks then."""


def main(words: list[str]) -> int:
    """The exit status."""
    folder, size, themes, only = Path(words[0]), words[1], words[2].split(","), words[3:]
    width, _, height = size.partition("x")
    unknown = sorted(set(only) - set(SCENES))
    try:
        if unknown:
            raise EgoposeError(f"no page is called {unknown[0]}; there are {', '.join(SCENES)}")
        folder.mkdir(parents=True, exist_ok=True)

        @cache
        def look() -> list[Moment]:
            return list(moments(BEGIN, COUNT))

        for name, arrange in SCENES.items():
            if only and name not in only:
                continue
            pictures = take(arrange, look, (int(width), int(height)), [ThemeChoice(theme) for theme in themes])
            for theme, picture in zip(themes, pictures, strict=True):
                path = folder / f"{name}-{theme}.png"
                if not picture.save(str(path)):
                    raise EgoposeError(f"cannot write {path}; choose another --out")
        write_index(folder.parent)
    except EgoposeError as error:
        print(f"egopose: {error}", file=sys.stderr)
        return 2
    return 0


def write_index(out: Path) -> None:
    """A page with all pictures of all sizes that are there, to look over at once."""
    parts = ["<!doctype html><meta charset=utf-8><title>egopose</title>",
             "<style>body{font-family:sans-serif;background:#888}img{max-width:48%;margin:.5%}</style>"]  # fmt: skip
    for folder in sorted(path for path in out.iterdir() if path.is_dir()):
        parts.append(f"<h2>{escape(folder.name)}</h2>")
        for picture in sorted(folder.glob("*.png")):
            place = escape(f"{folder.name}/{picture.name}")
            parts.append(f'<a href="{place}"><img src="{place}" title="{place}" loading="lazy"></a>')
    (out / "index.html").write_text("\n".join(parts), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
