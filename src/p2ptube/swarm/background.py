"""Pure: what nobody watches makes way for what somebody does.

While a player has little in hand, all of the downlink is for its video: the other downloads get so
little that it does not count, but their connections stay. Once there is enough in hand they go on.

A video that cannot come is none that others make way for: nobody who has it is connected, or
nobody sends anything of it. Its player may wait for hours.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass

from .pace import Pace

HUNGRY_SECONDS, CONTENT_SECONDS = 5.0, 10.0
HELD_BACK = 16 * 1024  # bytes/s of each torrent that makes way
# So long others make way for a video of which nothing comes: with peers, who may be about to send,
# and without any, who may be about to be found. Both count from the last bytes, or from when it
# began to be watched. A new connection does not count: with a peer who sends nothing and leaves, it
# would for ever; and who sends is seen a moment later.
PATIENCE_SECONDS, LONELY_PATIENCE_SECONDS = 8.0, 2.0


@dataclass(frozen=True)
class Watched:
    """A torrent with players, for how many seconds each of which has something to play.

    `received` are the bytes of it that have come; only whether they change counts.
    """

    in_hand: tuple[float, ...]
    received: int
    connected: bool


class Background:
    """Says whether the downloads that nobody watches have to make way."""

    def __init__(self) -> None:
        self.makes_way = False
        self._news: dict[str, tuple[int, float]] = {}  # received, and when that was new

    def step(self, watched: Mapping[str, Watched], now: float) -> bool:
        """Look anew at the torrents with players, by their info-hashes, at `now` seconds.

        Between the two thresholds, all stays as it is. Without players nothing makes way.
        """
        coming = self._coming(watched, now)
        least = min((seconds for each in coming for seconds in each.in_hand), default=float("inf"))
        if least < HUNGRY_SECONDS:
            self.makes_way = True
        elif least >= CONTENT_SECONDS:
            self.makes_way = False
        return self.makes_way

    def _coming(self, watched: Mapping[str, Watched], now: float) -> list[Watched]:
        """Those of which something came of late, or may come in a moment."""
        before, self._news = self._news, {}
        coming = []
        for key, each in watched.items():
            received, since = before.get(key, (each.received, now))
            if each.received != received:
                since = now
            self._news[key] = each.received, since
            patience = PATIENCE_SECONDS if each.connected else LONELY_PATIENCE_SECONDS
            if now - since < patience:
                coming.append(each)
        return coming


def in_hand(head: int, have: Set[int], *, end: int, piece_length: int, pace: Pace) -> float:
    """For how many seconds a player at piece `head` has something to play; inf: to the end."""
    piece = head
    enough = pace.bytes_within(head * piece_length, CONTENT_SECONDS)
    while piece < end and piece in have and (piece - head) * piece_length <= enough:
        piece += 1
    if piece >= end:
        return float("inf")
    return pace.seconds_between(head * piece_length, piece * piece_length)
