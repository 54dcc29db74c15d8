from __future__ import annotations

import pytest

from p2ptube.models import PeerAddress
from p2ptube.overlay.membership import (
    FIRST_RETRY,
    LAST_RETRY,
    MAX_ATTEMPTS,
    MAX_CANDIDATES,
    Joined,
    JoinPlan,
    Kind,
    KnownPeer,
    Membership,
    Ourselves,
    is_loopback,
)
from p2ptube.overlay.messages import Hello


def at(text: str) -> PeerAddress:
    return PeerAddress.parse(text)


def members(max_peers: int = 10, bound: str = "0.0.0.0") -> Membership:
    made = Membership(max_peers)
    made.set_ourselves(Ourselves.bound_to(bound, at("10.0.0.1:5678")))
    return made


def hello(peer: str, **more: object) -> Hello:
    return Hello(peer=peer, key=bytes(32), name="N", swarm_port=6001, **more)  # type: ignore[arg-type]


def test_adding() -> None:
    m = members(max_peers=2)
    assert m.add("10.0.0.2:1", at("10.0.0.2:1")) is Joined.ADDED
    assert m.add("10.0.0.2:1", at("10.0.0.2:1")) is Joined.KNOWN
    assert m.add("other:1", at("10.0.0.2:1")) is Joined.KNOWN  # the same address
    assert m.add("10.0.0.3:1", at("10.0.0.3:1")) is Joined.ADDED
    assert m.add("10.0.0.4:1", at("10.0.0.4:1")) is Joined.FULL
    assert m.add("10.0.0.3:1", at("10.0.0.3:1")) is Joined.KNOWN
    assert [p.id for p in m.peers()] == ["10.0.0.2:1", "10.0.0.3:1"]


@pytest.mark.parametrize(
    "name", ["10.0.0.1:5678", "127.0.0.1:5678", "localhost:5678", "127.3.2.1:5678", "[::1]:5678"]
)
def test_never_adds_itself_under_any_name(name: str) -> None:
    m = members()
    assert m.add(name, at(name)) is Joined.KNOWN
    assert m.add("elsewhere:1", at(name)) is Joined.KNOWN
    assert m.peers() == []


def test_another_loopback_address_is_another_peer_unless_bound_to_all() -> None:
    m = Membership(5)
    m.set_ourselves(Ourselves.bound_to("127.0.0.2", at("127.0.0.2:7000")))
    assert m.add("127.0.0.3:7000", at("127.0.0.3:7000")) is Joined.ADDED
    assert m.add("127.0.0.2:7000", at("127.0.0.2:7000")) is Joined.KNOWN


def test_failures_drop_and_success_forgives() -> None:
    m = members()
    m.add("b:1", at("b:1"))
    assert not m.failed("b:1", 0)
    m.heard("b:1", 1, latency=0.5)
    assert not m.failed("b:1", 2)
    assert m.failed("b:1", 3)
    assert m.peers() == []


def test_dropped_peers_are_retried_ever_more_rarely_and_at_last_given_up() -> None:
    m = members()
    m.add("b:1", at("b:1"))
    m.failed("b:1", 0, drop=True)
    assert m.take_due(FIRST_RETRY - 1, 10) == []
    now = FIRST_RETRY
    for attempt in range(1, MAX_ATTEMPTS + 1):
        assert m.take_due(now, 10) == [at("b:1")]
        gap = min(LAST_RETRY, FIRST_RETRY * 2**attempt)
        assert m.take_due(now + gap - 1, 10) == []
        now += gap
    assert m.take_due(now + LAST_RETRY, 10) == []


def test_a_peer_that_comes_back_is_no_candidate_any_more() -> None:
    m = members()
    m.add("b:1", at("b:1"))
    m.failed("b:1", 0, drop=True)
    m.add("b:1", at("b:1"))
    assert m.take_due(10_000, 10) == []


def test_a_peer_removed_on_purpose_is_not_retried() -> None:
    m = members()
    m.add("b:1", at("b:1"))
    assert m.remove("b:1") is not None
    assert m.remove("b:1") is None
    assert m.take_due(10_000, 10) == []


def test_candidates_are_bounded() -> None:
    m = members(max_peers=1)
    for port in range(1, MAX_CANDIDATES + 50):
        m.add(f"b:{port}", at(f"b:{port}"))
        m.failed(f"b:{port}", 0, drop=True)
    assert len(m.take_due(10_000, 10_000)) == MAX_CANDIDATES


def test_hello_tells_kind_name_and_ports() -> None:
    m = members()
    m.add("b:1", at("b:1"))
    peer = m.heard("b:1", 7, latency=0.25, hello=hello("b:1"))
    assert peer is not None
    assert (peer.kind, peer.name, peer.swarm_port) == (Kind.P2PTUBE, "N", 6001)
    assert (peer.latency, peer.last_seen) == (0.25, 7)


def test_hello_under_another_id_renames() -> None:
    m = members()
    m.add("localhost:1", at("localhost:1"))
    m.heard("localhost:1", 0, hello=hello("10.0.0.9:1"))
    assert [p.id for p in m.peers()] == ["10.0.0.9:1"]
    assert m.peers()[0].address == at("localhost:1")


def test_hello_cannot_take_over_the_entry_of_another() -> None:
    m = members()
    m.add("b:1", at("b:1"))
    m.add("evil:1", at("evil:1"))
    m.heard("evil:1", 0, hello=hello("b:1"))
    assert [(p.id, p.address) for p in m.peers()] == [("b:1", at("b:1"))]


def test_a_peer_that_turns_out_to_be_ourselves_is_removed() -> None:
    m = members()
    m.add("myname:1", at("myname:1"))
    assert m.heard("myname:1", 0, hello=hello("10.0.0.1:5678")) is None
    assert m.peers() == []


def test_silence_means_classic_but_p2ptube_peers_may_be_busy_once() -> None:
    m = members()
    m.add("b:1", at("b:1"))
    m.silent("b:1", 0)
    assert m.peers()[0].kind is Kind.CLASSIC
    m.heard("b:1", 1, hello=hello("b:1"))
    m.silent("b:1", 2)
    assert m.peers()[0].kind is Kind.P2PTUBE
    m.silent("b:1", 3)
    assert m.peers()[0].kind is Kind.CLASSIC


def test_loopback_peers_are_listed_for_this_machine_only() -> None:
    m = members()
    m.add("127.0.0.1:7", at("127.0.0.1:7"))
    m.add("10.0.0.5:8", at("127.0.0.1:8"))
    assert [str(e.address) for e in m.listing_for(False)] == ["10.0.0.5:8"]
    assert [str(e.address) for e in m.listing_for(True)] == ["127.0.0.1:7", "10.0.0.5:8"]


def test_restored_peers_keep_what_was_known_but_not_their_failures() -> None:
    m = members(max_peers=2)
    old = KnownPeer(id="b:1", address=at("b:1"), kind=Kind.P2PTUBE, name="B", failures=1)
    m.restore([old, at("c:1"), at("10.0.0.1:5678"), at("d:1")])
    assert [(p.id, p.name, p.failures) for p in m.peers()] == [("b:1", "B", 0), ("c:1", "", 0)]


def test_restored_before_the_start_we_are_sorted_out_at_the_start() -> None:
    m = Membership(5)
    m.restore([at("10.0.0.1:5678"), at("b:1")])
    m.set_ourselves(Ourselves.bound_to("0.0.0.0", at("10.0.0.1:5678")))
    assert [p.id for p in m.peers()] == ["b:1"]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost", "::ffff:127.0.0.1"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)
    assert not is_loopback("10.0.0.1")
    assert not is_loopback("example.org")


def walk(plan: JoinPlan, graph: dict[str, list[str]]) -> list[str]:
    order = []
    while step := plan.next():
        address, hops = step
        order.append(address.host)
        plan.listed([PeerAddress(host, 1) for host in graph.get(address.host, [])], hops)
    return order


def test_the_join_plan_is_depth_first_and_counts_hops() -> None:
    graph = {"a": ["b", "c"], "b": ["d", "a"], "c": ["e"], "d": ["f"]}
    roots = [PeerAddress("a", 1)]
    assert walk(JoinPlan(roots, 3), graph) == ["a", "b", "d", "c", "e"]
    assert walk(JoinPlan(roots, 1), graph) == ["a"]
    assert walk(JoinPlan(roots, 9), graph) == ["a", "b", "d", "f", "c", "e"]


def test_the_join_plan_is_bounded() -> None:
    graph = {"a": [f"n{i}" for i in range(100)]}
    assert len(walk(JoinPlan([PeerAddress("a", 1)], 3, max_visits=10), graph)) == 10
