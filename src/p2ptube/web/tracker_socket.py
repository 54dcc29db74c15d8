"""A WebSocket to the tracker: webtorrent in browsers, and libtorrent, meet their peers by it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from ..tracker.frames import FrameError, FrameReader, Opcode, close_frame, frame
from ..tracker.signalling import Channel
from ..tracker.websocket import MAX_MESSAGE

if TYPE_CHECKING:
    from .tracker_server import TrackerServer

MAX_UNSENT = 1024 * 1024  # bytes; who leaves more unread is cut off
PING_SWEEPS = 12  # of the server, in which nothing was heard: one minute
DEAD_SWEEPS = 36


class TrackerSocket(Channel, asyncio.Protocol):
    """One connection. Its peers leave their swarms when it closes."""

    __slots__ = ("_frames", "_peer", "_server", "_transport", "heard")

    def __init__(
        self, server: TrackerServer, transport: asyncio.Transport, source: bytes, peer: bytes
    ) -> None:
        """`source` is who announces, `peer` the address of the connection: a proxy's, maybe."""
        super().__init__(source)
        self._server = server
        self._transport = transport
        self._peer = peer
        self._frames = FrameReader(MAX_MESSAGE)
        self.heard = server.sweeps
        server.sockets.add(self)

    def data_received(self, data: bytes) -> None:
        """Take the messages that are complete."""
        self.heard = self._server.sweeps
        try:
            for opcode, payload in self._frames.feed(data):
                self._take(opcode, payload)
                if self._transport.is_closing():
                    return
        except FrameError as error:
            self.close(error.code, str(error))
        except UnicodeDecodeError:
            self.close(1007, "not UTF-8")

    def connection_lost(self, exc: Exception | None) -> None:
        """Take the peers of this connection out of their swarms."""
        self._server.sockets.discard(self)
        self._server.dismiss(self._peer)
        self._server.tracker.closed(self)

    def send(self, message: bytes) -> None:
        """Send a text message. Whoever does not read is cut off: others' memory pays for it."""
        self._write(frame(Opcode.TEXT, message))

    def close(self, code: int, reason: str = "") -> None:
        """Close the connection with a status code (RFC 6455, section 7.4)."""
        self._write(close_frame(code, reason))
        self._transport.close()

    def look_after(self, silent: int, now: float) -> None:
        """Forget what is old; ping who is silent for a minute, cut off who is for three."""
        self.tidy(now)
        if silent >= DEAD_SWEEPS:
            self._transport.abort()
        elif silent >= PING_SWEEPS:
            self._write(frame(Opcode.PING, b""))

    def _take(self, opcode: Opcode, payload: bytes) -> None:
        if opcode is Opcode.PING:
            self._write(frame(Opcode.PONG, payload))
        elif opcode is Opcode.CLOSE:
            self._write(frame(Opcode.CLOSE, payload[:2]))
            self._transport.close()
        elif opcode is not Opcode.PONG:
            # Some clients send their JSON as binary.
            self._server.tracker.message(payload.decode(), self, self._server.clock())

    def _write(self, data: bytes) -> None:
        if self._transport.is_closing():
            return
        self._transport.write(data)
        if self._transport.get_write_buffer_size() > MAX_UNSENT:
            self._transport.abort()
