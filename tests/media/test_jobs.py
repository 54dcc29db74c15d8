from __future__ import annotations

import asyncio
import logging

import pytest

from p2ptube.errors import Cancelled, Conflict, NotAVideo, NotFound
from p2ptube.media.jobs import KEPT, Job, JobControl, Jobs, JobState


class Gate:
    """Work that says when it began and ends when it is told to."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.control: JobControl | None = None

    async def __call__(self, control: JobControl) -> str | None:
        self.control = control
        self.begun.set()
        await self.go.wait()
        return "video-id"


async def soon(event: asyncio.Event) -> None:
    async with asyncio.timeout(10):
        await event.wait()


async def test_one_after_the_other() -> None:
    jobs = Jobs(limit=1)
    first, second = Gate(), Gate()
    a, b = jobs.submit("add", "a.mkv", first), jobs.submit("add", "b.mkv", second)
    assert a.state is b.state is JobState.QUEUED
    await soon(first.begun)
    assert [job.state for job in jobs.all()] == [JobState.RUNNING, JobState.QUEUED]
    first.go.set()
    await soon(second.begun)
    done = jobs.get(a.id)
    assert (done.state, done.progress, done.video) == (JobState.DONE, 1.0, "video-id")
    second.go.set()
    assert (await jobs.wait(b.id)).state is JobState.DONE


async def test_several_at_once() -> None:
    jobs = Jobs(limit=2)
    gates = [Gate(), Gate(), Gate()]
    for gate in gates:
        jobs.submit("add", "x", gate)
    await soon(gates[0].begun)
    await soon(gates[1].begun)
    assert not gates[2].begun.is_set()
    await jobs.close()
    assert {job.state for job in jobs.all()} == {JobState.CANCELLED}


async def test_progress_is_of_the_whole_never_falls_and_gives_the_remaining_time() -> None:
    now = 100.0
    seen: list[Job] = []
    stages = {"copy": (0.0, 0.5), "hash": (0.5, 1.0)}
    jobs = Jobs(on_change=seen.append, stages=stages, clock=lambda: now)
    gate = Gate()
    job = jobs.submit("add", "a.mkv", gate)
    await soon(gate.begun)
    assert gate.control is not None
    for seconds, stage, fraction in [
        (0, "copy", 0),
        (5, "copy", 0.5),
        (5, "hash", 0),
        (0, "copy", 0),
    ]:
        now += seconds
        gate.control.report(stage, fraction)
    reported = [(j.stage, j.progress) for j in seen if j.stage]
    assert reported == [("copy", 0), ("copy", 0.25), ("hash", 0.5), ("copy", 0.5)]
    assert jobs.get(job.id).remaining == pytest.approx(10)
    gate.go.set()
    assert (await jobs.wait(job.id)).remaining == 0
    gate.control.report("copy", 0.7)  # too late: it is over
    assert jobs.get(job.id).progress == 1


async def test_errors(caplog: pytest.LogCaptureFixture) -> None:
    async def expected(_control: JobControl) -> None:
        raise NotAVideo("notes.txt is not a video")

    async def unexpected(_control: JobControl) -> None:
        raise ZeroDivisionError("oops")

    async def withdrawn(_control: JobControl) -> None:
        raise Cancelled("by the user")

    jobs = Jobs()
    a = jobs.submit("add", "notes.txt", expected)
    b = jobs.submit("add", "b.mkv", unexpected)
    c = jobs.submit("add", "c.mkv", withdrawn)
    failed = await jobs.wait(a.id)
    assert (failed.state, failed.error) == (JobState.FAILED, "notes.txt is not a video")
    with caplog.at_level(logging.ERROR):
        bug = await jobs.wait(b.id)
    assert bug.state is JobState.FAILED
    assert bug.error == "internal error: ZeroDivisionError"
    assert "oops" in caplog.text
    assert (await jobs.wait(c.id)).state is JobState.CANCELLED


async def test_cancelling() -> None:
    jobs = Jobs(limit=1)
    first, second = Gate(), Gate()
    a, b = jobs.submit("add", "a", first), jobs.submit("add", "b", second)
    jobs.cancel(b.id)  # not even begun
    assert (await jobs.wait(b.id)).state is JobState.CANCELLED
    await soon(first.begun)
    jobs.cancel(a.id)
    assert (await jobs.wait(a.id)).state is JobState.CANCELLED
    assert not second.begun.is_set()
    with pytest.raises(Conflict):
        jobs.cancel(a.id)
    for call in (jobs.cancel, jobs.get):
        with pytest.raises(NotFound):
            call("none")
    # The place is free again.
    third = Gate()
    jobs.submit("add", "c", third)
    await soon(third.begun)
    await jobs.close()
    with pytest.raises(Conflict):
        jobs.submit("add", "d", third)


async def test_the_table_does_not_grow_for_ever() -> None:
    async def nothing(_control: JobControl) -> None:
        return None

    jobs = Jobs()
    ids = [jobs.submit("add", str(n), nothing).id for n in range(KEPT + 20)]
    await jobs.wait(ids[-1])
    assert [job.id for job in jobs.all()] == ids[20:]
