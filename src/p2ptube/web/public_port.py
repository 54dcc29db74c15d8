"""The port for strangers: web pages and the tracker over TCP, the tracker over UDP."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from ..config import Config
from ..errors import Conflict
from .connections import Door, guarded
from .listening import WebServer, listen
from .public_origin import is_loopback, is_near
from .tracker_server import TrackerServer

FLAG = "--public-port"
ANY_HOST = "::"
TRIES = 20  # for a number that is free in both TCP and UDP
PUBLIC_CONNECTIONS = 1000  # of the web pages; the tracker counts its own


class PublicPort:
    """A TCP and a UDP socket of one number. Raises Conflict where it is taken."""

    def __init__(self, host: str, port: int, flag: str = FLAG) -> None:
        self._web, self._udp = _pair(host, port, flag)
        self.port = self._web.port
        self._tracker: TrackerServer | None = None
        self._watch: asyncio.Task[None] | None = None

    async def start(
        self, app: Any, tracker: TrackerServer, tls: ssl.SSLContext | None = None
    ) -> None:
        """Serve `app` and the tracker; returns once both answer."""
        near = is_near if tracker.behind_proxy else is_loopback
        door = Door(near)
        self._watch = asyncio.create_task(door.watch())
        self._tracker = tracker
        await tracker.start(self._udp)
        protocol = tracker.protocol(guarded(H11Protocol, door))
        await self._web.start(app, PUBLIC_CONNECTIONS, protocol=protocol, tls=tls)

    async def stop(self) -> None:
        """Stop both."""
        if self._watch is not None:
            self._watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watch
        if self._tracker is not None:
            await self._tracker.stop()
        await self._web.stop()

    def close(self) -> None:
        """Close the sockets, of a port that was perhaps never started."""
        self._web.socket.close()
        self._udp.close()


def _pair(host: str, port: int, flag: str) -> tuple[WebServer, socket.socket]:
    for attempt in range(TRIES):
        web = WebServer(host, port, flag)
        try:
            return web, listen(host, web.port, flag, socket.SOCK_DGRAM)
        except Conflict:
            web.socket.close()
            if port or attempt == TRIES - 1:
                raise
    raise Conflict(f"no free port for {flag}")


def listening_host(config: Config) -> str:
    """Where the public port listens: at all addresses of IPv4 and IPv6, unless one was chosen."""
    chosen = "host" in config.model_fields_set or not socket.has_dualstack_ipv6()
    return config.host if chosen else ANY_HOST
