"""Pure: the tracker's messages over HTTP (BEP 3, 7, 23, 24, 48).

A bad request raises ProtocolViolation, whose text is the failure reason to answer with.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from ..errors import ProtocolViolation

HASH_BYTES = 20
MAX_QUERY = 8 * 1024  # bytes
MAX_SCRAPE = 74  # info-hashes in one request, as many as fit in one of UDP (BEP 15)
MAX_COUNT = 2**63 - 1

_HEX = frozenset(b"0123456789abcdefABCDEF")

Bencodable = int | bytes | str | Iterable["Bencodable"] | Mapping[bytes, "Bencodable"]


class Event(StrEnum):
    """Why a peer announces; NONE at regular intervals."""

    NONE = ""
    STARTED = "started"
    COMPLETED = "completed"
    STOPPED = "stopped"


@dataclass(frozen=True, kw_only=True)
class Announce:
    """What a peer says of itself in a swarm. Amounts are bytes.

    `left` is None where the peer does not know (it has a magnet link only). `numwant` is None
    where it leaves the number of peers to the tracker. `ip` is an IP address that it claims to be
    reached at, not to be believed without a reason.
    """

    info_hash: bytes
    peer_id: bytes
    port: int
    uploaded: int = 0
    downloaded: int = 0
    left: int | None = None
    event: Event = Event.NONE
    numwant: int | None = None
    compact: bool = True
    no_peer_id: bool = False
    key: bytes = b""
    ip: str | None = None


@dataclass(frozen=True)
class TrackerPeer:
    """A peer of a swarm. `host` is an IP address; `peer_id` is empty where it is not known."""

    host: str
    port: int
    peer_id: bytes = b""


@dataclass(frozen=True, kw_only=True)
class AnnounceAnswer:
    """The answer to an announce. Intervals in seconds; `external_ip` is the asker's (BEP 24)."""

    interval: int
    min_interval: int
    complete: int
    incomplete: int
    peers: tuple[TrackerPeer, ...] = ()
    external_ip: str | None = None


@dataclass(frozen=True)
class ScrapeCounts:
    """The counts of one swarm: seeds, peers that still fetch, and fetches that were completed."""

    complete: int = 0
    incomplete: int = 0
    downloaded: int = 0


def parse_announce(query: bytes) -> Announce:
    """Parse the query string of an announce, without its question mark.

    Unknown parameters are ignored. Raises ProtocolViolation.
    """
    values: dict[bytes, bytes] = {}
    for name, value in _parameters(query):
        if name == b"info_hash" and name in values:
            raise ProtocolViolation("more than one info_hash")
        values.setdefault(name, value)
    return Announce(
        info_hash=_hash(values, b"info_hash"),
        peer_id=_hash(values, b"peer_id"),
        port=_port(values),
        uploaded=_number(values, b"uploaded") or 0,
        downloaded=_number(values, b"downloaded") or 0,
        left=_number(values, b"left"),
        event=_event(values.get(b"event", b"")),
        numwant=_numwant(values),
        compact=values.get(b"compact") != b"0",
        no_peer_id=values.get(b"no_peer_id") == b"1",
        key=values.get(b"key", b"")[:64],
        ip=_ip(values.get(b"ip", b"")),
    )


def parse_scrape(query: bytes) -> tuple[bytes, ...]:
    """Return the different info-hashes that a scrape asks for.

    None at all asks for every swarm, which we refuse. Raises ProtocolViolation.
    """
    hashes = [value for name, value in _parameters(query) if name == b"info_hash"]
    if not hashes:
        raise ProtocolViolation("info_hash is missing")
    if len(hashes) > MAX_SCRAPE:
        raise ProtocolViolation(f"more than {MAX_SCRAPE} info_hashes")
    for value in hashes:
        if len(value) != HASH_BYTES:
            raise ProtocolViolation(f"info_hash must have {HASH_BYTES} bytes")
    return tuple(dict.fromkeys(hashes))


def encode_announce(
    answer: AnnounceAnswer, *, compact: bool = True, no_peer_id: bool = False
) -> bytes:
    """Return the bencoded answer.

    The compact form has IPv4 peers in `peers` (BEP 23) and IPv6 peers in `peers6` (BEP 7), which
    is left out where there are none; the other form has all in one list of dictionaries.
    """
    fields: dict[bytes, Bencodable] = {
        b"interval": answer.interval,
        b"min interval": answer.min_interval,
        b"complete": answer.complete,
        b"incomplete": answer.incomplete,
    }
    if answer.external_ip is not None:
        fields[b"external ip"] = ipaddress.ip_address(answer.external_ip).packed
    if compact:
        packed = [(ipaddress.ip_address(p.host).packed, p.port) for p in answer.peers]
        endpoints = [host + port.to_bytes(2) for host, port in packed]
        fields[b"peers"] = b"".join(e for e in endpoints if len(e) == 6)
        if six := b"".join(e for e in endpoints if len(e) == 18):
            fields[b"peers6"] = six
    else:
        fields[b"peers"] = [_peer_dictionary(peer, no_peer_id) for peer in answer.peers]
    return bencode(fields)


def encode_scrape(counts: Mapping[bytes, ScrapeCounts]) -> bytes:
    """Return the bencoded answer to a scrape (BEP 48)."""
    files: dict[bytes, Bencodable] = {
        info_hash: {
            b"complete": count.complete,
            b"downloaded": count.downloaded,
            b"incomplete": count.incomplete,
        }
        for info_hash, count in counts.items()
    }
    return bencode({b"files": files})


def encode_failure(reason: str) -> bytes:
    """Return the bencoded refusal of an announce or scrape, with a reason in words."""
    return bencode({b"failure reason": reason})


def bencode(value: Bencodable) -> bytes:
    """Return `value` bencoded (BEP 3); text as UTF-8, the keys of dictionaries sorted."""
    out: list[bytes] = []
    _bencode(value, out)
    return b"".join(out)


def _bencode(value: Bencodable, out: list[bytes]) -> None:
    if isinstance(value, str):
        value = value.encode()
    if isinstance(value, int):
        out.append(b"i%de" % value)
    elif isinstance(value, bytes):
        out.append(b"%d:" % len(value) + value)
    elif isinstance(value, Mapping):
        out.append(b"d")
        for key in sorted(value):
            out.append(b"%d:" % len(key) + key)
            _bencode(value[key], out)
        out.append(b"e")
    else:
        out.append(b"l")
        for item in value:
            _bencode(item, out)
        out.append(b"e")


def _peer_dictionary(peer: TrackerPeer, no_peer_id: bool) -> dict[bytes, Bencodable]:
    fields: dict[bytes, Bencodable] = {b"ip": peer.host, b"port": peer.port}
    if peer.peer_id and not no_peer_id:
        fields[b"peer id"] = peer.peer_id
    return fields


def _parameters(query: bytes) -> Iterable[tuple[bytes, bytes]]:
    if len(query) > MAX_QUERY:
        raise ProtocolViolation(f"the query has more than {MAX_QUERY} bytes")
    for part in query.split(b"&"):
        name, _, value = part.partition(b"=")
        if name:
            yield _unquote(name), _unquote(value)


def _unquote(text: bytes) -> bytes:
    # A plus is a plus: clients encode a space as %20, and many leave a byte 0x2B as it is.
    first, *rest = text.split(b"%")
    out = [first]
    for part in rest:
        if len(part) < 2 or not _HEX.issuperset(part[:2]):
            raise ProtocolViolation("bad percent-encoding")
        out.append(bytes.fromhex(part[:2].decode()) + part[2:])
    return b"".join(out)


def _hash(values: Mapping[bytes, bytes], name: bytes) -> bytes:
    value = values.get(name)
    if value is None:
        raise ProtocolViolation(f"{name.decode()} is missing")
    if len(value) != HASH_BYTES:
        raise ProtocolViolation(f"{name.decode()} must have {HASH_BYTES} bytes")
    return value


def _number(values: Mapping[bytes, bytes], name: bytes) -> int | None:
    text = values.get(name, b"")
    if not text:
        return None
    if not text.isdigit() or len(text) > 20:
        raise ProtocolViolation(f"{name.decode()} is not a number")
    return min(int(text), MAX_COUNT)


def _port(values: Mapping[bytes, bytes]) -> int:
    port = _number(values, b"port")
    if port is None or not 0 < port < 65536:
        raise ProtocolViolation("port must be between 1 and 65535")
    return port


def _numwant(values: Mapping[bytes, bytes]) -> int | None:
    # A negative number leaves it to the tracker, as in UDP (BEP 15).
    if values.get(b"numwant", b"").startswith(b"-"):
        return None
    return _number(values, b"numwant")


def _event(text: bytes) -> Event:
    try:
        return Event(text.decode("ascii"))
    except ValueError:
        return Event.NONE  # BEPs add events, such as "paused" (BEP 21)


def _ip(text: bytes) -> str | None:
    # BEP 3 also allows a DNS name here, which we would have to look up: ignored.
    try:
        return str(ipaddress.ip_address(text.decode("ascii")))
    except ValueError:
        return None
