"""Whoever fetches a video tells its holders, and learns of them who else does (ANNO).

Those who fetch the same video at the same time know of each other after two round trips, and can
share out among them what they ask of those who have it all.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import chain, repeat

from ..errors import P2PTubeError
from ..models import Holder, PeerAddress
from ..overlay.leechers import Leechers
from ..overlay.messages import MAX_LEECHERS, Announce, Announced
from ..overlay.peer import Peer
from ..swarm import Session, Torrent
from .catalog import Catalog

log = logging.getLogger(__name__)

HOLDERS_TOLD = 8
AGAIN_SECONDS = 30.0
# A fetch waits that long for the first answers: a player is waiting, too.
PATIENCE_SECONDS = 0.3
FAREWELL_SECONDS = 2.0
# libtorrent dials those that are named later once a second, and at once only for a torrent that is
# new. So who comes dials those that have been there for so long, and they leave it to him.
SETTLED_SECONDS = 2.0


@dataclass
class _Fetch:
    torrent: Torrent
    began: float
    answered: asyncio.Event = field(default_factory=asyncio.Event)
    told: set[str] = field(default_factory=set)  # the ids of peers
    lane: bool = True
    tasks: set[asyncio.Task[None]] = field(default_factory=set)


class Announcing:
    """Announces the fetches under way, and answers those who announce theirs."""

    def __init__(
        self, session: Session, peer: Peer, catalog: Catalog, ourselves: Callable[[], Holder]
    ) -> None:
        self._session = session
        self._peer = peer
        self._catalog = catalog
        self._ourselves = ourselves
        self._leechers = Leechers()
        self._fetches: dict[str, _Fetch] = {}
        self._farewells: set[asyncio.Task[None]] = set()

    def take(self, message: Announce, remote: str) -> Announced:
        """A peer at the address `remote` fetches a torrent: return who else does."""
        video_id, ourselves, now = message.info_hash, self._ourselves(), time.monotonic()
        is_new = message.peer not in {leecher.peer for leecher in self._leechers.of(video_id, now)}
        changed = message.peer != ourselves.peer and self._leechers.take(message, remote, now)
        fetch = self._fetches.get(video_id)
        if fetch is not None and changed:
            self._changed(video_id, fetch)
            if is_new and not message.stopped:
                swarm = PeerAddress(remote, message.port)
                wait = SETTLED_SECONDS if now - fetch.began >= SETTLED_SECONDS else 0.0
                self._meet(video_id, fetch, message.peer, swarm, wait)
        others = [x for x in self._leechers.of(video_id, now) if x.peer != message.peer]
        told = [(leecher.as_holder(), now - leecher.since, leecher.lane) for leecher in others]
        if fetch is not None and ourselves.swarm:
            told.insert(0, (ourselves, now - fetch.began, fetch.lane))
        told = told[:MAX_LEECHERS]
        return Announced(
            complete=fetch is None,
            leechers=tuple(holder for holder, _, _ in told),
            ages=tuple(round(age, 1) for _, age, _ in told),
            lanes=tuple(lane for _, _, lane in told),
        )

    async def keep(self, video_id: str, torrent: Torrent) -> None:
        """Announce a fetch, again and again, until this is cancelled."""
        if not self._ourselves().swarm:
            return
        fetch = self._fetches[video_id] = _Fetch(torrent, time.monotonic())
        torrent.scheduling.on_behind = lambda: self._leave_lane(video_id, fetch)
        self._changed(video_id, fetch)
        try:
            while True:
                await self._tell_all(video_id, fetch)
                fetch.answered.set()
                await asyncio.sleep(AGAIN_SECONDS)
        finally:
            del self._fetches[video_id]
            for task in fetch.tasks:
                task.cancel()
            farewell = asyncio.create_task(self._say_farewell(video_id, list(fetch.told)))
            self._farewells.add(farewell)
            farewell.add_done_callback(self._farewells.discard)

    async def first(self, video_id: str) -> None:
        """Wait, but not for long, until the holders of a video have told who else fetches it."""
        fetch = self._fetches.get(video_id)
        if fetch is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(PATIENCE_SECONDS):
                    await fetch.answered.wait()

    async def stop(self) -> None:
        """Let the last farewells be said."""
        await asyncio.gather(*self._farewells, return_exceptions=True)

    # --- telling -------------------------------------------------------------------------------

    async def _tell_all(self, video_id: str, fetch: _Fetch) -> None:
        told = {holder.peer for holder in self._catalog.holders(video_id)[:HOLDERS_TOLD]}
        told |= {leecher.peer for leecher in self._leechers.of(video_id, time.monotonic())}
        fetch.told.clear()
        for peer in told:
            self._tell(video_id, fetch, peer)
        await asyncio.gather(*fetch.tasks)
        self._changed(video_id, fetch)  # some may have expired

    def _tell(self, video_id: str, fetch: _Fetch, peer: str) -> None:
        if peer in fetch.told or peer == self._ourselves().peer:
            return
        fetch.told.add(peer)
        task = asyncio.create_task(self._tell_one(video_id, fetch, peer))
        fetch.tasks.add(task)
        task.add_done_callback(fetch.tasks.discard)

    async def _tell_one(self, video_id: str, fetch: _Fetch, peer: str) -> None:
        try:
            answer = await self._announce(video_id, peer, lane=fetch.lane)
        except P2PTubeError as error:
            log.debug("%s takes no announce of %s: %s", peer, video_id, error)
            self._forget(video_id, fetch, peer)
            return
        if answer.complete:
            self._forget(video_id, fetch, peer)
        settled: list[PeerAddress] = []
        told = zip(
            answer.leechers,
            chain(answer.ages, repeat(0.0)),
            chain(answer.lanes, repeat(True)),
            strict=False,
        )
        for leecher, age, lane in told:
            swarm = self._hear(video_id, fetch, leecher, lane=lane)
            if swarm is not None and age >= SETTLED_SECONDS:
                settled.append(swarm)
            elif swarm is not None:
                self._meet(video_id, fetch, leecher.peer, swarm)
        if settled:
            await self._session.dial(video_id, settled, at_once=True)

    async def _announce(
        self, video_id: str, peer: str, *, stopped: bool = False, lane: bool = True
    ) -> Announced:
        ourselves = self._ourselves()
        port = PeerAddress.parse(ourselves.swarm[0]).port
        message = Announce(
            info_hash=video_id, peer=ourselves.peer, port=port, stopped=stopped, lane=lane
        )
        return await self._peer.announce_torrent(PeerAddress.parse(peer), message)

    def _hear(
        self, video_id: str, fetch: _Fetch, leecher: Holder, *, lane: bool
    ) -> PeerAddress | None:
        """Return where one is in the swarm of whom we had not heard before."""
        if leecher.peer == self._ourselves().peer or not leecher.swarm:
            return None
        with contextlib.suppress(P2PTubeError):
            swarm = PeerAddress.parse(leecher.swarm[0])
            message = Announce(info_hash=video_id, peer=leecher.peer, port=swarm.port, lane=lane)
            now = time.monotonic()
            is_new = leecher.peer not in {other.peer for other in self._leechers.of(video_id, now)}
            if self._leechers.take(message, swarm.host, now, said=False):
                self._changed(video_id, fetch)
                if is_new:
                    self._tell(video_id, fetch, leecher.peer)
                    return swarm
        return None

    def _leave_lane(self, video_id: str, fetch: _Fetch) -> None:
        """Our uplink is too slow to pass on a lane: tell everybody, once."""
        if not fetch.lane:
            return  # where all have left theirs, all have one again
        fetch.lane = False
        log.info("leaving to others what is passed on of %s", video_id)
        self._changed(video_id, fetch)
        for peer in list(fetch.told):
            fetch.told.discard(peer)
            self._tell(video_id, fetch, peer)

    def _forget(self, video_id: str, fetch: _Fetch, peer: str) -> None:
        if self._leechers.forget(video_id, peer, time.monotonic()):
            self._changed(video_id, fetch)

    async def _say_farewell(self, video_id: str, peers: list[str]) -> None:
        async def one(peer: str) -> None:
            with contextlib.suppress(P2PTubeError):
                await self._announce(video_id, peer, stopped=True)

        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await asyncio.gather(*map(one, peers))

    # --- what follows ----------------------------------------------------------------------------

    def _changed(self, video_id: str, fetch: _Fetch) -> None:
        ours = self._ourselves().peer
        known = self._leechers.of(video_id, time.monotonic())
        without = {leecher.peer for leecher in known if not leecher.lane}
        without |= set() if fetch.lane else {ours}
        fetch.torrent.scheduling.share_among(ours, {leecher.peer for leecher in known}, without)

    def _meet(
        self, video_id: str, fetch: _Fetch, peer: str, swarm: PeerAddress, wait: float = 0.0
    ) -> None:
        # One of the two dials: else both would, and be connected twice.
        if self._ourselves().peer < peer:
            task = asyncio.create_task(self._dial(video_id, fetch, swarm, wait))
            fetch.tasks.add(task)
            task.add_done_callback(fetch.tasks.discard)

    async def _dial(self, video_id: str, fetch: _Fetch, swarm: PeerAddress, wait: float) -> None:
        await asyncio.sleep(wait)
        if not (wait and fetch.torrent.is_connected_to(swarm.host)):
            await self._session.dial(video_id, [swarm])
