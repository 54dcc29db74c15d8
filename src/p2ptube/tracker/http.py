"""Pure: the tracker's messages over HTTP (BEP 3, 7, 23, 24, 48).

A bad request raises ProtocolViolation, whose text is the failure reason to answer with.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ..errors import ProtocolViolation
from .addresses import pack, unpack
from .announce import (
    HASH_BYTES,
    INTERVAL,
    MAX_COUNT,
    MAX_SCRAPE,
    MIN_INTERVAL,
    Announce,
    AnnounceAnswer,
    Event,
    ScrapeCounts,
)

MAX_QUERY = 8 * 1024  # bytes

_DIGITS = "0123456789abcdefABCDEF"
_BYTES = {(a + b).encode(): bytes.fromhex(a + b) for a in _DIGITS for b in _DIGITS}
_EVENTS = {event.encode(): event for event in Event}
_INTERVALS = b"8:intervali%de12:min intervali%de" % (INTERVAL, MIN_INTERVAL)

Bencodable = int | bytes | str | Iterable["Bencodable"] | Mapping[bytes, "Bencodable"]


def parse_announce(query: bytes) -> Announce:
    """Parse the query string of an announce, without its question mark.

    Unknown parameters are ignored; of one that stands there twice, the last counts. Raises
    ProtocolViolation.
    """
    if query.count(b"info_hash=") > 1:
        raise ProtocolViolation("more than one info_hash")
    values = dict(_parameters(query))
    get = values.get
    ip = get(b"ip")
    return Announce(
        _hash(get(b"info_hash"), "info_hash"),
        _hash(get(b"peer_id"), "peer_id"),
        _port(get(b"port")),
        _number(get(b"left"), "left"),
        # BEPs add events, such as "paused" (BEP 21).
        _EVENTS.get(get(b"event", b""), Event.NONE),
        _numwant(get(b"numwant")),
        _ip(ip) if ip else None,
        get(b"compact") != b"0",
        get(b"no_peer_id") == b"1",
    )


def parse_scrape(query: bytes) -> tuple[bytes, ...]:
    """Return the different info-hashes that a scrape asks for.

    None at all asks for every swarm, which we refuse. Raises ProtocolViolation.
    """
    hashes = [
        _hash(value, "info_hash") for name, value in _parameters(query) if name == b"info_hash"
    ]
    if not hashes:
        raise ProtocolViolation("info_hash is missing")
    if len(hashes) > MAX_SCRAPE:
        raise ProtocolViolation(f"more than {MAX_SCRAPE} info_hashes")
    return tuple(dict.fromkeys(hashes))


def encode_announce(
    answer: AnnounceAnswer, *, compact: bool = True, no_peer_id: bool = False
) -> bytes:
    """Return the bencoded answer.

    The compact form has IPv4 peers in `peers` (BEP 23) and IPv6 peers in `peers6` (BEP 7), which
    is left out where there are none; the other form has all in one list of dictionaries.
    """
    if compact:
        four, six = b"".join(answer.endpoints), b""
        if len(four) > 6 * len(answer.endpoints):
            four = b"".join([endpoint for endpoint in answer.endpoints if len(endpoint) == 6])
            six = b"".join([endpoint for endpoint in answer.endpoints if len(endpoint) == 18])
        peers = b"5:peers%d:%b" % (len(four), four)
        if six:
            peers += b"6:peers6%d:%b" % (len(six), six)
    else:
        pairs = zip(answer.endpoints, answer.peer_ids, strict=True)
        peers = b"5:peers" + bencode([_peer(each, no_peer_id, of) for each, of in pairs])
    own = answer.external_ip
    external = b"" if own is None else b"11:external ip%d:%b" % (len(own), own)
    counts = b"8:completei%de" % answer.complete
    return b"d%b%b10:incompletei%de%b%be" % (
        counts,
        external,
        answer.incomplete,
        _INTERVALS,
        peers,
    )


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


def _peer(endpoint: bytes, no_peer_id: bool, peer_id: bytes) -> dict[bytes, Bencodable]:
    host, port = unpack(endpoint[:-2]), int.from_bytes(endpoint[-2:])
    fields: dict[bytes, Bencodable] = {b"ip": host, b"port": port}
    if not no_peer_id:
        fields[b"peer id"] = peer_id
    return fields


def _parameters(query: bytes) -> list[tuple[bytes, bytes]]:
    if len(query) > MAX_QUERY:
        raise ProtocolViolation(f"the query has more than {MAX_QUERY} bytes")
    return [(part[0], part[2]) for part in [each.partition(b"=") for each in query.split(b"&")]]


def _unquote(text: bytes) -> bytes:
    # A plus is a plus: clients encode a space as %20, and many leave a byte 0x2B as it is.
    if b"%" not in text:
        return text
    first, *rest = text.split(b"%")
    try:
        return first + b"".join([_BYTES[part[:2]] + part[2:] for part in rest])
    except KeyError:
        raise ProtocolViolation("bad percent-encoding") from None


def _hash(value: bytes | None, name: str) -> bytes:
    if value is None:
        raise ProtocolViolation(f"{name} is missing")
    value = _unquote(value)
    if len(value) != HASH_BYTES:
        raise ProtocolViolation(f"{name} must have {HASH_BYTES} bytes")
    return value


def _number(text: bytes | None, name: str) -> int | None:
    if not text:
        return None
    if not text.isdigit() or len(text) > 20:
        raise ProtocolViolation(f"{name} is not a number")
    return min(int(text), MAX_COUNT)


def _port(text: bytes | None) -> int:
    port = _number(text, "port")
    if port is None or not 0 < port < 65536:
        raise ProtocolViolation("port must be between 1 and 65535")
    return port


def _numwant(text: bytes | None) -> int | None:
    # A negative number leaves it to the tracker, as in UDP (BEP 15).
    if text is None or text.startswith(b"-"):
        return None
    return _number(text, "numwant")


def _ip(text: bytes) -> bytes | None:
    # BEP 3 also allows a DNS name here, which we would have to look up: ignored.
    return pack(_unquote(text).decode("latin-1"))
