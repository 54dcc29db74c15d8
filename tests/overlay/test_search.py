from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.overlay.network import IDENTITY, descriptor, forged, found

from p2ptube.descriptor import seal
from p2ptube.errors import BadSignature, ProtocolViolation
from p2ptube.identity import Identity
from p2ptube.models import Found, Holder, PeerAddress, SignedDescriptor
from p2ptube.overlay.membership import Kind, KnownPeer
from p2ptube.overlay.search import (
    MAX_LIMIT,
    MAX_TTL,
    Admission,
    Collector,
    SeenQueries,
    SeenSearches,
    clamp_limit,
    clamp_ttl,
    find_targets,
    local_id,
    query_targets,
    verified,
)


def known(name: str, kind: Kind = Kind.P2PTUBE, swarm_port: int | None = 6001) -> KnownPeer:
    address = PeerAddress.parse(name)
    return KnownPeer(id=name, address=address, kind=kind, swarm_port=swarm_port)


@given(st.integers(), st.integers())
def test_clamps(ttl: int, limit: int) -> None:
    assert 0 <= clamp_ttl(ttl) <= MAX_TTL
    assert 0 <= clamp_limit(limit) <= MAX_LIMIT


def test_a_search_is_seen_once_until_it_expires() -> None:
    seen = SeenSearches(keep=10)
    assert seen.first_time("a", 0)
    assert not seen.first_time("a", 9)
    assert seen.first_time("a", 10)


def test_the_seen_set_is_bounded() -> None:
    seen = SeenSearches(max_size=3)
    for number in range(10):
        assert seen.first_time(str(number), 0)
    assert len(seen) == 3
    assert not seen.first_time("9", 0)


def test_one_flood_of_quer_is_worked_on_once() -> None:
    seen = SeenQueries(window=2)
    assert seen.admit("a:1", "key", 3, 0) is Admission.NEW
    assert seen.admit("a:1", "key", 3, 1) is Admission.DUPLICATE
    assert seen.admit("a:1", "key", 2, 1) is Admission.DUPLICATE
    assert seen.admit("a:1", "other", 2, 1) is Admission.NEW
    assert seen.admit("b:1", "key", 2, 1) is Admission.NEW


def test_a_repeated_search_is_a_new_one_though_duplicates_came_meanwhile() -> None:
    seen = SeenQueries(window=2)
    assert seen.admit("a:1", "key", 3, 0) is Admission.NEW
    assert seen.admit("a:1", "key", 3, 1.9) is Admission.DUPLICATE
    assert seen.admit("a:1", "key", 3, 2.1) is Admission.NEW


def test_a_higher_ttl_is_not_lost() -> None:
    seen = SeenQueries(window=2)
    assert seen.admit("a:1", "key", 0, 0) is Admission.NEW
    assert seen.admit("a:1", "key", 3, 0.1) is Admission.FARTHER
    assert seen.admit("a:1", "key", 2, 0.2) is Admission.DUPLICATE


@given(
    st.integers(2, 12).flatmap(
        lambda n: st.tuples(
            st.just(n),
            st.sets(st.tuples(st.integers(0, n - 1), st.integers(0, n - 1)), max_size=40),
        )
    ),
    st.integers(0, MAX_TTL),
    st.randoms(use_true_random=False),
)
def test_a_flood_of_quer_is_bounded_in_any_network_and_order(
    network: tuple[int, set[tuple[int, int]]], ttl: int, random: object
) -> None:
    size, links = network
    shuffle = random.shuffle  # type: ignore[attr-defined]
    nodes = [SeenQueries() for _ in range(size)]
    near: list[set[int]] = [set() for _ in range(size)]
    for a, b in links:
        if a != b:
            near[a].add(b)
            near[b].add(a)
    on_the_way = [(n, ttl) for n in near[0]]
    reached = {0: ttl + 1}
    messages = 0
    while on_the_way:
        shuffle(on_the_way)
        node, left = on_the_way.pop()
        messages += 1
        if node == 0 or nodes[node].admit("0:1", "key", left, 0) is Admission.DUPLICATE:
            continue
        reached[node] = max(left, reached.get(node, 0))
        if left > 0:
            on_the_way.extend((n, left - 1) for n in near[node])
    assert messages <= (ttl + 1) * 2 * len(links) + size
    assert set(reached) == _within(near, ttl + 1)


def _within(near: list[set[int]], hops: int) -> set[int]:
    reached = {0}
    for _ in range(hops):
        reached |= {n for node in reached for n in near[node]}
    return reached


def test_targets() -> None:
    peers = [known("a:1"), known("b:1", Kind.CLASSIC), known("c:1", Kind.UNKNOWN)]
    assert [p.id for p in find_targets(peers, "")] == ["a:1", "c:1"]
    assert [p.id for p in find_targets(peers, "a:1")] == ["c:1"]
    ids = [p.id for p in query_targets(peers, "b:1", with_p2ptube=True)]
    assert ids == ["a:1", "c:1"]
    assert [p.id for p in query_targets(peers, "", with_p2ptube=False)] == ["b:1", "c:1"]


def test_the_collector_lets_each_video_through_once_per_holder() -> None:
    collector = Collector(10)
    both = found("cats", "a:1", "b:1")
    assert collector.take("v", found("cats", "a:1")) == found("cats", "a:1")
    assert collector.take("v", found("cats", "a:1")) is None
    assert collector.take("v", both) == found("cats", "b:1")
    assert collector.take("v", both) is None
    assert collector.take("w", found("dogs")) is None  # nobody holds it


def test_the_collector_keeps_to_its_limit_but_takes_more_holders() -> None:
    collector = Collector(1)
    assert collector.take("v", found("cats", "a:1")) is not None
    assert collector.room == 0
    assert collector.take("w", found("dogs", "a:1")) is None
    assert collector.take("v", found("cats", "b:1")) is not None
    for number in range(200):
        collector.take("v", found("cats", f"h{number}:1"))
    assert collector.take("v", found("cats", "late:1")) is None


def test_a_newer_descriptor_of_the_same_publisher_comes_through() -> None:
    collector = Collector(5)
    holders = (Holder(peer="a:1"),)
    new = Found(descriptor=seal(descriptor("cats", sequence=2), IDENTITY), holders=holders)
    foreign = Identity(bytes(32))
    other = Found(descriptor=seal(descriptor("cats", sequence=9), foreign), holders=holders)
    assert collector.take("v", found("cats", "a:1")) is not None
    assert collector.take("v", other) is None
    assert collector.take("v", new) == new
    assert collector.take("v", new) is None


def test_a_forged_descriptor_is_refused() -> None:
    with pytest.raises(BadSignature):
        verified(forged("cats", "a:1"), known("a:1"), "me:1")


def test_a_signed_payload_that_is_no_descriptor_is_refused() -> None:
    payload = b'{"title":1}'
    envelope = SignedDescriptor(
        payload=payload, key=IDENTITY.public_key, sig=IDENTITY.sign(payload)
    )
    with pytest.raises(ProtocolViolation):
        verified(Found(descriptor=envelope, holders=()), known("a:1"), "me:1")


def swarm_of(peer: str, swarm: tuple[str, ...], asked: KnownPeer) -> tuple[str, ...]:
    answer = msgspec.structs.replace(found("cats"), holders=(Holder(peer=peer, swarm=swarm),))
    return verified(answer, asked, "me:1")[1].holders[0].swarm


def test_the_peer_that_was_asked_is_reached_where_we_reached_it() -> None:
    asked = KnownPeer(id="10.0.0.2:1", address=PeerAddress("192.168.1.2", 1), swarm_port=6001)
    assert swarm_of("10.0.0.2:1", ("10.0.0.2:6001",), asked) == (
        "192.168.1.2:6001",
        "10.0.0.2:6001",
    )
    assert swarm_of("10.0.0.2:1", (), asked) == ("192.168.1.2:6001",)
    assert swarm_of("10.0.0.3:1", ("10.0.0.3:7",), asked) == ("10.0.0.3:7",)
    full = ("a:1", "b:1", "c:1", "d:1")
    assert swarm_of("10.0.0.2:1", full, asked) == ("192.168.1.2:6001", "a:1", "b:1", "c:1")


def test_without_hello_the_swarm_port_is_that_of_the_answer() -> None:
    asked = known("10.0.0.2:1", swarm_port=None)
    assert swarm_of("10.0.0.2:1", ("172.16.0.1:99",), asked)[0] == "10.0.0.2:99"
    assert swarm_of("10.0.0.2:1", (), asked) == ()


def test_loopback_addresses_of_other_machines_and_nonsense_are_taken_out() -> None:
    swarm = ("127.0.0.1:5", "localhost:5", "rubbish", "10.0.0.9:0", "10.0.0.9:5")
    assert swarm_of("x:1", swarm, known("10.0.0.2:1")) == ("10.0.0.9:5",)
    near = swarm_of("x:1", swarm, known("127.0.0.1:1"))
    assert near == ("127.0.0.1:5", "localhost:5", "10.0.0.9:5")


def test_our_own_entry_is_taken_out() -> None:
    _, answer = verified(found("cats", "me:1", "a:1"), known("a:1"), "me:1")
    assert [h.peer for h in answer.holders] == ["a:1"]


def test_the_id_of_a_local_match() -> None:
    assert local_id(found("cats")) == descriptor("cats").id
