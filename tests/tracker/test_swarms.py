from __future__ import annotations

import tracemalloc

import pytest
from tests.tracker.swarming import HASH, Tracked, announce, peer_id, ports

from p2ptube.tracker.addresses import pack, unpack
from p2ptube.tracker.announce import MAX_NUMWANT, NUMWANT, Event, ScrapeCounts
from p2ptube.tracker.members import Family
from p2ptube.tracker.swarms import EXPIRY, STEP, Limits


@pytest.fixture
def swarms() -> Tracked:
    return Tracked()


def test_peers_meet_but_not_themselves(swarms: Tracked) -> None:
    first = swarms.announce(announce(1, event=Event.STARTED), "8.0.0.1")
    assert (first.complete, first.incomplete, first.endpoints) == (0, 1, [])
    assert first.external_ip == bytes([8, 0, 0, 1])
    second = swarms.announce(announce(2, left=0, compact=False), "8.0.0.2", 1)
    assert (second.complete, second.incomplete) == (1, 1)
    assert second.endpoints == [bytes([8, 0, 0, 1]) + (1001).to_bytes(2)]
    assert second.peer_ids == [peer_id(1)]
    assert ports(swarms.announce(announce(1), "8.0.0.1", 2)) == [1002]
    assert len(swarms) == 2


def test_swarms_are_apart(swarms: Tracked) -> None:
    swarms.announce(announce(1), "8.0.0.1")
    assert swarms.announce(announce(2, info_hash=b"o" * 20), "8.0.0.2").endpoints == []


@pytest.mark.parametrize("compact", [True, False])
def test_the_same_peer_in_both_families_is_not_returned_to_itself(
    swarms: Tracked, compact: bool
) -> None:
    swarms.announce(announce(1), "8.0.0.1")
    swarms.announce(announce(2), "8.0.0.2")
    assert ports(swarms.announce(announce(1, compact=compact), "2001:db8::1")) == [1002]


def test_udp_asks_for_one_family(swarms: Tracked) -> None:
    swarms.announce(announce(1), "8.0.0.1")
    swarms.announce(announce(2), "2001:db8::1")
    assert ports(swarms.announce(announce(3), "8.0.0.3", families=frozenset({Family.IPV4}))) == [
        1001
    ]
    assert ports(swarms.announce(announce(4), "8.0.0.4")) == [1001, 1002, 1003]


def test_seeds_are_not_told_of_seeds(swarms: Tracked) -> None:
    swarms.announce(announce(1, left=0), "8.0.0.1")
    swarms.announce(announce(2), "8.0.0.2")
    assert ports(swarms.announce(announce(3, left=0), "8.0.0.3")) == [1002]
    assert ports(swarms.announce(announce(4, left=None), "8.0.0.4")) == [1001, 1002, 1003]


def test_aria2_is_told_of_seeds_also_where_it_says_that_nothing_is_left(swarms: Tracked) -> None:
    swarms.announce(announce(1, left=0), "8.0.0.1")
    with_a_link_only = announce(2, peer_id=b"A2-1-36-0-".ljust(20), left=0)
    assert ports(swarms.announce(with_a_link_only, "8.0.0.2")) == [1001]


def test_stopped(swarms: Tracked) -> None:
    swarms.announce(announce(1), "8.0.0.1")
    swarms.announce(announce(2), "8.0.0.2")
    answer = swarms.announce(announce(1, event=Event.STOPPED), "8.0.0.1")
    assert (answer.endpoints, answer.incomplete) == ([], 1)
    swarms.announce(announce(2, event=Event.STOPPED), "8.0.0.3")
    assert len(swarms) == 1, "nobody can stop another's peer"
    swarms.announce(announce(2, event=Event.STOPPED), "8.0.0.2")
    assert len(swarms) == 0
    assert swarms.announce(announce(9, event=Event.STOPPED), "8.0.0.9").incomplete == 0
    assert len(swarms) == 0
    assert swarms.swarms.swarms == 0


def test_completed_counts_once(swarms: Tracked) -> None:
    swarms.announce(announce(1), "8.0.0.1")
    for _ in range(3):
        swarms.announce(announce(1, left=0, event=Event.COMPLETED), "8.0.0.1", 1)
    unknown = b"u" * 20
    assert swarms.swarms.scrape([HASH, unknown], 1) == {
        HASH: ScrapeCounts(complete=1, incomplete=0, downloaded=1),
        unknown: ScrapeCounts(),
    }


def test_expiry(swarms: Tracked) -> None:
    swarms.announce(announce(1), "8.0.0.1", 0)
    swarms.announce(announce(2), "8.0.0.2", STEP)
    swarms.announce(announce(1), "8.0.0.1", 2 * STEP)
    assert swarms.swarms.scrape([HASH], EXPIRY)[HASH].incomplete == 2
    assert ports(swarms.announce(announce(3), "8.0.0.3", EXPIRY + STEP)) == [1001]
    swarms.swarms.expire(2 * EXPIRY + STEP)
    assert len(swarms) == 0
    assert swarms.swarms.scrape([HASH], 3 * EXPIRY)[HASH] == ScrapeCounts()


def test_a_clock_that_goes_back_does_no_harm(swarms: Tracked) -> None:
    swarms.announce(announce(1), "8.0.0.1", 10**9)
    swarms.announce(announce(2), "8.0.0.2", 0)
    assert ports(swarms.announce(announce(3), "8.0.0.3", 10**9)) == [1001, 1002]


@pytest.mark.parametrize(
    ("numwant", "expected"),
    [(None, NUMWANT), (0, 0), (7, 7), (MAX_NUMWANT, MAX_NUMWANT), (10**9, MAX_NUMWANT)],
)
def test_numwant(swarms: Tracked, numwant: int | None, expected: int) -> None:
    for number in range(300):
        swarms.announce(announce(number, left=number % 3), f"8.0.1.{number % 100}")
    answer = swarms.announce(announce(999, numwant=numwant), "8.9.9.9")
    assert len(answer.endpoints) == len(set(answer.endpoints)) == expected


def test_every_peer_is_told_of_as_often_as_any_other() -> None:
    swarms = Tracked()
    for number in range(400):
        swarms.announce(announce(number, left=number % 4), f"8.0.{number % 7}.{number % 100}")
    told = {1000 + number: 0 for number in range(400)}
    for _ in range(4000):
        for port in ports(swarms.announce(announce(5, numwant=20, left=3), "8.0.5.5")):
            told[port] += 1
    assert told.pop(1005) == 0
    # 4000 * 20 / 399: some 200 times each; a fair lot stays within 5 standard deviations.
    assert 130 < min(told.values()) <= max(told.values()) < 280


def test_limits() -> None:
    swarms = Tracked(limits=Limits(per_address_and_swarm=2, per_address=3, in_all=5))
    for number in range(5):
        swarms.announce(announce(number), "8.0.0.1")
    assert len(swarms) == 2
    for number in range(5):
        swarms.announce(announce(1, info_hash=bytes([number]) * 20), "8.0.0.1")
    assert len(swarms) == 3
    for number in range(10, 20):
        answer = swarms.announce(announce(number), f"8.0.0.{number}")
        assert answer.endpoints, "whoever is not remembered is answered all the same"
    assert len(swarms) == 5
    swarms.announce(announce(1, port=1001), "8.0.0.1", 1)
    assert len(swarms) == 5, "who is known may announce again"
    swarms.announce(announce(1, event=Event.STOPPED), "8.0.0.1", 1)
    swarms.announce(announce(7), "8.0.0.77", 1)
    assert len(swarms) == 5


def test_who_comes_and_goes_leaves_nothing_behind(swarms: Tracked) -> None:
    def visit(swarm: int) -> None:
        here = {"info_hash": swarm.to_bytes(20)}
        swarms.announce(announce(1, **here), "8.0.0.1")
        swarms.announce(announce(1, event=Event.STOPPED, **here), "8.0.0.1")

    visit(0)
    tracemalloc.start()
    for swarm in range(5000):
        visit(swarm)
    kept, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert kept < 100_000, "a set of the 5000 info-hashes takes 500 kB"


def test_a_network_of_ipv6_counts_as_one_address() -> None:
    swarms = Tracked(limits=Limits(per_address_and_swarm=2))
    for number in range(5):
        swarms.announce(announce(number), f"2001:db8::{number:x}")
    assert len(swarms) == 2
    swarms.announce(announce(9), "2001:db8:0:1::1")
    assert len(swarms) == 3


def test_addresses(swarms: Tracked) -> None:
    swarms.announce(announce(1), "::ffff:8.0.0.1")
    swarms.announce(announce(3, ip=pack("9.9.9.9")), "8.0.0.3")
    swarms.announce(announce(4, ip=pack("9.9.9.9")), "192.168.1.2")
    swarms.announce(announce(5, ip=pack("10.0.0.9")), "127.0.0.1")
    swarms.announce(announce(6, ip=pack("224.0.0.1")), "192.168.1.2")
    answer = swarms.announce(announce(9), "8.0.0.9")
    hosts = {int.from_bytes(e[-2:]): unpack(e[:-2]) for e in answer.endpoints}
    assert hosts == {1001: "8.0.0.1", 1003: "8.0.0.3", 1004: "9.9.9.9"}
    assert swarms.announce(announce(5), "127.0.0.1").external_ip is None


def test_claims_are_counted_for_who_makes_them() -> None:
    swarms = Tracked(limits=Limits(per_address_and_swarm=3))
    for number in range(5):
        swarms.announce(announce(number, ip=pack(f"9.9.9.{number + 1}")), "10.0.0.1")
    assert len(swarms) == 3
    for number in range(3):
        stopped = announce(number, ip=pack(f"9.9.9.{number + 1}"), event=Event.STOPPED)
        swarms.announce(stopped, "10.0.0.1")
    swarms.announce(announce(7), "10.0.0.1")
    assert len(swarms) == 1


def test_nobody_is_told_of_addresses_that_he_cannot_reach(swarms: Tracked) -> None:
    for number, address in enumerate(["127.0.0.1", "::1", "192.168.0.1", "fe80::1", "8.0.0.1"]):
        swarms.announce(announce(number), address)
    assert ports(swarms.announce(announce(9), "8.0.0.9")) == [1004]
    assert ports(swarms.announce(announce(8), "10.0.0.9")) == [1002, 1003, 1004, 1009]
    assert ports(swarms.announce(announce(7), "127.0.0.1")) == [*range(1000, 1005), 1008, 1009]
