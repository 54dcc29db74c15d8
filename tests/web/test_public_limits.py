"""Limits of the public port: streams, rates and requests."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncGenerator, AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
import pytest
from starlette.exceptions import HTTPException
from tests.clips import make_clip
from tests.nodes import NodeProcess, Start

from p2ptube.config import load_config
from p2ptube.errors import FileChanged
from p2ptube.node import Node
from p2ptube.node.uplink import Uplink
from p2ptube.web import public_site, stream_slots
from p2ptube.web.public_site import Admission, PublicHeaders, PublicSite
from p2ptube.web.public_streams import MOST_UNFINISHED, PublicStreams


def client(node: NodeProcess, address: str = "127.0.0.1") -> httpx.Client:
    url = f"http://127.0.0.1:{node.info['ports']['public']}"
    return httpx.Client(
        base_url=url, timeout=60, transport=httpx.HTTPTransport(local_address=address)
    )


def set_limits(node: NodeProcess, **limits: int) -> None:
    answer = node.api.patch("settings", json=limits)
    assert answer.is_success, answer.text


def clip(path: Path) -> Path:
    return make_clip(path, seconds=8, size=(320, 180), faststart=True, bit_rate=400_000)


# --- a real node --------------------------------------------------------------------------


def test_streams_are_counted_per_address_and_in_all(start: Start, tmp_path: Path) -> None:
    node = start(tmp_path / "n", "--public-port", "0")
    video = node.add(clip(tmp_path / "clip.mp4"))
    path = f"/stream/{video['id']}"
    # So slow that they last as long as the test.
    set_limits(node, public_stream_rate=8000, public_streams_per_address=2, public_streams=3)
    with client(node) as one, client(node, "127.0.0.2") as other, contextlib.ExitStack() as open_:
        first = open_.enter_context(one.stream("GET", path))
        open_.enter_context(one.stream("GET", path))
        refused = one.get(path)
        assert refused.status_code == 429
        assert int(refused.headers["retry-after"]) > 0
        assert "your address has as many streams" in refused.json()["detail"]
        # What needs no place is answered.
        assert one.head(path).status_code == 200
        known = {"if-none-match": first.headers["etag"]}
        assert one.get(path, headers=known).status_code == 304
        assert one.get("/").status_code == 200

        open_.enter_context(other.stream("GET", path))
        full = other.get(path, headers={"accept": "text/html"})
        assert full.status_code == 503
        assert "This node sends as many streams as it can" in full.text
        set_limits(node, public_streams=4)
        open_.enter_context(other.stream("GET", path))

        first.close()
        free = node.until(lambda: one.get(path, headers={"range": "bytes=0-9"}), bool)
        assert free.status_code in {206, 429}
        node.until(
            lambda: one.get(path, headers={"range": "bytes=0-9"}), lambda a: a.status_code == 206
        )
        set_limits(node, public_streams=0)
        assert one.get(path).status_code in {429, 503}
    set_limits(node, public_streams=100, public_streams_per_address=100, public_stream_rate=40_000)
    breaks_off(node, video["id"])


def breaks_off(node: NodeProcess, video: str) -> None:
    """A video that becomes private is cut, in the middle of a stream."""

    def begin() -> None:
        with client(node) as web, web.stream("GET", f"/stream/{video}") as stream:
            assert stream.status_code == 200
            body = stream.iter_raw()
            next(body)
            node.api.patch(f"videos/{video}", json={"visibility": "private"})
            for _ in body:
                pass

    with pytest.raises(httpx.RemoteProtocolError):
        begin()


def test_streams_together_keep_to_the_upload_limit(start: Start, tmp_path: Path) -> None:
    limit = 200_000
    node = start(tmp_path / "n", "--public-port", "0", upload_limit=limit)
    video = node.add(clip(tmp_path / "clip.mp4"))
    got = []

    async def fetch(web: httpx.AsyncClient) -> None:
        wanted = {"range": "bytes=0-149999"}
        got.append(len((await web.get(f"/stream/{video['id']}", headers=wanted)).content))

    async def both() -> None:
        url = f"http://127.0.0.1:{node.info['ports']['public']}"
        async with httpx.AsyncClient(base_url=url, timeout=60) as web:
            await asyncio.gather(fetch(web), fetch(web), fetch(web))

    began = time.monotonic()
    asyncio.run(both())
    assert got == [150_000] * 3
    # The last slices may go at once; a slow machine only takes longer.
    assert time.monotonic() - began >= (sum(got) - 100_000) / limit


def test_a_video_plays_while_it_is_fetched(start: Start, tmp_path: Path) -> None:
    a = start(tmp_path / "a", upload_limit=100_000)
    file = clip(tmp_path / "clip.mp4")
    a.add(file)
    b = start(tmp_path / "b", "--public-port", "0", join=a.peer_id)
    video = b.find("clip")
    b.post(f"videos/{video['id']}/fetch")
    with client(b) as web:
        listed = web.get("/").text
        page = web.get(f"/watch/{video['id']}").text
        whole = web.get(f"/stream/{video['id']}").content
    assert video["id"] not in listed or b.get(f"videos/{video['id']}")["state"] == "complete"
    assert whole == file.read_bytes()
    assert video["id"] in page
    b.complete(video["id"])


# --- places of streams --------------------------------------------------------------------


class Endless:
    """A content of which there is always more."""

    size = 10**9
    media_type = "video/mp4"
    etag = '"x"'
    file_name = "x.mp4"

    async def read(self, start: int, end: int) -> AsyncGenerator[bytes, None]:
        while start < end:
            yield bytes(min(100_000, end - start))
            start += 100_000


class PublicOfOne:
    def __init__(self, complete: bool) -> None:
        self._complete = complete

    def video(self, video_id: str) -> Any:
        return SimpleNamespace(complete=self._complete)

    async def open(self, video_id: str) -> Endless:
        return Endless()


def streams(tmp_path: Path, *, complete: bool = True, **limits: int) -> PublicStreams:
    node = SimpleNamespace(
        config=load_config(data_dir=tmp_path, **limits),
        uplink=Uplink(lambda limit: None),
        public=PublicOfOne(complete),
    )
    return PublicStreams(cast(Node, node))


class Player:
    """Asks for a stream, and takes nothing of it after the first bytes."""

    def __init__(self) -> None:
        self.began = asyncio.Event()
        self._never = asyncio.Event()

    async def run(self, streams: PublicStreams, address: str = "192.0.2.1") -> None:
        response = await streams.answer("x", {}, "GET", address)
        await response({"type": "http"}, self._receive, self._send)

    async def _receive(self) -> Any:
        await self._never.wait()

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.body":
            self.began.set()
            await self._never.wait()


@contextlib.asynccontextmanager
async def playing(streams: PublicStreams) -> AsyncIterator[asyncio.Task[None]]:
    player = Player()
    task = asyncio.create_task(player.run(streams))
    await asyncio.wait_for(player.began.wait(), 20)
    yield task
    task.cancel()
    await asyncio.wait({task})


async def test_strangers_are_told_no_paths(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def read(self: Endless, start: int, end: int) -> AsyncGenerator[bytes, None]:
        raise FileChanged("/home/ada/secret.mp4 is no longer there")
        yield b""

    monkeypatch.setattr(Endless, "read", read)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    response = await streams(tmp_path).answer("x", {}, "GET", "192.0.2.1")
    await response({"type": "http"}, Player()._receive, send)
    assert sent[0]["status"] == 409
    assert b"the log tells more" in sent[1]["body"]
    assert b"ada" not in sent[1]["body"]


async def test_who_takes_nothing_makes_way(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    served = streams(tmp_path, public_streams_per_address=1)
    async with playing(served) as stalled:
        with pytest.raises(HTTPException) as refusal:
            await Player().run(served)
        assert refusal.value.status_code == 429
        monkeypatch.setattr(stream_slots, "STALLED_SECONDS", 0.0)
        async with playing(served):
            await asyncio.wait({stalled}, timeout=20)
            assert stalled.done()


async def test_strangers_steer_few_fetches(tmp_path: Path) -> None:
    served = streams(tmp_path, complete=False)
    async with contextlib.AsyncExitStack() as stack:
        for _ in range(MOST_UNFINISHED):
            await stack.enter_async_context(playing(served))
        with pytest.raises(HTTPException, match="still fetching") as refusal:
            await Player().run(served, "192.0.2.2")
        assert refusal.value.status_code == 503
        assert refusal.value.headers is not None
    # All places are free again, also those of the one that was refused.
    async with playing(served):
        pass


# --- the upload limit ---------------------------------------------------------------------


async def test_the_swarm_makes_room_for_streams_and_gets_it_back() -> None:
    told: list[int] = []
    again = asyncio.Event()

    def apply(limit: int) -> None:
        told.append(limit)
        if len(told) > 2 and limit == 80_000_000:
            again.set()

    uplink = Uplink(apply)
    uplink.set_limit(80_000_000, limit_local=False)
    await uplink.take(10_000, "192.168.1.1")
    await uplink.take(10_000, "127.0.0.1")
    assert told == [80_000_000]
    assert uplink.limit_for("198.51.100.7") == 80_000_000
    await uplink.take(10_000, "198.51.100.7")
    assert told[-1] == 10_000_000
    await asyncio.wait_for(again.wait(), 20)
    uplink.set_limit(0, limit_local=True)
    await uplink.take(10_000, "198.51.100.7")
    assert told[-1] == 0
    uplink.stop()


# --- requests -----------------------------------------------------------------------------


async def test_too_many_requests_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"fine"})

    monkeypatch.setattr(public_site, "REQUESTS", {"per_second": 1e-6, "burst": 2.0})
    site = PublicSite(lambda: "Ada")
    limited = PublicHeaders(Admission(app, site))

    def web(address: str) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(limited, client=(address, 1))
        return httpx.AsyncClient(transport=transport, base_url="http://tube.example")

    async with web("192.0.2.1") as one, web("192.0.2.2") as other:
        assert [(await one.get("/")).status_code for _ in range(3)] == [200, 200, 429]
        refused = await one.get("/", headers={"accept": "text/html"})
        assert "Your address asks for too much" in refused.text
        assert int(refused.headers["retry-after"]) > 0
        assert refused.headers["x-frame-options"] == "DENY"
        assert (await other.get("/")).status_code == 200
