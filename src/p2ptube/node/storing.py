"""Writing to the library by the way: nobody waits for it but the node's stop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any

from ..errors import StorageError

log = logging.getLogger(__name__)


class Storing:
    """What is being written; what fails is logged, since nobody is there to be told."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[None]] = set()

    def begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Write in the background."""
        task = asyncio.create_task(_logged(work))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def done(self) -> None:
        """Wait until all that has begun is written."""
        await asyncio.gather(*self._tasks)


async def _logged(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    except StorageError as error:
        log.warning("cannot store: %s", error)
