"""Answers of several sources as one, as they come."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator

from p2ptube.errors import (
    PeerUnreachable,
)
from p2ptube.node.merging import merged


async def test_merged() -> None:
    order: list[str] = []
    gate = asyncio.Event()

    async def source(
        name: str, *, wait: bool = False, fail: bool = False
    ) -> AsyncGenerator[str, None]:
        try:
            if wait:
                await gate.wait()
            yield name
            if fail:
                raise PeerUnreachable("gone")
        finally:
            order.append(name)

    async with contextlib.aclosing(
        merged(source("slow", wait=True), source("quick"), source("failing", fail=True))
    ) as answers:
        assert {await anext(answers), await anext(answers)} == {"quick", "failing"}
        gate.set()
        assert [answer async for answer in answers] == ["slow"]
    assert set(order) == {"slow", "quick", "failing"}
    async with contextlib.aclosing(merged(source("slow"), source("quick", wait=True))) as answers:
        await anext(answers)
    assert order.count("slow") == order.count("quick") == 2
