"""The tracker as a whole: signalling, refusals, counts, and whatever strangers think of."""

from __future__ import annotations

import json
import random
from typing import Any
from urllib.parse import quote_from_bytes

import libtorrent
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2ptube.tracker.signalling import MAX_OPEN_OFFERS, OFFER_SECONDS, Channel
from p2ptube.tracker.swarms import EXPIRY, STEP
from p2ptube.tracker.tracker import Tracker
from p2ptube.tracker.websocket import MAX_OFFERS


def bdecode(data: bytes) -> Any:
    return libtorrent.bdecode(data)


HASH, OTHER = "h" * 20, "i" * 20
HERE = bytes([8, 0, 0, 1])
ANSWER = {"type": "answer", "sdp": "A"}


class Page(Channel):
    """A browser or a libtorrent session at the other end of a WebSocket."""

    __slots__ = ("got", "name", "tracker")

    def __init__(self, tracker: Tracker, name: str, source: bytes = HERE) -> None:
        super().__init__(source)
        self.tracker = tracker
        self.name = name * 20
        self.got: list[dict[str, Any]] = []

    def send(self, message: bytes) -> None:
        self.got.append(json.loads(message))

    def say(self, now: float = 0, **fields: Any) -> None:
        message = {"action": "announce", "info_hash": HASH, "peer_id": self.name} | fields
        self.tracker.message(json.dumps(message), self, now)

    def offer(self, *ids: str, now: float = 0, **fields: Any) -> None:
        offers = [{"offer": {"type": "offer", "sdp": f"S{i}"}, "offer_id": i * 20} for i in ids]
        self.say(now, offers=offers, numwant=len(ids), left=1, **fields)

    def answer(self, to: Page, offer_id: str, now: float = 0, **fields: Any) -> None:
        named = {"to_peer_id": to.name, "offer_id": offer_id * 20, "answer": ANSWER}
        self.say(now, **(named | fields))

    def take(self, field: str) -> list[dict[str, Any]]:
        """What arrived that has the field; everything is forgotten."""
        got, self.got = self.got, []
        return [message for message in got if field in message]


@pytest.fixture
def tracker() -> Tracker:
    return Tracker(random.Random(1), b"k" * 32)


def test_offer_and_answer(tracker: Tracker) -> None:
    one, two = Page(tracker, "1"), Page(tracker, "2")
    one.offer("a")
    assert one.take("interval") == [
        {
            "action": "announce",
            "info_hash": HASH,
            "interval": 120,
            "min_interval": 60,
            "complete": 0,
            "incomplete": 1,
        }
    ]
    two.offer("b", "c")
    assert two.take("offer") == [], "nobody gets his own"
    (offer,) = one.take("offer")
    assert (offer["peer_id"], offer["info_hash"]) == (two.name, HASH)
    assert offer["offer"] == {"type": "offer", "sdp": f"S{offer['offer_id'][0]}"}
    one.answer(two, offer["offer_id"][0])
    assert two.take("answer") == [
        {
            "action": "announce",
            "info_hash": HASH,
            "peer_id": one.name,
            "offer_id": offer["offer_id"],
            "answer": ANSWER,
        }
    ]
    assert one.got == [], "an answer is no announce"
    stats = tracker.stats(0)
    assert (stats.webrtc_peers, stats.offers, stats.answers) == (2, 1, 1)


def test_each_offer_goes_to_another_peer(tracker: Tracker) -> None:
    others = [Page(tracker, name) for name in "123"]
    for page in others:
        page.say(left=1)
    maker = Page(tracker, "9")
    maker.offer("a", "b", "c", "d", "e")
    got = [page.take("offer") for page in others]
    assert [len(each) for each in got] == [1, 1, 1]
    assert len({each[0]["offer_id"] for each in got}) == 3


def test_answers_that_nobody_asked_for_reach_nobody(tracker: Tracker) -> None:
    one, two, spy = Page(tracker, "1"), Page(tracker, "2"), Page(tracker, "3")
    one.say()
    two.offer("b")
    two.say(info_hash=OTHER)
    one.say(info_hash=OTHER)
    spy.say()
    spy.say(info_hash=OTHER)
    for page in (one, two, spy):
        page.got.clear()
    spy.answer(two, "b")  # it was not asked
    spy.answer(two, "b", peer_id=one.name)  # nor is it the one who was
    one.answer(two, "x")  # no such offer
    one.answer(two, "b", info_hash=OTHER)  # not in that swarm
    one.answer(two, "b", peer_id="y" * 20)
    one.answer(spy, "b")  # it made none
    one.answer(one, "b")
    assert (one.got, two.got, spy.got) == ([], [], [])
    assert tracker.stats(0).answers_refused == 7
    one.answer(two, "b")
    one.answer(two, "b")  # once is enough
    assert len(two.take("answer")) == 1


def test_late_answers_reach_nobody(tracker: Tracker) -> None:
    one, two = Page(tracker, "1"), Page(tracker, "2")
    one.say()
    two.offer("b")
    one.answer(two, "b", now=OFFER_SECONDS)
    assert two.take("answer") == []
    two.offer("c", now=0)
    tracker.closed(two)
    one.answer(two, "c", now=1)
    assert two.take("answer") == []


def test_one_socket_carries_many_torrents(tracker: Tracker) -> None:
    session, page = Page(tracker, "s"), Page(tracker, "p")
    for number in range(3):
        session.say(info_hash=chr(200 + number) * 20, peer_id=chr(100 + number) * 20, left=0)
    page.offer("a", info_hash=chr(201) * 20)
    (offer,) = session.take("offer")
    assert offer["info_hash"] == chr(201) * 20
    session.answer(page, "a", info_hash=chr(201) * 20, peer_id=chr(101) * 20)
    assert page.take("answer")[0]["peer_id"] == chr(101) * 20
    session.answer(page, "a", info_hash=chr(201) * 20, peer_id=chr(100) * 20)
    assert page.take("answer") == []


def test_a_socket_takes_its_peers_along(tracker: Tracker) -> None:
    one, two = Page(tracker, "1"), Page(tracker, "2")
    for info_hash in (HASH, OTHER):
        one.say(info_hash=info_hash)
        two.say(info_hash=info_hash)
    tracker.closed(one)
    two.offer("a")
    assert one.take("offer") == []
    assert tracker.stats(0).peers == 2
    tracker.closed(two)
    assert (tracker.stats(0).peers, tracker.stats(0).swarms) == (0, 0)


def test_nobody_takes_over_a_peer_id(tracker: Tracker) -> None:
    one, thief, maker = Page(tracker, "1"), Page(tracker, "1", b"evil"), Page(tracker, "3")
    one.say()
    one.got.clear()
    thief.say()
    assert thief.take("failure reason")[0]["failure reason"] == "that peer id is in use"
    thief.say(event="stopped")
    maker.offer("a")
    assert len(one.take("offer")) == 1
    again = Page(tracker, "1")  # the same browser after its connection broke
    again.say()
    maker.offer("b")
    assert (len(again.take("offer")), one.take("offer")) == (1, [])
    tracker.closed(one)
    assert tracker.stats(0).webrtc_peers == 2


def test_stopped_peers_hand_out_nothing(tracker: Tracker) -> None:
    one, two = Page(tracker, "1"), Page(tracker, "2")
    one.say()
    two.offer("a", event="stopped")
    assert one.take("offer") == []
    assert tracker.stats(0).peers == 1


def test_a_peer_is_not_flooded_with_offers(tracker: Tracker) -> None:
    victim, maker = Page(tracker, "1"), Page(tracker, "2")
    victim.say()
    victim.got.clear()
    for number in range(2 * MAX_OPEN_OFFERS):
        offers = [{"offer": {"type": "offer", "sdp": ""}, "offer_id": f"{number:020}"}]
        maker.say(offers=offers)
        maker.say(offers=offers)  # nor with the same again
    assert len(victim.take("offer")) == MAX_OPEN_OFFERS
    maker.offer("z", now=OFFER_SECONDS)
    assert len(victim.take("offer")) == 1, "old ones are forgotten"


def test_ten_thousand_offers(tracker: Tracker) -> None:
    pages = [Page(tracker, chr(0x100 - number)) for number in range(1, 60)]
    for page in pages:
        page.say()
    maker = Page(tracker, "1")
    offers = [
        {"offer": {"type": "offer", "sdp": ""}, "offer_id": f"{n:020}"} for n in range(10_000)
    ]
    maker.say(offers=offers)
    assert sum(len(page.take("offer")) for page in pages) == MAX_OFFERS


def test_a_megabyte_of_sdp(tracker: Tracker) -> None:
    one, two = Page(tracker, "1"), Page(tracker, "2")
    one.say()
    two.say(offers=[{"offer": {"type": "offer", "sdp": "x" * 1_000_000}, "offer_id": "o" * 20}])
    (refusal,) = two.take("failure reason")
    assert refusal["info_hash"] == HASH
    assert one.take("offer") == []
    assert tracker.stats(0).peers == 1


def test_a_scrape_leaves_out_what_is_hidden(tracker: Tracker) -> None:
    page = Page(tracker, "1")
    page.say(left=0)
    page.say(info_hash=OTHER)
    page.got.clear()
    tracker.hidden = lambda info_hash: info_hash == HASH.encode()
    page.say(action="scrape", info_hash=[HASH, OTHER])
    (files,) = page.take("files")
    zeros = {"complete": 0, "incomplete": 0, "downloaded": 0}
    assert files["files"] == {HASH: zeros, OTHER: zeros | {"incomplete": 1}}
    query = f"info_hash={HASH}&info_hash={OTHER}".encode()
    decoded = bdecode(tracker.scrape_http(query, 0))
    assert decoded[b"files"][HASH.encode()][b"complete"] == 0
    assert decoded[b"files"][OTHER.encode()][b"incomplete"] == 1


def test_peers_that_fall_silent_are_forgotten_with_their_offers(tracker: Tracker) -> None:
    one, two = Page(tracker, "1"), Page(tracker, "2")
    one.say()
    two.offer("a")
    one.tidy(OFFER_SECONDS + 1)
    assert tracker.stats(EXPIRY + STEP).peers == 0
    assert (one.peers, two.peers) == (set(), set())
    one.answer(two, "a")
    assert two.take("answer") == []


def test_http(tracker: Tracker) -> None:
    base = f"info_hash={HASH}&peer_id={'p' * 20}&left=1"
    assert bdecode(tracker.announce_http(b"", HERE, 0)) == {
        b"failure reason": b"info_hash is missing"
    }
    assert b"failure" in tracker.scrape_http(b"info_hash=short", 0)
    tracker.announce_http(f"{base}&port=1".encode(), HERE, 0)
    told = tracker.announce_http(f"{base.replace('p', 'q', 1)}&port=2".encode(), b"\x09" * 4, 0)
    assert b"failure" in told
    told = tracker.announce_http(f"info_hash={HASH}&peer_id={'q' * 20}&port=2".encode(), HERE, 0)
    assert bdecode(told)[b"peers"] == HERE + b"\0\x01"
    stats = tracker.stats(0)
    assert (stats.announces_http, stats.refused) == (2, 3)


def test_a_forged_ip_leads_nobody_to_a_victim(tracker: Tracker) -> None:
    victim = "203.0.114.9"
    for number in range(50):
        peer = quote_from_bytes(bytes([number]) * 20)
        query = f"info_hash={HASH}&peer_id={peer}&port=80&left=1&ip={victim}&ipv4={victim}"
        told = tracker.announce_http(query.encode(), bytes([8, 8, number, 1]), 0)
        assert bytes([203, 0, 114, 9]) not in bdecode(told)[b"peers"]


parts = st.sampled_from(
    [
        *("action", "announce", "scrape", "info_hash", "peer_id", "offers", "offer", "offer_id"),
        *("answer", "to_peer_id", "left", "numwant", "event", "stopped", "type", "sdp"),
        *(HASH, OTHER, "1" * 20, "2" * 20, "\xff" * 20),
    ]
)
documents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | parts | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(parts, inner, max_size=5),
    max_leaves=12,
)
announces = st.fixed_dictionaries(
    {"action": st.sampled_from(["announce", "scrape"]), "info_hash": parts},
    optional={
        "peer_id": parts,
        "to_peer_id": parts,
        "offer_id": parts,
        "left": st.floats() | st.integers(),
        "event": parts,
        "offers": st.lists(st.fixed_dictionaries({"offer": documents, "offer_id": parts})),
        "answer": st.fixed_dictionaries({"type": st.just("answer"), "sdp": st.text()}),
    },
)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 2), announces | documents), max_size=8))
def test_nothing_that_a_socket_says_raises(said: list[tuple[int, Any]]) -> None:
    tracker = Tracker(random.Random(1), b"k" * 32)
    pages = [Page(tracker, name, bytes([int(name)]) * 4) for name in "123"]
    for who, message in said:
        tracker.message(json.dumps(message), pages[who], 0)
    for page in pages:
        tracker.closed(page)
    assert tracker.stats(0).peers == 0
    assert all(
        message["action"] in {"announce", "scrape"} for page in pages for message in page.got
    )


@given(st.binary(max_size=200), st.binary(max_size=200), st.sampled_from([HERE, HERE * 4]))
def test_nothing_in_a_query_raises(before: bytes, after: bytes, source: bytes) -> None:
    tracker = Tracker(random.Random(1), b"k" * 32)
    base = b"&info_hash=" + HASH.encode() + b"&peer_id=" + b"p" * 20 + b"&port=1&"
    for query in (before, before + base + after, b"ip=" + before + base + after):
        assert bdecode(tracker.announce_http(query, source, 0))
        assert bdecode(tracker.scrape_http(query, 0))
