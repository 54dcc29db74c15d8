"""Several sources of answers as one, each answer as it comes."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

from ..errors import P2PTubeError
from ..tasks import cancel_all

log = logging.getLogger(__name__)

T = TypeVar("T")


async def merged(*sources: AsyncGenerator[T, None]) -> AsyncGenerator[T, None]:
    """Yield what the sources yield, until all have ended; one that fails ends without a word.

    None waits for another. When the caller has enough and closes this, all of them are closed.
    """
    queue: asyncio.Queue[T | _End] = asyncio.Queue()
    tasks = [asyncio.create_task(_drain(source, queue)) for source in sources]
    left = len(tasks)
    try:
        while left:
            item = await queue.get()
            if isinstance(item, _End):
                left -= 1
            else:
                yield item
    finally:
        await cancel_all(*tasks)


class _End:
    """Stands for the end of a source."""


async def _drain(source: AsyncGenerator[T, None], queue: asyncio.Queue[T | _End]) -> None:
    try:
        async with aclosing(source) as answers:
            async for answer in answers:
                queue.put_nowait(answer)
    except P2PTubeError as error:
        log.info("search: %s", error)
    except Exception:
        log.exception("a source of answers failed")
    finally:
        queue.put_nowait(_End())
