"""JSON and server-sent events: reading bodies with a bound, writing views."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, TypeVar

import msgspec
from sse_starlette import EventSourceResponse, ServerSentEvent
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ..errors import InvalidInput

T = TypeVar("T")

MAX_JSON = 64 * 1024
KEEP_ALIVE = 15  # seconds between comments that keep an idle event stream open


def as_json(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """Answer with views (or anything else that msgspec encodes) as JSON."""
    return Response(msgspec.json.encode(value), status, headers, media_type="application/json")


async def read_json(request: Request, shape: type[T]) -> T:
    """Read the body as JSON of the given shape.

    An empty body stands for `{}`. Raises HTTPException 413 or 415, msgspec.DecodeError where it
    is no JSON and msgspec.ValidationError where it has another shape.
    """
    body = await read_body(request, MAX_JSON)
    if body and media_type(request) != "application/json":
        raise HTTPException(415, "send the body as application/json")
    return msgspec.json.decode(body or b"{}", type=shape)


async def read_body(request: Request, most: int) -> bytes:
    """Read a body of at most `most` bytes. Raises HTTPException 413."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > most:
            raise HTTPException(413, "the body is too large")
    return bytes(body)


def media_type(request: Request) -> str:
    """The media type of the body, without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


def boolean(request: Request, name: str, default: bool) -> bool:
    """Read a query parameter that is `true` or `false`. Raises InvalidInput."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if text.lower() not in {"true", "false", "1", "0"}:
        raise InvalidInput(f"{name} must be true or false")
    return text.lower() in {"true", "1"}


def number(request: Request, name: str, least: int, most: int) -> int | None:
    """Read a query parameter that is a whole number; None without one. Raises InvalidInput."""
    text = request.query_params.get(name, "")
    if not text:
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most):
        raise InvalidInput(f"{name} must be a number from {least} to {most}")
    return int(text)


@contextlib.asynccontextmanager
async def closing(source: AsyncIterator[T]) -> AsyncIterator[AsyncIterator[T]]:
    """Close `source` on leaving, so that its work ends now and not at some garbage collection."""
    try:
        yield source
    finally:
        close = getattr(source, "aclose", None)
        if close is not None:
            await close()


async def until(source: AsyncIterator[T], end: asyncio.Event) -> AsyncIterator[T]:
    """Yield what `source` yields, until it ends or `end` is set; then close it."""
    ended = asyncio.ensure_future(end.wait())
    async with closing(source):
        upcoming: asyncio.Future[T] | None = None
        try:
            while not end.is_set():
                upcoming = asyncio.ensure_future(anext(source))
                await asyncio.wait({upcoming, ended}, return_when=asyncio.FIRST_COMPLETED)
                if not upcoming.done():
                    return
                try:
                    item = upcoming.result()
                except StopAsyncIteration:
                    return
                yield item
        finally:
            ended.cancel()
            if upcoming is not None and not upcoming.done():
                upcoming.cancel()
                with contextlib.suppress(asyncio.CancelledError, StopAsyncIteration):
                    await upcoming


def server_sent_event(event: str, value: Any) -> ServerSentEvent:
    """Name an event and encode its value as JSON."""
    return ServerSentEvent(msgspec.json.encode(value).decode(), event=event, sep="\n")


def event_stream(events: AsyncIterator[ServerSentEvent]) -> Response:
    """Answer with server-sent events, and a comment now and then while there are none."""
    return EventSourceResponse(events, ping=KEEP_ALIVE, sep="\n")
