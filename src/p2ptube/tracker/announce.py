"""Pure: what a peer tells a tracker, and what it is told. The same over HTTP, UDP and WebSocket."""

from __future__ import annotations

from enum import StrEnum

import msgspec

HASH_BYTES = 20  # of an info-hash and of a peer id
MAX_COUNT = 2**63 - 1
INTERVAL = 15 * 60  # seconds between two announces of a peer that is found by its address
WEBRTC_INTERVAL = 2 * 60  # of one that is found by its offers, which go stale
MIN_INTERVAL = 60
NUMWANT = 50  # peers for whoever does not say how many
MAX_NUMWANT = 200
MAX_SCRAPE = 74  # info-hashes in one request, as many as fit in one of UDP (BEP 15)
ARIA2 = b"A2-"  # how the peer ids of aria2 begin


class Event(StrEnum):
    """Why a peer announces; NONE at regular intervals."""

    NONE = ""
    STARTED = "started"
    COMPLETED = "completed"
    STOPPED = "stopped"


class Announce(msgspec.Struct, frozen=True, gc=False):
    """What a peer says of itself in a swarm, as far as a tracker uses it.

    `left` is in bytes, None where the peer does not know (it has a magnet link only). `numwant`
    is None where it leaves the number of peers to the tracker. `port` is 0 for WebRTC, `ip` an
    address (4 or 16 bytes) that the peer claims to be reached at: not to be believed without a
    reason.
    """

    info_hash: bytes
    peer_id: bytes
    port: int = 0
    left: int | None = None
    event: Event = Event.NONE
    numwant: int | None = None
    ip: bytes | None = None
    compact: bool = True
    no_peer_id: bool = False

    @property
    def looks_for_seeds(self) -> bool:
        """Whether seeds are of use to it.

        aria2 says that nothing is left also while it has but a magnet link.
        """
        return self.left != 0 or self.peer_id.startswith(ARIA2)

    @property
    def wanted(self) -> int:
        """How many peers to answer with."""
        if self.event is Event.STOPPED:
            return 0
        return NUMWANT if self.numwant is None else min(self.numwant, MAX_NUMWANT)


class AnnounceAnswer(msgspec.Struct, frozen=True, gc=False):
    """The counts of the swarm, and some of its peers.

    `endpoints` are addresses of 4 or 16 bytes with 2 bytes of port behind (BEP 23, 7), `peer_ids`
    the ids of the same peers. `external_ip` is the asker's own address as the internet sees it
    (BEP 24), None where it is not of the internet.
    """

    complete: int
    incomplete: int
    endpoints: list[bytes] = []
    peer_ids: list[bytes] = []
    external_ip: bytes | None = None


class ScrapeCounts(msgspec.Struct, frozen=True, gc=False):
    """The counts of one swarm: seeds, peers that still fetch, and fetches that were completed."""

    complete: int = 0
    incomplete: int = 0
    downloaded: int = 0
