"""WebRTC peers in the swarms; and whatever is announced, against a model."""

from __future__ import annotations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from tests.tracker.swarming import HASH, Tracked, Way, announce, peer_id, ports, webrtc

from p2ptube.tracker.announce import Event
from p2ptube.tracker.swarms import EXPIRY, STEP


@pytest.fixture
def swarms() -> Tracked:
    return Tracked()


def test_webrtc_peers_meet_each_other_only(swarms: Tracked) -> None:
    one, two = Way(), Way()
    swarms.announce(announce(9), "8.0.0.9")
    assert webrtc(swarms, 1, one) == []
    assert webrtc(swarms, 1, one) == []
    assert webrtc(swarms, 2, two) == [one]
    assert webrtc(swarms, 2, two, wanted=0) == []
    answer = swarms.announce(announce(9), "8.0.0.9")
    assert (answer.endpoints, answer.incomplete) == ([], 3)
    assert (len(swarms), swarms.swarms.webrtc) == (3, 2)


def test_webrtc_seeds_are_not_offered_to_seeds(swarms: Tracked) -> None:
    one, two, three = Way(), Way(), Way()
    webrtc(swarms, 1, one, left=0)
    assert webrtc(swarms, 2, two, left=0) == []
    assert webrtc(swarms, 3, three, left=None) in ([one, two], [two, one])


def test_a_channel_carries_many_peers_and_takes_them_along(swarms: Tracked) -> None:
    way = Way()
    for number in range(5):
        webrtc(swarms, number, way, info_hash=bytes([number]) * 20)
    webrtc(swarms, 7, way, info_hash=bytes(20))
    assert len(way.peers) == 6
    webrtc(swarms, 7, way, info_hash=bytes(20), event=Event.STOPPED)
    assert len(way.peers) == 5
    for name in tuple(way.peers):
        swarms.swarms.leave(name[:20], name[20:], way)
    assert (len(swarms), way.peers) == (0, set())


def test_a_peer_that_came_back_over_another_channel_stays(swarms: Tracked) -> None:
    old, new = Way(), Way()
    webrtc(swarms, 1, old)
    webrtc(swarms, 1, new)
    assert (old.peers, len(new.peers)) == (set(), 1)
    swarms.swarms.leave(HASH, peer_id(1), old)
    assert swarms.swarms.channel(HASH, peer_id(1)) is new
    assert swarms.swarms.channel(HASH, peer_id(2)) is None


def test_webrtc_peers_expire(swarms: Tracked) -> None:
    way = Way()
    webrtc(swarms, 1, way)
    swarms.swarms.expire(EXPIRY + STEP)
    assert (len(swarms), swarms.swarms.webrtc, way.peers) == (0, 0, set())


# --- anything -------------------------------------------------------------------------------


class SwarmsAgreeWithAModel(RuleBasedStateMachine):
    """Whatever comes in, the counts are those of a plain set of what was announced."""

    def __init__(self) -> None:
        super().__init__()
        self.swarms = Tracked(expiry=10, step=1)
        self.swarms.swarms.expire(0)
        self.now = 0.0
        self.ways = [Way(), Way()]
        self.model: dict[tuple[bytes, str, int], tuple[float, bool]] = {}

    @rule(
        swarm=st.sampled_from([b"a" * 20, b"b" * 20]),
        host=st.sampled_from(["8.0.0.1", "2001:db8::2", "webrtc 0", "webrtc 1"]),
        number=st.integers(0, 3),
        left=st.sampled_from([0, 1, None]),
        event=st.sampled_from(Event),
        after=st.sampled_from([0, 1, 5, 10]),
    )
    def announce(
        self, swarm: bytes, host: str, number: int, left: int | None, event: Event, after: float
    ) -> None:
        self.now += after
        said = announce(number, info_hash=swarm, left=left, event=event)
        key = (swarm, host, 1000 + number)
        if host.startswith("webrtc"):
            way = self.ways[int(host[-1])]
            said = announce(number + 9 * int(host[-1]), info_hash=swarm, left=left, event=event)
            self.swarms.swarms.announce_webrtc(said, way.source, way, 3, self.now)
        else:
            answer = self.swarms.announce(said, host, self.now)
            alive = self.alive()
            assert set(ports(answer)) <= {k[2] for k in alive if k[0] == swarm}
        self.model.pop(key, None)
        if event is not Event.STOPPED:
            self.model[key] = (self.now, left == 0)

    @rule(which=st.integers(0, 1))
    def close(self, which: int) -> None:
        for name in tuple(self.ways[which].peers):
            self.swarms.swarms.leave(name[:20], name[20:], self.ways[which])
        host = f"webrtc {which}"
        self.model = {key: value for key, value in self.model.items() if key[1] != host}

    def alive(self) -> dict[tuple[bytes, str, int], bool]:
        return {k: seed for k, (seen, seed) in self.model.items() if seen + 10 > self.now}

    @invariant()
    def counts_agree(self) -> None:
        alive = self.alive()
        for swarm in (b"a" * 20, b"b" * 20):
            counts = self.swarms.swarms.scrape([swarm], self.now)[swarm]
            seeds = [seed for key, seed in alive.items() if key[0] == swarm]
            assert (counts.complete, counts.incomplete) == (sum(seeds), seeds.count(False))
        assert len(self.swarms) == len(alive)
        webrtc = [key for key in alive if key[1].startswith("webrtc")]
        assert self.swarms.swarms.webrtc == sum(len(way.peers) for way in self.ways) == len(webrtc)


SwarmsAgreeWithAModel.TestCase.settings = settings(max_examples=60, stateful_step_count=30)
TestAgainstAModel = SwarmsAgreeWithAModel.TestCase
