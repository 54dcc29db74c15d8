"""Pure: WebSocket framing (RFC 6455), the server's side: bytes in, messages out, and back.

No extensions. `websockets` and `picows` do the same; here it costs a connection that is quiet no
more than a few hundred bytes, which is what the memory of a tracker is made of.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import struct
from collections.abc import Mapping
from enum import IntEnum

from ..errors import ProtocolViolation

_GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_MAX_CONTROL = 125
_HEAD = {126: struct.Struct("!H"), 127: struct.Struct("!Q")}


class Opcode(IntEnum):
    """What a frame is."""

    CONTINUATION = 0
    TEXT = 1
    BINARY = 2
    CLOSE = 8
    PING = 9
    PONG = 10


class FrameError(ProtocolViolation):
    """A frame that ends the connection; `code` is the status code to close it with."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def accept_key(headers: Mapping[bytes, bytes]) -> bytes:
    """Return the Sec-WebSocket-Accept of a handshake; names of headers are lower case.

    Raises ProtocolViolation if it is none that we know.
    """
    key = headers.get(b"sec-websocket-key", b"")
    if headers.get(b"sec-websocket-version") != b"13":
        raise ProtocolViolation("only version 13 of WebSocket is spoken here")
    try:
        good = len(base64.b64decode(key, validate=True)) == 16
    except binascii.Error:
        good = False
    if not good:
        raise ProtocolViolation("Sec-WebSocket-Key is missing or malformed")
    return base64.b64encode(hashlib.sha1(key + _GUID, usedforsecurity=False).digest())


def frame(opcode: Opcode, payload: bytes) -> bytes:
    """Return one whole message as the frame a server sends."""
    length = len(payload)
    if length < 126:
        return bytes((0x80 | opcode, length)) + payload
    if length < 65536:
        return struct.pack("!BBH", 0x80 | opcode, 126, length) + payload
    return struct.pack("!BBQ", 0x80 | opcode, 127, length) + payload


def close_frame(code: int, reason: str = "") -> bytes:
    """Return the frame that closes the connection; the reason is cut to what fits."""
    text = reason.encode()[: _MAX_CONTROL - 2].decode(errors="ignore")
    return frame(Opcode.CLOSE, code.to_bytes(2) + text.encode())


class FrameReader:
    """Cuts the bytes of a client into messages of at most `limit` bytes."""

    __slots__ = ("_begun", "_buffer", "_limit", "_parts")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._buffer = b""
        self._begun = Opcode.CONTINUATION  # what a message in several frames began as
        self._parts: bytearray | None = None  # made when needed: most messages are whole

    def feed(self, data: bytes) -> list[tuple[Opcode, bytes]]:
        """Return the messages and control frames that are now complete. Raises FrameError."""
        buffer = self._buffer + data if self._buffer else data
        done: list[tuple[Opcode, bytes]] = []
        at, size = 0, len(buffer)
        while size - at >= 2:
            first, second = buffer[at], buffer[at + 1]
            length = second & 0x7F
            head = at + 2
            if length > _MAX_CONTROL:
                field = _HEAD[length]
                if size < head + field.size:
                    break
                (length,) = field.unpack_from(buffer, head)
                head += field.size
            opcode = self._check(first, second, length)
            end = head + 4 + length
            if size < end:
                break
            payload = _unmask(buffer[head + 4 : end], buffer[head : head + 4])
            at = end
            if opcode >= Opcode.CLOSE:
                done.append((opcode, payload))
            elif (message := self._join(first, opcode, payload)) is not None:
                done.append(message)
        self._buffer = buffer[at:]
        return done

    def _check(self, first: int, second: int, length: int) -> Opcode:
        if first & 0x70:
            raise FrameError(1002, "reserved bits are set")
        if not second & 0x80:
            raise FrameError(1002, "frames of a client are masked")
        try:
            opcode = Opcode(first & 0x0F)
        except ValueError:
            raise FrameError(1002, "unknown opcode") from None
        if opcode >= Opcode.CLOSE:
            if not first & 0x80 or length > _MAX_CONTROL:
                raise FrameError(1002, "control frames are short and whole")
        elif length + len(self._parts or b"") > self._limit:
            raise FrameError(1009, f"more than {self._limit} bytes")
        return opcode

    def _join(self, first: int, opcode: Opcode, payload: bytes) -> tuple[Opcode, bytes] | None:
        continued = opcode is Opcode.CONTINUATION
        if continued is (self._begun is Opcode.CONTINUATION):
            raise FrameError(1002, "a continuation without a beginning, or the reverse")
        whole = bool(first & 0x80)
        if not continued:
            if whole:
                return opcode, payload
            self._begun, self._parts = opcode, bytearray()
        assert self._parts is not None
        self._parts += payload
        if not whole:
            return None
        message = self._begun, bytes(self._parts)
        self._begun, self._parts = Opcode.CONTINUATION, None
        return message


def _unmask(payload: bytes, mask: bytes) -> bytes:
    length = len(payload)
    keys = (mask * (length // 4 + 1))[:length]
    return (int.from_bytes(payload) ^ int.from_bytes(keys)).to_bytes(length)
