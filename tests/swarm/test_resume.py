"""Resume data: which answers are waited for."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

import pytest
from tests.swarm.swarming import SECONDS

from p2ptube.errors import StorageError
from p2ptube.swarm import Torrent
from p2ptube.swarm.resume import ResumeData

ID = "ab" * 20


class Asked:
    """A torrent that is only asked; it counts how often."""

    def __init__(self, info_hash: str = ID) -> None:
        self.times = 0
        self.handle = SimpleNamespace(save_resume_data=self._save)
        self.here = True
        self.torrent = cast(
            Torrent,
            SimpleNamespace(
                info_hash=info_hash,
                handle=self.handle,
                shared=False,
                finished=False,
                ahead=False,
                layout=object(),
                standing=lambda: () if self.here else None,
            ),
        )

    def _save(self, flags: int) -> None:
        self.times += 1


async def turns() -> None:
    """Whatever can go on does."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_last_answer_is_waited_for() -> None:
    """Of which one tells the newest pieces, although the question before it is still open."""
    resume, asked, came = ResumeData(), Asked(), list[bytes]()
    resume.on_data = lambda _, data: came.append(data)
    resume.ask(asked.torrent, only_if_modified=True)
    resume.ask(asked.torrent)
    settling = asyncio.create_task(resume.settle(SECONDS))
    await turns()
    resume.came(ID, b"old")
    await turns()
    assert not settling.done()
    resume.came(ID, b"new")
    async with asyncio.timeout(SECONDS):
        await settling
    assert came == [b"old", b"new"]
    await resume.settle(SECONDS)  # nothing is open


async def test_who_is_gone_is_not_waited_for() -> None:
    resume, asked, other = ResumeData(), Asked(), Asked("cd" * 20)
    for each in (asked, asked, other):
        resume.ask(each.torrent)
    resume.gone(ID)
    settling = asyncio.create_task(resume.settle(SECONDS))
    await turns()
    assert not settling.done()
    resume.came(ID, None)  # late
    resume.lost()
    async with asyncio.timeout(SECONDS):
        await settling


async def test_taken_is_what_comes_last() -> None:
    resume, asked = ResumeData(), Asked()
    taking = asyncio.create_task(resume.take(asked.torrent, SECONDS))
    await turns()
    resume.lost()  # it asks again
    await turns()
    assert asked.times == 2
    resume.came(ID, b"data")
    assert await taking == b"data"


async def test_why_nothing_can_be_taken() -> None:
    resume, asked = ResumeData(), Asked()
    with pytest.raises(TimeoutError):
        await resume.take(asked.torrent, 0.0)
    taking = asyncio.create_task(resume.take(asked.torrent, SECONDS))
    await turns()
    asked.here = False
    resume.gone(ID)
    with pytest.raises(StorageError):
        await taking
