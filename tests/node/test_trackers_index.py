"""What a node makes of the indexes of its trackers, good ones and hostile ones."""

from __future__ import annotations

import contextlib
import http.server
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tracker.publishing import describe

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
from p2ptube.models import Found, Holder
from p2ptube.node.preferences import checked_value
from p2ptube.node.trackers_index import (
    MAX_ANSWER,
    HttpIndex,
    http_client,
    index_base,
)

ONE = Identity(bytes([1]) * 32)
CLIENT = httpx.AsyncClient()


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
