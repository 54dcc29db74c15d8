"""The peers this node knows: joined at the start, remembered for the next, found on the LAN."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from ..config import Config
from ..errors import InvalidInput, P2PTubeError
from ..library import Library
from ..models import PeerAddress
from ..overlay.lan import LanDiscovery
from ..overlay.membership import KnownPeer
from ..overlay.peer import Peer
from ..tasks import cancel_all
from .peer_records import known_of, record_of

log = logging.getLogger(__name__)

# A classic peer's list may change many times while a network is built.
SAVE_SECONDS = 0.5
JOIN_AGAIN_SECONDS = 5.0
SETTLE_SECONDS = 3.0
USUAL_PORT = 5678
MOST_HOPS = 10


class Acquaintances:
    """Looks after the overlay peer's list on behalf of the node."""

    def __init__(self, peer: Peer, library: Library, config: Config, key: bytes) -> None:
        self._peer = peer
        self._library = library
        self._config = config
        self._key = key
        self._lan: LanDiscovery | None = None
        self._dirty = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()
        self._first_joins: list[asyncio.Event] = []
        self.on_change: Callable[[], None] = lambda: None

    async def restore(self) -> None:
        """Hand the peers of the last run to the overlay, before it starts."""
        records = await self._library.all_peers()
        self._peer.restore([known_of(record) for record in records])
        self._peer.on_change = self._changed

    async def start(self) -> None:
        """Join whom the user named, and announce ourselves on the local network."""
        self._spawn(self._save_forever())
        for text in self._config.join:
            self._first_joins.append(asyncio.Event())
            self._spawn(self._join_until_met(parse_address(text), self._first_joins[-1]))
        if self._config.lan and not self._config.discreet:
            self._lan = LanDiscovery(
                self._peer.address, self._key, lambda found: self._spawn(self._join(found))
            )
            await self._lan.start()

    async def stop(self) -> None:
        """Save the list and leave the local network's listing."""
        await cancel_all(*self._tasks)
        if self._lan is not None:
            await self._lan.stop()
        await self._save()

    async def settle(self) -> None:
        """Wait, within bounds, until whom the user named was tried: before, a search is vain."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_SECONDS):
                for tried in self._first_joins:
                    await tried.wait()

    async def add(self, text: str) -> KnownPeer:
        """Join one peer by its address."""
        return await self._peer.add(parse_address(text))

    async def rebuild(self, text: str | None, hops: int | None) -> list[KnownPeer]:
        """Forget all peers and build the list anew."""
        if hops is not None and not 0 <= hops <= MOST_HOPS:
            raise InvalidInput(f"hops must be 0 to {MOST_HOPS}")
        address = parse_address(text) if text else None
        return await self._peer.rebuild(address, hops)

    async def _join_until_met(self, address: PeerAddress, tried: asyncio.Event) -> None:
        met = await self._join(address)
        tried.set()
        while not met:
            # The peer that a user named may be started after ours; nothing tells when.
            await asyncio.sleep(JOIN_AGAIN_SECONDS)
            met = await self._join(address)

    async def _join(self, address: PeerAddress) -> bool:
        try:
            await self._peer.join(address)
        except P2PTubeError as error:
            log.warning("cannot join %s: %s", address, error)
            return False
        return True

    def _changed(self) -> None:
        self._dirty.set()
        self.on_change()

    async def _save_forever(self) -> None:
        while True:
            await self._dirty.wait()
            await asyncio.sleep(SAVE_SECONDS)
            self._dirty.clear()
            await self._save()

    async def _save(self) -> None:
        with contextlib.suppress(P2PTubeError):
            await self._library.put_peers([record_of(peer) for peer in self._peer.peers()])

    def _spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def parse_address(text: str) -> PeerAddress:
    """Parse an address that a user typed; the usual port may be left out. Raises InvalidInput."""
    text = text.strip()
    if not text:
        raise InvalidInput("an address of the form host:port is needed")
    if text.endswith("]") or ":" not in text:
        text += f":{USUAL_PORT}"
    return PeerAddress.parse(text)
