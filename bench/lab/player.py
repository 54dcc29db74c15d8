"""A player that reads a stream and consumes it at its bit rate: when it starts, when it stalls.

It is the same for every program that is measured. Like a browser's, it reads ahead of the picture
by some seconds and no further, plays once a second is in hand, and after a stall once again.
"""

from __future__ import annotations

import contextlib
import http.client
import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

READ_AHEAD_SECONDS = 10.0
IN_HAND_SECONDS = 1.0
READ_BYTES = 32 * 1024


@dataclass
class Viewing:
    """What a player saw. Times in seconds; `start` is from the click to the first picture."""

    start: float | None = None
    stalls: list[float] = field(default_factory=list)


class Screen:
    """Pure: what is on the screen, from when which byte arrived."""

    def __init__(self, size: int, bytes_per_second: float) -> None:
        self._size, self._rate = size, bytes_per_second
        self._arrived = 0
        self._played = 0.0  # bytes
        self._since: float | None = None  # when the picture began to move
        self._waiting_since: float | None = 0.0
        self.viewing = Viewing()

    def advance(self, now: float) -> None:
        """Play until `now`, in seconds since the click."""
        if self._since is not None:
            wished = self._played + (now - self._since) * self._rate
            if wished >= self._arrived and self._arrived < self._size:
                late = (wished - self._arrived) / self._rate
                self._played, self._since = float(self._arrived), None
                self._waiting_since = now - late
            else:
                self._played, self._since = min(wished, self._size), now

    def arrived(self, count: int, now: float) -> None:
        """So many bytes more are here."""
        self.advance(now)
        self._arrived += count
        enough = self._arrived - self._played >= IN_HAND_SECONDS * self._rate
        if self._waiting_since is not None and (enough or self._arrived >= self._size):
            if self.viewing.start is None:
                self.viewing.start = now
            else:
                self.viewing.stalls.append(now - self._waiting_since)
            self._since, self._waiting_since = now, None

    def settle(self, now: float) -> None:
        """Look away at `now`: what it still waits for counts until then."""
        self.advance(now)
        if self._waiting_since is not None and self.viewing.start is not None:
            self.viewing.stalls.append(now - self._waiting_since)
            self._waiting_since = None

    @property
    def in_hand(self) -> float:
        """Seconds that could be played without a further byte."""
        return (self._arrived - self._played) / self._rate


def watch(
    connect: Callable[[int], http.client.HTTPResponse],
    size: int,
    bytes_per_second: float,
    stop: threading.Event,
    *,
    first: int = 0,
    seconds: float = math.inf,
) -> tuple[Viewing, int]:
    """Watch a stream from its byte `first` until `stop`, or until all of it was read.

    Or until so many `seconds` after the first picture. `connect` opens it at a byte. Gives what
    was seen, and the bytes that were not read. When `stop` is set the stream may end early; else
    that is an OSError.
    """
    missing = size - first
    screen, began = Screen(missing, bytes_per_second), time.monotonic()
    try:
        with contextlib.closing(connect(first)) as response:
            while missing and not stop.is_set():
                data = response.read1(READ_BYTES)
                if not data:
                    raise OSError(f"the stream ended {missing} bytes early")
                missing -= len(data)
                now = time.monotonic() - began
                screen.arrived(len(data), now)
                start = screen.viewing.start
                if start is not None and now - start >= seconds:
                    break
                if screen.in_hand > READ_AHEAD_SECONDS:
                    stop.wait(screen.in_hand - READ_AHEAD_SECONDS)
    except (OSError, http.client.HTTPException):
        if not stop.is_set():
            raise
    screen.settle(time.monotonic() - began)
    return screen.viewing, missing
