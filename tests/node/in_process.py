"""Nodes in this process, for tests that look inside, or slow something down in it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.swarm.swarming import SECONDS

from p2ptube.config import Config
from p2ptube.node.node import Node


@asynccontextmanager
async def running(folder: Path, **settings: Any) -> AsyncIterator[Node]:
    """A node that knows nobody, unless the settings say whom."""
    folder.mkdir(exist_ok=True)
    usual: dict[str, Any] = dict.fromkeys(("port", "swarm_port", "web_port"), 0)
    usual |= {"data_dir": folder, "host": "127.0.0.1", "dht": False, "lan": False}
    node = Node(Config(**usual | settings))
    await node.start()
    try:
        yield node
    finally:
        await node.stop()


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until the condition holds."""
    async with asyncio.timeout(SECONDS):
        while not condition():
            await asyncio.sleep(0.01)
