"""The callee's end of one exchange: receive a message, answer it, notice that the caller left."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections.abc import Awaitable, Coroutine
from typing import Any, TypeVar

from ..tasks import cancel_all
from . import wire
from .membership import is_loopback

READ_BYTES = 64 * 1024
WRITE_HIGH_WATER = 256 * 1024
MAX_EXTRA = 64 * 1024  # bytes after the message that are read and thrown away

T = TypeVar("T")


class Connection:
    """The callee's end of one exchange."""

    def __init__(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        remote: str,
        idle_timeout: float,
    ) -> None:
        self.remote = remote
        self.gone = asyncio.Event()  # the caller closed, or closed its sending half
        self._waiting: asyncio.Timeout | None = None
        self._reader = reader
        self._writer = writer
        self._idle = idle_timeout
        writer.transport.set_write_buffer_limits(high=WRITE_HIGH_WATER)

    @property
    def is_local(self) -> bool:
        """Whether the caller is on this machine."""
        here = self._writer.get_extra_info("sockname")
        return is_loopback(self.remote) or (here is not None and here[0] == self.remote)

    async def receive(self) -> wire.Frame | None:
        """Return the caller's message, or None if it closed before sending a whole one.

        The whole message must come within the idle time-out, so trickling it gains nothing.
        Raises ProtocolViolation, TimeoutError, OSError.
        """
        decoder = wire.FrameDecoder(max_reply=wire.MAX_CONTROL)
        async with asyncio.timeout(self._idle):
            while (frame := decoder.next_frame()) is None:
                data = await self._reader.read(READ_BYTES)
                if not data:
                    return None
                decoder.feed(data)
        return frame

    async def reply(self, payload: bytes | memoryview | str) -> None:
        """Send one REPL; waits while the caller reads slowly. Raises TimeoutError, OSError."""
        data = payload.encode() if isinstance(payload, str) else payload
        await self._send(wire.REPLY, data)

    async def refuse(self, text: str) -> None:
        """Send the ERRO. Raises TimeoutError, OSError."""
        await self._send(wire.ERROR, text.encode()[: wire.MAX_CONTROL])

    async def _send(self, frame_type: str, payload: bytes | memoryview) -> None:
        if self._writer.is_closing():
            raise ConnectionResetError("the caller is gone")
        self._writer.writelines((wire.header(frame_type, len(payload)), payload))
        await self._drained()

    async def _drained(self) -> None:
        # A slow reader is patiently served as long as it takes anything at all.
        transport = self._writer.transport
        while True:
            before = transport.get_write_buffer_size()
            try:
                async with asyncio.timeout(self._idle):
                    await self._writer.drain()
                return
            except TimeoutError:
                if transport.get_write_buffer_size() >= before:
                    raise

    async def watch(self) -> None:
        """Notice that the caller leaves; anything it still sends is thrown away."""
        extra = 0
        try:
            while data := await self._reader.read(READ_BYTES):
                extra += len(data)
                if extra > MAX_EXTRA:
                    self.break_off()
                    break
        except OSError:
            pass
        finally:
            self.gone.set()
            if self._waiting is not None:
                self._waiting.reschedule(self._end_of_patience())

    async def wait_for(self, source: Awaitable[T]) -> T:
        """Await what is to be sent next, without end while the caller is there.

        A caller that has closed its sending half may still read, or may be gone: from then on,
        TimeoutError is raised after the idle time-out.
        """
        async with asyncio.timeout_at(self._end_of_patience()) as waiting:
            self._waiting = waiting
            try:
                return await source
            finally:
                self._waiting = None

    def _end_of_patience(self) -> float | None:
        if not self.gone.is_set():
            return None
        return asyncio.get_running_loop().time() + self._idle

    async def unless_gone(self, work: Coroutine[Any, Any, T]) -> T:
        """Await `work`, or give it up when the caller leaves: ConnectionResetError then."""
        task = asyncio.create_task(work)
        gone = asyncio.create_task(self.gone.wait())
        try:
            await asyncio.wait((task, gone), return_when=asyncio.FIRST_COMPLETED)
            if task.done():
                return task.result()
            raise ConnectionResetError("the caller is gone")
        finally:
            await cancel_all(task, gone)

    def break_off(self) -> None:
        """Break the connection so that the caller can tell it from an answer's end (RST)."""
        sock = self._writer.get_extra_info("socket")
        with contextlib.suppress(OSError):
            if sock is not None:
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()

    async def finish(self) -> None:
        """Close after what was sent has left. Raises TimeoutError where the caller won't read."""
        self._writer.close()
        transport = self._writer.transport
        closed = asyncio.ensure_future(self._writer.wait_closed())
        try:
            while True:
                before = transport.get_write_buffer_size()
                await asyncio.wait((closed,), timeout=self._idle)
                if closed.done():
                    return
                if transport.get_write_buffer_size() >= before:
                    raise TimeoutError("the caller does not read")
        finally:
            await cancel_all(closed)
