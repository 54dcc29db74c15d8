"""Flooded searches: what was seen, whom to pass on to, what is new. Pure: `now` comes in.

`now` is seconds of any clock that only runs forward.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from enum import Enum
from typing import NamedTuple

import msgspec

from ..descriptor import open_envelope, parse_payload, supersedes
from ..errors import InvalidInput
from ..models import Found, Holder, PeerAddress, SignedDescriptor
from .membership import Kind, KnownPeer, is_loopback

MAX_TTL = 8
MAX_LIMIT = 200  # videos in the answers to one search
MAX_HOLDERS = 50  # of one video, as in models.Found
MAX_SWARM_ADDRESSES = 4  # of one holder, as in models.Holder
SEEN_FOR = 120.0  # seconds for which the id of a search is remembered
SAME_QUERY = 2.0  # seconds in which the same QUER counts as the same flood
MAX_SEEN = 10_000


def clamp_ttl(ttl: int) -> int:
    """Bound how far a search may travel."""
    return max(0, min(ttl, MAX_TTL))


def clamp_limit(limit: int) -> int:
    """Bound how many videos a search may bring."""
    return max(0, min(limit, MAX_LIMIT))


class SeenSearches:
    """Ids of searches that were here already; bounded, the oldest go first."""

    def __init__(self, max_size: int = MAX_SEEN, keep: float = SEEN_FOR) -> None:
        self._max_size = max_size
        self._keep = keep
        self._expiry: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._expiry)

    def first_time(self, query_id: str, now: float) -> bool:
        """Remember the id; return whether it is new."""
        while self._expiry and next(iter(self._expiry.values())) <= now:
            self._expiry.popitem(last=False)
        if query_id in self._expiry:
            return False
        if len(self._expiry) >= self._max_size:
            self._expiry.popitem(last=False)
        self._expiry[query_id] = now + self._keep
        return True


class Admission(Enum):
    """What to do with a QUER."""

    NEW = "answer it, or pass it on"
    FARTHER = "pass it on: it was here before, but may travel farther now"
    DUPLICATE = "nothing"


class _Flood(NamedTuple):
    ttl: int
    expires: float


class SeenQueries:
    """Tells the copies of one flood of QUER from a new search, though QUER carries no id.

    The same key for the same return peer within SAME_QUERY seconds of its first copy is the same
    flood: in a network with cycles each peer then passes it on once, not once per path. A copy
    with a higher TTL than any before is passed on all the same, or a long way round that came
    first would cut the search short; this happens at most MAX_TTL times per flood. Duplicates do
    not prolong the time, so a search that a user repeats is a new one after those seconds.
    """

    def __init__(self, max_size: int = MAX_SEEN, window: float = SAME_QUERY) -> None:
        self._max_size = max_size
        self._window = window
        self._floods: OrderedDict[tuple[str, str], _Flood] = OrderedDict()

    def __len__(self) -> int:
        return len(self._floods)

    def admit(self, return_peer: str, key: str, ttl: int, now: float) -> Admission:
        """Judge a QUER and remember it."""
        while self._floods and next(iter(self._floods.values())).expires <= now:
            self._floods.popitem(last=False)
        known = self._floods.get((return_peer, key))
        if known is None:
            if len(self._floods) >= self._max_size:
                self._floods.popitem(last=False)
            self._floods[return_peer, key] = _Flood(ttl, now + self._window)
            return Admission.NEW
        if ttl <= known.ttl:
            return Admission.DUPLICATE
        self._floods[return_peer, key] = _Flood(ttl, known.expires)
        return Admission.FARTHER


def find_targets(peers: Iterable[KnownPeer], came_from: str) -> list[KnownPeer]:
    """Return whom to send a FIND: all but classic peers, and never who sent it here."""
    return [p for p in peers if p.kind is not Kind.CLASSIC and not _is_peer(p, came_from)]


def query_targets(
    peers: Iterable[KnownPeer], return_peer: str, *, with_p2ptube: bool
) -> list[KnownPeer]:
    """Return whom to send a QUER: never who wants the answers.

    A QUER that came in is passed on to all. A search of p2ptube's own floods FIND as well, which
    p2ptube peers answer, and turn into QUER for their classic peers; so it leaves them out.
    """
    return [
        p
        for p in peers
        if not _is_peer(p, return_peer) and (with_p2ptube or p.kind is not Kind.P2PTUBE)
    ]


def _is_peer(peer: KnownPeer, name: str) -> bool:
    return bool(name) and name in (peer.id, str(peer.address))


class Collector:
    """Lets through what is new: each video with each holder once.

    A video comes again with the holders that were not named before, or when its publisher's
    descriptor was replaced by a newer one.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._holders: dict[str, set[str]] = {}
        self._descriptors: dict[str, SignedDescriptor] = {}

    @property
    def room(self) -> int:
        """How many more videos are let through."""
        return self._limit - len(self._holders)

    def take(self, video_id: str, found: Found) -> Found | None:
        """Return what is new in an answer whose descriptor was verified, or None."""
        known = self._holders.get(video_id)
        if known is None:
            if self.room <= 0 or not found.holders:
                return None
            known = self._holders[video_id] = set()
            self._descriptors[video_id] = found.descriptor
        fresh = {h.peer: h for h in found.holders if h.peer not in known}
        holders = tuple(fresh.values())[: MAX_HOLDERS - len(known)]
        known.update(h.peer for h in holders)
        newer = self._note_newer(video_id, found.descriptor)
        if holders:
            return Found(descriptor=found.descriptor, holders=holders)
        return found if newer else None

    def _note_newer(self, video_id: str, descriptor: SignedDescriptor) -> bool:
        last = self._descriptors[video_id]
        newer = descriptor.sig != last.sig and supersedes(descriptor, last)
        if newer:
            self._descriptors[video_id] = descriptor
        return newer


def local_id(found: Found) -> str:
    """Return the id of a video that this node found in its own library."""
    return parse_payload(found.descriptor.payload).id


def verified(found: Found, asked: KnownPeer, our_id: str) -> tuple[str, Found]:
    """Verify an answer of the peer that was asked, and mend its holders.

    Returns the video's id with the answer; it may have no holder left. Our own entry, malformed
    addresses, and loopback addresses that a peer on another machine names are taken out. For the
    peer that was asked, the address at which we reached it comes first. Raises BadSignature or
    ProtocolViolation.
    """
    video_id = open_envelope(found.descriptor).id
    holders = tuple(_mended(h, asked) for h in found.holders if h.peer and h.peer != our_id)
    return video_id, Found(descriptor=found.descriptor, holders=holders)


def _mended(holder: Holder, asked: KnownPeer) -> Holder:
    far = not is_loopback(asked.address.host)
    addresses = [
        a
        for a in map(_parsed, holder.swarm)
        if a is not None and a.port and not (far and is_loopback(a.host))
    ]
    if holder.peer in (asked.id, str(asked.address)):
        port = asked.swarm_port or (addresses[0].port if addresses else None)
        if port:
            direct = PeerAddress(asked.address.host, port)
            addresses = addresses if direct in addresses else [direct, *addresses]
    swarm = tuple(str(a) for a in dict.fromkeys(addresses))[:MAX_SWARM_ADDRESSES]
    return msgspec.structs.replace(holder, swarm=swarm)


def _parsed(text: str) -> PeerAddress | None:
    try:
        return PeerAddress.parse(text)
    except InvalidInput:
        return None
