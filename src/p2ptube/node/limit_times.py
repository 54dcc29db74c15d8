"""The limits by hand and by timetable: which hold now, and the moment at which others do."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from datetime import datetime

from ..config import Config
from ..timetable import Timetable

# A machine that slept, or whose clock was set, is right again after so long: timers of the loop
# know of neither.
LONGEST_SLEEP = 60.0


class LimitTimes:
    """Tells `apply` the limits that hold, up and down in bytes/s, whenever they change."""

    def __init__(
        self,
        apply: Callable[[int, int], None],
        clock: Callable[[], datetime] = datetime.now,
    ) -> None:
        """`clock` gives the user's local time, without a time zone."""
        self._apply = apply
        self._clock = clock
        self._table = Timetable()
        self._usual = (0, 0)
        self.now = (0, 0)  # what holds: up and down, 0 = unlimited
        self._task: asyncio.Task[None] | None = None

    def settle(self, config: Config) -> None:
        """These are the settings from now on: what follows from them holds at once."""
        self._table = Timetable(config.schedule)
        self._usual = (config.upload_limit, config.download_limit)
        self.stop()
        self._look()
        if self._table.entries:
            self._task = asyncio.create_task(self._keep_looking())

    def stop(self) -> None:
        """Change nothing any more."""
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _look(self) -> None:
        up, down = self._usual
        self.now = self._table.limits(self._clock(), up=up, down=down)
        self._apply(*self.now)

    async def _keep_looking(self) -> None:
        while True:
            await asyncio.sleep(self._until_change())
            before = self.now
            up, down = self._usual
            if self._table.limits(self._clock(), up=up, down=down) != before:
                self._look()

    def _until_change(self) -> float:
        now = self._clock()
        change = self._table.next_change(now)
        if change is None:
            return LONGEST_SLEEP
        with contextlib.suppress(OverflowError, OSError):
            # Through the time zone: an hour may be missing, or come twice, on the way.
            return min(max(change.timestamp() - now.timestamp(), 0.0), LONGEST_SLEEP)
        return LONGEST_SLEEP
