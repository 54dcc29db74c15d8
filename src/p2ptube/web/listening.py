"""Listening sockets, and a web server behind one."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import ssl
from collections.abc import Callable
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from ..errors import Conflict, InvalidInput

LOOPBACK = "127.0.0.1"
BACKLOG = 1024
WEB_STOP_SECONDS = 1  # for answers under way; then they are cut


class WebServer:
    """One listening socket with an ASGI app behind it."""

    def __init__(self, host: str, port: int, flag: str) -> None:
        self.socket = listen(host, port, flag)
        self.port: int = self.socket.getsockname()[1]
        self._server: uvicorn.Server | None = None
        self._task: asyncio.Task[None] | None = None

    async def start(
        self,
        app: Any,
        limit: int | None = None,
        *,
        protocol: Callable[..., Any] = H11Protocol,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Serve `app`, over TLS where a context is given; returns once requests are answered."""
        config = uvicorn.Config(
            app,
            http=cast(Any, protocol),
            ssl_context_factory=(lambda *_: tls) if tls else None,
            log_config=None,
            access_log=False,
            lifespan="off",
            ws="none",
            server_header=False,
            proxy_headers=False,  # nobody may choose the address that he comes from
            limit_concurrency=limit,
            timeout_graceful_shutdown=WEB_STOP_SECONDS,
        )
        config.load()
        self._server = uvicorn.Server(config)
        self._server.lifespan = config.lifespan_class(config)
        await self._server.startup(sockets=[self.socket])
        # `serve()` would take the process's signals, which belong to whoever runs the node.
        self._task = asyncio.create_task(self._server.main_loop(), name=f"web {self.port}")

    async def stop(self) -> None:
        """Stop listening, give answers under way a moment, then cut them."""
        if self._server is None or self._task is None:
            return
        self._server.should_exit = True
        await self._task
        await self._server.shutdown(sockets=[self.socket])


def listen(
    host: str, port: int, flag: str, kind: socket.SocketKind = socket.SOCK_STREAM
) -> socket.socket:
    """Listen at `port` (0: any free one). Raises Conflict, or InvalidInput for a bad `host`.

    `::` stands for all addresses, of IPv4 as well. With SOCK_DGRAM, it is a UDP socket.

    Connections wait in the backlog until the app serves them, so that nothing is refused while
    the node starts; libtorrent for one would try its tracker again only a minute later.
    """
    try:
        info = socket.getaddrinfo(host, port, type=kind, flags=socket.AI_PASSIVE)
    except OSError as error:
        raise InvalidInput(f"cannot listen at {host!r}: {error.strerror}") from error
    family, kind, protocol, _, address = info[0]
    sock = socket.socket(family, kind, protocol)
    stream = kind == socket.SOCK_STREAM
    try:
        # Elsewhere, and with UDP, it would let two programs share the port.
        if os.name == "posix" and stream:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if host == "::":
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        sock.bind(address)
        if stream:
            sock.listen(BACKLOG)
        sock.setblocking(False)
    except OSError as error:
        sock.close()
        taken = error.errno == errno.EADDRINUSE
        reason = "is in use" if taken else f"cannot be used ({error.strerror})"
        raise Conflict(f"port {port} {reason}: choose another with {flag} (0: any)") from error
    return sock
