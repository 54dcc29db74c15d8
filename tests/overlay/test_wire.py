from __future__ import annotations

import string
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptube.errors import InvalidInput, ProtocolViolation
from p2ptube.overlay import wire

types = st.text(string.ascii_letters, min_size=4, max_size=4)
frames = st.lists(st.tuples(types, st.binary(max_size=300)), max_size=6)


@given(frames, st.lists(st.integers(1, 400)))
def test_frames_survive_any_cutting(sent: list[tuple[str, bytes]], cuts: list[int]) -> None:
    stream = b"".join(wire.encode(kind, payload) for kind, payload in sent)
    decoder = wire.FrameDecoder()
    received = []
    while stream:
        size = cuts.pop() if cuts else len(stream)
        decoder.feed(stream[:size])
        stream = stream[size:]
        while (frame := decoder.next_frame()) is not None:
            received.append(frame)
    assert received == [(kind.upper(), payload) for kind, payload in sent]
    assert decoder.buffered == 0


@given(st.binary(max_size=2000))
def test_garbage_raises_nothing_but_protocol_violation(data: bytes) -> None:
    decoder = wire.FrameDecoder()
    decoder.feed(data)
    try:
        while decoder.next_frame() is not None:
            pass
    except ProtocolViolation:
        pass


@pytest.mark.parametrize(
    ("kind", "length"),
    [(b"NAME", 65537), (b"repl", 4 * 1024 * 1024 + 1), (b"JOIN", 2**32 - 1), (b"ERRO", 65537)],
)
def test_an_oversized_payload_is_refused_by_its_header(kind: bytes, length: int) -> None:
    decoder = wire.FrameDecoder()
    decoder.feed(struct.pack("!4sL", kind, length))
    with pytest.raises(ProtocolViolation):
        decoder.next_frame()


@pytest.mark.parametrize(("kind", "length"), [(b"NAME", 65536), (b"REPL", 4 * 1024 * 1024)])
def test_the_largest_payload_is_taken(kind: bytes, length: int) -> None:
    decoder = wire.FrameDecoder()
    decoder.feed(struct.pack("!4sL", kind, length))
    assert decoder.next_frame() is None
    decoder.feed(bytes(length))
    assert decoder.next_frame() == (kind.decode(), bytes(length))


def test_a_receiver_without_replies_lowers_their_limit() -> None:
    decoder = wire.FrameDecoder(max_reply=wire.MAX_CONTROL)
    decoder.feed(struct.pack("!4sL", b"REPL", 65537))
    with pytest.raises(ProtocolViolation):
        decoder.next_frame()


@pytest.mark.parametrize("kind", [b"NA1E", b"    ", b"\0\0\0\0", b"N\xc4ME", b"GET "])
def test_a_type_is_four_letters(kind: bytes) -> None:
    decoder = wire.FrameDecoder()
    decoder.feed(kind + bytes(4))
    with pytest.raises(ProtocolViolation):
        decoder.next_frame()


def test_what_must_be_refused_is_not_sent() -> None:
    with pytest.raises(InvalidInput):
        wire.encode("JOIN", bytes(65537))
    with pytest.raises(InvalidInput):
        wire.encode("JOINT")
