"""The first to see a connection to the public port.

Announces and scrapes are answered right here, a WebSocket to the tracker becomes a
`TrackerSocket`, and a connection that wants anything else is handed to the web server with the
bytes it sent. The way through a web framework would cost an announce ten times as much.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

from ..errors import ProtocolViolation
from ..tracker.addresses import pack, unpack
from ..tracker.frames import accept_key
from .tracker_socket import TrackerSocket

if TYPE_CHECKING:
    from .tracker_server import TrackerServer

MAX_HEAD = 16 * 1024
MAX_UNSENT = 256 * 1024  # to somebody who asks again and again and does not read

_OURS = (b"GET /announce", b"GET /scrape")
_NOT_OURS = -1
_END = b"\r\n\r\n"
_OK = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncache-control: no-store\r\n"
    b"x-content-type-options: nosniff\r\ncontent-length: %d\r\n%b\r\n%b"
)
_CLOSE = b"connection: close\r\n"
_SWITCH = (
    b"HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\n"
    b"sec-websocket-accept: %b\r\n\r\n"
)
_REFUSED = (
    b"HTTP/1.1 %b\r\ncontent-type: text/plain\r\nconnection: close\r\ncontent-length: %d\r\n"
    b"%b\r\n%b"
)


class TrackerDoor(asyncio.Protocol):
    """A connection of which it is not known what it wants, or that wants to announce."""

    __slots__ = (
        "_admitted",
        "_buffer",
        "_peer",
        "_server",
        "_source",
        "_transport",
        "_web",
        "heard",
    )

    def __init__(self, server: TrackerServer, web: Callable[[], Any]) -> None:
        self._server = server
        self._web = web
        self._buffer = b""
        self._peer = ""
        self._source = b""
        self._admitted = False
        self.heard = 0  # in sweeps of the server
        self._transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Take the connection, or refuse it."""
        self._transport = cast(asyncio.Transport, transport)  # uvloop's is none by its class
        peer = transport.get_extra_info("peername")
        self._peer = str(peer[0]) if peer else ""
        if self._server.blocks(self._peer):
            self._transport.abort()
            return
        self._source = packed(self._peer)
        self.heard = self._server.sweeps
        self._admitted = self._server.admit(self._source)
        if self._admitted:
            self._server.doors.add(self)
        else:
            self._refuse(b"429 Too Many Requests", b"Too many connections.\n")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the connection."""
        self._leave()

    def close(self) -> None:
        """End the connection; asked again, also where the other side has not taken all we said."""
        if self._transport.is_closing():
            self._transport.abort()
        else:
            self._transport.close()

    def data_received(self, data: bytes) -> None:
        """Answer each request that is complete, as long as they are for the tracker."""
        if not self._admitted:
            return
        self._buffer += data
        answers: list[bytes] = []
        last = False
        while not last and (end := self._end()) > 0:
            answer, last = self._answer(self._buffer[: end + 2])
            if answer is None:
                end = _NOT_OURS
                break
            answers.append(answer)
            self._buffer = self._buffer[end + 4 :]
        if answers:
            self.heard = self._server.sweeps
            self._transport.write(answers[0] if len(answers) == 1 else b"".join(answers))
        if last:
            self._transport.close()
        elif end == _NOT_OURS:
            self._hand_over()
        elif self._transport.get_write_buffer_size() > MAX_UNSENT:
            self._transport.abort()

    def _end(self) -> int:
        """Where the first head ends: 0 if that is to be waited for, _NOT_OURS if no matter."""
        buffer = self._buffer
        if buffer.startswith(_OURS):
            end = buffer.find(_END)
            return end if end > 0 else 0 if len(buffer) <= MAX_HEAD else _NOT_OURS
        return 0 if any(prefix.startswith(buffer) for prefix in _OURS) else _NOT_OURS

    def _answer(self, head: bytes) -> tuple[bytes | None, bool]:
        """Answer a request; None if it is not for us. Also whether the connection ends with it."""
        gap = head.find(b" ", 11)
        path, _, query = head[4:gap].partition(b"?")
        rest = head[gap + 1 :].lower()
        if (
            not rest.startswith(b"http/1.")
            or b"\r\nupgrade:" in rest
            or b"\r\ncontent-length:" in rest
            or b"\r\ntransfer-encoding:" in rest
        ):
            return None, False
        server, source = self._server, self._source
        if server.behind_proxy:
            source = server.client(self._peer, source, _header(rest, b"x-forwarded-for"))
            if server.blocks(unpack(source)):
                return None, False  # the web server refuses it
        if path == b"/announce":
            body = server.tracker.announce_http(query, source, server.clock())
        elif path == b"/scrape":
            body = server.tracker.scrape_http(query, server.clock())
        else:
            return None, False
        if rest.startswith(b"http/1.1"):
            last = b"\r\nconnection: close" in rest
        else:
            last = b"\r\nconnection: keep-alive" not in rest
        return _OK % (len(body), _CLOSE if last else b"", body), last

    def _hand_over(self) -> None:
        """Give the connection to whom it is for, with what was not answered."""
        buffer, self._buffer = self._buffer, b""
        head, _, rest = buffer.partition(_END)
        if head.startswith(b"GET /announce") and _header(head, b"upgrade") == b"websocket":
            self._become_socket(head, rest)
            return
        self._leave()  # from here on, the web server minds it
        web = self._web()
        web.connection_made(self._transport)
        self._transport.set_protocol(web)
        web.data_received(buffer)

    def _become_socket(self, head: bytes, rest: bytes) -> None:
        target, _, _ = head[4:].partition(b" ")
        if target.partition(b"?")[0] != b"/announce":
            return self._refuse(b"404 Not Found", b"The tracker is at /announce.\n")
        headers = _headers(head)
        try:
            accept = accept_key(headers)
        except ProtocolViolation as error:
            version = b"sec-websocket-version: 13\r\n"
            return self._refuse(b"426 Upgrade Required", f"{error}\n".encode(), version)
        forwarded = headers.get(b"x-forwarded-for")
        source = self._server.client(self._peer, self._source, forwarded)
        if self._server.blocks(unpack(source)):
            return self._refuse(b"403 Forbidden", b"This address is blocked here.\n")
        # The connection stays admitted: its socket is dismissed in its place.
        self._server.doors.discard(self)
        self._admitted = False
        self._transport.write(_SWITCH % accept)
        end = TrackerSocket(self._server, self._transport, source, self._source)
        self._transport.set_protocol(end)
        if rest:
            end.data_received(rest)
        return None

    def _refuse(self, status: bytes, reason: bytes, header: bytes = b"") -> None:
        self._transport.write(_REFUSED % (status, len(reason), header, reason))
        self._transport.close()

    def _leave(self) -> None:
        if self._admitted:
            self._admitted = False
            self._server.doors.discard(self)
            self._server.dismiss(self._source)


def _header(head: bytes, name: bytes) -> bytes | None:
    """Return the last value of a header, in lower case."""
    _, found, rest = head.lower().rpartition(b"\r\n" + name + b":")
    return rest.partition(b"\r\n")[0].strip() if found else None


def _headers(head: bytes) -> dict[bytes, bytes]:
    lines = [line.partition(b":") for line in head.split(b"\r\n")[1:]]
    return {name.lower(): value.strip() for name, _, value in lines}


def packed(text: str) -> bytes:
    """Return an IP address as bytes; a socket of another kind is as good as this machine."""
    return pack(text) or b"\x7f\x00\x00\x01"
