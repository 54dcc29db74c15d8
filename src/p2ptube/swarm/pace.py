"""Pure: how the bytes of a video spread over its time: the bit rate, as it changes.

A quiet talk has 1 Mbit/s and an action scene of the same video 8. What counts seconds by the mean
takes the scene for eight times as long as it is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise

# A video whose bit rate nobody told is taken for a usual one of the web.
DEFAULT_BYTES_PER_SECOND = 500_000
# Duration, bit rate and index are what a stranger says: whatever it is, deadlines stay plausible.
LOWEST_RATE = 1_000
HIGHEST_RATE = 1_000_000_000


def plausible(bytes_per_second: float) -> float:
    """A bit rate to reckon with, in bytes/s, whatever was told; 0: none was."""
    told = bytes_per_second if bytes_per_second > 0 else DEFAULT_BYTES_PER_SECOND
    return min(max(told, LOWEST_RATE), HIGHEST_RATE)


class Pace:
    """How long what part of a video plays. Offsets are those of its torrent, in bytes.

    Steady where only the mean rate is known; otherwise, the rate between two places that the index
    of the file names is the mean of that part, and outside of the file it is that of the whole.
    """

    def __init__(self, bytes_per_second: float = 0.0) -> None:
        """A steady one; 0: nobody told the rate."""
        self.rate = plausible(bytes_per_second)
        # Places whose times are known, both rising; none where it is steady.
        self._offsets: list[float] = []
        self._times: list[float] = []

    @classmethod
    def of_index(
        cls, size: int, duration: float, index: Iterable[tuple[float, int]], *, begins: int
    ) -> Pace:
        """That of a file of `size` bytes and `duration` seconds that begins there in its torrent.

        `index` has times in seconds, and the offsets in the file where they begin. Entries that go
        back, in time or in the file, or lie outside of it, are ignored.
        """
        pace = cls(size / duration if duration > 0 else 0.0)
        offset, time = 0, 0.0
        places = [(offset, time)]
        for seconds, position in index:
            if offset < position < size and time <= seconds < duration:
                offset, time = position, seconds
                places.append((offset, time))
        if len(places) > 1:
            pace._follow([*places, (size, duration)], begins)
        return pace

    def _follow(self, places: list[tuple[int, float]], begins: int) -> None:
        time = 0.0
        self._offsets, self._times = [float(begins)], [time]
        for (start, began), (end, ended) in pairwise(places):
            length = end - start
            time += min(max(ended - began, length / HIGHEST_RATE), length / LOWEST_RATE)
            self._offsets.append(float(begins + end))
            self._times.append(time)

    @property
    def is_steady(self) -> bool:
        """Whether nothing is known but the mean."""
        return not self._offsets

    def seconds_between(self, start: float, end: float) -> float:
        """How long the bytes [start, end) play; 0 where `end` is not behind `start`."""
        if end <= start:
            return 0.0
        if self.is_steady:
            return (end - start) / self.rate
        return max(0.0, self._time_at(end) - self._time_at(start))

    def bytes_within(self, start: float, seconds: float) -> float:
        """How many bytes from `start` on play in so many seconds."""
        if self.is_steady:
            return self.rate * seconds
        return max(0.0, self._offset_at(self._time_at(start) + seconds) - start)

    def _time_at(self, offset: float) -> float:
        return _along(self._offsets, self._times, offset, 1 / self.rate)

    def _offset_at(self, time: float) -> float:
        return _along(self._times, self._offsets, time, self.rate)


class Playtime:
    """Adds up how long parts of a video play, wherever in it they are."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._bytes = 0
        self._seconds = 0.0

    def add(self, start: int, end: int) -> None:
        """Add the bytes [start, end)."""
        if self._pace.is_steady:  # bytes add up without rounding
            self._bytes += end - start
        else:
            self._seconds += self._pace.seconds_between(start, end)

    @property
    def seconds(self) -> float:
        """How long all of them play together."""
        return self._bytes / self._pace.rate if self._pace.is_steady else self._seconds


def _along(known: list[float], values: list[float], at: float, slope: float) -> float:
    """The value at a place: between the known ones on a straight line, outside by `slope`."""
    after = bisect_right(known, at)
    if after == 0:
        return values[0] + (at - known[0]) * slope
    if after == len(known):
        return values[-1] + (at - known[-1]) * slope
    part = (at - known[after - 1]) / (known[after] - known[after - 1])
    return values[after - 1] + part * (values[after] - values[after - 1])
