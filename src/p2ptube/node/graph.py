"""The picture of the network: ourselves, the peers we know, and whom they know."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable

from ..errors import P2PTubeError
from ..overlay.membership import KnownPeer, is_loopback
from ..overlay.messages import PeerEntry
from ..overlay.peer import Peer
from ..tasks import cancel_all
from .catalog import Catalog
from .views import GraphNode, PeerGraphView

log = logging.getLogger(__name__)

ASK_SECONDS = 2.0
ASKED_TOGETHER = 64
FRESH_SECONDS = 3.0
MOST_NODES = 500
MOST_LINKS = 5_000


class Graph:
    """Asks the known peers whom they know, and remembers the answer for a moment.

    `own_name` and `own_videos` tell of ourselves.
    """

    def __init__(
        self,
        peer: Peer,
        catalog: Catalog,
        own_name: Callable[[], str],
        own_videos: Callable[[], int],
    ) -> None:
        self._peer = peer
        self._catalog = catalog
        self._own_name = own_name
        self._own_videos = own_videos
        self._asking = asyncio.Lock()
        self._lists: dict[str, list[PeerEntry]] = {}
        self._asked_at = float("-inf")
        self._asked: frozenset[str] = frozenset()

    async def view(self) -> PeerGraphView:
        """The network as far as we see it, within two seconds."""
        async with self._asking:
            ids = frozenset(peer.id for peer in self._peer.peers())
            if ids != self._asked or time.monotonic() - self._asked_at > FRESH_SECONDS:
                self._lists = await self._ask_all(self._peer.peers()[: MOST_NODES - 1])
                self._asked, self._asked_at = ids, time.monotonic()
        return self._draw()

    async def _ask_all(self, peers: Iterable[KnownPeer]) -> dict[str, list[PeerEntry]]:
        gate = asyncio.Semaphore(ASKED_TOGETHER)
        lists: dict[str, list[PeerEntry]] = {}

        async def ask(peer: KnownPeer) -> None:
            async with gate:
                try:
                    entries = await self._peer.neighbours_of(peer.address)
                except P2PTubeError as error:
                    log.debug("%s does not tell whom it knows: %s", peer.id, error)
                    return
            lists[peer.id] = [entry for entry in entries if _may_be(entry, peer)]

        asking = [asyncio.create_task(ask(peer)) for peer in peers]
        try:
            if asking:
                await asyncio.wait(asking, timeout=ASK_SECONDS)
        finally:
            await cancel_all(*asking)
        return lists

    def _draw(self) -> PeerGraphView:
        own_id = str(self._peer.address)
        known = self._peer.peers()[: MOST_NODES - 1]
        held = self._catalog.held()
        nodes = {
            own_id: GraphNode(
                id=own_id, name=self._own_name(), kind="self", videos=self._own_videos()
            )
        }
        for peer in known:
            nodes[peer.id] = GraphNode(
                id=peer.id, name=peer.name, kind=peer.kind.value, videos=held[peer.id]
            )
        # A peer may be known to others by the address at which we dial it.
        names = {str(peer.address): peer.id for peer in known}
        links = dict.fromkeys((own_id, peer.id) for peer in known)
        for peer in known:
            for entry in self._lists.get(peer.id, ()):
                other = entry.peer_id
                if other not in nodes:
                    other = names.get(str(entry.address), other)
                if other not in nodes and len(nodes) < MOST_NODES:
                    nodes[other] = GraphNode(id=other, name="", kind="unknown", videos=held[other])
                new = other in nodes and other != peer.id and (other, peer.id) not in links
                if new and len(links) < MOST_LINKS:
                    links[peer.id, other] = None
        return PeerGraphView(nodes=tuple(nodes.values()), links=tuple(links))


def _may_be(entry: PeerEntry, told_by: KnownPeer) -> bool:
    """A loopback address that another machine tells is none of our machine's peers."""
    return is_loopback(told_by.address.host) or not is_loopback(entry.address.host)
