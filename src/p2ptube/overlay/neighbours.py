"""Keeping in touch: joining, probing, dropping the dead, retrying those that were dropped."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Iterable

from ..errors import Conflict, InvalidInput, NotFound, PeerFault, PeerRefused, PeerUnreachable
from ..models import PeerAddress
from . import messages as m
from .client import Client
from .membership import Joined, JoinPlan, KnownPeer, Membership
from .settings import PeerSettings

log = logging.getLogger(__name__)

MAX_PROBES = 32  # at a time
QUIT_TIMEOUT = 1.0  # seconds for all farewells together


class Neighbours:
    """The known peers, kept alive. `changed` is called whenever the list has changed."""

    def __init__(
        self,
        settings: PeerSettings,
        client: Client,
        membership: Membership,
        changed: Callable[[], None],
    ) -> None:
        self._settings = settings
        self._client = client
        self._members = membership
        self._changed = changed
        self._gate = asyncio.Semaphore(MAX_PROBES)
        self._round = 0
        self._rebuilding = asyncio.Lock()
        self.hello: m.Hello  # set at the start, when the port is known
        self.entry: m.PeerEntry

    async def add(self, address: PeerAddress) -> KnownPeer:
        """Join one peer and learn what it is. Raises PeerFault, Conflict, InvalidInput."""
        if address.port == 0:
            raise InvalidInput(f"not a port that can be dialled: {address}")
        peer_id = await self._join_one(address)
        await self.learn(peer_id)
        peer = self._members.at(address) or self._members.get(peer_id)
        if peer is None:
            raise PeerUnreachable(f"{address} was there, and is gone again")
        return peer

    async def join(self, roots: Iterable[PeerAddress], hops: int) -> list[KnownPeer]:
        """Join peers depth-first: the roots, whom they list, and so on, up to `hops`.

        Raises the first failure where nobody at all could be joined.
        """
        plan = JoinPlan(roots, hops)
        joined: list[str] = []
        first_fault: PeerFault | Conflict | None = None
        while not self._members.full and (step := plan.next()):
            address, hops_left = step
            is_root = hops_left == max(1, hops)
            if not is_root and (self._members.at(address) or self._is_us(address)):
                continue
            try:
                joined.append(await self._join_one(address))
            except (PeerFault, Conflict) as fault:
                log.debug("could not join %s: %s", address, fault)
                first_fault = first_fault or fault
                if not isinstance(fault, PeerRefused):
                    continue
            # One that has no room for us may still know others that have.
            with contextlib.suppress(PeerFault):
                listed = await self._client.list(address)
                plan.listed((entry.address for entry in listed), hops_left)
        await asyncio.gather(*(self.learn(peer_id) for peer_id in joined))
        if not joined and first_fault is not None:
            raise first_fault
        return [p for p in map(self._members.get, joined) if p is not None]

    async def _join_one(self, address: PeerAddress) -> str:
        if self._is_us(address):
            raise Conflict(f"{address} is this node itself")
        peer_id = await self._client.name(address)
        if self._members.is_us(peer_id):
            raise Conflict(f"{address} is this node itself")
        if self._members.full and not (self._members.get(peer_id) or self._members.at(address)):
            raise Conflict("the list of peers is full")
        if not self._settings.unreachable:
            await self._client.join(address, self.entry)
        outcome = self._members.add(peer_id, address)
        if outcome is Joined.FULL:
            raise Conflict("the list of peers is full")
        if outcome is Joined.ADDED or self._members.identified(address, peer_id):
            self._changed()
        known = self._members.get(peer_id) or self._members.at(address)
        return known.id if known else peer_id

    def _is_us(self, address: PeerAddress) -> bool:
        return self._members.is_us(str(address), address)

    async def learn(self, peer_id: str) -> None:
        """Ask a known peer who it is. That it does not answer is not held against it."""
        peer = self._members.get(peer_id)
        if peer is not None:
            with contextlib.suppress(PeerFault):
                await self._probe(peer, with_hello=True)

    async def _probe(self, peer: KnownPeer, *, with_hello: bool) -> None:
        async with self._gate:
            begin = time.monotonic()
            if not with_hello:
                await self._client.ping(peer.address)
                self._members.heard(peer.id, time.time(), latency=time.monotonic() - begin)
                return
            hello = await self._client.hello(peer.address, self.hello)
            latency = time.monotonic() - begin
        if hello is None:
            now_known = self._members.silent(peer.id, time.time())
        else:
            now_known = self._members.heard(peer.id, time.time(), latency=latency, hello=hello)
        if now_known is None or _face(now_known) != _face(peer):
            self._changed()

    async def _check(self, peer: KnownPeer, *, drop: bool) -> None:
        """Probe a peer; on failure count it, or drop the peer at once."""
        try:
            with_hello = drop or self._members.wants_hello(peer, self._round)
            await self._probe(peer, with_hello=with_hello)
        except PeerFault as fault:
            log.debug("%s does not answer: %s", peer.id, fault)
            if self._members.failed(peer.id, time.time(), drop=drop):
                log.info("dropped peer %s: %s", peer.id, fault)
                self._changed()

    async def refresh(self) -> None:
        """Probe all peers now and drop those that do not answer."""
        await asyncio.gather(*(self._check(p, drop=True) for p in self._members.peers()))

    async def stabilize(self) -> None:
        """Probe all peers, and try those again that were dropped a while ago."""
        self._round += 1
        await asyncio.gather(*(self._check(p, drop=False) for p in self._members.peers()))
        if not self._members.full:
            due = self._members.take_due(time.time(), MAX_PROBES)
            await asyncio.gather(*(self._rejoin(address) for address in due))

    async def stabilize_forever(self) -> None:
        """Run `stabilize` every so often, until cancelled."""
        while True:
            await asyncio.sleep(self._settings.stabilize_interval)
            try:
                await self.stabilize()
            except Exception:
                log.exception("the stabilizer failed; it goes on")

    async def _rejoin(self, address: PeerAddress) -> None:
        with contextlib.suppress(PeerFault, Conflict):
            async with self._gate:
                peer_id = await self._join_one(address)
            await self.learn(peer_id)

    async def greet_restored(self) -> None:
        """Join the peers of an earlier run; the stabilizer drops those that stay away."""
        await asyncio.gather(*(self._rejoin(p.address) for p in self._members.peers()))

    async def rebuild(self, address: PeerAddress | None, hops: int) -> None:
        """Forget all peers and join anew, from `address` or else from the former ones.

        Where nobody answers the old list is kept, and the failure raised.
        """
        async with self._rebuilding:
            roots = [address] if address else [p.address for p in self._members.peers()]
            if not roots:
                raise NotFound("there is no peer to build the list from")
            former = self._members.clear()
            try:
                await self.join(roots, hops)
            except BaseException:
                self._members.restore(former)
                raise
            finally:
                self._changed()

    async def remove(self, peer_id: str) -> None:
        """Forget a peer and ask it to forget us. Raises NotFound."""
        peer = self._members.remove(peer_id)
        if peer is None:
            raise NotFound(f"no such peer: {peer_id[:100]}")
        self._changed()
        await self._farewell([peer])

    async def quit_all(self) -> None:
        """Tell every known peer that we leave; takes QUIT_TIMEOUT at most."""
        await self._farewell(self._members.peers())

    async def _farewell(self, peers: Iterable[KnownPeer]) -> None:
        if self._settings.unreachable:
            return  # nobody knows us

        async def tell(peer: KnownPeer) -> None:
            with contextlib.suppress(PeerFault):
                await self._client.quit(peer.address, self.entry.peer_id)

        await _at_most(QUIT_TIMEOUT, asyncio.gather(*map(tell, peers)))


async def _at_most(seconds: float, work: Awaitable[object]) -> None:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await work


def _face(peer: KnownPeer) -> tuple[object, ...]:
    """What of a peer is worth a notice when it changes."""
    return peer.id, peer.kind, peer.name, peer.key, peer.swarm_port, peer.public_url
