"""The videos that are shared in the laboratory: made once per process, gone with it."""

from __future__ import annotations

import functools
import tempfile
from dataclasses import dataclass
from pathlib import Path

import av
from tests.clips import make_clip, make_large_mp4

CROWD_SECONDS = 64
CROWD_BIT_RATE = 3_000_000
LARGE_BYTES = 100_000_000


@dataclass(frozen=True)
class Film:
    """A video file, and its length in seconds."""

    path: Path
    seconds: float

    @classmethod
    def of(cls, path: Path) -> Film:
        with av.open(str(path)) as container:
            assert container.duration is not None
            return cls(path, container.duration / av.time_base)

    @property
    def megabits(self) -> float:
        """Its mean bit rate in Mbit/s."""
        return self.path.stat().st_size * 8e-6 / self.seconds


@functools.cache
def crowd_film() -> Film:
    """About a minute at 3 Mbit/s, 25 MB."""
    path = Path(_folder().name) / "crowd.mp4"
    return Film.of(
        make_clip(
            path,
            seconds=CROWD_SECONDS,
            size=(1280, 720),
            bit_rate=CROWD_BIT_RATE,
            faststart=True,
        )
    )


@functools.cache
def large_film() -> Film:
    """About two minutes at 6 Mbit/s, 100 MB."""
    path = Path(_folder().name) / "large.mp4"
    return Film.of(make_large_mp4(path, LARGE_BYTES, faststart=True))


@functools.cache
def _folder() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="p2ptube-bench-films-")
