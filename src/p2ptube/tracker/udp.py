"""Pure: the tracker's packets over UDP (BEP 15), for IPv4 and IPv6.

A bad packet raises ProtocolViolation, whose text is the error to answer with.
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from enum import IntEnum

import msgspec

from ..errors import ProtocolViolation
from .announce import (
    HASH_BYTES,
    INTERVAL,
    MAX_SCRAPE,
    Announce,
    AnnounceAnswer,
    Event,
    ScrapeCounts,
)

PROTOCOL_ID = 0x41727101980
CONNECTION_SECONDS = 120  # a connection id holds for one to two of these
MIN_PACKET = 16
MAX_PACKET = MIN_PACKET + MAX_SCRAPE * HASH_BYTES

_HEAD = struct.Struct("!QLL")
_ANNOUNCE = struct.Struct("!20s20sQQQL4sLlH")
_COUNTS = struct.Struct("!LLL")
_ANSWER = struct.Struct("!LLLLL")
_EVENTS = (Event.NONE, Event.COMPLETED, Event.STARTED, Event.STOPPED)


class Action(IntEnum):
    """What a packet is."""

    CONNECT = 0
    ANNOUNCE = 1
    SCRAPE = 2
    ERROR = 3


class Request(msgspec.Struct, frozen=True, gc=False):
    """The head of a packet from a peer."""

    connection_id: int
    action: int
    transaction: int


class ConnectionIds:
    """Connection ids that prove that their bearer receives packets at his address.

    An id is a keyed hash of the address and the time, so nothing is remembered for it, and nobody
    who does not know the key can make one.
    """

    def __init__(self, key: bytes) -> None:
        self._key = key

    def give(self, address: bytes, now: float) -> int:
        """Return the id for an address, now."""
        return self._id(address, int(now) // CONNECTION_SECONDS)

    def holds(self, connection_id: int, address: bytes, now: float) -> bool:
        """Whether the id was given to the address, less than two periods ago."""
        period = int(now) // CONNECTION_SECONDS
        if connection_id == self._id(address, period):
            return True
        return connection_id == self._id(address, period - 1)

    def _id(self, address: bytes, period: int) -> int:
        text = period.to_bytes(8, signed=True) + address
        return int.from_bytes(hashlib.blake2s(text, key=self._key, digest_size=8).digest())


def parse_request(packet: bytes) -> Request:
    """Return the head of a packet. Raises ProtocolViolation if it has none."""
    if len(packet) < MIN_PACKET:
        raise ProtocolViolation("too short")
    return Request(*_HEAD.unpack_from(packet))


def parse_announce(packet: bytes) -> Announce:
    """Return the announce behind the head. Options (BEP 41) are ignored. Raises ProtocolViolation.

    Its field for an IP address is ignored, as BEP 15 demands unless there is a proxy.
    """
    try:
        fields = _ANNOUNCE.unpack_from(packet, MIN_PACKET)
    except struct.error:
        raise ProtocolViolation("announce too short") from None
    info_hash, peer_id, _, left, _, event, _, _, numwant, port = fields
    if port == 0:
        raise ProtocolViolation("port must not be 0")
    return Announce(
        info_hash,
        peer_id,
        port,
        left,
        _EVENTS[event] if event < len(_EVENTS) else Event.NONE,
        None if numwant < 0 else numwant,
    )


def parse_scrape(packet: bytes) -> tuple[bytes, ...]:
    """Return the info-hashes behind the head, as often as they stand there.

    Raises ProtocolViolation.
    """
    hashes = packet[MIN_PACKET:]
    if not hashes or len(hashes) % HASH_BYTES:
        raise ProtocolViolation(f"a scrape has info_hashes of {HASH_BYTES} bytes")
    if len(hashes) > MAX_SCRAPE * HASH_BYTES:
        raise ProtocolViolation(f"more than {MAX_SCRAPE} info_hashes")
    return tuple(hashes[at : at + HASH_BYTES] for at in range(0, len(hashes), HASH_BYTES))


def encode_connect(transaction: int, connection_id: int) -> bytes:
    """Return the answer to a connect."""
    return struct.pack("!LLQ", Action.CONNECT, transaction, connection_id)


def encode_announce(transaction: int, answer: AnnounceAnswer) -> bytes:
    """Return the answer to an announce; all its peers are of one address family."""
    head = _ANSWER.pack(Action.ANNOUNCE, transaction, INTERVAL, answer.incomplete, answer.complete)
    return head + b"".join(answer.endpoints)


def encode_scrape(transaction: int, counts: Iterable[ScrapeCounts]) -> bytes:
    """Return the answer to a scrape: counts in the order of the request."""
    packed = [_COUNTS.pack(each.complete, each.downloaded, each.incomplete) for each in counts]
    return struct.pack("!LL", Action.SCRAPE, transaction) + b"".join(packed)


def encode_error(transaction: int, reason: str) -> bytes:
    """Return a refusal, with a reason in words."""
    return struct.pack("!LL", Action.ERROR, transaction) + reason.encode()
