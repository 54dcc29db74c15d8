from __future__ import annotations

import ipaddress
import itertools
from typing import Any
from urllib.parse import quote_from_bytes

import libtorrent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptube.errors import ProtocolViolation
from p2ptube.tracker.addresses import pack
from p2ptube.tracker.announce import (
    INTERVAL,
    MAX_COUNT,
    MIN_INTERVAL,
    Announce,
    AnnounceAnswer,
    Event,
    ScrapeCounts,
)
from p2ptube.tracker.http import (
    bencode,
    encode_announce,
    encode_failure,
    encode_scrape,
    parse_announce,
    parse_scrape,
)

HASH = bytes(range(20))
PEER = b"-PT0001-" + b"x" * 12
BASE = f"info_hash={quote_from_bytes(HASH)}&peer_id={quote_from_bytes(PEER)}&port=6881".encode()


def bdecode(data: bytes) -> Any:
    return libtorrent.bdecode(data)


def test_smallest_announce() -> None:
    assert parse_announce(BASE) == Announce(info_hash=HASH, peer_id=PEER, port=6881)


def test_full_announce() -> None:
    query = BASE + (
        b"&uploaded=1&downloaded=2&left=3&event=started&numwant=50&compact=0&no_peer_id=1"
        b"&key=ABCD&ip=10.0.0.1&corrupt=0&supportcrypto=1&&novalue&trackerid="
    )
    assert parse_announce(query) == Announce(
        info_hash=HASH,
        peer_id=PEER,
        port=6881,
        left=3,
        event=Event.STARTED,
        numwant=50,
        compact=False,
        no_peer_id=True,
        ip=bytes([10, 0, 0, 1]),
    )


@pytest.mark.parametrize(
    ("more", "field", "value"),
    [
        (b"event=", "event", Event.NONE),
        (b"event=empty", "event", Event.NONE),
        (b"event=paused", "event", Event.NONE),
        (b"event=\xff", "event", Event.NONE),
        (b"event=stopped", "event", Event.STOPPED),
        (b"event=completed", "event", Event.COMPLETED),
        (b"numwant=-1", "numwant", None),
        (b"numwant=0", "numwant", 0),
        (b"left=0", "left", 0),
        (b"left=", "left", None),
        (b"left=18446744073709551615", "left", MAX_COUNT),
        (b"ip=2001:db8::1", "ip", pack("2001:db8::1")),
        (b"ip=2001%3Adb8%3A%3A1", "ip", pack("2001:db8::1")),
        (b"ip=example.org", "ip", None),
        (b"ip=999.1.1.1", "ip", None),
        (b"compact=1", "compact", True),
        (b"port=1", "port", 1),
        (b"uploaded=many&downloaded=%", "left", None),
    ],
)
def test_fields(more: bytes, field: str, value: object) -> None:
    assert getattr(parse_announce(BASE + b"&" + more), field) == value


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (b"", "info_hash is missing"),
        (b"info_hash=abc", "info_hash must have 20 bytes"),
        (BASE.replace(b"%00", b"%00%00"), "info_hash must have 20 bytes"),
        (BASE.replace(b"xx", b"x"), "peer_id must have 20 bytes"),
        (BASE.replace(b"&peer_id", b"&peer"), "peer_id is missing"),
        (BASE.replace(b"&port=6881", b""), "port must"),
        (BASE.replace(b"6881", b"0"), "port must"),
        (BASE.replace(b"6881", b"65536"), "port must"),
        (BASE.replace(b"6881", b"x"), "port is not a number"),
        (BASE.replace(b"6881", b"+5"), "port is not a number"),
        (BASE + b"&left=-5", "left is not a number"),
        (BASE + b"&left=" + b"9" * 5000, "left is not a number"),
        (BASE + b"&info_hash=" + b"a" * 20, "more than one info_hash"),
        (BASE.replace(b"xx", b"%"), "percent"),
        (BASE.replace(b"x&", b"%1&"), "percent"),
        (BASE.replace(b"xx", b"%+1"), "percent"),
        (BASE.replace(b"%00", b"%0\xe9"), "percent"),
        (BASE + b"&a=" + b"a" * 10_000, "more than 8192 bytes"),
    ],
)
def test_refused(query: bytes, reason: str) -> None:
    with pytest.raises(ProtocolViolation, match=reason):
        parse_announce(query)


counts = st.none() | st.integers(0, MAX_COUNT)
announces = st.builds(
    Announce,
    info_hash=st.binary(min_size=20, max_size=20),
    peer_id=st.binary(min_size=20, max_size=20),
    port=st.integers(1, 65535),
    left=counts,
    event=st.sampled_from(Event),
    numwant=counts,
    compact=st.booleans(),
    no_peer_id=st.booleans(),
    ip=st.none() | st.ip_addresses().map(lambda ip: pack(str(ip))),
)


def announce_query(announce: Announce) -> bytes:
    fields: dict[str, bytes] = {
        "info_hash": announce.info_hash,
        "peer_id": announce.peer_id,
        "event": announce.event.encode(),
        "compact": b"%d" % announce.compact,
        "no_peer_id": b"%d" % announce.no_peer_id,
    }
    for name in ("port", "left", "numwant", "ip"):
        value = getattr(announce, name)
        if name == "ip" and value is not None:
            value = ipaddress.ip_address(value)
        if value is not None:
            fields[name] = str(value).encode()
    return "&".join(f"{k}={quote_from_bytes(v, safe='')}" for k, v in fields.items()).encode()


@given(announces)
def test_an_announce_survives(announce: Announce) -> None:
    assert parse_announce(announce_query(announce)) == announce


@given(
    st.binary()
    | st.lists(st.sampled_from([*BASE.split(b"&"), b"%", b"left=", b"="])).map(b"&".join)
)
def test_garbage_is_refused_in_words(query: bytes) -> None:
    for parse in (parse_announce, parse_scrape):
        try:
            parse(query)
        except ProtocolViolation as error:
            assert b"failure reason" in bdecode(encode_failure(str(error)))


def test_unescaped_bytes_are_taken_as_they_are() -> None:
    raw = b"+a b~-_." + bytes([0, 255, 128]) + b"y" * 9
    query = b"port=1&peer_id=" + PEER + b"&info_hash=" + raw
    assert parse_announce(query).info_hash == raw


endpoints = st.tuples(
    st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16),
    st.binary(min_size=2, max_size=2),
    st.binary(min_size=20, max_size=20),
)


@st.composite
def answers(draw: st.DrawFn) -> AnnounceAnswer:
    peers = draw(st.lists(endpoints, max_size=20))
    return AnnounceAnswer(
        complete=draw(st.integers(0, 10**6)),
        incomplete=draw(st.integers(0, 10**6)),
        endpoints=[host + port for host, port, _ in peers],
        peer_ids=[peer_id for _, _, peer_id in peers],
        external_ip=draw(st.none() | st.binary(min_size=4, max_size=4)),
    )


@given(answers())
def test_compact_answer(answer: AnnounceAnswer) -> None:
    data = encode_announce(answer)
    decoded = bdecode(data)
    assert data == libtorrent.bencode(decoded), "keys are sorted"
    assert decoded[b"interval"] == INTERVAL
    assert decoded[b"min interval"] == MIN_INTERVAL
    assert decoded[b"complete"] == answer.complete
    assert decoded[b"incomplete"] == answer.incomplete
    assert decoded[b"peers"] == b"".join(e for e in answer.endpoints if len(e) == 6)
    six = b"".join(e for e in answer.endpoints if len(e) == 18)
    assert decoded.get(b"peers6", b"") == six
    assert (b"peers6" in decoded) is bool(six)
    assert decoded.get(b"external ip") == answer.external_ip


@given(answers(), st.booleans())
def test_answer_of_dictionaries(answer: AnnounceAnswer, no_peer_id: bool) -> None:
    data = encode_announce(answer, compact=False, no_peer_id=no_peer_id)
    decoded = bdecode(data)
    assert data == libtorrent.bencode(decoded)
    peers = zip(answer.endpoints, answer.peer_ids, strict=True)
    for got, (endpoint, peer_id) in zip(decoded[b"peers"], peers, strict=True):
        assert ipaddress.ip_address(got[b"ip"].decode()).packed == endpoint[:-2]
        assert got[b"port"] == int.from_bytes(endpoint[-2:])
        assert got.get(b"peer id") == (None if no_peer_id else peer_id)


def test_known_bytes() -> None:
    answer = AnnounceAnswer(complete=1, incomplete=2, endpoints=[b"\x01\x02\x03\x04\x1a\xe1"])
    assert encode_announce(answer) == (
        b"d8:completei1e10:incompletei2e8:intervali900e12:min intervali60e"
        b"5:peers6:\x01\x02\x03\x04\x1a\xe1e"
    )
    assert encode_failure("n\u00f6") == b"d14:failure reason3:n\xc3\xb6e"


hashes = st.binary(min_size=20, max_size=20)


@given(st.lists(hashes, min_size=1, max_size=10))
def test_scrape_request(wanted: list[bytes]) -> None:
    query = "&".join(f"info_hash={quote_from_bytes(h, safe='')}" for h in wanted)
    assert parse_scrape(query.encode()) == tuple(dict.fromkeys(wanted))


@pytest.mark.parametrize(
    "query", [b"", b"info_hash=short", b"&".join(itertools.repeat(b"info_hash=" + b"a" * 20, 75))]
)
def test_scrape_refused(query: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        parse_scrape(query)


@given(
    st.dictionaries(
        hashes, st.builds(ScrapeCounts, *(st.integers(0, 10**9) for _ in range(3))), max_size=5
    )
)
def test_scrape_answer(files: dict[bytes, ScrapeCounts]) -> None:
    decoded = bdecode(encode_scrape(files))[b"files"]
    assert decoded == {
        info_hash: {
            b"complete": count.complete,
            b"downloaded": count.downloaded,
            b"incomplete": count.incomplete,
        }
        for info_hash, count in files.items()
    }


values = st.recursive(
    st.integers(1 - 2**63, 2**63 - 1) | st.binary(),  # libtorrent reads -(2**63) as 0
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.binary(), inner, max_size=4),
    max_leaves=20,
)


@given(values)
def test_bencode_agrees_with_libtorrent(value: Any) -> None:
    encoded = bencode(value)
    assert bdecode(encoded) == value
    assert encoded == libtorrent.bencode(value)
