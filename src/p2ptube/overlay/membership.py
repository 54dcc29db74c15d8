"""Whom to keep, to ask, to ping, to retry and to forget. Pure: `now` (Unix seconds) comes in."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

import msgspec

from ..errors import InvalidInput
from ..models import Model, PeerAddress
from .messages import Hello, PeerEntry

MAX_CANDIDATES = 256
MAX_ATTEMPTS = 12
FIRST_RETRY = 5.0  # seconds; doubled with every attempt
LAST_RETRY = 600.0
HELLO_EVERY = 12  # a classic peer is asked again whether it speaks HELO every so many pings

_WILDCARDS = frozenset({"", "0.0.0.0", "::"})  # noqa: S104  compared with, not bound to


class Kind(StrEnum):
    """What a known peer speaks."""

    UNKNOWN = "unknown"
    CLASSIC = "classic"
    P2PTUBE = "p2ptube"


class KnownPeer(Model, frozen=True, kw_only=True):
    """A peer of the list. `address` is where we dial it, `id` what it calls itself.

    `latency` is that of the last exchange in seconds, `last_seen` its Unix time; `failures` and
    `silent` count the pings in a row that failed, and the HELOs in a row that got no answer.
    """

    id: str
    address: PeerAddress
    kind: Kind = Kind.UNKNOWN
    name: str = ""
    key: bytes = b""
    swarm_port: int | None = None
    public_url: str = ""
    latency: float | None = None
    last_seen: float | None = None
    failures: int = 0
    silent: int = 0


class Joined(StrEnum):
    """What came of adding a peer."""

    ADDED = "added"
    KNOWN = "known"
    FULL = "full"


@dataclass(frozen=True)
class Ourselves:
    """This node's id, and the names of the host under which it would meet itself."""

    id: str
    port: int
    hosts: frozenset[str]
    any_loopback: bool

    @classmethod
    def bound_to(cls, bound_host: str, advertised: PeerAddress) -> Ourselves:
        """Describe a node that listens on `bound_host` and calls itself `advertised`."""
        wildcard = bound_host in _WILDCARDS
        hosts = {advertised.host.lower(), bound_host.lower()}
        if wildcard:
            hosts |= _WILDCARDS | {"localhost"}
        elif "127.0.0.1" in hosts:
            hosts.add("localhost")
        return cls(str(advertised), advertised.port, frozenset(hosts), wildcard)

    def is_at(self, address: PeerAddress) -> bool:
        """Whether whoever dials `address` here would reach this node itself."""
        return address.port == self.port and (
            address.host.lower() in self.hosts or (self.any_loopback and is_loopback(address.host))
        )


def is_loopback(host: str) -> bool:
    """Whether `host` is the machine itself by its name or number."""
    if host.lower() in {"localhost", "ip6-localhost"}:
        return True
    try:
        ip = ipaddress.ip_address(host)
    except ValueError:
        return False
    mapped = getattr(ip, "ipv4_mapped", None)
    return ip.is_loopback or ip.is_unspecified or (mapped is not None and mapped.is_loopback)


@dataclass(frozen=True)
class _Candidate:
    address: PeerAddress
    attempts: int
    due: float


class Membership:
    """The list of known peers, and the addresses of dropped ones that may come back."""

    def __init__(self, max_peers: int, max_failures: int = 2) -> None:
        self._max_peers = max_peers
        self._max_failures = max_failures
        self._peers: dict[str, KnownPeer] = {}
        self._candidates: dict[PeerAddress, _Candidate] = {}
        self._ourselves: Ourselves | None = None

    def __len__(self) -> int:
        return len(self._peers)

    @property
    def full(self) -> bool:
        """Whether no further peer is taken."""
        return len(self._peers) >= self._max_peers

    def peers(self) -> list[KnownPeer]:
        """Return the known peers, in the order in which they came."""
        return list(self._peers.values())

    def get(self, peer_id: str) -> KnownPeer | None:
        """Return the known peer of this id."""
        return self._peers.get(peer_id)

    def at(self, address: PeerAddress) -> KnownPeer | None:
        """Return the known peer that is dialled at, or calls itself, `address`."""
        named = self._peers.get(str(address))
        return named or next((p for p in self._peers.values() if p.address == address), None)

    def set_ourselves(self, ourselves: Ourselves) -> None:
        """Say who this node is; it is never its own peer."""
        self._ourselves = ourselves
        for peer in self.peers():
            if self.is_us(peer.id, peer.address):
                del self._peers[peer.id]

    def is_us(self, peer_id: str, address: PeerAddress | None = None) -> bool:
        """Whether the id, or the address, is this node itself."""
        us = self._ourselves
        if us is None:
            return False
        try:
            named = PeerAddress.parse(peer_id)
        except InvalidInput:
            named = None
        return peer_id == us.id or any(a is not None and us.is_at(a) for a in (named, address))

    def add(self, peer_id: str, address: PeerAddress) -> Joined:
        """Add a peer. One that is known, or this node itself, counts as KNOWN."""
        if peer_id in self._peers or self.at(address) or self.is_us(peer_id, address):
            return Joined.KNOWN
        if self.full:
            return Joined.FULL
        self._put(KnownPeer(id=peer_id, address=address))
        return Joined.ADDED

    def restore(self, peers: Iterable[KnownPeer | PeerAddress]) -> None:
        """Take in peers of an earlier run, as far as there is room."""
        for item in peers:
            if isinstance(item, PeerAddress):
                self.add(str(item), item)
            elif self.add(item.id, item.address) is Joined.ADDED:
                self._put(msgspec.structs.replace(item, failures=0, silent=0, latency=None))

    def remove(self, peer_id: str) -> KnownPeer | None:
        """Forget a peer on purpose, and for good; return it if it was known."""
        peer = self._peers.pop(peer_id, None)
        if peer is not None:
            self._candidates.pop(peer.address, None)
        return peer

    def clear(self) -> list[KnownPeer]:
        """Forget all, candidates too; return who was known."""
        former = self.peers()
        self._peers.clear()
        self._candidates.clear()
        return former

    def heard(
        self, peer_id: str, now: float, *, latency: float | None = None, hello: Hello | None = None
    ) -> KnownPeer | None:
        """Note that the peer answered, and what it said of itself in HELO.

        A peer that now uses another id is renamed; one that turns out to be this node, or to be
        known already under that id, is removed. Returns the peer as it is known now.
        """
        peer = self._peers.get(peer_id)
        if peer is None:
            return None
        peer = msgspec.structs.replace(
            peer, latency=latency or peer.latency, last_seen=now, failures=0
        )
        if hello is None:
            self._peers[peer_id] = peer
            return peer
        peer = msgspec.structs.replace(
            peer,
            id=hello.peer or peer_id,
            kind=Kind.P2PTUBE,
            name=hello.name,
            key=hello.key,
            swarm_port=hello.swarm_port or None,
            public_url=hello.public_url,
            silent=0,
        )
        if peer.id == peer_id:
            self._peers[peer_id] = peer
            return peer
        return self._rename(peer_id, peer)

    def identified(self, address: PeerAddress, peer_id: str) -> bool:
        """Note the id that the peer at `address` gave by NAME; return whether it is a new one."""
        peer = self.at(address)
        if peer is None or peer.id == peer_id:
            return False
        self._rename(peer.id, msgspec.structs.replace(peer, id=peer_id))
        return True

    def silent(self, peer_id: str, now: float) -> KnownPeer | None:
        """Note that the peer took a HELO and closed without an answer, as classic peers do.

        An overloaded peer closes so, too: one that has answered before must be silent twice.
        """
        peer = self._peers.get(peer_id)
        if peer is None:
            return None
        silent = peer.silent + 1
        stays = peer.kind is Kind.P2PTUBE and silent < 2
        kind = peer.kind if stays else Kind.CLASSIC
        peer = msgspec.structs.replace(peer, kind=kind, silent=silent, last_seen=now, failures=0)
        self._peers[peer_id] = peer
        return peer

    def failed(self, peer_id: str, now: float, *, drop: bool = False) -> bool:
        """Note a failed ping; return whether the peer was dropped (at once with `drop`).

        A dropped peer becomes a candidate: its address is tried again, ever more rarely.
        """
        peer = self._peers.get(peer_id)
        if peer is None:
            return False
        failures = peer.failures + 1
        if not drop and failures < self._max_failures:
            self._peers[peer_id] = msgspec.structs.replace(peer, failures=failures)
            return False
        del self._peers[peer_id]
        self._retry(peer.address, 0, now)
        return True

    def wants_hello(self, peer: KnownPeer, round_number: int) -> bool:
        """Whether to probe with HELO (which tells news of the peer) rather than with PING."""
        return peer.kind is not Kind.CLASSIC or round_number % HELLO_EVERY == 0

    def take_due(self, now: float, limit: int) -> list[PeerAddress]:
        """Return candidates to be tried now. Each is put off until it is due again."""
        due = sorted((c for c in self._candidates.values() if c.due <= now), key=lambda c: c.due)
        for candidate in due[:limit]:
            self._retry(candidate.address, candidate.attempts + 1, now)
        return [candidate.address for candidate in due[:limit]]

    def listing_for(self, asker_is_local: bool) -> list[PeerEntry]:
        """Return the peers that an asker may be told.

        A peer that we dial over the loopback is listed under its own id; to an asker on another
        machine, loopback addresses mean nothing and are left out.
        """
        entries = (_public_entry(peer) for peer in self._peers.values())
        return [e for e in entries if asker_is_local or not is_loopback(e.address.host)]

    def _put(self, peer: KnownPeer) -> None:
        self._peers[peer.id] = peer
        self._candidates.pop(peer.address, None)

    def _rename(self, old_id: str, peer: KnownPeer) -> KnownPeer | None:
        del self._peers[old_id]
        if self.is_us(peer.id):
            return None
        if peer.id in self._peers:
            return self._peers[peer.id]
        self._put(peer)
        return peer

    def _retry(self, address: PeerAddress, attempts: int, now: float) -> None:
        self._candidates.pop(address, None)
        if attempts >= MAX_ATTEMPTS:
            return
        if len(self._candidates) >= MAX_CANDIDATES:
            del self._candidates[next(iter(self._candidates))]
        delay = min(LAST_RETRY, FIRST_RETRY * 2**attempts)
        self._candidates[address] = _Candidate(address, attempts, now + delay)


def _public_entry(peer: KnownPeer) -> PeerEntry:
    if is_loopback(peer.address.host):
        try:
            return PeerEntry(peer.id, PeerAddress.parse(peer.id))
        except InvalidInput:
            pass
    return PeerEntry(peer.id, peer.address)


class JoinPlan:
    """A depth-first walk over the peers that peers list, as a worklist with hops.

    `hops` counts the peers on the way: with 1 only the first one is joined, with 2 also those
    that it lists. Bounded by `max_visits` addresses.
    """

    def __init__(self, roots: Iterable[PeerAddress], hops: int, max_visits: int = 1000) -> None:
        self._stack = [(address, max(1, hops)) for address in reversed(list(roots))]
        self._visited: set[PeerAddress] = set()
        self._max_visits = max_visits

    def next(self) -> tuple[PeerAddress, int] | None:
        """Return the next address to join and the hops it is worth, or None at the end."""
        while self._stack and len(self._visited) < self._max_visits:
            address, hops = self._stack.pop()
            if address not in self._visited:
                self._visited.add(address)
                return address, hops
        return None

    def listed(self, addresses: Iterable[PeerAddress], hops: int) -> None:
        """Note whom a peer that was worth `hops` lists; the first of them comes next."""
        if hops > 1:
            room = 2 * self._max_visits - len(self._stack)
            fresh = [(a, hops - 1) for a in addresses if a not in self._visited]
            self._stack.extend(reversed(fresh[: max(0, room)]))
