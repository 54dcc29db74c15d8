"""A content that is handed on."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass, field

from p2ptube.playback.wrapped import WrappedContent


@dataclass
class Letters:
    """Yields its letters one by one."""

    size: int = 6
    media_type: str = "video/mp4"
    etag: str = '"abc"'
    file_name: str = "letters.mp4"
    closed: list[int] = field(default_factory=list)

    async def read(self, start: int, end: int) -> AsyncGenerator[bytes, None]:
        try:
            for position in range(start, end):
                yield b"abcdef"[position : position + 1]
        finally:
            self.closed.append(start)


class Iterated:
    """A content whose reading cannot be closed."""

    size, media_type, etag, file_name = 6, "video/mp4", '"abc"', "letters.mp4"

    def read(self, start: int, end: int) -> AsyncIterator[bytes]:
        """The letters, from nothing but an iterator."""
        return Counting(start, end)


class Counting:
    """An asynchronous iterator that is no generator."""

    def __init__(self, start: int, end: int) -> None:
        self._letters = iter(b"abcdef"[start:end])

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self

    async def __anext__(self) -> bytes:
        for letter in self._letters:
            return bytes([letter])
        raise StopAsyncIteration


async def test_it_is_the_same_content() -> None:
    letters = Letters()
    wrapped = WrappedContent(letters)
    names = (wrapped.size, wrapped.media_type, wrapped.etag, wrapped.file_name)
    assert names == (6, "video/mp4", '"abc"', "letters.mp4")
    assert b"".join([chunk async for chunk in wrapped.read(1, 4)]) == b"bcd"
    assert letters.closed == [1]


async def test_closed_early_it_closes_the_other() -> None:
    letters = Letters()
    async with aclosing(WrappedContent(letters).read(2, 6)) as chunks:
        assert await anext(chunks) == b"c"
    assert letters.closed == [2]


async def test_some_readings_cannot_be_closed() -> None:
    assert [chunk async for chunk in WrappedContent(Iterated()).read(4, 6)] == [b"e", b"f"]
