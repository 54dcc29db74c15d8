from __future__ import annotations

import contextlib
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptube.descriptor import (
    amend,
    is_plain_file_name,
    open_envelope,
    parse_payload,
    seal,
    supersedes,
)
from p2ptube.errors import BadSignature, InvalidInput, ProtocolViolation
from p2ptube.identity import Identity
from p2ptube.models import (
    Attachment,
    AttachmentKind,
    Descriptor,
    Holder,
    SignedDescriptor,
    Source,
)

ALICE, MALLORY = Identity(b"a" * 32), Identity(b"m" * 32)
SHORT = st.text(st.characters(codec="utf-8"), max_size=100)
COUNTS = st.integers(0, 2**53)
HEX40, HEX64 = (st.from_regex(rf"[0-9a-f]{{{n}}}", fullmatch=True) for n in (40, 64))
NAMES = st.text(st.characters(codec="utf-8"), min_size=1, max_size=60).filter(is_plain_file_name)

sources = st.builds(
    Source,
    info_hash=HEX40,
    file_name=NAMES,
    size=st.integers(1, 2**53),
    piece_length=st.integers(16 * 1024, 128 * 1024 * 1024),
    sha256=HEX64,
    video_codec=SHORT,
    audio_codec=SHORT,
    bit_rate=COUNTS,
)
attachments = st.builds(
    Attachment,
    kind=st.sampled_from(AttachmentKind),
    sha256=HEX64,
    media_type=SHORT,
    size=COUNTS,
    language=SHORT,
)
descriptors = st.builds(
    Descriptor,
    version=st.just(1),
    title=SHORT,
    description=SHORT,
    language=SHORT,
    duration=st.floats(0, 1e9),
    width=st.integers(0, 100_000),
    height=st.integers(0, 100_000),
    published_at=st.floats(0, 1e11),
    sequence=COUNTS,
    publisher=SHORT,
    public_url=SHORT,
    sources=st.lists(sources, min_size=1, max_size=3).map(tuple),
    attachments=st.lists(attachments, max_size=3).map(tuple),
    trackers=st.lists(SHORT, max_size=3).map(tuple),
)


def example(**changes: Any) -> Descriptor:
    source = Source(
        info_hash="ab" * 20, file_name="film.mp4", size=5, piece_length=65_536, sha256="cd" * 32
    )
    fields: dict[str, Any] = {
        "title": "A film",
        "duration": 1.5,
        "width": 640,
        "height": 360,
        "published_at": 1e9,
        "sources": (source,),
    }
    return Descriptor(**fields | changes)


@given(descriptors)
def test_what_is_sealed_is_what_is_opened(descriptor: Descriptor) -> None:
    envelope = seal(descriptor, ALICE)
    assert envelope.key == ALICE.public_key
    assert open_envelope(envelope) == descriptor
    sent = msgspec.json.decode(msgspec.json.encode(envelope), type=SignedDescriptor)
    assert open_envelope(sent) == descriptor
    assert descriptor.id == descriptor.sources[0].info_hash


@given(st.sampled_from(["payload", "key", "sig"]), st.integers(0), st.integers(0, 7))
def test_one_bit_is_enough_to_break_the_seal(field: str, where: int, bit: int) -> None:
    envelope = seal(example(), ALICE)
    data = bytearray(getattr(envelope, field))
    data[where % len(data)] ^= 1 << bit
    with pytest.raises(BadSignature):
        open_envelope(msgspec.structs.replace(envelope, **{field: bytes(data)}))


def test_the_signature_of_another_is_refused() -> None:
    envelope = seal(example(), ALICE)
    with pytest.raises(BadSignature):
        open_envelope(msgspec.structs.replace(envelope, key=MALLORY.public_key))


def signed(payload: bytes) -> SignedDescriptor:
    """An envelope whose signature is right, whatever it holds."""
    return SignedDescriptor(payload=payload, key=ALICE.public_key, sig=ALICE.sign(payload))


def only_documented(payload: bytes) -> None:
    """Nothing but ProtocolViolation escapes; what is accepted can be sealed and sent on."""
    with contextlib.suppress(ProtocolViolation):
        descriptor = open_envelope(signed(payload))
        assert open_envelope(seal(descriptor, ALICE)) == descriptor
        assert all(is_plain_file_name(source.file_name) for source in descriptor.sources)


@given(st.binary(max_size=200))
def test_garbage(payload: bytes) -> None:
    only_documented(payload)


@given(st.integers(0), st.binary(max_size=4), st.integers(0, 4))
def test_a_damaged_payload(where: int, inserted: bytes, dropped: int) -> None:
    payload = bytearray(msgspec.json.encode(example()))
    at = where % len(payload)
    payload[at : at + dropped] = inserted
    only_documented(bytes(payload))


JSON = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), SHORT),
    lambda inner: st.one_of(st.lists(inner), st.dictionaries(SHORT, inner)),
    max_leaves=5,
)


@given(st.sampled_from([*Descriptor.__struct_fields__, "unknown"]), JSON)
def test_a_payload_with_an_odd_value(field: str, value: Any) -> None:
    payload = json.loads(msgspec.json.encode(example()))
    only_documented(json.dumps(payload | {field: value}).encode())


def test_a_deeply_nested_payload() -> None:
    for payload in (b"[" * 20_000, b'{"title":' * 5_000, b'{"unknown":' + b"[" * 20_000):
        with pytest.raises(ProtocolViolation):
            open_envelope(signed(payload))


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("version", 2),
        ("title", "x" * 501),
        ("title", None),
        ("duration", -1),
        ("duration", 1e300),
        ("width", 100_001),
        ("sequence", 2**53 + 1),
        ("sequence", -1),
        ("sources", []),
        ("trackers", ["http://a/"] * 17),
    ],
)
def test_values_beyond_their_bounds_are_refused(field: str, value: object) -> None:
    payload = json.loads(msgspec.json.encode(example())) | {field: value}
    with pytest.raises(ProtocolViolation):
        parse_payload(json.dumps(payload).encode())


BAD_NAMES = [
    *("", ".", "..", "/", "a/b.mp4", "../x.mp4", "/etc/passwd", "a\\b.mp4", "..\\x", "a\0b.mp4"),
    *("a\nb.mp4", "\x1b[2J.mp4", "\x7f.mp4", "x" * 256, "ä" * 128, "\udce9.mp4"),
]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_is_no_plain_file_name_is_refused(name: str) -> None:
    assert not is_plain_file_name(name)
    payload = json.loads(msgspec.json.encode(example()))
    payload["sources"][0]["file_name"] = name
    with pytest.raises(ProtocolViolation):
        open_envelope(signed(json.dumps(payload).encode()))


@pytest.mark.parametrize("name", ["a", "...", "a..b", ".hidden", "a b.mp4", "ä" * 127, "映画.mp4"])
def test_plain_file_names(name: str) -> None:
    assert is_plain_file_name(name)


def test_a_newer_one_of_the_same_key_supersedes() -> None:
    old, new = (seal(example(sequence=n, title=str(n)), ALICE) for n in (4, 5))
    assert supersedes(new, old)
    assert not supersedes(old, new)
    assert not supersedes(old, old)
    assert not supersedes(seal(example(sequence=9), MALLORY), old)


def test_an_amended_descriptor_supersedes() -> None:
    before = example(sequence=3)
    after = amend(before, {"title": "Another", "language": "de"})
    assert (after.title, after.language, after.sequence) == ("Another", "de", 4)
    assert after.sources == before.sources
    assert supersedes(seal(after, ALICE), seal(before, ALICE))


@pytest.mark.parametrize(
    "changes",
    [
        {"title": "x" * 501},
        {"description": "x" * 10_001},
        {"title": None},
        {"title": 5},
        {"title": "\ud800"},
        {"description": "\x01" * 10_000},  # within its bounds, but six bytes each
    ],
)
def test_an_amendment_beyond_the_bounds_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        amend(example(), changes)


def test_the_poster_is_found_among_the_attachments() -> None:
    kinds = (AttachmentKind.CAPTIONS, AttachmentKind.POSTER, AttachmentKind.POSTER)
    files = tuple(
        Attachment(kind=kind, sha256=f"{n:064x}", media_type="image/jpeg", size=1)
        for n, kind in enumerate(kinds)
    )
    assert example(attachments=files).poster == files[1]
    assert example().poster is None


def test_a_holder_is_bounded() -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"peer": "a:1", "swarm": ["a:1"] * 5}, Holder)
