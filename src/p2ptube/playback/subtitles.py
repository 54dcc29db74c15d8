"""Subtitles as they are handed to a player."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Subtitles:
    """Subtitles to be offered: URLs or paths. `shown`: the first of them is shown at once."""

    sources: tuple[str, ...] = ()
    shown: bool = False

    def urls(self) -> tuple[str, ...]:
        """All as URLs."""
        return tuple(
            source if urlsplit(source).scheme in {"http", "https"} else Path(source).as_uri()
            for source in self.sources
        )


NO_SUBTITLES = Subtitles()
