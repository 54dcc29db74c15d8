"""Pure: the swarms that a tracker knows. Time is passed in, in seconds; so is randomness."""

from __future__ import annotations

import ipaddress
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from random import Random

from .codec import Announce, AnnounceAnswer, Event, ScrapeCounts, TrackerPeer

INTERVAL = 15 * 60
MIN_INTERVAL = 60
EXPIRY = 2 * INTERVAL
NUMWANT = 50
MAX_NUMWANT = 200

Endpoint = tuple[str, int]


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much a tracker remembers. A peer beyond is answered, but not remembered."""

    per_address_and_swarm: int = 32
    per_address: int = 20_000  # one node announces each of its videos
    in_all: int = 500_000


@dataclass(slots=True)
class _Member:
    peer_id: bytes
    seed: bool
    seen: float
    source: str  # the address that announced it; empty where nobody did
    local: bool  # listens on an address that holds for this machine alone


@dataclass(slots=True)
class _Swarm:
    members: dict[Endpoint, _Member] = field(default_factory=dict)
    seeds: int = 0
    downloaded: int = 0
    sources: Counter[str] = field(default_factory=Counter)


class Swarms:
    """The peers of each info-hash. A peer is where it listens: one address and port."""

    def __init__(
        self,
        random: Random,
        *,
        interval: int = INTERVAL,
        min_interval: int = MIN_INTERVAL,
        expiry: float = EXPIRY,
        limits: Limits | None = None,
    ) -> None:
        self._random = random
        self._interval = interval
        self._min_interval = min_interval
        self._expiry = expiry
        self._limits = limits or Limits()
        self._swarms: dict[bytes, _Swarm] = {}
        # Every peer of every swarm, the one that was heard of longest ago first.
        self._order: dict[tuple[bytes, Endpoint], None] = {}
        self._sources: Counter[str] = Counter()

    def __len__(self) -> int:
        """The number of peers, one counted in each of its swarms."""
        return len(self._order)

    def announce(self, announce: Announce, address: str, now: float) -> AnnounceAnswer:
        """Take in what the peer at `address` says, and answer with other peers of the swarm.

        A seed is not told of other seeds, and only a peer on this machine of addresses that hold
        for this machine alone.
        """
        self.expire(now)
        source = _plain(address)
        host = _host_of(announce, source)
        endpoint = (host, announce.port)
        if announce.event is Event.STOPPED:
            self._remove(announce.info_hash, endpoint)
        else:
            self._put(announce, endpoint, source, now)
        swarm = self._swarms.get(announce.info_hash, _Swarm())
        return AnnounceAnswer(
            interval=self._interval,
            min_interval=self._min_interval,
            complete=swarm.seeds,
            incomplete=len(swarm.members) - swarm.seeds,
            peers=self._sample(swarm, announce, endpoint),
            external_ip=source,
        )

    def scrape(self, info_hashes: Iterable[bytes], now: float) -> dict[bytes, ScrapeCounts]:
        """Return the counts of each swarm, zeros for one that is not known.

        A swarm is forgotten with its last peer, and its count of completed fetches as well.
        """
        self.expire(now)
        answer = {}
        for info_hash in info_hashes:
            swarm = self._swarms.get(info_hash, _Swarm())
            incomplete = len(swarm.members) - swarm.seeds
            answer[info_hash] = ScrapeCounts(swarm.seeds, incomplete, swarm.downloaded)
        return answer

    def expire(self, now: float) -> None:
        """Forget the peers that have not announced themselves for too long."""
        while self._order:
            info_hash, endpoint = next(iter(self._order))
            if self._swarms[info_hash].members[endpoint].seen + self._expiry > now:
                return
            self._remove(info_hash, endpoint)

    def _put(self, announce: Announce, endpoint: Endpoint, source: str, now: float) -> None:
        swarm = self._swarms.get(announce.info_hash)
        old = swarm.members.get(endpoint) if swarm else None
        seed = announce.left == 0
        completed = announce.event is Event.COMPLETED and old is not None and not old.seed
        if old is not None:
            self._remove(announce.info_hash, endpoint, keep_swarm=True)
        member = _Member(announce.peer_id, seed, now, source, _is_loopback(endpoint[0]))
        self._insert(announce.info_hash, endpoint, member)
        if completed:
            self._swarms[announce.info_hash].downloaded += 1

    def _insert(self, info_hash: bytes, endpoint: Endpoint, member: _Member) -> None:
        swarm = self._swarms.get(info_hash)
        if len(self._order) >= self._limits.in_all:
            return
        if member.source:
            here = swarm.sources[member.source] if swarm else 0
            if here >= self._limits.per_address_and_swarm:
                return
            if self._sources[member.source] >= self._limits.per_address:
                return
            self._sources[member.source] += 1
        if swarm is None:
            swarm = self._swarms[info_hash] = _Swarm()
        swarm.sources[member.source] += 1
        swarm.members[endpoint] = member
        swarm.seeds += member.seed
        self._order[info_hash, endpoint] = None

    def _remove(self, info_hash: bytes, endpoint: Endpoint, *, keep_swarm: bool = False) -> None:
        swarm = self._swarms.get(info_hash)
        member = swarm.members.pop(endpoint, None) if swarm else None
        if swarm is None or member is None:
            return
        del self._order[info_hash, endpoint]
        swarm.seeds -= member.seed
        _decrease(swarm.sources, member.source)
        if member.source:
            _decrease(self._sources, member.source)
        if not swarm.members and not keep_swarm:
            del self._swarms[info_hash]

    def _sample(self, swarm: _Swarm, announce: Announce, own: Endpoint) -> tuple[TrackerPeer, ...]:
        if announce.event is Event.STOPPED:
            return ()
        wanted = NUMWANT if announce.numwant is None else min(announce.numwant, MAX_NUMWANT)
        seed, local = announce.left == 0, _is_loopback(own[0])
        others = [
            TrackerPeer(*endpoint, member.peer_id)
            for endpoint, member in swarm.members.items()
            if endpoint != own
            and member.peer_id != announce.peer_id
            and not (seed and member.seed)
            and (local or not member.local)
        ]
        return tuple(self._random.sample(others, min(wanted, len(others))))


def _decrease(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]


def _plain(address: str) -> str:
    """Return the one text form of an IP address; an IPv4 address mapped to IPv6 as IPv4."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    mapped = ip.ipv4_mapped if isinstance(ip, ipaddress.IPv6Address) else None
    return str(mapped or ip)


def _host_of(announce: Announce, source: str) -> str:
    """Return where the peer is reached: at its source, save that neighbours may know better.

    A peer behind the same NAT as the tracker is seen with a private address, and may say which
    one strangers reach it at. From others, that would let them direct a swarm at a victim.
    """
    if announce.ip is not None and ipaddress.ip_address(source).is_private:
        return _plain(announce.ip)
    return source


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback
