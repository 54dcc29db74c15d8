"""Pure: limits of the transfer rates that hold at some hours of some days.

An entry is a line such as `mon-fri 08:00-18:00 up=1MB/s down=unlimited`. Days and times are those
of the user's clock on the wall, whatever it is set to: the moment comes in as a `datetime` without
a time zone, so that a change to summer time needs no rule of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta

from .errors import InvalidInput

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_GROUPS = {"daily": range(7), "weekdays": range(5), "weekend": range(5, 7)}
_UNITS = {
    **{"": 1, "b/s": 1, "kb/s": 1_000, "mb/s": 1_000_000, "gb/s": 1_000_000_000},
    **{"kbit/s": 125, "mbit/s": 125_000, "gbit/s": 125_000_000},
}
_HOURS = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})", re.ASCII)
_RATE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)([a-z/]*)", re.ASCII | re.IGNORECASE)
MOST_RATE = 2**31 - 1  # libtorrent counts in 32 bits
_MINUTES = 24 * 60
_EXAMPLE = "it should be like: mon-fri 08:00-18:00 up=1MB/s down=unlimited"


@dataclass(frozen=True)
class Entry:
    """Limits at some hours. Rates in bytes/s, 0 = unlimited, None = what holds at other times.

    `begin` and `end` are minutes of the day; it begins on each of `days` (0 = Monday), and ends on
    the next day where the end is not after the beginning.
    """

    days: frozenset[int]
    begin: int
    end: int
    up: int | None = None
    down: int | None = None

    @classmethod
    def parse(cls, text: str) -> Entry:
        """Parse a line. Raises InvalidInput, with an example."""
        words = text.lower().split()
        if len(words) < 2:
            raise InvalidInput(_EXAMPLE)
        if _HOURS.fullmatch(words[0]):
            words.insert(0, "daily")
        days, (begin, end), rates = _days(words[0]), _hours(words[1]), words[2:]
        known: dict[str, int] = {}
        for word in rates:
            name, _, value = word.partition("=")
            if name not in {"up", "down"} or name in known:
                raise InvalidInput(f"not up=RATE or down=RATE, once each: {word}; {_EXAMPLE}")
            known[name] = _rate(value)
        if not known:
            raise InvalidInput(f"neither up=RATE nor down=RATE; {_EXAMPLE}")
        return cls(days, begin, end, known.get("up"), known.get("down"))

    def __str__(self) -> str:
        """The line that `parse` takes."""
        words = [_days_text(self.days), f"{_clock(self.begin)}-{_clock(self.end)}"]
        rates = (("up", self.up), ("down", self.down))
        words += [f"{name}={_rate_text(rate)}" for name, rate in rates if rate is not None]
        return " ".join(words)

    def covers(self, local: datetime) -> bool:
        """Whether it holds at a moment of the user's clock."""
        minute, day = local.hour * 60 + local.minute, local.weekday()
        if self.begin < self.end:
            return day in self.days and self.begin <= minute < self.end
        today = day in self.days and minute >= self.begin
        return today or ((day - 1) % 7 in self.days and minute < self.end)


class Timetable:
    """Several entries; what a later one names takes precedence over what an earlier one does."""

    def __init__(self, lines: Iterable[str] = ()) -> None:
        """Parse the lines. Raises InvalidInput."""
        self.entries = tuple(map(Entry.parse, lines))

    def limits(self, local: datetime, *, up: int, down: int) -> tuple[int, int]:
        """The limits at a moment, up and down; `up` and `down` hold where no entry names any."""
        for entry in self.entries:
            if entry.covers(local):
                up = up if entry.up is None else entry.up
                down = down if entry.down is None else entry.down
        return up, down

    def next_change(self, local: datetime) -> datetime | None:
        """The first moment after this one at which an entry begins or ends; None: none does."""
        midnight = datetime.combine(local.date(), time())
        moments = (
            midnight + timedelta(days=ahead, minutes=minute)
            for entry in self.entries
            for ahead in range(-1, 8)
            if (local.weekday() + ahead) % 7 in entry.days
            for minute in (entry.begin, entry.end + (entry.end <= entry.begin) * _MINUTES)
        )
        return min((moment for moment in moments if moment > local), default=None)


def parse_line(text: str) -> str:
    """Return a line in its usual form. Raises InvalidInput."""
    return str(Entry.parse(text))


def _days(text: str) -> frozenset[int]:
    days: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if part in _GROUPS:
            days.update(_GROUPS[part])
        elif first in DAYS and (last in DAYS or not dash):
            begin = DAYS.index(first)
            length = (DAYS.index(last) - begin) % 7 if dash else 0
            days.update((begin + n) % 7 for n in range(length + 1))
        else:
            raise InvalidInput(f"not a day of {', '.join(DAYS)}, daily, weekend: {part[:20]}")
    return frozenset(days)


def _days_text(days: frozenset[int]) -> str:
    for name, group in _GROUPS.items():
        if days == set(group):
            return name
    return ",".join(DAYS[day] for day in sorted(days))


def _hours(text: str) -> tuple[int, int]:
    found = _HOURS.fullmatch(text)
    if found is None:
        raise InvalidInput(f"not hours like 08:00-18:00: {text[:20]}")
    hour, minute, end_hour, end_minute = map(int, found.groups())
    begin, end = hour * 60 + minute, end_hour * 60 + end_minute
    if max(minute, end_minute) > 59 or begin >= _MINUTES or end > _MINUTES:
        raise InvalidInput(f"not hours of a day: {text[:20]}")
    return begin, end


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _rate(text: str) -> int:
    if text == "unlimited":
        return 0
    found = _RATE.fullmatch(text)
    factor = _UNITS.get(found[2]) if found else None
    rate = round(float(found[1]) * factor) if found and factor else -1
    if not 0 <= rate <= MOST_RATE:
        raise InvalidInput(f"not a rate like 500kB/s, 1.5MB/s, 8Mbit/s, unlimited: {text[:20]}")
    return rate


def _rate_text(rate: int) -> str:
    for unit, factor in (("GB/s", 1_000_000_000), ("MB/s", 1_000_000), ("kB/s", 1_000)):
        if rate and rate % factor == 0:
            return f"{rate // factor}{unit}"
    return f"{rate}B/s" if rate else "unlimited"
