"""The sockets of the overlay: a listener that accepts exchanges, a dialler that begins them.

One exchange per TCP connection; its end is the answer's end. Nothing here knows what a message
means.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable

import ifaddr

from ..errors import Conflict, PeerRefused, PeerUnreachable, ProtocolViolation
from ..models import PeerAddress
from ..network import Blocked
from ..tasks import cancel_all
from . import wire
from .connection import Connection
from .dialling import READ_BYTES, connect
from .membership import is_loopback
from .settings import PeerSettings

log = logging.getLogger(__name__)

BACKLOG = 1024
CLOSE_TIMEOUT = 1.0  # seconds
_WILDCARDS = {"", "0.0.0.0", "::"}  # noqa: S104  compared with, not bound to


class Listener:
    """Accepts connections and runs `serve` on each, within the caps."""

    def __init__(
        self, settings: PeerSettings, serve: Callable[[Connection], Awaitable[None]]
    ) -> None:
        self._settings = settings
        self._serve = serve
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._writers: set[asyncio.StreamWriter] = set()
        self._per_address: Counter[str] = Counter()
        self._blocked = settings.blocked

    @property
    def active(self) -> int:
        """Exchanges being served now."""
        return len(self._tasks)

    async def start(self) -> int:
        """Listen, and return the port. Raises Conflict where that is not possible."""
        settings = self._settings
        try:
            sock = await _bound_socket(settings.host, settings.port)
            self._server = await asyncio.start_server(
                self._accepted, sock=sock, backlog=BACKLOG, limit=wire.MAX_CONTROL
            )
        except (OSError, UnicodeError) as error:
            where = f"{settings.host}:{settings.port}"
            raise Conflict(f"cannot listen on {where}: {error}") from error
        port: int = sock.getsockname()[1]
        return port

    async def stop(self) -> None:
        """Close the listener and every connection; waits until all are over."""
        server, self._server = self._server, None
        if server is not None:
            server.close()
        await cancel_all(*self._tasks)
        for writer in tuple(self._writers):
            writer.transport.abort()
        if server is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_TIMEOUT):
                    await server.wait_closed()

    def block(self, blocked: Blocked) -> None:
        """Let nobody in from these addresses, from now on; who is in is cut off."""
        self._blocked = blocked
        _cut_off(self._writers, blocked)

    def _accepted(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        name = writer.get_extra_info("peername")
        remote = name[0] if name else ""
        settings = self._settings
        if (
            self._server is None
            or self._blocked.covers(remote)
            or len(self._tasks) >= settings.max_connections
            or self._per_address[remote] >= settings.max_connections_per_address
        ):
            writer.transport.abort()
            return
        self._per_address[remote] += 1
        self._writers.add(writer)
        connection = Connection(reader, writer, remote, settings.idle_timeout)
        task = asyncio.create_task(self._run(connection, writer))
        self._tasks.add(task)
        task.add_done_callback(lambda done: self._over(done, writer, remote))

    async def _run(self, connection: Connection, writer: asyncio.StreamWriter) -> None:
        whole = False
        try:
            await self._serve(connection)
            if not writer.is_closing():
                await connection.finish()
            whole = True
        except (ProtocolViolation, TimeoutError, OSError) as fault:
            log.debug("exchange with %s ended: %r", connection.remote, fault)
        except Exception:
            log.exception("could not serve %s", connection.remote)
        finally:
            # Whatever ends an answer early, the caller must not take the part for the whole.
            if not whole:
                connection.break_off()
            writer.transport.abort()

    def _over(self, task: asyncio.Task[None], writer: asyncio.StreamWriter, remote: str) -> None:
        self._tasks.discard(task)
        self._writers.discard(writer)
        # Cancelled before its first step, the task could not close the connection itself.
        writer.transport.abort()
        self._per_address[remote] -= 1
        if not self._per_address[remote]:
            del self._per_address[remote]


class Dialler:
    """The caller's end: one exchange per connection, all of them broken off by `stop`."""

    def __init__(self, settings: PeerSettings) -> None:
        self._settings = settings
        self._writers: set[asyncio.StreamWriter] = set()
        self._blocked = settings.blocked
        self._stopped = False

    @property
    def active(self) -> int:
        """Connections that are open now."""
        return len(self._writers)

    def stop(self) -> None:
        """Break off every exchange; whoever waits for an answer gets PeerUnreachable."""
        self._stopped = True
        for writer in tuple(self._writers):
            writer.transport.abort()

    def block(self, blocked: Blocked) -> None:
        """Connect to none of these addresses, from now on; connections to them are broken off."""
        self._blocked = blocked
        _cut_off(self._writers, blocked)

    async def exchange(
        self,
        address: PeerAddress,
        frame_type: str,
        payload: bytes = b"",
        *,
        idle_timeout: float | None = None,
    ) -> AsyncGenerator[bytes, None]:
        """Send one message and yield the payload of each REPL until the peer closes.

        Replies of other types are ignored. Raises PeerRefused (the text of the ERRO),
        PeerUnreachable (no connection, broken, nothing for `idle_timeout` seconds, closed within
        a frame), ProtocolViolation, InvalidInput (the message is too long).
        """
        message = wire.encode(frame_type, payload)
        idle = self._settings.idle_timeout if idle_timeout is None else idle_timeout
        reader, writer = await self._connect(address)
        decoder = wire.FrameDecoder()
        try:
            await _write(writer, message, idle)
            while data := await _read(reader, address, idle):
                decoder.feed(data)
                while (frame := decoder.next_frame()) is not None:
                    if frame.type == wire.REPLY:
                        yield frame.payload
                    elif frame.type == wire.ERROR:
                        raise PeerRefused(_printable(frame.payload))
            if self._stopped:  # our own end of the connection looks like the peer's
                raise PeerUnreachable("this peer was stopped")
            if decoder.buffered:
                raise PeerUnreachable(f"{address} closed in the middle of a message")
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def send(self, address: PeerAddress, frame_type: str, payload: bytes = b"") -> None:
        """Send one message and close, as the classic liveness probe does.

        Raises PeerUnreachable.
        """
        _, writer = await self._connect(address)
        try:
            writer.write(wire.encode(frame_type, payload))
            writer.close()
            async with asyncio.timeout(self._settings.probe_timeout):
                await writer.wait_closed()
        except (OSError, TimeoutError) as error:
            raise PeerUnreachable(f"{address} broke the connection: {error}") from error
        finally:
            self._writers.discard(writer)
            writer.transport.abort()

    async def _connect(
        self, address: PeerAddress
    ) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._stopped:
            raise PeerUnreachable("this peer was stopped")
        reader, writer = await connect(
            address,
            timeout=self._settings.connect_timeout,
            proxy=self._settings.proxy,
            blocked=self._blocked,
        )
        self._writers.add(writer)
        if self._stopped:
            writer.transport.abort()
        return reader, writer


def _cut_off(writers: Iterable[asyncio.StreamWriter], blocked: Blocked) -> None:
    for writer in tuple(writers):
        name = writer.get_extra_info("peername")
        if name and blocked.covers(name[0]):
            writer.transport.abort()


async def _write(writer: asyncio.StreamWriter, message: bytes, idle: float) -> None:
    # A peer that refuses at once may have closed before it read all: its answer counts.
    writer.write(message)
    with contextlib.suppress(OSError, TimeoutError):
        async with asyncio.timeout(idle):
            await writer.drain()


async def _read(reader: asyncio.StreamReader, address: PeerAddress, idle: float) -> bytes:
    try:
        async with asyncio.timeout(idle):
            return await reader.read(READ_BYTES)
    except TimeoutError as error:
        raise PeerUnreachable(f"{address} sent nothing for {idle:g} s") from error
    except OSError as error:
        raise PeerUnreachable(f"{address} broke the connection: {error}") from error


def _printable(payload: bytes) -> str:
    text = payload[:500].decode(errors="replace")
    return "".join(c if c.isprintable() else " " for c in text).strip() or "refused"


async def _bound_socket(host: str, port: int) -> socket.socket:
    # One socket of our own: start_server would bind a name to several, each with its own port.
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(
        host or "0.0.0.0",  # noqa: S104  an empty host means every interface
        port,
        type=socket.SOCK_STREAM,
        flags=socket.AI_PASSIVE,
    )
    family, kind, proto, _, where = sorted(found, key=lambda f: f[0] != socket.AF_INET)[0]
    sock = socket.socket(family, kind, proto)
    try:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.setblocking(False)
        sock.bind(where)
    except OSError:
        sock.close()
        raise
    return sock


def advertised_host(bound_host: str) -> str:
    """Return the host by which others reach a listener on `bound_host`.

    For a wildcard: the address of the interface that leads to the internet, else of any other
    interface, else 127.0.0.1. Never raises, sends nothing.
    """
    if bound_host not in _WILDCARDS:
        return "127.0.0.1" if bound_host.lower() == "localhost" else bound_host
    # Connecting a UDP socket only looks up the route. Documentation addresses: RFC 5737, 3849.
    routes = [(socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")]
    for family, target in routes if bound_host == "::" else routes[:1]:
        with contextlib.suppress(OSError), socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.connect((target, 9))
            host: str = probe.getsockname()[0]
            if not is_loopback(host):
                return host
    return _interface_host() or "127.0.0.1"


def _interface_host() -> str | None:
    # A network without a default route, such as a cable between two machines.
    with contextlib.suppress(OSError):
        for adapter in ifaddr.get_adapters():
            for ip in adapter.ips:
                if isinstance(ip.ip, str) and not is_loopback(ip.ip):
                    return ip.ip
    return None
