"""Work that is ended."""

from __future__ import annotations

import asyncio

import pytest

from p2ptube.tasks import cancel_all


async def test_all_are_over_however_they_end() -> None:
    begun = asyncio.Event()
    ends: list[str] = []

    async def slow_to_end() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.to_thread(lambda: None)
            ends.append("slow")

    async def failing() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ends.append("failing")
            raise ValueError("at its end")

    async def done() -> int:
        return 1

    tasks = [asyncio.create_task(work) for work in (slow_to_end(), failing(), done())]
    await tasks[2]
    await begun.wait()
    await cancel_all(*tasks)
    assert sorted(ends) == ["failing", "slow"]
    assert tasks[0].cancelled()
    with pytest.raises(ValueError, match="at its end"):
        tasks[1].result()
    assert tasks[2].result() == 1


async def test_nothing_to_end() -> None:
    await cancel_all()
