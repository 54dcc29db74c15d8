from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.frames import Close, Frame
from websockets.frames import Opcode as TheirOpcode
from websockets.protocol import CLIENT, OPEN, Protocol

from p2ptube.errors import ProtocolViolation
from p2ptube.tracker.frames import (
    FrameError,
    FrameReader,
    Opcode,
    accept_key,
    close_frame,
    frame,
)

LIMIT = 100_000
HEADERS = {b"sec-websocket-key": b"dGhlIHNhbXBsZSBub25jZQ==", b"sec-websocket-version": b"13"}


def masked(opcode: int, payload: bytes, *, fin: bool = True) -> bytes:
    return Frame(TheirOpcode(opcode), payload, fin).serialize(mask=True)


def read(data: bytes, limit: int = LIMIT) -> list[tuple[Opcode, bytes]]:
    return FrameReader(limit).feed(data)


messages = st.lists(
    st.tuples(st.sampled_from([Opcode.TEXT, Opcode.BINARY]), st.binary(max_size=70_000))
    | st.tuples(st.sampled_from([Opcode.PING, Opcode.PONG, Opcode.CLOSE]), st.binary(max_size=125)),
    max_size=5,
)


@given(messages, st.lists(st.integers(1, 3000), max_size=20))
def test_messages_of_a_client_arrive_however_they_are_cut(
    sent: list[tuple[Opcode, bytes]], cuts: list[int]
) -> None:
    data = b"".join(masked(opcode, payload) for opcode, payload in sent)
    reader, got = FrameReader(LIMIT), []
    for cut in cuts:
        got += reader.feed(data[:cut])
        data = data[cut:]
    assert got + reader.feed(data) == sent


@given(st.sampled_from([1, 2]), st.lists(st.binary(max_size=50), min_size=1, max_size=5))
def test_fragments_become_one_message_with_control_frames_between(
    opcode: int, parts: list[bytes]
) -> None:
    reader, got = FrameReader(LIMIT), []
    for number, part in enumerate(parts):
        last = number == len(parts) - 1
        got += reader.feed(masked(opcode if number == 0 else 0, part, fin=last))
        got += reader.feed(masked(9, b"still there?"))
    pings = [(Opcode.PING, b"still there?")] * len(parts)
    assert [each for each in got if each[0] is Opcode.PING] == pings
    assert [each for each in got if each[0] is not Opcode.PING] == [
        (Opcode(opcode), b"".join(parts))
    ]


@given(st.binary(max_size=70_000))
def test_another_library_reads_what_we_send(payload: bytes) -> None:
    theirs = Protocol(CLIENT, state=OPEN, max_size=LIMIT)
    theirs.receive_data(frame(Opcode.BINARY, payload) + close_frame(1008, "ü" * 100))
    first, last = theirs.events_received()
    assert isinstance(first, Frame)
    assert isinstance(last, Frame)
    assert first.data == payload
    closed = Close.parse(last.data)
    assert closed.code == 1008
    assert closed.reason.startswith("ü" * 50)


@given(st.binary(max_size=300))
def test_garbage_ends_in_a_frame_error_or_nothing(data: bytes) -> None:
    reader = FrameReader(200)
    try:
        for start in range(0, len(data), 7):
            reader.feed(data[start : start + 7])
    except FrameError as error:
        assert error.code in {1002, 1009}


def head(data: bytes, first: int) -> bytes:
    """Another first byte: the flags and the opcode."""
    return bytes([first]) + data[1:]


# Named, since their masks are drawn anew by each process of a test run.
BROKEN = {
    "not masked": (frame(Opcode.TEXT, b"not masked"), 1002),
    "reserved flag": (head(masked(1, b"x"), 0xC1), 1002),
    "unknown opcode": (head(masked(1, b"x"), 0x83), 1002),
    "fragmented ping": (head(masked(9, b"x"), 0x09), 1002),
    "continues nothing": (masked(0, b"continues nothing"), 1002),
    "begins in a message": (masked(1, b"one", fin=False) + masked(1, b"two"), 1002),
    "long ping": (b"\x89\xfe\x00\x80", 1002),
    "too long": (masked(1, bytes(LIMIT + 1)), 1009),
    "announced, never sent": (b"\x81\xff\x7f" + bytes(7), 1009),
    "too long in all": (masked(1, bytes(LIMIT), fin=False) + masked(0, b"x"), 1009),
}


@pytest.mark.parametrize(("data", "code"), BROKEN.values(), ids=BROKEN.keys())
def test_what_ends_the_connection(data: bytes, code: int) -> None:
    with pytest.raises(FrameError) as caught:
        read(data)
    assert caught.value.code == code


def test_the_largest_message() -> None:
    assert read(masked(1, bytes(LIMIT))) == [(Opcode.TEXT, bytes(LIMIT))]


def test_a_message_in_the_smallest_frames() -> None:
    limit = 64 * 1024
    data = masked(1, b"", fin=False) + masked(0, b"x", fin=False) * limit
    reader = FrameReader(limit)
    assert reader.feed(data) == []
    assert reader.feed(masked(0, b"")) == [(Opcode.TEXT, b"x" * limit)]
    assert reader.feed(masked(1, b"next")) == [(Opcode.TEXT, b"next")]


def test_the_handshake_of_the_rfc() -> None:
    assert accept_key(HEADERS) == b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="


@pytest.mark.parametrize(
    "changes",
    [
        {b"sec-websocket-version": b"8"},
        {b"sec-websocket-key": b""},
        {b"sec-websocket-key": b"AAAA"},
        {b"sec-websocket-key": b"dGhlIHNhbXBsZSBub25jZQ=\xff"},
        {b"sec-websocket-key": b"dGhlIHNhbXBsZSBub25jZQ"},
    ],
)
def test_handshakes_that_are_none(changes: dict[bytes, bytes]) -> None:
    with pytest.raises(ProtocolViolation):
        accept_key(HEADERS | changes)


def test_random_masks() -> None:
    for size in (0, 1, 125, 126, 4096, 65_535, 65_536):
        payload = os.urandom(size)
        assert read(masked(2, payload)) == [(Opcode.BINARY, payload)]
