from __future__ import annotations

import random
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptube.errors import ProtocolViolation
from p2ptube.tracker import udp
from p2ptube.tracker.announce import Announce, AnnounceAnswer, Event, ScrapeCounts
from p2ptube.tracker.tracker import Tracker
from p2ptube.tracker.udp import CONNECTION_SECONDS, PROTOCOL_ID, Action, ConnectionIds

HASH, PEER = b"h" * 20, b"p" * 20
HERE, THERE = bytes([8, 0, 0, 1]), bytes([8, 0, 0, 2])
SIX = bytes.fromhex("20010db8") + bytes(11) + b"\x01"
KEY = b"k" * 32
EVENTS = [Event.NONE, Event.COMPLETED, Event.STARTED, Event.STOPPED]


def head(connection_id: int, action: int, transaction: int = 7) -> bytes:
    return struct.pack("!QLL", connection_id, action, transaction)


def body(
    info_hash: bytes = HASH,
    peer_id: bytes = PEER,
    left: int = 1,
    event: int = 0,
    numwant: int = -1,
    port: int = 6881,
) -> bytes:
    numbers = struct.pack("!QQQLLLlH", 0, left, 0, event, 0x09090909, 0, numwant, port)
    return info_hash + peer_id + numbers


def tracker() -> Tracker:
    return Tracker(random.Random(1), KEY)


def connected(of: Tracker, source: bytes, now: float = 0) -> int:
    answer = of.datagram(head(PROTOCOL_ID, Action.CONNECT), source, now)
    assert answer is not None
    action, transaction, connection_id = struct.unpack("!LLQ", answer)
    assert (action, transaction) == (Action.CONNECT, 7)
    return int(connection_id)


@given(
    st.binary(min_size=20, max_size=20),
    st.binary(min_size=20, max_size=20),
    st.integers(0, 2**63),
    st.integers(0, 3),
    st.integers(-(2**31), 2**31 - 1),
    st.integers(1, 65535),
    st.binary(max_size=50),
)
def test_an_announce_survives(
    info_hash: bytes, peer: bytes, left: int, event: int, numwant: int, port: int, options: bytes
) -> None:
    packet = head(1, Action.ANNOUNCE) + body(info_hash, peer, left, event, numwant, port) + options
    wanted = None if numwant < 0 else numwant
    assert udp.parse_announce(packet) == Announce(
        info_hash, peer, port, left, EVENTS[event], wanted
    )


def test_known_bytes() -> None:
    answer = AnnounceAnswer(1, 2, [b"\x01\x02\x03\x04\x1a\xe1"])
    assert udp.encode_announce(7, answer) == struct.pack(
        "!LLLLL6s", 1, 7, 900, 2, 1, b"\x01\x02\x03\x04\x1a\xe1"
    )
    counts = [ScrapeCounts(1, 2, 3), ScrapeCounts()]
    assert udp.encode_scrape(7, counts) == struct.pack("!LLLLLLLL", 2, 7, 1, 3, 2, 0, 0, 0)
    assert udp.encode_error(7, "no") == b"\0\0\0\x03\0\0\0\x07no"


def test_connect_announce_scrape() -> None:
    of = tracker()
    for source, port in ((HERE, 1), (SIX, 2), (THERE, 3)):
        connection_id = connected(of, source)
        packet = head(connection_id, Action.ANNOUNCE) + body(
            peer_id=bytes([port]) * 20, port=port, left=port - 1
        )
        answer = of.datagram(packet, source, 0)
        assert answer is not None
    # The last one is told of the IPv4 peer only: the packet has no room for another form.
    assert answer == struct.pack("!LLLLL", 1, 7, 900, 2, 1) + HERE + b"\0\x01"
    scrape = head(connection_id, Action.SCRAPE) + HASH + b"u" * 20 + HASH
    answer = of.datagram(scrape, THERE, 0)
    counts = struct.pack("!LLL", 1, 0, 2)
    assert answer == struct.pack("!LL", 2, 7) + counts + bytes(12) + counts


def test_a_connection_id_belongs_to_an_address_and_a_time() -> None:
    ids, others = ConnectionIds(KEY), ConnectionIds(b"x" * 32)
    given_at = 1000.0
    one = ids.give(HERE, given_at)
    assert ids.holds(one, HERE, given_at)
    assert ids.holds(one, HERE, given_at + CONNECTION_SECONDS)
    assert not ids.holds(one, HERE, given_at + 2 * CONNECTION_SECONDS)
    assert not ids.holds(one, THERE, given_at)
    assert not ids.holds(one + 1, HERE, given_at)
    assert not others.holds(one, HERE, given_at)
    assert not ids.holds(PROTOCOL_ID, HERE, given_at)


@given(st.integers(0, 2**64 - 1), st.sampled_from([1, 2, 3, 4, 2**32 - 1]), st.binary(max_size=99))
def test_forged_connection_ids_change_nothing_and_gain_nothing(
    connection_id: int, action: int, rest: bytes
) -> None:
    of = tracker()
    packet = head(connection_id, action) + rest
    answer = of.datagram(packet, HERE, 0)
    assert answer is None or len(answer) <= len(packet)
    assert answer is None or answer[:8] == struct.pack("!LL", Action.ERROR, 7)
    stats = of.stats(0)
    assert (stats.peers, stats.announces_udp, stats.scrapes) == (0, 0, 0)


def test_trackers_do_not_refuse_each_others_refusals_for_ever() -> None:
    one, other = tracker(), tracker()
    packet: bytes | None = head(1, Action.ANNOUNCE) + body()
    for _ in range(10):
        for source, of in ((HERE, one), (THERE, other)):
            if packet is not None:
                packet = of.datagram(packet, source, 0)
    assert packet is None
    assert one.stats(0).refused + other.stats(0).refused == 2


@given(st.binary(max_size=200))
def test_no_packet_of_a_stranger_is_answered_with_more(packet: bytes) -> None:
    answer = tracker().datagram(packet, HERE, 0)
    assert answer is None or len(answer) <= len(packet)


@given(st.integers(0, 5), st.binary(max_size=1600))
def test_garbage_behind_a_good_connection_id_is_answered_in_words(action: int, rest: bytes) -> None:
    of = tracker()
    packet = head(connected(of, HERE), action) + rest
    answer = of.datagram(packet, HERE, 0)
    assert answer is not None
    assert answer[3] in {Action.ANNOUNCE, Action.SCRAPE, Action.ERROR}
    assert answer[4:8] == packet[12:16]


@pytest.mark.parametrize(
    ("action", "rest", "reason"),
    [
        (Action.ANNOUNCE, body()[:-1], b"announce too short"),
        (Action.ANNOUNCE, body(port=0), b"port must not be 0"),
        (Action.SCRAPE, b"", b"a scrape has info_hashes of 20 bytes"),
        (Action.SCRAPE, HASH + b"x", b"a scrape has info_hashes of 20 bytes"),
        (Action.SCRAPE, HASH * 75, b"more than 74 info_hashes"),
        (Action.CONNECT, b"", b"unknown action"),
        (9, b"", b"unknown action"),
    ],
)
def test_refusals(action: int, rest: bytes, reason: bytes) -> None:
    of = tracker()
    answer = of.datagram(head(connected(of, HERE), action) + rest, HERE, 0)
    assert answer == struct.pack("!LL", Action.ERROR, 7) + reason
    assert of.stats(0).refused == 1


def test_too_short_for_a_head() -> None:
    with pytest.raises(ProtocolViolation):
        udp.parse_request(b"x" * 15)
    assert tracker().datagram(b"x" * 15, HERE, 0) is None


def test_the_address_in_the_packet_is_not_believed() -> None:
    of = tracker()
    for source in (bytes([10, 0, 0, 1]), bytes([10, 0, 0, 2])):
        packet = head(connected(of, source), Action.ANNOUNCE) + body(peer_id=source * 5)
        answer = of.datagram(packet, source, 0)
    assert answer is not None
    assert answer[20:] == bytes([10, 0, 0, 1]) + (6881).to_bytes(2)
