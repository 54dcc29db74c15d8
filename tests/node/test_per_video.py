"""A task per video."""

from __future__ import annotations

import asyncio

import pytest

from p2ptube.node.per_video import PerVideo


async def test_a_task_is_known_until_it_ends() -> None:
    tasks = PerVideo[int]()
    gate = asyncio.Event()

    async def work() -> int:
        await gate.wait()
        return 7

    task = tasks.begin("a", work(), name="work")
    assert tasks.get("a") is task
    assert (len(tasks), task.get_name()) == (1, "work a")
    gate.set()
    assert await task == 7
    assert tasks.get("a") is None
    assert len(tasks) == 0


async def test_a_failure_is_forgotten_too() -> None:
    tasks = PerVideo[None]()

    async def work() -> None:
        raise ValueError("broken")

    with pytest.raises(ValueError, match="broken"):
        await tasks.begin("a", work(), name="work")
    assert tasks.get("a") is None


async def test_a_new_one_takes_the_place_of_the_old() -> None:
    tasks = PerVideo[bool]()
    old = tasks.begin("a", asyncio.Event().wait(), name="work")
    await asyncio.sleep(0)
    new = tasks.begin("a", asyncio.Event().wait(), name="work")
    with pytest.raises(asyncio.CancelledError):
        await old
    assert tasks.get("a") is new  # the end of the old one does not take it away
    await tasks.stop_all()
    assert new.cancelled()


async def test_stopping_one_leaves_the_others() -> None:
    tasks = PerVideo[bool]()
    one, other = (tasks.begin(key, asyncio.Event().wait(), name="work") for key in "ab")
    tasks.stop("a")
    tasks.stop("nobody")
    assert tasks.get("a") is None
    await asyncio.gather(one, return_exceptions=True)
    assert one.cancelled()
    assert not other.done()
    await tasks.stop_all()
    assert other.cancelled()
    assert len(tasks) == 0


async def test_all_have_ended_when_they_were_stopped() -> None:
    tasks = PerVideo[None]()
    begun, ended = asyncio.Event(), asyncio.Event()

    async def slow_to_end() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            await asyncio.to_thread(lambda: None)
            ended.set()

    tasks.begin("a", slow_to_end(), name="work")
    await begun.wait()
    await tasks.stop_all()
    assert ended.is_set()
