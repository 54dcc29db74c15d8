"""Frames: bytes in, frames out, and back. Pure.

A frame is `!4sL` (four ASCII letters of type, then the payload's length as an unsigned 32-bit
big-endian number) followed by the payload.
"""

from __future__ import annotations

import struct
from typing import NamedTuple

from ..errors import InvalidInput, ProtocolViolation

MAX_CONTROL = 64 * 1024  # bytes of payload in any frame but REPL
MAX_REPLY = 4 * 1024 * 1024  # bytes of payload in a REPL

REPLY = "REPL"
ERROR = "ERRO"

_HEADER = struct.Struct("!4sL")
HEADER_BYTES = _HEADER.size


class Frame(NamedTuple):
    """A message: its type in capitals, and its payload."""

    type: str
    payload: bytes


def header(frame_type: str, length: int) -> bytes:
    """Return the eight bytes that precede a payload of `length` bytes.

    Raises InvalidInput where the receiver would have to refuse the frame.
    """
    if len(frame_type) != 4 or not _is_letters(frame_type):
        raise InvalidInput(f"not a message type: {frame_type[:20]!r}")
    if length > limit_of(frame_type.upper()):
        raise InvalidInput(f"a payload of {length} bytes is too long for {frame_type}")
    return _HEADER.pack(frame_type.upper().encode("ascii"), length)


def encode(frame_type: str, payload: bytes = b"") -> bytes:
    """Return the bytes of one frame. Raises InvalidInput like `header`."""
    return header(frame_type, len(payload)) + payload


def limit_of(frame_type: str) -> int:
    """Return the most bytes that a payload of this type (in capitals) may have."""
    return MAX_REPLY if frame_type == REPLY else MAX_CONTROL


class FrameDecoder:
    """Cuts a stream of bytes into frames.

    `feed` what was read, then call `next_frame` until it returns None. A header is judged as
    soon as it is complete, so a payload that is too long is never waited for. `max_reply` lowers
    the limit of REPL for a receiver that expects none.
    """

    def __init__(self, *, max_reply: int = MAX_REPLY) -> None:
        self._buffer = bytearray()
        self._max_reply = max_reply

    @property
    def buffered(self) -> int:
        """Bytes that are held and belong to no complete frame yet."""
        return len(self._buffer)

    def feed(self, data: bytes) -> None:
        """Take in bytes as they came from the connection."""
        self._buffer += data

    def next_frame(self) -> Frame | None:
        """Return the next complete frame, or None while more bytes are needed.

        Raises ProtocolViolation where the header is not one of the protocol; the stream cannot
        be read any further then.
        """
        if len(self._buffer) < HEADER_BYTES:
            return None
        frame_type, length = self._header()
        end = HEADER_BYTES + length
        if len(self._buffer) < end:
            return None
        with memoryview(self._buffer) as view:
            payload = bytes(view[HEADER_BYTES:end])
        del self._buffer[:end]
        return Frame(frame_type, payload)

    def _header(self) -> tuple[str, int]:
        raw_type, length = _HEADER.unpack_from(self._buffer)
        frame_type = raw_type.decode("latin-1")
        if not _is_letters(frame_type):
            raise ProtocolViolation(f"not a message type: {raw_type!r}")
        frame_type = frame_type.upper()
        limit = min(limit_of(frame_type), self._max_reply)
        if length > limit:
            raise ProtocolViolation(f"{frame_type} of {length} bytes; the limit is {limit}")
        return frame_type, length


def _is_letters(text: str) -> bool:
    return text.isascii() and text.isalpha()
