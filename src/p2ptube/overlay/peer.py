"""The Peer: it listens, answers, keeps its list of peers, and asks others for the node."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterable
from contextlib import aclosing
from dataclasses import replace
from typing import Any

from ..errors import NotFound, P2PTubeError, PeerRefused
from ..models import Found, PeerAddress
from ..network import Blocked
from ..tasks import cancel_all
from . import messages as m
from .client import Client
from .connection import Connection
from .content import Content
from .finder import Finder
from .handlers import Handler, Handlers
from .membership import KnownPeer, Membership, Ourselves
from .neighbours import Neighbours
from .settings import PeerSettings
from .transport import Dialler, Listener, advertised_host
from .wire import MAX_REPLY

log = logging.getLogger(__name__)

_NO_KEY = bytes(32)


class Peer:
    """One peer of the overlay. Everything runs in the event loop that `start` is awaited in.

    `on_change` is called, without arguments, whenever the list of known peers has changed.
    """

    def __init__(
        self,
        settings: PeerSettings,
        content: Content,
        *,
        on_change: Callable[[], None] | None = None,
    ) -> None:
        self.on_change = on_change
        self._settings = settings
        self._members = Membership(settings.max_peers, settings.max_failures)
        self._dialler = Dialler(settings)
        self._client = Client(settings, self._dialler)
        self._listener = Listener(settings, self._serve)
        self._tasks: set[asyncio.Task[None]] = set()
        self._neighbours = Neighbours(settings, self._client, self._members, self._changed)
        self._finder = Finder(settings, self._client, self._members, content, self._spawn)
        self._handlers = Handlers(self, self._members, content, self._finder).table
        self._address: PeerAddress | None = None
        self.our_hello = m.Hello(peer="", key=settings.key)

    # ---- life -----------------------------------------------------------------------------

    async def start(self) -> PeerAddress:
        """Listen, and return our address: its text is our peer id. Raises Conflict."""
        port = await self._listener.start()
        host = advertised_host(self._settings.host)
        address = self._address = PeerAddress(host, port)
        self._members.set_ourselves(Ourselves.bound_to(self._settings.host, address))
        self._finder.our_address = address
        self._neighbours.entry = m.PeerEntry(str(address), address)
        self._introduce()
        self._spawn(self._neighbours.stabilize_forever())
        if len(self._members):
            self._spawn(self._neighbours.greet_restored())
        log.info("overlay peer %s listens", address)
        return address

    async def stop(self) -> None:
        """Say QUIT to the known peers (a second at most), then close everything."""
        if self._address is None:
            return
        await cancel_all(*self._tasks)
        await self._neighbours.quit_all()
        self._dialler.stop()
        await self._listener.stop()
        # A handler that was just ending may have left work behind.
        await cancel_all(*self._tasks)
        self._address = None

    @property
    def address(self) -> PeerAddress:
        """Our address, and by its text our peer id. Raises NotFound unless started."""
        if self._address is None:
            raise NotFound("the overlay peer is not running")
        return self._address

    def announce(
        self,
        *,
        name: str | None = None,
        swarm_port: int | None = None,
        public_url: str | None = None,
    ) -> None:
        """Change what HELO tells of us; what is None stays."""
        given = {"name": name, "swarm_port": swarm_port, "public_url": public_url}
        changes: dict[str, Any] = {k: v for k, v in given.items() if v is not None}
        self._settings = replace(self._settings, **changes)
        self._introduce()

    def block(self, blocked: Blocked) -> None:
        """Have nothing to do with these addresses, from now on; connections to them end."""
        self._listener.block(blocked)
        self._dialler.block(blocked)

    def _introduce(self) -> None:
        settings, nameless = self._settings, self._settings.nameless
        self.our_hello = self._neighbours.hello = m.Hello(
            peer=str(self._address or ""),
            name="" if nameless else settings.name[:100],
            key=_NO_KEY if nameless else settings.key,
            swarm_port=settings.swarm_port,
            public_url=settings.public_url,
        )

    # ---- the list of peers ----------------------------------------------------------------

    def peers(self) -> list[KnownPeer]:
        """Return the known peers."""
        return self._members.peers()

    def restore(self, peers: Iterable[KnownPeer | PeerAddress]) -> None:
        """Take in peers of an earlier run; they are joined in the background."""
        self._members.restore(peers)
        if self._address is not None:
            self._spawn(self._neighbours.greet_restored())

    async def add(self, address: PeerAddress) -> KnownPeer:
        """Join one peer: NAME, JOIN, then HELO to learn its kind.

        Raises PeerUnreachable, PeerRefused, ProtocolViolation, Conflict (it is ourselves, or
        the list is full), InvalidInput.
        """
        return await self._neighbours.add(address)

    async def join(self, address: PeerAddress, hops: int | None = None) -> list[KnownPeer]:
        """Join a peer and, depth-first, those that it lists; return whom we joined.

        `hops` counts the peers on the way: 1 joins `address` alone. A listed peer that is dead
        is skipped. Raises like `add` where nobody could be joined.
        """
        return await self._neighbours.join([address], self._hops(hops))

    async def neighbours_of(self, address: PeerAddress) -> list[m.PeerEntry]:
        """Ask a peer whom it knows (LIST), a thousand at most.

        Raises PeerUnreachable, PeerRefused, ProtocolViolation.
        """
        return await self._client.list(address)

    async def remove(self, peer_id: str) -> None:
        """Forget a peer and tell it so (QUIT). Raises NotFound."""
        await self._neighbours.remove(peer_id)

    async def refresh(self) -> list[KnownPeer]:
        """Probe all known peers now, drop those that do not answer, return the others."""
        await self._neighbours.refresh()
        return self.peers()

    async def rebuild(
        self, address: PeerAddress | None = None, hops: int | None = None
    ) -> list[KnownPeer]:
        """Forget all peers and join anew, from `address` or else from the former ones.

        Where nobody answers, the old list is kept and the failure raised, like `join`; NotFound
        where there is no peer to begin with.
        """
        await self._neighbours.rebuild(address, self._hops(hops))
        return self.peers()

    def _hops(self, hops: int | None) -> int:
        return self._settings.hops if hops is None else hops

    # ---- messages -------------------------------------------------------------------------

    def handle(self, frame_type: str, handler: Handler) -> None:
        """Answer messages of a further type. Messages of unknown types get no answer."""
        self._handlers[frame_type.upper()] = handler

    async def connect_and_send(
        self,
        address: PeerAddress,
        frame_type: str,
        payload: bytes = b"",
        *,
        max_bytes: int = MAX_REPLY,
        timeout: float | None = None,
    ) -> list[bytes]:
        """Send a message and return the payloads of the REPLs. `timeout` is idle seconds.

        Raises PeerRefused on ERRO, PeerUnreachable, ProtocolViolation.
        """
        return await self._client.request(
            address, frame_type, payload, max_bytes=max_bytes, timeout=timeout
        )

    async def hello(self, address: PeerAddress) -> m.Hello:
        """Ask a peer who it is. Raises PeerRefused where it is a classic one, PeerUnreachable."""
        hello = await self._client.hello(address, self.our_hello)
        if hello is None:
            raise PeerRefused(f"{address} speaks the classic protocol only")
        return hello

    async def fetch_file(self, address: PeerAddress, name: str) -> AsyncGenerator[bytes, None]:
        """Yield the bytes of a file that a peer offers (FGET).

        Raises PeerRefused (`File not found`, `Error reading file`), PeerUnreachable, ...
        """
        async with aclosing(self._client.fetch_file(address, name)) as chunks:
            async for chunk in chunks:
                yield chunk

    async def fetch_metadata(self, address: PeerAddress, info_hash: str) -> bytes:
        """Return a torrent's bencoded info dictionary, whose SHA-1 was checked (META).

        Raises BadSignature, PeerRefused, PeerUnreachable, ProtocolViolation, InvalidInput.
        """
        return await self._client.fetch_metadata(address, info_hash)

    async def fetch_blob(self, address: PeerAddress, sha256: str) -> bytes:
        """Return an attachment, whose SHA-256 was checked (BLOB). Raises as above."""
        return await self._client.fetch_blob(address, sha256)

    async def announce_torrent(self, address: PeerAddress, message: m.Announce) -> m.Announced:
        """Tell a peer that we fetch a torrent, and learn who else does (ANNO).

        Raises PeerRefused where it does not serve that torrent, PeerUnreachable,
        ProtocolViolation.
        """
        return await self._client.announce(address, message)

    # ---- search ---------------------------------------------------------------------------

    async def find(
        self,
        text: str,
        *,
        ttl: int = 3,
        limit: int = 100,
        most: int | None = None,
        query_id: str | None = None,
        at: PeerAddress | None = None,
    ) -> AsyncGenerator[Found, None]:
        """Search the network; yield verified answers as they come, until all have answered.

        Everybody is asked for `limit` videos; `most` (by default `limit`) is how many come in all.
        An empty text asks for the newest. With `at` only that peer is asked, which need not be a
        known one.

        A video comes again when further holders of it turn up, with those. Classic peers that
        p2ptube peers know are asked as well; they answer to `Content.on_response`. Closing the
        generator closes all connections. Raises InvalidInput.
        """
        query_id = query_id or secrets.token_hex(16)
        search = self._finder.find(text, ttl, limit, query_id, at=at, most=most)
        async with aclosing(search) as answers:
            async for found in answers:
                yield found

    async def search_classic(self, key: str, ttl: int = 3) -> None:
        """Send QUER to our own classic peers; answers come to `Content.on_response`, later.

        Raises InvalidInput where the key is empty or too long.
        """
        await self._finder.search_classic(key, ttl)

    # ---- for the handlers -----------------------------------------------------------------

    def peer_added(self, peer_id: str) -> None:
        """A peer has joined us: learn in the background what it is."""
        self._changed()
        self._spawn(self._neighbours.learn(peer_id))

    def list_changed(self) -> None:
        """A peer has left us."""
        self._changed()

    # ---- machinery ------------------------------------------------------------------------

    async def _serve(self, connection: Connection) -> None:
        frame = await connection.receive()
        handler = self._handlers.get(frame.type) if frame is not None else None
        if frame is None or handler is None:
            return
        watching = asyncio.create_task(connection.watch())
        try:
            await handler(connection, frame.payload)
        finally:
            await cancel_all(watching)

    def _changed(self) -> None:
        if self.on_change is not None:
            self.on_change()

    def _spawn(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._over)
        return task

    def _over(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        fault = None if task.cancelled() else task.exception()
        if isinstance(fault, P2PTubeError):
            log.debug("work in the background ended: %s", fault)
        elif fault is not None:
            log.error("work in the background failed", exc_info=fault)
