"""What a node makes of the indexes of its trackers, good ones and hostile ones."""

from __future__ import annotations

import asyncio
import contextlib
import http.server
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tracker.publishing import Clock, describe, video_id

from p2ptube.config import TRACKER
from p2ptube.descriptor import seal
from p2ptube.errors import (
    InvalidInput,
    P2PTubeError,
    PeerRefused,
    PeerUnreachable,
    ProtocolViolation,
)
from p2ptube.identity import Identity
from p2ptube.library import VideoRecord
from p2ptube.models import Found, Holder, VideoState, Visibility
from p2ptube.node import trackers_registration
from p2ptube.node.merging import merged
from p2ptube.node.preferences import checked_value
from p2ptube.node.trackers_index import (
    MAX_ANSWER,
    HttpIndex,
    OwnIndex,
    http_client,
    index_base,
)
from p2ptube.node.trackers_registration import Registration
from p2ptube.node.trackers_shelf import Shelf
from p2ptube.tracker.index import IndexInfo, Receipt
from p2ptube.tracker.index_search import Query
from p2ptube.tracker.index_store import Index

ONE = Identity(bytes([1]) * 32)
T = TypeVar("T")
CLIENT = httpx.AsyncClient()
OURSELVES = Holder(peer="127.0.0.1:5001", swarm=("127.0.0.1:6001",))


# --- where it is ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tracker", "base"),
    [
        ("http://a.example/announce", "http://a.example"),
        ("https://a.example:8443/announce?key=1", "https://a.example:8443"),
        ("http://a.example/secret/announce", "http://a.example/secret"),
        ("ws://a.example:5681/announce", "http://a.example:5681"),
        ("wss://a.example", "https://a.example"),
        ("UDP://a.example:6969", "http://a.example:6969"),
        ("udp://[2001:db8::1]:6969/announce", "http://[2001:db8::1]:6969"),
    ],
)
def test_beside_the_announce(tracker: str, base: str) -> None:
    assert index_base(tracker) == base


@given(st.from_regex(TRACKER, fullmatch=True) | st.from_regex(r"(ht|ud|ws)\S*", fullmatch=True))
def test_any_tracker_that_settings_allow(text: str) -> None:
    try:
        (tracker,) = checked_value("tracker", [text])
    except (InvalidInput, UnicodeError):
        return
    base = index_base(tracker)
    assert base.startswith(("http://", "https://"))
    HttpIndex(base, CLIENT)
    assert checked_value("tracker", [tracker]) == (tracker,)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("http://t.example:5681", "http://t.example:5681/announce"),
        ("wss://t.example/", "wss://t.example/announce"),
        ("udp://t.example:6969", "udp://t.example:6969"),
        ("https://t.example/?key=1", "https://t.example/?key=1"),
        ("http://t.example/x", "http://t.example/x"),
    ],
)
def test_a_tracker_without_a_path(given: str, taken: str) -> None:
    assert checked_value("tracker", [given]) == (taken,)


# --- what it answers ------------------------------------------------------------------------

Answer = Callable[[http.server.BaseHTTPRequestHandler], None]


@contextlib.contextmanager
def answering(answer: Answer) -> Iterator[str]:
    """An HTTP server that answers everything in its own way; its origin."""

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            with contextlib.suppress(OSError):  # we hung up on it
                answer(self)

        do_POST = do_GET  # noqa: N815

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


def says(status: int, body: bytes = b"", **headers: str) -> Answer:
    def answer(handler: http.server.BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        for name, value in headers.items():
            handler.send_header(name.replace("_", "-"), value)
        handler.end_headers()
        handler.wfile.write(body)

    return answer


def endless(handler: http.server.BaseHTTPRequestHandler) -> None:
    says(200)(handler)
    sent = 0
    while sent < 4 * MAX_ANSWER:
        sent += handler.wfile.write(bytes(1024 * 1024))


@contextlib.asynccontextmanager
async def asking(answer: Answer) -> AsyncIterator[HttpIndex]:
    with answering(answer) as origin:
        async with http_client() as client:
            yield HttpIndex(origin, client)


@pytest.mark.parametrize(
    "answer",
    [
        says(404),
        says(403, b"denied"),
        says(200, b"<html>a web server that answers to everything"),
        says(200, b'{"version":1}'),
        says(302, location="http://127.0.0.1:1/index.json"),
    ],
)
async def test_trackers_without_an_index(answer: Answer) -> None:
    async with asking(answer) as index:
        assert await index.info() is None


async def test_redirects_are_not_followed() -> None:
    def unreached(_: http.server.BaseHTTPRequestHandler) -> None:
        reached.append(1)

    reached: list[int] = []
    with answering(unreached) as inside:
        for status in (301, 302, 303, 307, 308):
            async with asking(says(status, location=f"{inside}/search")) as index:
                assert await index.info() is None
                with pytest.raises(PeerRefused, match=str(status)):
                    await index.search("fox", 1)
                with pytest.raises(PeerRefused, match=str(status)):
                    await index.publish(b"{}")
    assert reached == []


@pytest.mark.parametrize(
    ("answer", "error", "words"),
    [
        (says(500), PeerRefused, "500"),
        (says(429, b'{"detail":"too many requests"}'), PeerRefused, "too many requests"),
        (says(400, b'["detail"]'), PeerRefused, "400"),
        (says(200, b"[{}]"), ProtocolViolation, "not an answer"),
        (says(200, b"["), ProtocolViolation, "not an answer"),
        (says(200, b"\x1f\x8b", content_encoding="gzip"), ProtocolViolation, "not an answer"),
        (endless, ProtocolViolation, "too much"),
        (lambda handler: handler.connection.close(), PeerUnreachable, "."),
        (lambda handler: handler.wfile.write(b"SSH-2.0\r\n\r\n"), PeerUnreachable, "."),
    ],
)
async def test_bad_answers(answer: Answer, error: type[P2PTubeError], words: str) -> None:
    async with asking(answer) as index:
        with pytest.raises(error, match=words):
            await index.search("fox", 10)


async def test_too_many_results() -> None:
    envelope = seal(describe(), ONE)
    many = [Found(descriptor=envelope, holders=())] * 201
    async with asking(says(200, msgspec.json.encode(many))) as index:
        with pytest.raises(ProtocolViolation):
            await index.search("fox", 200)


async def test_whom_a_tracker_must_not_name(monkeypatch: pytest.MonkeyPatch) -> None:
    holders = [
        Holder(peer="192.0.2.1:1", swarm=("192.0.2.1:2", "127.0.0.1:22", "localhost:22")),
        Holder(peer="127.0.0.1:5680", swarm=("127.0.0.1:5680",)),
        *[Holder(peer=peer) for peer in ("localhost:1", "", "x", "[::1]:1", "[::ffff:7f00:1]:1")],
    ]
    found = Found(descriptor=seal(describe(), ONE), holders=tuple(holders))
    async with asking(says(200, msgspec.json.encode([found]))) as near:
        (here,) = await near.search("fox", 1)
        assert [h.peer for h in here.holders] == [
            *("192.0.2.1:1", "127.0.0.1:5680", "[::1]:1", "[::ffff:7f00:1]:1")
        ]
        # The same tracker, were it elsewhere.
        monkeypatch.setattr(near, "_neighbour", False)
        (there,) = await near.search("fox", 1)
        assert there.holders == (Holder(peer="192.0.2.1:1", swarm=("192.0.2.1:2",)),)


@pytest.mark.parametrize("base", ["http://", "http://a:b", "http://a b", "http://\0"])
async def test_bases_that_are_none(base: str) -> None:
    async with http_client() as client:
        with pytest.raises(PeerUnreachable):
            await HttpIndex(base, client).info()


# --- what it is told ------------------------------------------------------------------------


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
