"""Who fetches a torrent, as it was announced."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from p2ptube.overlay.leechers import (
    EXPIRY_SECONDS,
    MOST_PER_HOST,
    MOST_TORRENTS,
    Leechers,
)
from p2ptube.overlay.messages import MAX_LEECHERS, Announce

A, B = "a" * 40, "b" * 40


def announce(
    peer: str, info_hash: str = A, *, port: int = 5679, stopped: bool = False, lane: bool = True
) -> Announce:
    return Announce(info_hash=info_hash, peer=peer, port=port, stopped=stopped, lane=lane)


def test_one_comes_and_goes() -> None:
    leechers = Leechers()

    assert leechers.take(announce("one:1"), "192.0.2.1", 0)
    assert not leechers.take(announce("one:1"), "192.0.2.1", 10)

    (known,) = leechers.of(A, 20)
    assert (known.peer, str(known.swarm)) == ("one:1", "192.0.2.1:5679")
    assert known.since == 0
    assert known.as_holder().swarm == ("192.0.2.1:5679",)
    assert leechers.of(B, 20) == []
    assert leechers.take(announce("one:1", stopped=True), "192.0.2.1", 30)
    assert leechers.of(A, 30) == []
    assert not leechers.take(announce("one:1", stopped=True), "192.0.2.1", 30)


def test_who_gives_up_his_lane_is_told_of() -> None:
    leechers = Leechers()
    leechers.take(announce("one:1"), "192.0.2.1", 0)

    assert leechers.take(announce("one:1", lane=False), "192.0.2.1", 5)
    assert not leechers.take(announce("one:1", lane=False), "192.0.2.1", 6)
    (known,) = leechers.of(A, 7)
    assert (known.lane, known.since) == (False, 0)


def test_nobody_speaks_for_who_has_spoken_himself() -> None:
    leechers = Leechers()
    assert leechers.take(announce("one:1"), "192.0.2.9", 0, said=False)

    assert leechers.take(announce("one:1", lane=False), "192.0.2.1", 1)
    for host, said in (("192.0.2.1", False), ("192.0.2.9", False), ("192.0.2.9", True)):
        assert not leechers.take(announce("one:1", port=1), host, 2, said=said)
        assert not leechers.take(announce("one:1", stopped=True), host, 2, said=said)
    (known,) = leechers.of(A, 3)
    assert (str(known.swarm), known.lane) == ("192.0.2.1:5679", False)
    # Once he has not been heard of for long, another may have his name.
    assert leechers.take(announce("one:1"), "192.0.2.9", 2 + EXPIRY_SECONDS)


def test_who_answers_no_more_is_forgotten() -> None:
    leechers = Leechers()
    leechers.take(announce("one:1"), "192.0.2.1", 0)

    assert leechers.forget(A, "one:1", 1)
    assert not leechers.forget(A, "one:1", 1)
    assert leechers.of(A, 1) == []


def test_who_announces_no_more_is_forgotten() -> None:
    leechers = Leechers()
    leechers.take(announce("one:1"), "192.0.2.1", 0)
    leechers.take(announce("two:1"), "192.0.2.2", 50)

    assert [x.peer for x in leechers.of(A, EXPIRY_SECONDS + 1)] == ["two:1"]
    assert leechers.take(announce("one:1"), "192.0.2.1", EXPIRY_SECONDS + 1)


@given(
    st.lists(
        st.tuples(st.integers(0, 300), st.integers(0, 9), st.sampled_from([A, B]), st.booleans()),
        max_size=400,
    )
)
def test_it_is_bounded_and_tells_of_every_change(
    events: list[tuple[int, int, str, bool]],
) -> None:
    leechers = Leechers()
    for now, (peer, host, info_hash, stopped) in enumerate(events):
        before = {x.peer for x in leechers.of(info_hash, now / 100)}
        message = announce(f"{peer}:1", info_hash, stopped=stopped)
        changed = leechers.take(message, f"192.0.2.{host}", now / 100)
        known = leechers.of(info_hash, now / 100)
        assert changed == ({x.peer for x in known} != before)
        assert len(known) <= MAX_LEECHERS
        hosts = [x.swarm.host for x in known]
        assert all(hosts.count(one) <= MOST_PER_HOST for one in hosts)


def test_of_many_torrents_the_oldest_are_forgotten() -> None:
    leechers = Leechers()
    for number in range(MOST_TORRENTS + 1):
        leechers.take(announce("one:1", f"{number:040x}"), "192.0.2.1", 0)

    assert leechers.of(f"{0:040x}", 0) == []
    assert len(leechers.of(f"{1:040x}", 0)) == 1
