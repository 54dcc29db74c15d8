from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from p2ptube.tracker.codec import Announce, AnnounceAnswer, Event, ScrapeCounts
from p2ptube.tracker.swarms import EXPIRY, MAX_NUMWANT, NUMWANT, Limits, Swarms

HASH = b"h" * 20


def peer_id(number: int) -> bytes:
    return b"%020d" % number


def announce(number: int = 0, **fields: Any) -> Announce:
    values: dict[str, Any] = {
        "info_hash": HASH,
        "peer_id": peer_id(number),
        "port": 1000 + number,
        "left": 10,
    }
    return Announce(**(values | fields))


def ports(answer: AnnounceAnswer) -> list[int]:
    return sorted(peer.port for peer in answer.peers)


@pytest.fixture
def swarms() -> Swarms:
    return Swarms(random.Random(1))


def test_peers_meet_but_not_themselves(swarms: Swarms) -> None:
    first = swarms.announce(announce(1, event=Event.STARTED), "8.0.0.1", 0)
    assert (first.complete, first.incomplete, first.peers) == (0, 1, ())
    assert first.external_ip == "8.0.0.1"
    second = swarms.announce(announce(2, left=0), "8.0.0.2", 1)
    assert (second.complete, second.incomplete) == (1, 1)
    assert [(p.host, p.port, p.peer_id) for p in second.peers] == [("8.0.0.1", 1001, peer_id(1))]
    assert ports(swarms.announce(announce(1), "8.0.0.1", 2)) == [1002]
    assert len(swarms) == 2


def test_swarms_are_apart(swarms: Swarms) -> None:
    swarms.announce(announce(1), "8.0.0.1", 0)
    assert swarms.announce(announce(2, info_hash=b"o" * 20), "8.0.0.2", 0).peers == ()


def test_the_same_peer_at_another_address_is_not_returned_to_itself(swarms: Swarms) -> None:
    swarms.announce(announce(1), "8.0.0.1", 0)
    assert swarms.announce(announce(1), "2001:db8::1", 0).peers == ()


def test_seeds_are_not_told_of_seeds(swarms: Swarms) -> None:
    swarms.announce(announce(1, left=0), "8.0.0.1", 0)
    swarms.announce(announce(2), "8.0.0.2", 0)
    assert ports(swarms.announce(announce(3, left=0), "8.0.0.3", 0)) == [1002]
    assert ports(swarms.announce(announce(4, left=None), "8.0.0.4", 0)) == [1001, 1002, 1003]


def test_stopped(swarms: Swarms) -> None:
    swarms.announce(announce(1), "8.0.0.1", 0)
    swarms.announce(announce(2), "8.0.0.2", 0)
    answer = swarms.announce(announce(1, event=Event.STOPPED), "8.0.0.1", 0)
    assert (answer.peers, answer.incomplete) == ((), 1)
    swarms.announce(announce(2, event=Event.STOPPED), "8.0.0.3", 0)
    assert len(swarms) == 1, "nobody can stop another's peer"
    swarms.announce(announce(2, event=Event.STOPPED), "8.0.0.2", 0)
    assert len(swarms) == 0
    assert swarms.announce(announce(9, event=Event.STOPPED), "8.0.0.9", 0).incomplete == 0
    assert len(swarms) == 0


def test_completed_counts_once(swarms: Swarms) -> None:
    swarms.announce(announce(1), "8.0.0.1", 0)
    for _ in range(3):
        swarms.announce(announce(1, left=0, event=Event.COMPLETED), "8.0.0.1", 1)
    unknown = b"u" * 20
    assert swarms.scrape([HASH, unknown], 1) == {
        HASH: ScrapeCounts(complete=1, incomplete=0, downloaded=1),
        unknown: ScrapeCounts(),
    }


def test_expiry(swarms: Swarms) -> None:
    swarms.announce(announce(1), "8.0.0.1", 0)
    swarms.announce(announce(2), "8.0.0.2", 10)
    swarms.announce(announce(1), "8.0.0.1", 20)
    assert swarms.scrape([HASH], 9 + EXPIRY)[HASH].incomplete == 2
    assert ports(swarms.announce(announce(3), "8.0.0.3", 10 + EXPIRY)) == [1001]
    swarms.expire(10 + 2 * EXPIRY)
    assert len(swarms) == 0
    assert swarms.scrape([HASH], 10 + 2 * EXPIRY)[HASH] == ScrapeCounts()


@pytest.mark.parametrize(
    ("numwant", "expected"),
    [(None, NUMWANT), (0, 0), (7, 7), (MAX_NUMWANT, MAX_NUMWANT), (10**9, MAX_NUMWANT)],
)
def test_numwant(swarms: Swarms, numwant: int | None, expected: int) -> None:
    for number in range(300):
        swarms.announce(announce(number), f"8.0.1.{number % 100}", 0)
    answer = swarms.announce(announce(999, numwant=numwant), "8.9.9.9", 0)
    assert len(answer.peers) == len(set(answer.peers)) == expected


def test_the_sample_is_random_and_comes_from_the_given_source() -> None:
    def sample(seed: int) -> list[int]:
        swarms = Swarms(random.Random(seed))
        for number in range(100):
            swarms.announce(announce(number), f"8.0.1.{number}", 0)
        return ports(swarms.announce(announce(999, numwant=10), "8.9.9.9", 0))

    assert sample(1) == sample(1) != sample(2)


def test_limits() -> None:
    limits = Limits(per_address_and_swarm=2, per_address=3, in_all=5)
    swarms = Swarms(random.Random(1), limits=limits)
    for number in range(5):
        swarms.announce(announce(number), "8.0.0.1", 0)
    assert len(swarms) == 2
    for number in range(5):
        swarms.announce(announce(1, info_hash=bytes([number]) * 20), "8.0.0.1", 0)
    assert len(swarms) == 3
    for number in range(10, 20):
        answer = swarms.announce(announce(number), f"8.0.0.{number}", 0)
        assert answer.peers, "whoever is not remembered is answered all the same"
    assert len(swarms) == 5
    swarms.announce(announce(1, port=1001), "8.0.0.1", 1)
    assert len(swarms) == 5, "who is known may announce again"
    swarms.announce(announce(1, event=Event.STOPPED), "8.0.0.1", 1)
    swarms.announce(announce(7), "8.0.0.77", 1)
    assert len(swarms) == 5


def test_addresses(swarms: Swarms) -> None:
    swarms.announce(announce(1), "::ffff:8.0.0.1", 0)
    swarms.announce(announce(2), "fe80::1%eth0", 0)
    swarms.announce(announce(3, ip="9.9.9.9"), "8.0.0.3", 0)
    swarms.announce(announce(4, ip="9.9.9.9"), "192.168.1.2", 0)
    answer = swarms.announce(announce(9), "8.0.0.9", 0)
    hosts = {peer.port: peer.host for peer in answer.peers}
    assert hosts == {1001: "8.0.0.1", 1002: "fe80::1", 1003: "8.0.0.3", 1004: "9.9.9.9"}


def test_loopback_peers_are_for_this_machine(swarms: Swarms) -> None:
    swarms.announce(announce(1), "127.0.0.1", 0)
    swarms.announce(announce(2), "::1", 0)
    assert swarms.announce(announce(3), "8.0.0.3", 0).peers == ()
    assert ports(swarms.announce(announce(4), "127.0.0.1", 0)) == [1001, 1002, 1003]


class SwarmsAgreeWithAModel(RuleBasedStateMachine):
    """Whatever comes in, the counts are those of a plain set of what was announced."""

    def __init__(self) -> None:
        super().__init__()
        self.swarms = Swarms(random.Random(1), expiry=10)
        self.now = 0.0
        self.model: dict[tuple[bytes, str, int], tuple[float, bool]] = {}

    @rule(
        swarm=st.sampled_from([b"a" * 20, b"b" * 20]),
        host=st.sampled_from(["8.0.0.1", "8.0.0.2"]),
        number=st.integers(0, 3),
        left=st.sampled_from([0, 1, None]),
        event=st.sampled_from(Event),
        after=st.sampled_from([0, 1, 5, 10]),
    )
    def announce(
        self, swarm: bytes, host: str, number: int, left: int | None, event: Event, after: float
    ) -> None:
        self.now += after
        self.swarms.announce(
            announce(number, info_hash=swarm, left=left, event=event), host, self.now
        )
        key = (swarm, host, 1000 + number)
        self.model.pop(key, None)
        if event is not Event.STOPPED:
            self.model[key] = (self.now, left == 0)

    @invariant()
    def counts_agree(self) -> None:
        alive = {k: seed for k, (seen, seed) in self.model.items() if seen + 10 > self.now}
        for swarm in (b"a" * 20, b"b" * 20):
            counts = self.swarms.scrape([swarm], self.now)[swarm]
            seeds = [seed for key, seed in alive.items() if key[0] == swarm]
            assert (counts.complete, counts.incomplete) == (sum(seeds), seeds.count(False))
        assert len(self.swarms) == len(alive)


SwarmsAgreeWithAModel.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestAgainstAModel = SwarmsAgreeWithAModel.TestCase
