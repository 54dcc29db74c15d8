"""What an index takes in: pure rules, and whatever else is sent to it."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.tracker.publishing import describe, video_id

from p2ptube.errors import BadSignature, Conflict, InvalidInput, P2PTubeError, ProtocolViolation
from p2ptube.identity import Identity
from p2ptube.tracker.addresses import pack
from p2ptube.tracker.index import (
    MAX_BODY,
    WINDOW,
    Held,
    Known,
    Publication,
    SignedPublication,
    Verdict,
    check_fresh,
    holder_addresses,
    judge,
    open_publication,
    parse_results,
    seal_publication,
    wants,
)

ONE, OTHER = Identity(bytes(32)), Identity(bytes([1]) * 32)
INDEX = "ab" * 16
NOW = 1_700_000_000.0


def publication(**fields: object) -> Publication:
    usual = {"index": INDEX, "at": int(NOW * 1000), "peer": "192.0.2.1:1", "swarm": "192.0.2.1:2"}
    return msgspec.convert({**usual, **fields}, Publication)


def known(sequence: int = 1, *, unlisted: bool = False, by: Identity = ONE) -> Known:
    return Known(key=by.public_key, sequence=sequence, unlisted=unlisted)


# --- signatures ---------------------------------------------------------------------------


ids = st.text("0123456789abcdef", min_size=40, max_size=40)
counts = st.integers(0, 2**53)
texts = st.text(st.characters(codec="utf-8"), max_size=100)


@given(
    st.builds(
        Publication,
        index=st.just(INDEX),
        at=counts,
        peer=texts,
        swarm=texts,
        hold=st.lists(
            st.builds(Held, id=ids, key=st.binary(min_size=32, max_size=32), sequence=counts),
            max_size=3,
        ).map(tuple),
        withdraw=st.lists(ids, max_size=3).map(tuple),
        leave=st.booleans(),
    )
)
def test_what_is_signed_is_what_is_read(said: Publication) -> None:
    assert open_publication(seal_publication(said, ONE)) == (ONE.public_key, said)


def test_somebody_elses_signature() -> None:
    sealed = msgspec.json.decode(seal_publication(publication(), ONE), type=SignedPublication)
    forged = msgspec.structs.replace(sealed, key=OTHER.public_key)
    with pytest.raises(BadSignature):
        open_publication(msgspec.json.encode(forged))
    changed = msgspec.structs.replace(sealed, payload=sealed.payload.replace(b"192", b"193"))
    with pytest.raises(BadSignature):
        open_publication(msgspec.json.encode(changed))


def test_the_signature_of_a_descriptor_signs_no_publication() -> None:
    payload = msgspec.json.encode(publication())
    signed = SignedPublication(payload=payload, key=ONE.public_key, sig=ONE.sign(payload))
    with pytest.raises(BadSignature):
        open_publication(msgspec.json.encode(signed))


@given(st.binary(max_size=300) | texts.map(str.encode))
def test_garbage_is_refused(body: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        open_publication(body)
    with pytest.raises(ProtocolViolation):
        parse_results(b"x" + body)


@given(
    st.recursive(
        st.none() | st.booleans() | st.floats() | texts,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    )
)
def test_signed_garbage_is_refused(said: object) -> None:
    payload = msgspec.json.encode(said)
    for sign in (ONE.sign(payload), ONE.sign(b"p2ptube index publication\n" + payload)):
        signed = SignedPublication(payload=payload, key=ONE.public_key, sig=sign)
        with pytest.raises((ProtocolViolation, BadSignature)):
            open_publication(msgspec.json.encode(signed))
    try:
        assert parse_results(payload) == ()
    except P2PTubeError as error:
        assert isinstance(error, ProtocolViolation)


def test_bounds() -> None:
    with pytest.raises(ProtocolViolation, match="at most"):
        open_publication(bytes(MAX_BODY + 1))
    with pytest.raises(ProtocolViolation):
        open_publication(b"[" * 100_000)
    many = tuple(Held(id=video_id(str(i)), key=bytes(32), sequence=0) for i in range(1001))
    usual = msgspec.structs.replace(publication(), hold=many)
    with pytest.raises(ProtocolViolation):
        open_publication(seal_publication(usual, ONE))


# --- time ---------------------------------------------------------------------------------


@pytest.mark.parametrize("off", [0.0, WINDOW - 1, 1 - WINDOW])
def test_a_fresh_publication(off: float) -> None:
    check_fresh(publication(), INDEX, None, NOW + off)
    check_fresh(publication(), INDEX, int(NOW * 1000) - 1, NOW + off)


@pytest.mark.parametrize("off", [WINDOW + 1, -WINDOW - 1])
def test_too_old_or_too_new(off: float) -> None:
    with pytest.raises(Conflict, match="clock"):
        check_fresh(publication(), INDEX, None, NOW + off)


def test_the_same_again_or_elsewhere() -> None:
    with pytest.raises(Conflict, match="not newer"):
        check_fresh(publication(), INDEX, int(NOW * 1000), NOW)
    with pytest.raises(Conflict, match="another index"):
        check_fresh(publication(), "cd" * 16, None, NOW)


# --- descriptors --------------------------------------------------------------------------


def test_the_first_descriptor_stays_until_its_key_signs_a_newer_one() -> None:
    assert judge(describe(), ONE.public_key, None) is Verdict.ADD
    assert judge(describe(sequence=2), ONE.public_key, known()) is Verdict.REPLACE
    assert judge(describe(sequence=1), ONE.public_key, known()) is Verdict.KEEP
    assert judge(describe(sequence=0), ONE.public_key, known()) is Verdict.KEEP
    assert judge(describe(sequence=9), OTHER.public_key, known()) is Verdict.KEEP


def test_only_the_publisher_takes_a_video_out() -> None:
    out = describe(sequence=2, unlisted=True)
    assert judge(out, ONE.public_key, known()) is Verdict.TAKE_OUT
    for key, before in [(OTHER.public_key, known()), (ONE.public_key, known(2))]:
        with pytest.raises(InvalidInput, match="unlisted"):
            judge(out, key, before)
    with pytest.raises(InvalidInput, match="unlisted"):
        judge(out, ONE.public_key, None)


def test_what_was_taken_out_comes_back_by_a_newer_descriptor_only() -> None:
    gone = known(2, unlisted=True)
    with pytest.raises(InvalidInput, match="took it out"):
        judge(describe(sequence=2), ONE.public_key, gone)
    assert judge(describe(sequence=3), ONE.public_key, gone) is Verdict.REPLACE
    # Somebody else's publication of the same file is not his to take out.
    assert judge(describe(), OTHER.public_key, gone) is Verdict.REPLACE


@given(st.integers(0, 5), st.integers(0, 5), st.booleans(), st.booleans(), st.booleans())
def test_a_descriptor_is_wanted_only_where_it_would_be_taken(
    theirs: int, ours: int, same: bool, gone: bool, unknown: bool
) -> None:
    key = ONE.public_key if same else OTHER.public_key
    before = None if unknown else known(ours, unlisted=gone)
    held = Held(id=video_id("fox"), key=key, sequence=theirs)
    try:
        wanted = wants(held, before)
        verdict = judge(describe(sequence=theirs), key, before)
    except InvalidInput:
        with pytest.raises(InvalidInput):
            wants(held, before)
        return
    assert wanted == (verdict in {Verdict.ADD, Verdict.REPLACE})


# --- addresses ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("claimed", "source", "believed"),
    [
        ("203.0.113.5:1", "198.51.100.7", "198.51.100.7:1"),  # a stranger's word
        ("127.0.0.1:1", "198.51.100.7", "198.51.100.7:1"),
        ("10.0.0.9:1", "198.51.100.7", "198.51.100.7:1"),
        ("anything.example:1", "198.51.100.7", "198.51.100.7:1"),
        ("93.184.216.34:1", "192.168.1.2", "93.184.216.34:1"),  # a neighbour's
        ("192.168.1.3:1", "192.168.1.2", "192.168.1.3:1"),
        ("127.0.0.1:1", "192.168.1.2", "192.168.1.2:1"),
        ("127.0.0.1:1", "127.0.0.1", "127.0.0.1:1"),
        ("192.168.1.3:1", "127.0.0.1", "192.168.1.3:1"),
        ("0.0.0.0:1", "127.0.0.1", "127.0.0.1:1"),
        ("224.0.0.1:1", "127.0.0.1", "127.0.0.1:1"),
        ("[::ffff:192.168.1.3]:1", "192.168.1.2", "192.168.1.3:1"),
        ("[2001:4860::8]:1", "2001:4860::9", "[2001:4860::9]:1"),
        ("[2001:4860::8]:1", "::1", "[2001:4860::8]:1"),
    ],
)
def test_whose_word_on_an_address_counts(claimed: str, source: str, believed: str) -> None:
    packed = pack(source)
    assert packed is not None
    said = publication(peer=claimed, swarm=claimed)
    assert holder_addresses(said, packed) == (believed, (believed,))


def test_who_listens_nowhere() -> None:
    source = bytes((198, 51, 100, 7))
    for peer in ("", "192.0.2.1", "192.0.2.1:0", "192.0.2.1:65536", "a b:1"):
        with pytest.raises(InvalidInput, match="peer"):
            holder_addresses(publication(peer=peer), source)
    no_swarm = holder_addresses(publication(swarm="nonsense"), source)
    assert no_swarm == ("198.51.100.7:1", ())


@given(texts, texts, st.binary(min_size=4, max_size=4) | st.binary(min_size=16, max_size=16))
def test_any_address(peer: str, swarm: str, source: bytes) -> None:
    try:
        holder_addresses(publication(peer=peer, swarm=swarm), source)
    except InvalidInput as error:
        assert "peer" in str(error)
