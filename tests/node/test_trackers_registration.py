"""What a node tells the indexes of its trackers of itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import pytest
from tests.tracker.publishing import Clock, describe, video_id

from p2ptube.descriptor import seal
from p2ptube.errors import (
    PeerUnreachable,
)
from p2ptube.identity import Identity
from p2ptube.library import VideoRecord
from p2ptube.models import Found, Holder, VideoState, Visibility
from p2ptube.node import trackers_registration
from p2ptube.node.trackers_index import (
    OwnIndex,
)
from p2ptube.node.trackers_registration import Registration
from p2ptube.node.trackers_shelf import Shelf
from p2ptube.tracker.index import IndexInfo, Receipt
from p2ptube.tracker.index_search import Query
from p2ptube.tracker.index_store import Index

ONE = Identity(bytes([1]) * 32)
T = TypeVar("T")
OURSELVES = Holder(peer="127.0.0.1:5001", swarm=("127.0.0.1:6001",))


def record(name: str = "fox", **fields: Any) -> VideoRecord:
    known = ("unlisted", "sequence", "title")
    descriptor = describe(name, **{key: fields.pop(key) for key in known if key in fields})
    usual: dict[str, Any] = {
        "id": descriptor.id,
        "title": descriptor.title,
        "file_name": "x",
        "path": "/x",
        "state": VideoState.COMPLETE,
        "added_at": 1.0,
        "envelope": seal(descriptor, ONE),
        "mine": True,
    }
    return VideoRecord(**{**usual, **fields})


@pytest.mark.parametrize(
    ("fields", "listed"),
    [
        ({}, True),
        ({"visibility": Visibility.UNLISTED}, False),
        ({"visibility": Visibility.PRIVATE}, False),
        ({"unlisted": True}, False),
        ({"state": VideoState.FETCHING}, False),
        ({"state": VideoState.ERROR}, False),
        ({"keep": False}, False),
        ({"envelope": None}, False),
    ],
)
def test_what_is_listed(fields: dict[str, Any], listed: bool) -> None:
    shelf = Shelf()
    video = record(**fields)
    assert shelf.put(video.id, video) is listed
    assert list(shelf.held) == list(shelf.envelopes) == ([video.id] if listed else [])
    assert not shelf.put(video.id, video)
    assert shelf.put(video.id, None) is listed


class Telling:
    """A registration that runs, at a real index; `dead` is what it is while it does not answer."""

    def __init__(self, index: Index, clock: Clock) -> None:
        self.index = index
        self.shelf = Shelf()
        self.dead = False
        self.publications = 0
        self._asked = asyncio.Condition()
        self.registration = Registration(
            self, ONE, shelf=self.shelf, ourselves=lambda: OURSELVES, clock=clock
        )

    def put(self, video: VideoRecord | None, video_id: str = "") -> None:
        self.shelf.put(video.id if video else video_id, video)
        self.registration.changed()

    async def titles(self) -> set[str]:
        found = await self.index.search(Query(text="", limit=50, neighbour=True))
        return {msgspec.json.decode(each.descriptor.payload)["title"] for each in found}

    async def until_listed(self, *titles: str) -> None:
        async with asyncio.timeout(20), self._asked:
            while await self.titles() != set(titles):
                await self._asked.wait()

    async def until_many(self, count: int) -> None:
        query = Query(text="", limit=200, start=count - 1, neighbour=True)
        async with asyncio.timeout(20), self._asked:
            while not await self.index.search(query):
                await self._asked.wait()

    # --- as a registration asks it ---

    async def info(self) -> IndexInfo | None:
        return await self._answer(lambda own: own.info())

    async def publish(self, body: bytes) -> Receipt | None:
        self.publications += 1
        return await self._answer(lambda own: own.publish(body))

    async def search(self, text: str, limit: int) -> tuple[Found, ...]:
        return await self._answer(lambda own: own.search(text, limit))

    async def _answer(self, ask: Callable[[OwnIndex], Awaitable[T]]) -> T:
        try:
            if self.dead:
                raise PeerUnreachable("it is dead")
            return await ask(OwnIndex(self.index, lambda: "127.0.0.1"))
        finally:
            async with self._asked:
                self._asked.notify_all()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def telling(
    tmp_path: Path, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Telling]:
    monkeypatch.setattr(trackers_registration, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(trackers_registration, "SETTLE_SECONDS", 0.0)
    # The clocks differ by more than an index lets pass.
    index = await Index.open(tmp_path / "index.sqlite", clock=Clock(clock.now + 7200))
    telling = Telling(index, clock)
    running = asyncio.create_task(telling.registration.run())
    yield telling
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    await telling.index.close()


async def test_an_index_is_kept_in_step(telling: Telling) -> None:
    telling.put(record("fox"))
    telling.put(record("whale"))
    await telling.until_listed("fox", "whale")
    telling.put(record("fox", title="Vulpes", sequence=1))
    await telling.until_listed("Vulpes", "whale")
    telling.put(None, video_id("whale"))
    await telling.until_listed("Vulpes")
    assert (telling.registration.listed, telling.registration.speaks) == (1, True)
    assert [found.holders for found in await telling.registration.search("vulpes", 5)] == [
        (OURSELVES,)
    ]


async def test_an_index_that_refuses_what_it_was_not_told(
    telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish = telling.publish

    async def refusing(body: bytes) -> Receipt | None:
        receipt = await publish(body)
        return receipt and msgspec.structs.replace(receipt, refused={"0" * 40: "no"})

    monkeypatch.setattr(telling, "publish", refusing)
    telling.put(record("fox"))
    await telling.until_listed("fox")
    assert (telling.registration.listed, telling.registration.refused) == (1, {})


async def test_many_videos_in_parts(telling: Telling) -> None:
    names = [f"film {number}" for number in range(230)]
    for name in names:
        telling.shelf.put(video_id(name), record(name))
    telling.registration.changed()
    await telling.until_many(len(names))
    assert telling.publications <= 10


async def test_an_index_that_lost_everything(telling: Telling, tmp_path: Path) -> None:
    telling.put(record("fox"))
    await telling.until_listed("fox")
    await telling.index.close()
    telling.index = await Index.open(tmp_path / "new.sqlite")
    telling.put(record("whale"))
    await telling.until_listed("fox", "whale")


async def test_a_dead_index_is_not_searched_and_told_once_it_is_back(telling: Telling) -> None:
    telling.put(record("fox"))
    await telling.until_listed("fox")
    telling.dead = True
    with pytest.raises(PeerUnreachable):
        await telling.registration.search("fox", 5)
    telling.put(record("whale"))
    assert await telling.registration.search("fox", 5) == ()
    assert telling.registration.error == "it is dead"
    telling.dead = False
    await telling.until_listed("fox", "whale")
    async with asyncio.timeout(20):
        while telling.registration.error:
            await asyncio.sleep(0)


async def test_unlisted_while_the_index_was_away(telling: Telling) -> None:
    video = record("fox")
    telling.put(video)
    await telling.until_listed("fox")
    # As another run of the node, which knows nothing of what the first one told.
    again = Telling(telling.index, Clock(Clock().now + 60))
    again.shelf.put(video.id, record("fox", unlisted=True, sequence=1))
    running = asyncio.create_task(again.registration.run())
    await again.until_listed()
    running.cancel()
    assert (await telling.index.search(Query(text=video.id, limit=1, neighbour=True))) == []


async def test_leaving(telling: Telling) -> None:
    telling.put(record("fox"))
    await telling.until_listed("fox")
    await telling.registration.leave()
    assert await telling.titles() == set()


async def test_an_index_that_asks_for_too_much_is_told_now_and_then(
    telling: Telling, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = telling.info

    async def hasty() -> IndexInfo | None:
        info = await told()
        return info and msgspec.structs.replace(info, renew=1.0)

    monkeypatch.setattr(telling, "info", hasty)
    pauses: list[float] = []
    rest = telling.registration._rest

    async def noted(seconds: float) -> None:
        pauses.append(seconds)
        await rest(seconds)

    monkeypatch.setattr(telling.registration, "_rest", noted)
    telling.put(record("fox"))
    await telling.until_listed("fox")
    telling.put(record("whale"))
    await telling.until_listed("fox", "whale")
    telling.put(None, video_id("fox"))
    await telling.until_listed("whale")
    assert min(pauses) > 1
