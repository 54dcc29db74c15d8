from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.playback.serving import ScriptedContent, serving

from p2ptube.errors import FileChanged, NoHolder, OurBug, P2PTubeError
from p2ptube.playback.content import FileContent, file_content
from p2ptube.playback.stream import chunks, content_disposition, plan

DATA = random.Random(1).randbytes(3 * 2**20 + 7)
SIZE = len(DATA)
TIMEOUT = 10.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "v.mp4"
    path.write_bytes(DATA)
    return path


@pytest.fixture
def content(path: Path) -> FileContent:
    return file_content(
        path, SIZE, path.stat().st_mtime_ns, etag='"abc"', file_name='Ä "x" 100%.mp4'
    )


@pytest.fixture
async def client(content: FileContent) -> AsyncIterator[httpx.AsyncClient]:
    async with (
        serving({"/v": content}) as url,
        httpx.AsyncClient(base_url=url, timeout=TIMEOUT) as client,
    ):
        yield client


async def test_whole(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v")
    assert answer.status_code == 200
    assert answer.content == DATA
    headers = answer.headers
    assert headers["content-length"] == str(SIZE)
    assert headers["accept-ranges"] == "bytes"
    assert headers["etag"] == '"abc"'
    assert headers["content-type"] == "video/mp4"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "private, no-cache"
    assert headers["content-disposition"] == (
        "inline; filename=\"_ _x_ 100_.mp4\"; filename*=UTF-8''%C3%84%20%22x%22%20100%25.mp4"
    )
    assert "content-range" not in headers


@pytest.mark.parametrize(
    ("header", "start", "end"),
    [
        ("bytes=0-0", 0, 1),
        ("bytes=100-70000", 100, 70001),
        ("bytes=1000000-", 1000000, SIZE),
        ("bytes=-10", SIZE - 10, SIZE),
        (f"bytes=5-{SIZE * 9}", 5, SIZE),
        ("bytes=0-9,10-19", 0, 20),
    ],
)
async def test_range(client: httpx.AsyncClient, header: str, start: int, end: int) -> None:
    answer = await client.get("/v", headers={"Range": header})
    assert answer.status_code == 206
    assert answer.content == DATA[start:end]
    assert answer.headers["content-range"] == f"bytes {start}-{end - 1}/{SIZE}"
    assert answer.headers["content-length"] == str(end - start)
    assert answer.headers["etag"] == '"abc"'


@pytest.mark.parametrize("header", ["bytes=0-1,5-6", "bytes=5-4", "lines=1-2"])
async def test_the_whole_instead(client: httpx.AsyncClient, header: str) -> None:
    answer = await client.get("/v", headers={"Range": header})
    assert (answer.status_code, answer.content) == (200, DATA)


async def test_beyond_the_end(client: httpx.AsyncClient) -> None:
    answer = await client.get("/v", headers={"Range": f"bytes={SIZE}-"})
    assert (answer.status_code, answer.content) == (416, b"")
    assert answer.headers["content-range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        ('"abc"', 206),
        ('"other"', 200),
        ('W/"abc"', 200),
        ("Tue, 15 Nov 1994 12:45:26 GMT", 200),
    ],
)
async def test_if_range(client: httpx.AsyncClient, condition: str, status: int) -> None:
    answer = await client.get("/v", headers={"Range": "bytes=0-9", "If-Range": condition})
    assert answer.status_code == status
    assert answer.content == (DATA[:10] if status == 206 else DATA)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"If-None-Match": '"abc"'}, 304),
        ({"If-None-Match": 'W/"abc", "x"'}, 304),
        ({"If-None-Match": "*", "Range": "bytes=0-1"}, 304),
        ({"If-None-Match": '"x"', "Range": "bytes=0-1"}, 206),
        ({"If-Match": '"x"'}, 412),
        ({"If-Match": '"x"', "If-None-Match": '"abc"'}, 412),
        ({"If-Match": '"abc"', "Range": "bytes=0-1"}, 206),
        ({"If-Match": 'W/"abc"'}, 412),
    ],
)
async def test_conditions(client: httpx.AsyncClient, headers: dict[str, str], status: int) -> None:
    answer = await client.get("/v", headers=headers)
    assert answer.status_code == status
    assert answer.content == (DATA[:2] if status == 206 else b"")
    assert answer.headers["etag"] == '"abc"'


async def test_head(client: httpx.AsyncClient) -> None:
    answer = await client.head("/v", headers={"Range": "bytes=0-9"})
    assert (answer.status_code, answer.content) == (200, b"")
    assert answer.headers["content-length"] == str(SIZE)
    assert answer.headers["accept-ranges"] == "bytes"
    assert (await client.head("/v", headers={"If-None-Match": '"abc"'})).status_code == 304
    assert (await client.get("/v", headers={"Range": "bytes=0-1"})).content == DATA[:2]


async def test_other_methods(client: httpx.AsyncClient) -> None:
    answer = await client.post("/v")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"


async def test_many_readers_at_the_same_time(client: httpx.AsyncClient) -> None:
    chance = random.Random(2)

    async def one() -> None:
        start = chance.randrange(SIZE)
        end = chance.randrange(start, SIZE)
        answer = await client.get("/v", headers={"Range": f"bytes={start}-{end}"})
        assert answer.content == DATA[start : end + 1]

    await asyncio.gather(*(one() for _ in range(40)))


async def test_empty_content(tmp_path: Path) -> None:
    path = tmp_path / "empty.mp4"
    path.touch()
    content = file_content(path, 0, path.stat().st_mtime_ns, etag='"e"')
    assert plan("GET", {"range": "bytes=0-"}, content).status == 416
    async with serving({"/v": content}) as url, httpx.AsyncClient(base_url=url) as client:
        answer = await client.get("/v", headers={"Range": "bytes=-5"})
        assert (answer.status_code, answer.content) == (200, b"")


async def test_changed_file_is_never_served(client: httpx.AsyncClient, path: Path) -> None:
    path.write_bytes(bytes(SIZE))
    answer = await client.get("/v")
    assert answer.status_code == 409
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["title"] == "The file has changed"
    path.unlink()
    assert (await client.get("/v", headers={"Range": "bytes=0-1"})).status_code == 409


@pytest.mark.parametrize("error", [NoHolder("nobody"), FileChanged("other"), OurBug("x")])
async def test_an_error_before_the_first_byte(error: P2PTubeError) -> None:
    content = ScriptedContent(10, error)
    async with serving({"/v": content}) as url, httpx.AsyncClient(base_url=url) as client:
        answer = await client.get("/v", headers={"Range": "bytes=0-1"})
    assert answer.status_code == error.status
    assert answer.json() == {
        "type": "about:blank",
        "title": error.title,
        "status": error.status,
        "detail": str(error),
    }
    assert "content-range" not in answer.headers
    assert content.closed.is_set()


async def test_an_error_later_breaks_the_connection() -> None:
    content = ScriptedContent(10, b"12345", NoHolder("gone"))
    got = b""
    async with serving({"/v": content}) as url, httpx.AsyncClient(base_url=url) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            async with client.stream("GET", "/v") as answer:
                assert answer.status_code == 200
                assert answer.headers["content-length"] == "10"
                async for data in answer.aiter_raw():
                    got += data
    assert got == b"12345"
    assert content.closed.is_set()


@contextlib.asynccontextmanager
async def raw_request(url: str) -> AsyncIterator[asyncio.StreamReader]:
    """Send a GET over a socket of our own, which is closed at the end of the block."""
    host, port = httpx.URL(url).host, httpx.URL(url).port
    reader, writer = await asyncio.open_connection(host, port, limit=2**14)
    try:
        writer.write(b"GET /v HTTP/1.1\r\nHost: x\r\n\r\n")
        yield reader
    finally:
        writer.transport.abort()


async def test_the_client_goes_away_in_the_middle_of_a_blocked_read() -> None:
    content = ScriptedContent(1000, b"12345", None)
    async with serving({"/v": content}) as url:
        async with raw_request(url) as reader:
            await reader.readuntil(b"\r\n\r\n12345")
            await asyncio.wait_for(content.waiting.wait(), TIMEOUT)
            assert not content.closed.is_set()
        await asyncio.wait_for(content.closed.wait(), TIMEOUT)


async def test_the_client_goes_away_before_the_first_byte() -> None:
    content = ScriptedContent(1000, None)
    async with serving({"/v": content}) as url:
        async with raw_request(url):
            await asyncio.wait_for(content.waiting.wait(), TIMEOUT)
        await asyncio.wait_for(content.closed.wait(), TIMEOUT)


async def test_the_client_goes_away_without_reading() -> None:
    chunk = bytes(2**20)
    content = ScriptedContent(2**30, *[chunk] * 2**10)
    async with serving({"/v": content}) as url:
        async with raw_request(url) as reader:
            await reader.readuntil(b"\r\n\r\n")
            assert not content.closed.is_set(), "a client that is slow is waited for"
        await asyncio.wait_for(content.closed.wait(), TIMEOUT)


async def test_one_slow_reader_does_not_hold_up_another(content: FileContent) -> None:
    stuck = ScriptedContent(1000, b"1", None)
    async with (
        serving({"/v": stuck, "/w": content}) as url,
        raw_request(url),
        httpx.AsyncClient(base_url=url) as client,
    ):
        await asyncio.wait_for(stuck.waiting.wait(), TIMEOUT)
        assert (await client.get("/w")).content == DATA


async def test_a_content_that_breaks_its_promise() -> None:
    for parts in ([b"123"], [b"123", b"456789"]):
        content = ScriptedContent(5, *parts)
        got = b""
        with pytest.raises(OurBug):
            async for data in chunks(content, 0, 5):
                got += data
        assert got == b"123"
        assert content.closed.is_set()


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.mp4", "inline; filename=\"a.mp4\"; filename*=UTF-8''a.mp4"),
        ("a\r\nX: y", "inline; filename=\"aX: y\"; filename*=UTF-8''aX%3A%20y"),
        ("\\é;'", "inline; filename=\"__;'\"; filename*=UTF-8''%5C%C3%A9%3B%27"),
        ("\udcff", "inline; filename=\"\"; filename*=UTF-8''"),
    ],
)
def test_content_disposition(name: str, expected: str) -> None:
    assert content_disposition(name) == expected


def test_cache_control(content: FileContent) -> None:
    planned = plan("GET", {}, content, cache_control="public, max-age=60")
    assert planned.headers["cache-control"] == "public, max-age=60"
    assert (planned.start, planned.end) == (0, SIZE)
