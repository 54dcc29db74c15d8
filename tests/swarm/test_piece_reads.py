"""Reads of pieces: one for all who want it, a few kept at hand, and every end told."""

from __future__ import annotations

import asyncio

import pytest

from p2ptube.errors import Cancelled, StorageError
from p2ptube.swarm.piece_reads import PieceReads


class Disk:
    """What was asked for, and answers to it."""

    def __init__(self) -> None:
        self.asked: list[int] = []
        self.reads = PieceReads(self.asked.append)

    async def begin(self, index: int) -> asyncio.Task[bytes]:
        """Somebody wants a piece."""
        task = asyncio.create_task(self.reads.read(index))
        await asyncio.sleep(0)
        return task


async def test_many_share_a_read() -> None:
    disk = Disk()
    tasks = [await disk.begin(3) for _ in range(3)]
    assert disk.asked == [3]
    assert disk.reads.awaited == {3}
    tasks[0].cancel()  # the others go on
    disk.reads.came(3, b"abc", "", keep=False)
    assert await asyncio.gather(*tasks[1:]) == [b"abc", b"abc"]
    assert disk.reads.awaited == set()
    assert disk.reads.bytes_at_hand == 0


async def test_what_is_kept_is_not_read_again_and_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("p2ptube.swarm.piece_reads.CACHE_BYTES", 20)
    disk = Disk()
    for index in range(2):
        disk.reads.came(index, bytes([index]) * 10, "", keep=True)
    assert await disk.reads.read(0) == bytes(10)  # now the least lately used is 1
    disk.reads.came(2, b"c" * 10, "", keep=True)
    assert await disk.reads.read(0) == bytes(10)
    assert disk.asked == []
    assert disk.reads.bytes_at_hand == 20
    again = await disk.begin(1)
    assert disk.asked == [1]
    disk.reads.came(1, b"x" * 50, "", keep=True)  # larger than the bound: it alone stays
    assert await again == b"x" * 50
    assert disk.reads.bytes_at_hand == 50
    disk.reads.forget()
    assert disk.reads.bytes_at_hand == 0


async def test_failures_reach_who_waits() -> None:
    disk = Disk()
    waiting = await disk.begin(1)
    disk.reads.came(1, b"", "Input/output error", keep=True)
    with pytest.raises(StorageError, match="Input/output error"):
        await waiting
    assert disk.reads.bytes_at_hand == 0
    waiting = await disk.begin(1)  # another try
    assert disk.asked == [1, 1]
    disk.reads.close(Cancelled("gone"))
    with pytest.raises(Cancelled, match="gone"):
        await waiting
    assert disk.reads.awaited == set()


async def test_lost_answers_are_asked_for_again() -> None:
    disk = Disk()
    tasks = [await disk.begin(index) for index in (4, 5)]
    disk.reads.ask_again()
    assert disk.asked == [4, 5, 4, 5]
    for index in (4, 5, 4, 5):  # the second answer surprises nobody
        disk.reads.came(index, b"%d" % index, "", keep=False)
    assert await asyncio.gather(*tasks) == [b"4", b"5"]
