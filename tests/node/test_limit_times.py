"""Which limits hold now, by hand and by the clock."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from p2ptube.config import Config
from p2ptube.node.limit_times import LimitTimes

SECONDS = 30


class Clock:
    """A clock that is set by hand, and then goes on."""

    def __init__(self, at: datetime) -> None:
        self.at, self._set = at, datetime.now()

    def __call__(self) -> datetime:
        return self.at + (datetime.now() - self._set)


async def test_they_change_with_the_hour() -> None:
    told: list[tuple[int, int]] = []
    changed = asyncio.Event()

    def apply(up: int, down: int) -> None:
        told.append((up, down))
        if len(told) > 1:
            changed.set()

    at_eight = datetime(2026, 11, 23, 8)
    times = LimitTimes(apply, Clock(at_eight - timedelta(milliseconds=300)))
    times.settle(Config(upload_limit=7, schedule=("mon 08:00-09:00 up=1MB/s",)))
    assert told == [(7, 0)]
    async with asyncio.timeout(SECONDS):
        await changed.wait()
    assert told == [(7, 0), (1_000_000, 0)]
    assert times.now == (1_000_000, 0)
    times.stop()


async def test_new_settings_hold_at_once() -> None:
    told: list[tuple[int, int]] = []
    noon = Clock(datetime(2026, 11, 23, 12))
    times = LimitTimes(lambda up, down: told.append((up, down)), noon)
    times.settle(Config())
    times.settle(Config(download_limit=9, schedule=("daily 11:00-13:00 up=2MB/s",)))
    times.settle(Config(download_limit=9))
    assert told == [(0, 0), (2_000_000, 9), (0, 9)]
    times.stop()


def test_far_from_a_change_the_clock_is_looked_at_all_the_same() -> None:
    """It may be set, or the machine may sleep."""
    times = LimitTimes(lambda up, down: None, lambda: datetime(2026, 11, 23, 12))
    assert times._until_change() == 60
