"""Pure: the swarms that a tracker knows. Time is passed in, in seconds; so is randomness.

A peer is known by a key: where it listens (4 or 16 bytes of address, 2 of port), or, where it is
met by WebRTC, its peer id. A tracker is asked far more often than anything changes, and remembers
each peer for half an hour; so memory is in few objects per peer, an answer costs what it holds
and not what the swarm holds, and expiry looks at a swarm at most once a minute.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from random import Random
from typing import Any

from .addresses import Scope, household, is_public_host, scope_of
from .announce import INTERVAL, Announce, AnnounceAnswer, Event, ScrapeCounts
from .members import Family, Kind, Members
from .sampling import sample
from .tally import Tally

STEP = 60  # seconds: how exactly it is known when a peer was heard of
EXPIRY = 2 * INTERVAL + STEP
SHARED_BITS = 20  # counters of peers per address and swarm
SOURCE_BITS = 16  # counters of peers per address


@dataclass(frozen=True, kw_only=True)
class Limits:
    """How much a tracker remembers. A peer beyond is answered, but not remembered."""

    per_address_and_swarm: int = 32
    per_address: int = 20_000  # one node announces each of its videos
    in_all: int = 500_000


BY_ADDRESS = frozenset({Family.IPV4, Family.IPV6})


class Swarms:
    """The peers of each info-hash."""

    def __init__(
        self,
        random: Random,
        *,
        expiry: int = EXPIRY,
        step: int = STEP,
        limits: Limits | None = None,
    ) -> None:
        self._random = random
        self._step = step
        self._lifetime = expiry // step
        self._limits = limits or Limits()
        self._swarms: dict[bytes, Members] = {}
        self._count = 0
        self._webrtc = 0
        self._begin: float | None = None
        self._now = 0  # in steps since the beginning
        # Each swarm is in one of these, by the step that its oldest peer was heard of at earliest.
        self._due: dict[int, set[bytes]] = {}
        self._shared = Tally(SHARED_BITS)
        self._sources = Tally(SOURCE_BITS)
        # Who announced a peer, where that is not the address it listens at.
        self._claims: dict[tuple[bytes, bytes], bytes] = {}

    def __len__(self) -> int:
        """The number of peers, one counted in each of its swarms."""
        return self._count

    @property
    def webrtc(self) -> int:
        """How many of them are met by WebRTC."""
        return self._webrtc

    @property
    def swarms(self) -> int:
        """The number of swarms with a peer."""
        return len(self._swarms)

    def announce(
        self,
        announce: Announce,
        source: bytes,
        now: float,
        families: frozenset[Family] = BY_ADDRESS,
    ) -> AnnounceAnswer:
        """Take in what the peer at `source` says, and answer with other peers of the swarm.

        A seed is not told of other seeds, and nobody of addresses that he cannot reach: those of
        this machine alone, or of a private network.
        """
        self.expire(now)
        host = _host_of(announce, source)
        key = host + announce.port.to_bytes(2)
        scope = scope_of(host)
        if announce.event is Event.STOPPED:
            self._remove(announce.info_hash, key)
        else:
            family = Family.IPV4 if len(host) == 4 else Family.IPV6
            kind = Kind(announce.left == 0, family, scope)
            self._put(announce, key, kind, announce.peer_id, source)
        swarm = self._swarms.get(announce.info_hash, _NOBODY)
        keys, ids = self._others(swarm, announce, key, families)
        seeds = swarm.seeds()
        return AnnounceAnswer(
            seeds,
            len(swarm) - seeds,
            keys,
            ids,
            source if scope_of(source) is Scope.GLOBAL else None,
        )

    def announce_webrtc(
        self, announce: Announce, source: bytes, channel: Any, wanted: int, now: float
    ) -> tuple[AnnounceAnswer, list[Any]]:
        """The same for a peer that is met over `channel`, and at most `wanted` others' channels.

        Their peer ids are in the answer, in the same order.
        """
        self.expire(now)
        key = announce.peer_id
        if announce.event is Event.STOPPED:
            self.leave(announce.info_hash, key, channel)
        else:
            kind = Kind(announce.left == 0, Family.WEBRTC, Scope.GLOBAL)
            self._put(announce, key, kind, channel, source)
        swarm = self._swarms.get(announce.info_hash, _NOBODY)
        seeds = swarm.seeds()
        pools = [
            pool.keys
            for pool in swarm.pools
            if pool.kind.family is Family.WEBRTC and not (pool.kind.seed and announce.left == 0)
        ]
        ids = sample(self._random, pools, wanted, key)
        answer = AnnounceAnswer(seeds, len(swarm) - seeds, [], ids)
        return answer, swarm.values(ids)

    def channel(self, info_hash: bytes, peer_id: bytes) -> Any | None:
        """Return the channel of a WebRTC peer of the swarm, None if there is no such peer."""
        swarm = self._swarms.get(info_hash)
        if swarm is None or peer_id not in swarm:
            return None
        return swarm.values([peer_id])[0]

    def leave(self, info_hash: bytes, peer_id: bytes, channel: Any) -> None:
        """Forget a WebRTC peer, if it is the one of that channel."""
        if self.channel(info_hash, peer_id) is channel:
            self._remove(info_hash, peer_id)

    def scrape(self, info_hashes: Iterable[bytes], now: float) -> dict[bytes, ScrapeCounts]:
        """Return the counts of each swarm, zeros for one that is not known.

        A swarm is forgotten with its last peer, and its count of completed fetches as well.
        """
        self.expire(now)
        answer = {}
        for info_hash in info_hashes:
            swarm = self._swarms.get(info_hash, _NOBODY)
            seeds = swarm.seeds()
            answer[info_hash] = ScrapeCounts(seeds, len(swarm) - seeds, swarm.downloaded)
        return answer

    def expire(self, now: float) -> None:
        """Forget the peers that have not announced themselves for too long."""
        if self._begin is None:
            self._begin = now
        step = int((now - self._begin) / self._step)
        if step <= self._now:
            return
        self._now = step
        last = step - self._lifetime
        for due in [due for due in self._due if due <= last]:
            for info_hash in self._due.pop(due):
                self._sweep(info_hash, last)

    def _sweep(self, info_hash: bytes, last: int) -> None:
        swarm = self._swarms.get(info_hash)
        if swarm is None:
            return
        for key in swarm.silent(last):
            self._remove(info_hash, key)
        if swarm:
            swarm.due = swarm.oldest()
            self._due.setdefault(swarm.due, set()).add(info_hash)

    def _put(
        self,
        announce: Announce,
        key: bytes,
        kind: Kind,
        value: Any,
        source: bytes,
    ) -> None:
        info_hash = announce.info_hash
        swarm = self._swarms.get(info_hash)
        if swarm is None or key not in swarm:
            self._insert(info_hash, key, kind, value, source)
            return
        if kind.family is Family.WEBRTC:
            swarm.values([key])[0].peers.discard(info_hash + key)
            value.peers.add(info_hash + key)
        if swarm.kind(key) == kind:
            swarm.renew(key, value, self._now)
            return
        swarm.remove(key)
        swarm.add(key, kind, value, self._now)
        if announce.event is Event.COMPLETED and kind.seed:
            swarm.downloaded += 1

    def _insert(
        self,
        info_hash: bytes,
        key: bytes,
        kind: Kind,
        value: Any,
        source: bytes,
    ) -> None:
        here, limits = household(source), self._limits
        if (
            self._count >= limits.in_all
            or self._shared[info_hash + here] >= limits.per_address_and_swarm
            or self._sources[here] >= limits.per_address
        ):
            return
        swarm = self._swarms.get(info_hash)
        if swarm is None:
            swarm = self._swarms[info_hash] = Members(due=self._now)
            self._due.setdefault(self._now, set()).add(info_hash)
        swarm.add(key, kind, value, self._now)
        self._count += 1
        self._webrtc += kind.family is Family.WEBRTC
        self._shared.add(info_hash + here)
        self._sources.add(here)
        if kind.family is Family.WEBRTC:
            value.peers.add(info_hash + key)
        elif key[:-2] != source:
            self._claims[info_hash, key] = source

    def _remove(self, info_hash: bytes, key: bytes) -> None:
        swarm = self._swarms.get(info_hash)
        if swarm is None or key not in swarm:
            return
        family, value = swarm.remove(key)
        if family is Family.WEBRTC:
            value.peers.discard(info_hash + key)
            self._webrtc -= 1
            here = household(value.source)
        else:
            here = household(self._claims.pop((info_hash, key), key[:-2]))
        self._count -= 1
        self._shared.remove(info_hash + here)
        self._sources.remove(here)
        if not swarm:
            del self._swarms[info_hash]
            # Not left for later: whoever comes and goes all the time would fill the memory.
            self._due.get(swarm.due, set()).discard(info_hash)

    def _others(
        self, swarm: Members, announce: Announce, key: bytes, families: frozenset[Family]
    ) -> tuple[list[bytes], list[bytes]]:
        scope = scope_of(key[:-2])
        seeds_too = announce.looks_for_seeds
        pools = [
            pool
            for pool in swarm.pools
            if pool.kind.family in families
            and pool.kind.scope <= scope
            and (seeds_too or not pool.kind.seed)
        ]
        keys = sample(self._random, [pool.keys for pool in pools], announce.wanted, key)
        if announce.compact and len({pool.kind.family for pool in pools}) < 2:
            return keys, []
        ids = swarm.values(keys)
        while announce.peer_id in ids:  # the asker's own address of the other family
            at = ids.index(announce.peer_id)
            del keys[at], ids[at]
        return keys, ids


_NOBODY = Members()


def _host_of(announce: Announce, source: bytes) -> bytes:
    """Return where the peer is reached: at its source, save that neighbours may know better.

    A peer behind the same NAT as the tracker is seen with a private address, and may say which
    one strangers reach it at. From others, that would let them direct a swarm at a victim.
    """
    claim = announce.ip
    if claim is not None and scope_of(source) is not Scope.GLOBAL and is_public_host(claim):
        return claim
    return source
