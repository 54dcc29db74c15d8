from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptube.errors import ProtocolViolation
from p2ptube.tracker import websocket
from p2ptube.tracker.announce import MAX_COUNT, Announce, AnnounceAnswer, Event, ScrapeCounts
from p2ptube.tracker.websocket import MAX_OFFERS, Description, Offer, Reply, Scrape, WebRtcAnnounce

HASH, PEER, OFFER_ID = "h" * 20, "p" * 20, "o" * 20
names = st.binary(min_size=20, max_size=20)


def text(**fields: Any) -> str:
    return json.dumps({"action": "announce", "info_hash": HASH, "peer_id": PEER} | fields)


def offer(sdp: str = "v=0", offer_id: str = OFFER_ID, kind: str = "offer") -> dict[str, Any]:
    return {"offer": {"type": kind, "sdp": sdp}, "offer_id": offer_id}


def announce_of(message: str) -> Announce:
    parsed = websocket.parse(message)
    assert isinstance(parsed, WebRtcAnnounce)
    return parsed.announce


def test_the_smallest() -> None:
    assert websocket.parse(text()) == WebRtcAnnounce(Announce(HASH.encode(), PEER.encode()), [])


@given(names, names, st.integers(0, MAX_COUNT) | st.none(), st.sampled_from(Event), st.text())
def test_an_announce_survives(
    info_hash: bytes, peer: bytes, left: int | None, event: Event, sdp: str
) -> None:
    message = text(
        info_hash=info_hash.decode("latin-1"),
        peer_id=peer.decode("latin-1"),
        left=left,
        event=event.value,
        numwant=3,
        offers=[offer(sdp, peer.decode("latin-1"))],
        key="x",
        corrupt=0,
    )
    try:
        parsed = websocket.parse(message)
    except ProtocolViolation:
        # A surrogate is no character, but JSON can write it.
        assert any("\ud800" <= c <= "\udfff" for c in sdp)
        return
    assert isinstance(parsed, WebRtcAnnounce)
    (made,) = parsed.offers
    assert made == Offer(Description("offer", sdp), peer.decode("latin-1"))
    # JavaScript's numbers are doubles.
    about = None if left is None else min(int(float(left)), MAX_COUNT)
    assert parsed.announce == Announce(info_hash, peer, 0, about, event, 3)


@pytest.mark.parametrize(
    ("fields", "name", "value"),
    [
        ({"left": 0}, "left", 0),
        ({"left": 1.5}, "left", 1),
        ({"left": -1}, "left", None),
        ({"left": None}, "left", None),
        ({"left": 1e300}, "left", MAX_COUNT),
        ({"event": "paused"}, "event", Event.NONE),
        ({"event": None}, "event", Event.NONE),
        ({"event": "stopped"}, "event", Event.STOPPED),
        ({"numwant": 7}, "numwant", 7),
        ({"numwant": -1}, "numwant", None),
    ],
)
def test_fields(fields: dict[str, Any], name: str, value: object) -> None:
    assert getattr(announce_of(text(**fields)), name) == value


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        ("", "truncated"),
        ("nonsense", "malformed"),
        ("[]", "array"),
        ("{}", "action"),
        ('{"action": "announce"}', "info_hash is missing"),
        ('{"action": "dance"}', "dance"),
        (text(info_hash=["h" * 20]), "info_hash is missing"),
        (text(info_hash="h"), "info_hash must have 20 bytes"),
        (text(info_hash="\u0100" * 20), "info_hash is not a binary string"),
        (text(peer_id=None), "peer_id is missing"),
        (text(peer_id=5), "peer_id"),
        (text(left="much"), "left"),
        (text(offers={}), "offers"),
        (text(offers=[{}]), "offers"),
        (text(offers=[offer(kind="answer")]), "an offer must be of type offer"),
        (text(offers=[offer(kind="pranswer")]), "pranswer"),
        (text(offers=[offer(offer_id="short")]), "offers"),
        (text(offers=[offer(sdp="x" * 20_000)]), "length"),
        (text(offers=[offer(sdp="x" * 1_000_000)]), "length"),
        (text(answer={"type": "answer", "sdp": ""}), "offer_id"),
        (text(answer={"type": "offer", "sdp": ""}, offer_id=OFFER_ID), "offer_id"),
        (text(answer={"type": "answer", "sdp": ""}, offer_id=OFFER_ID), "to_peer_id is missing"),
        ('{"action": "scrape"}', "info_hash is missing"),
        ('{"action": "scrape", "info_hash": []}', "info_hash is missing"),
        (text(action="scrape", info_hash=["x" * 20] * 75), "more than 74"),
        ('{"action":' * 10_000, "action"),
        ("[" * 100_000, "array"),
        ('{"x":' + "[" * 100_000, "nested too deep"),
    ],
)
def test_refused(message: str, reason: str) -> None:
    with pytest.raises(ProtocolViolation, match=reason):
        websocket.parse(message)
    refusal = json.loads(websocket.encode_failure(message, "why"))
    assert refusal["failure reason"] == "why"


def test_ten_thousand_offers() -> None:
    parsed = websocket.parse(text(offers=[offer(sdp="")] * 10_000))
    assert isinstance(parsed, WebRtcAnnounce)
    assert len(parsed.offers) == MAX_OFFERS


def test_an_answer() -> None:
    fields = {"to_peer_id": "t" * 20, "offer_id": OFFER_ID}
    parsed = websocket.parse(text(answer={"type": "answer", "sdp": "A"}, **fields))
    assert parsed == Reply(
        HASH.encode(), PEER.encode(), b"t" * 20, OFFER_ID, Description("answer", "A")
    )
    assert json.loads(websocket.encode_reply(parsed)) == {
        "action": "announce",
        "info_hash": HASH,
        "peer_id": PEER,
        "offer_id": OFFER_ID,
        "answer": {"type": "answer", "sdp": "A"},
    }


def test_a_scrape() -> None:
    assert websocket.parse(text(action="scrape")) == Scrape((HASH.encode(),))
    both = ["\xff" * 20, HASH, HASH]
    assert websocket.parse(text(action="scrape", info_hash=both)) == Scrape(
        (b"\xff" * 20, HASH.encode())
    )
    counts = {b"\xff" * 20: ScrapeCounts(1, 2, 3)}
    assert json.loads(websocket.encode_scrape(counts)) == {
        "action": "scrape",
        "files": {"\xff" * 20: {"complete": 1, "incomplete": 2, "downloaded": 3}},
        "flags": {"min_request_interval": 60},
    }


@given(names, names, st.text(st.characters(exclude_categories=["Cs"])))
def test_what_we_send(info_hash: bytes, peer: bytes, sdp: str) -> None:
    answer = json.loads(websocket.encode_announce(info_hash, AnnounceAnswer(1, 2)))
    assert answer["info_hash"].encode("latin-1") == info_hash
    assert (answer["interval"], answer["complete"], answer["incomplete"]) == (120, 1, 2)
    made = Offer(Description("offer", sdp), OFFER_ID)
    sent = json.loads(websocket.encode_offer(info_hash, peer, made))
    assert sent["peer_id"].encode("latin-1") == peer
    assert sent["offer"] == {"type": "offer", "sdp": sdp}
    assert sent["offer_id"] == OFFER_ID


def test_refusals_name_the_torrent() -> None:
    assert json.loads(websocket.encode_failure(text(peer_id=5), "why")) == {
        "action": "announce",
        "failure reason": "why",
        "info_hash": HASH,
    }
    scrape = text(action="scrape", info_hash="short")
    assert json.loads(websocket.encode_failure(scrape, "why"))["action"] == "scrape"


@given(st.text() | st.recursive(st.none() | st.text(), st.lists).map(json.dumps))
def test_garbage_is_refused_in_words(message: str) -> None:
    try:
        websocket.parse(message)
    except ProtocolViolation as error:
        assert json.loads(websocket.encode_failure(message, str(error)))["failure reason"]
