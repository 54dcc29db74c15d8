"""The admin app behind a real socket: event streams, uploads that break off, stopping."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.web.fakes import TOKEN, VIDEO_ID, FakeNode, a_video

from p2ptube.cli.client import parse_events
from p2ptube.errors import Conflict, InvalidInput, StorageError
from p2ptube.node.views import Event
from p2ptube.web.admin import create_admin_app
from p2ptube.web.listening import LOOPBACK, WebServer, listen
from p2ptube.web.logs import logging_to
from p2ptube.web.signals import on_signals

SSE = {"accept": "text/event-stream"}


class Site:
    """A fake node and its server."""

    def __init__(self, directory: Path) -> None:
        self.node = FakeNode(directory)
        self.stopping = asyncio.Event()
        self.server = WebServer(LOOPBACK, 0, "--web-port")
        self.client = httpx.AsyncClient(
            base_url=f"http://{LOOPBACK}:{self.server.port}/api/v1/",
            headers={"authorization": f"Bearer {TOKEN}"},
            timeout=20,
        )

    async def stop(self) -> None:
        self.stopping.set()
        await self.server.stop()


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Site]:
    made = Site(tmp_path)
    await made.server.start(create_admin_app(made.node.as_node(), made.stopping))
    async with made.client:
        yield made
    if not made.stopping.is_set():
        await made.stop()


async def test_search_results_arrive_one_by_one_then_done(site: Site) -> None:
    site.node.found = [a_video("1" * 40, "red\u2028fox\n")]
    async with site.client.stream("GET", "search?q=red", headers=SSE) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        events = [event async for event in parse_events(answer.aiter_bytes())]
    assert [name for name, _ in events] == ["result", "result", "done"]
    assert events[0][1]["title"] == "red\u2028fox\n"
    assert [len(data["holders"]) for _, data in events[:2]] == [0, 1]
    assert events[2][1] == {"count": 1}


async def test_a_search_ends_when_the_client_goes_away(site: Site) -> None:
    site.node.found = [a_video("1" * 40, "forever")]
    async with site.client.stream("GET", "search?q=forever", headers=SSE) as answer:
        await anext(parse_events(answer.aiter_bytes()))
        assert site.node.searching == 1
    await asyncio.wait_for(site.node.search_ended.wait(), 10)
    assert site.node.searching == 0


async def test_events_are_passed_on_once_ready_was_said(site: Site) -> None:
    async with site.client.stream("GET", "events") as answer:
        events = parse_events(answer.aiter_bytes())
        assert await anext(events) == ("ready", {})
        site.node.publish(Event(kind="removed", data=VIDEO_ID))
        assert await anext(events) == ("removed", VIDEO_ID)
        site.node.publish(Event(kind="video", data=a_video()))
        name, data = await anext(events)
        assert (name, data["id"]) == ("video", VIDEO_ID)


async def test_stopping_ends_the_event_streams_at_once(site: Site) -> None:
    site.node.found = [a_video("1" * 40, "forever")]
    async with (
        site.client.stream("GET", "events") as first,
        site.client.stream("GET", "search?q=forever", headers=SSE) as second,
    ):
        events, results = parse_events(first.aiter_bytes()), parse_events(second.aiter_bytes())
        await anext(events)
        await anext(results)
        site.stopping.set()
        assert [name async for name, _ in events] == []
        assert [name async for name, _ in results][-1] == "done"
    assert site.node.listeners == set()
    assert site.node.searching == 0


async def test_stopping_cuts_what_does_not_end(site: Site) -> None:
    reader, writer = await asyncio.open_connection(LOOPBACK, site.server.port)
    writer.write(b"POST /api/v1/videos HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % site.server.port)
    writer.write(b"Authorization: Bearer %s\r\nContent-Length: 99\r\n" % TOKEN.encode())
    writer.write(b"Content-Type: application/json\r\nExpect: 100-continue\r\n\r\n")
    assert (await reader.readline()).startswith(b"HTTP/1.1 100")  # the route waits for the body
    await asyncio.wait_for(site.stop(), 15)
    await asyncio.wait_for(reader.read(), 10)
    writer.close()


async def test_an_upload_that_breaks_off_is_not_a_video(site: Site) -> None:
    _, writer = await asyncio.open_connection(LOOPBACK, site.server.port)
    writer.write(b"POST /api/v1/videos HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n" % site.server.port)
    writer.write(b"Authorization: Bearer %s\r\nContent-Length: 9999\r\n" % TOKEN.encode())
    writer.write(b"Content-Type: multipart/form-data; boundary=X\r\n\r\n--X\r\n")
    writer.write(b'Content-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\nbytes')
    await writer.drain()
    writer.close()
    await writer.wait_closed()
    await asyncio.wait_for(site.stop(), 15)
    assert site.node.uploads == {}


async def test_a_taken_port_is_named_with_its_flag() -> None:
    with socket.socket() as other:
        other.bind((LOOPBACK, 0))
        other.listen()
        port = other.getsockname()[1]
        with pytest.raises(Conflict, match=rf"port {port} is in use.*--web-port"):
            listen(LOOPBACK, port, "--web-port")
    with pytest.raises((Conflict, InvalidInput)):
        listen("no such host.invalid", 0, "--host")


async def test_connections_wait_while_the_node_starts(tmp_path: Path) -> None:
    server = WebServer(LOOPBACK, 0, "--web-port")
    async with httpx.AsyncClient(base_url=f"http://{LOOPBACK}:{server.port}") as client:
        early = asyncio.ensure_future(client.get("/favicon.ico"))
        await asyncio.sleep(0)
        await server.start(create_admin_app(FakeNode(tmp_path).as_node()))
        assert (await early).status_code == 200
    await server.stop()


async def test_the_first_signal_is_told(tmp_path: Path) -> None:
    told = asyncio.Event()
    with on_signals(told.set):
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.wait_for(told.wait(), 10)


def test_the_log_is_a_file_and_warnings_go_to_stderr(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    log = logging.getLogger("p2ptube.test")
    with logging_to(tmp_path / "d", warn=True):
        log.info("quiet")
        log.warning("loud")
    log.warning("later")
    text = (tmp_path / "d" / "p2ptube.log").read_text()
    assert "quiet" in text
    assert "loud" in text
    assert "later" not in text
    error = capsys.readouterr().err
    assert "WARNING: loud" in error
    assert "quiet" not in error


def test_a_data_directory_that_cannot_be_made_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with (
        pytest.raises(StorageError, match="data directory"),
        logging_to(tmp_path / "file" / "d", warn=False),
    ):
        pass


def test_parse_events_takes_any_cutting() -> None:
    text = b': ping\n\nevent: a\ndata: {"x": "\xe2\x80\xa8"}\n\n: x\n\nevent: b\ndata: 1\n\n'

    async def parsed(step: int) -> list[tuple[str, object]]:
        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(text), step):
                yield text[start : start + step]

        return [event async for event in parse_events(chunks())]

    expected = [("", None), ("a", json.loads('{"x": "\u2028"}')), ("", None), ("b", 1)]
    for step in range(1, 20):
        assert asyncio.run(parsed(step)) == expected
