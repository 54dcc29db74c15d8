"""Pure: who keeps a piece from a player that is about to need it.

A block is asked of one peer, and libtorrent waits for it long: of who has never sent anything 60 s,
of who has fallen silent several times as long as it usually took, and then it asks others for one
block a second. Who is slow it does not mind at all. Here it is told from what players wait for, and
from what the others bring meanwhile, who is better left: his blocks are asked of others at once.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass

from .pace import Pace
from .schedule import MOST_PIECES, Playhead
from .shares import Endpoint

# What is played within so many seconds is asked for already, and there is time to ask another one.
URGENT_SECONDS = 4.0
# So long nobody is judged: the line of one peer carries what several asked for.
PATIENCE_SECONDS = 1.5
# Somebody who gets from us while he sends to us loses more by it than others who have everything.
LONG_PATIENCE_SECONDS = 2.5
# Who comes again after he was left is judged that much sooner; so many are remembered.
MOST_REMEMBERED = 1000
# Others are better when they bring so many times as much.
MUCH_QUICKER = 4.0
# Who sends, but so much less, is judged sooner: a player may be waiting for its first picture.
# Not in a crowd, where everybody's line is full, and says little in a moment.
QUICK_PATIENCE_SECONDS = 0.5
FAR_QUICKER = 10.0
# What comes within so many seconds is in time, whenever it is played: asked of somebody else, it
# would hardly come sooner. The second is for those of FAR_QUICKER.
IN_TIME_SECONDS, SOON_SECONDS = 1.0, 0.25
# What was seen longer ago than this says nothing of now.
STALE_SECONDS = 2.0


@dataclass(frozen=True)
class Sender:
    """A peer that would send to us. `received`: how many bytes have come of him so far.

    `asked` tells how many bytes of each urgent piece are still to come from him. `barters`: he
    wants something of us, too. `held_up`: we do not take what he sends, because of a limit.
    """

    received: int
    asked: Mapping[int, int]
    pieces: Container[int]
    barters: bool = False
    held_up: bool = False


@dataclass
class _Seen:
    """A peer as he was: what came of him of late, and since when he is asked, and silent."""

    samples: deque[tuple[float, int]]  # when it was looked, and how much had come
    asked_since: float
    silent_since: float

    def rate(self) -> float:
        """Bytes per second of late."""
        (began, before), (ended, after) = self.samples[0], self.samples[-1]
        return (after - before) / (ended - began) if ended > began else 0.0


def urgent(
    heads: Iterable[Playhead],
    have: Container[int],
    *,
    pieces: tuple[int, int],
    piece_length: int,
    pace: Pace,
    now: float,
) -> dict[int, float]:
    """The missing pieces that are played within URGENT_SECONDS, each with the seconds until then.

    `pieces` are the first of the video and the one after its last; `now` is of the clock of
    `Playhead.empty_at`.
    """
    result: dict[int, float] = {}
    for head in heads:
        in_hand = head.in_hand(now) if head.started else 0.0  # inf of who is paused
        ahead = pace.bytes_within(head.position, URGENT_SECONDS - in_hand)
        end = min(head.end, head.position + int(max(0.0, ahead)) + 1, pieces[1] * piece_length)
        first = head.position // piece_length
        for piece in range(first, min(-(-end // piece_length), first + MOST_PIECES)):
            due = in_hand + pace.seconds_between(head.position, piece * piece_length)
            if piece not in have and due < URGENT_SECONDS:
                result[piece] = min(due, result.get(piece, due))
    return result


class Stragglers:
    """Those of one torrent. Times in seconds of any clock that is the same throughout."""

    def __init__(self) -> None:
        self._seen: dict[Endpoint, _Seen] = {}
        self._looked = 0.0
        self._left: Counter[Endpoint] = Counter()

    def look(
        self,
        senders: Mapping[Endpoint, Sender],
        due: Mapping[int, float],
        now: float,
        *,
        in_crowd: bool = False,
    ) -> set[Endpoint]:
        """Who is to be left. `due` are the urgent pieces, and in how many seconds each is played.

        To be called regularly while there are such pieces; whoever is not asked for any is judged
        anew when he is.
        """
        if now - self._looked > STALE_SECONDS:
            self._seen.clear()
        self._looked = now
        before = self._seen
        self._seen = {key: _news(before.get(key), each, now) for key, each in senders.items()}
        late = {key for key, each in senders.items() if self._is_late(key, each, due, now)}
        leave = {key for key in late if self._others_do(key, senders, late, MUCH_QUICKER)}
        if not in_crowd:
            early = {key for key in senders if self._is_early(key, senders[key], due, now)} - late
            bad = late | early
            leave |= {key for key in early if self._others_do(key, senders, bad, FAR_QUICKER)}
        if len(self._left) > MOST_REMEMBERED:
            self._left.clear()
        self._left.update(leave)
        return leave

    def _is_late(self, key: Endpoint, sender: Sender, due: Mapping[int, float], now: float) -> bool:
        seen = self._seen[key]
        if sender.barters:
            return now - seen.silent_since >= LONG_PATIENCE_SECONDS
        if now - seen.asked_since < PATIENCE_SECONDS / (1 + self._left[key]):
            return False
        return _takes_too_long(sender, seen, due, IN_TIME_SECONDS)

    def _is_early(
        self, key: Endpoint, sender: Sender, due: Mapping[int, float], now: float
    ) -> bool:
        """Whether he sends, and will not be in time; of who is far away nothing has come yet."""
        seen = self._seen[key]
        if sender.barters or not seen.rate():
            return False
        if now - seen.asked_since < QUICK_PATIENCE_SECONDS:
            return False
        return _takes_too_long(sender, seen, due, SOON_SECONDS)

    def _others_do(
        self,
        key: Endpoint,
        senders: Mapping[Endpoint, Sender],
        late: set[Endpoint],
        times: float,
    ) -> bool:
        """Whether what he is asked for can be had elsewhere, so many times as fast."""
        enough = times * self._seen[key].rate()
        able = [
            each
            for other, each in senders.items()
            if other not in late and self._seen[other].rate() > enough
        ]
        return all(any(piece in each.pieces for each in able) for piece in senders[key].asked)


def _takes_too_long(sender: Sender, seen: _Seen, due: Mapping[int, float], in_time: float) -> bool:
    rate = seen.rate()
    return any(left > rate * max(due[piece], in_time) for piece, left in sender.asked.items())


def _news(seen: _Seen | None, sender: Sender, now: float) -> _Seen:
    if seen is None or sender.held_up:
        return _Seen(deque([(now, sender.received)]), now, now)
    if not sender.asked:
        seen.asked_since = seen.silent_since = now
    elif sender.received != seen.samples[-1][1]:
        seen.silent_since = now
    seen.samples.append((now, sender.received))
    while seen.samples[1][0] <= now - PATIENCE_SECONDS:
        seen.samples.popleft()
    return seen
