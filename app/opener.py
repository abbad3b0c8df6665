"""Opens feeds by the choices of the moment."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from app.live_feed import LiveFeed
from app.replay.feed import open_feed
from app.settings import Settings
from app.start.recents import remember
from engine.assets import DEMO_SESSION


@dataclass
class FeedOpener:
    """An `Opener` whose settings can be replaced: what is opened next has the new ones."""

    settings: Settings
    loop: bool = False

    def __call__(self, spec: str) -> LiveFeed:
        """Files are remembered among the recent sessions. Raises EgoposeError."""
        demo = spec == str(DEMO_SESSION)
        feed = open_feed(spec, self.settings, loop=self.loop or demo)
        if not feed.recordable and not demo:
            remember(Path(spec))
        return feed
