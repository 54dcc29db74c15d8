"""Streams to strangers: so many at once, of each address and in all, and at a pace."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing

from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from ..errors import P2PTubeError
from ..node import Node
from ..node.pace import Pace
from ..playback.content import Content
from ..playback.stream import StreamResponse
from ..playback.wrapped import WrappedContent
from .public_origin import owner_of
from .public_site import for_strangers
from .stream_slots import Refusal, Slot, StreamSlots

log = logging.getLogger(__name__)

# A video that is still being fetched is fetched first where somebody reads it. Strangers may have
# a say in that, but not all of it.
MOST_UNFINISHED = 2
RETRY_SECONDS = 10
# What is sent at a time: so little that many streams share a low limit evenly.
LARGEST_SLICE = 64 * 1024
SMALLEST_SLICE = 4 * 1024
SLICE_SECONDS = 0.1

_REFUSED = {
    Refusal.ADDRESS: (429, "your address has as many streams of this node as one may have"),
    Refusal.FULL: (503, "this node sends as many streams as it can"),
}


class PublicStreams:
    """Answers requests for the bytes of videos, within the limits of the settings."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._slots = StreamSlots()
        self._unfinished = StreamSlots()

    async def answer(
        self, video_id: str, headers: Mapping[str, str], method: str, address: str
    ) -> StreamResponse:
        """The answer to a request for a video's bytes that came from `address`.

        Raises NotFound, NoHolder, FileChanged.
        """
        complete = self._node.public.video(video_id).complete
        content = await self._node.public.open(video_id)
        return _LimitedResponse(self, content, headers, method, address, complete=complete)

    def enter(self, address: str, evicted: asyncio.Event, *, complete: bool) -> list[Slot]:
        """Take the places that a stream needs. Raises HTTPException 429 or 503."""
        config, now, owner = self._node.config, time.monotonic(), owner_of(address)
        slots = [
            self._slots.enter(
                owner,
                now,
                evicted.set,
                in_all=config.public_streams,
                per_address=config.public_streams_per_address,
            )
        ]
        if not complete and isinstance(slots[0], Slot):
            limits = {"in_all": MOST_UNFINISHED, "per_address": MOST_UNFINISHED}
            slots.append(self._unfinished.enter(owner, now, evicted.set, **limits))
        taken = [slot for slot in slots if isinstance(slot, Slot)]
        for refusal in (slot for slot in slots if isinstance(slot, Refusal)):
            self.leave(taken)
            status, reason = _REFUSED[refusal]
            if taken:
                status, reason = 503, "this node is still fetching the video, for others already"
            text = f"{reason}: try again in a few seconds"
            raise HTTPException(status, text, {"retry-after": str(RETRY_SECONDS)})
        return taken

    def leave(self, slots: list[Slot]) -> None:
        """Give the places back."""
        for slot in slots:
            self._slots.leave(slot)
            self._unfinished.leave(slot)

    def pace(self, content: Content, address: str) -> PacedContent:
        """The content as it is sent to an address."""
        return PacedContent(content, self._node, address)


class PacedContent(WrappedContent):
    """A content that is sent in slices, each when the limits have room for it."""

    def __init__(self, content: Content, node: Node, address: str) -> None:
        super().__init__(content)
        self.slots: list[Slot] = []
        self._node = node
        self._address = address
        self._pace = Pace()

    async def read(self, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """Yield the bytes [start, end)."""
        async with aclosing(self._read(start, end)) as chunks:
            async for chunk in chunks:
                position = 0
                while position < len(chunk):
                    piece = chunk[position : position + self._slice()]
                    await self._turn(len(piece))
                    position += len(piece)
                    yield piece
                    self._moved()

    async def _read(self, start: int, end: int) -> AsyncGenerator[bytes, None]:
        try:
            async with aclosing(super().read(start, end)) as chunks:
                async for chunk in chunks:
                    yield chunk
        except P2PTubeError as error:
            raise for_strangers(error) from error

    def _slice(self) -> int:
        rates = (self._node.uplink.limit_for(self._address), self._node.config.public_stream_rate)
        slices = (int(rate * SLICE_SECONDS) for rate in rates if rate)
        return max(SMALLEST_SLICE, min((LARGEST_SLICE, *slices)))

    async def _turn(self, size: int) -> None:
        rate = self._node.config.public_stream_rate
        await asyncio.sleep(self._pace.reserve(size, rate, time.monotonic()))
        await self._node.uplink.take(size, self._address)

    def _moved(self) -> None:
        now = time.monotonic()
        for slot in self.slots:
            slot.moved = now


class _LimitedResponse(StreamResponse):
    """A stream that has its places from its first byte to its last."""

    def __init__(
        self,
        streams: PublicStreams,
        content: Content,
        headers: Mapping[str, str],
        method: str,
        address: str,
        *,
        complete: bool,
    ) -> None:
        self._streams = streams
        self._address = address
        self._complete = complete
        self._paced = streams.pace(content, address)
        super().__init__(self._paced, headers, method)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request (ASGI). Raises HTTPException 429 or 503 before anything is sent."""
        if self.plan.start == self.plan.end:
            await super().__call__(scope, receive, send)
            return
        evicted = asyncio.Event()
        slots = self._streams.enter(self._address, evicted, complete=self._complete)
        self._paced.slots = slots
        answering = asyncio.ensure_future(super().__call__(scope, receive, send))
        waiting = asyncio.ensure_future(evicted.wait())
        try:
            await asyncio.wait({answering, waiting}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._streams.leave(slots)
            waiting.cancel()
            ended = answering.done()
            answering.cancel()
            await asyncio.wait({answering})
        if ended:
            answering.result()
        else:
            log.info("a stream to %s that stalled made way for another", self._address)
