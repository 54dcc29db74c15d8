"""HTTP streaming: a request's range of a content, sent as verified chunks."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote

from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from ..errors import OurBug, P2PTubeError
from .content import Content
from .ranges import Range, Unsatisfiable, if_match, if_none_match, if_range_matches, parse_range

log = logging.getLogger(__name__)

# Kept by the user's own browser, but asked for again each time (a cheap 304).
CACHE_CONTROL = "private, no-cache"


@dataclass(frozen=True)
class StreamPlan:
    """An answer: its status and headers, and the bytes [start, end) that are its body."""

    status: int
    headers: dict[str, str]
    start: int = 0
    end: int = 0


def plan(
    method: str,
    headers: Mapping[str, str],
    content: Content,
    *,
    cache_control: str = CACHE_CONTROL,
) -> StreamPlan:
    """Decide on the answer to a request; the names in `headers` are in lower case.

    Statuses: 200, 206, 304, 405, 412, 416. Preconditions come in the order of RFC 9110, section
    13.2.2; a Range counts for GET only (section 14.2).
    """
    if method not in {"GET", "HEAD"}:
        return StreamPlan(405, {"allow": "GET, HEAD", "content-length": "0"})
    common = {
        "accept-ranges": "bytes",
        "etag": content.etag,
        "cache-control": cache_control,
    }
    if "if-match" in headers and not if_match(headers["if-match"], content.etag):
        return StreamPlan(412, common | {"content-length": "0"})
    if "if-none-match" in headers and not if_none_match(headers["if-none-match"], content.etag):
        return StreamPlan(304, common)
    wanted = _wanted(method, headers, content)
    if isinstance(wanted, Unsatisfiable):
        empty = {"content-range": wanted.content_range, "content-length": "0"}
        return StreamPlan(416, common | empty)
    start, end = (0, content.size) if wanted is None else (wanted.start, wanted.end)
    entity = {
        "content-type": content.media_type,
        "content-length": str(end - start),
        "content-disposition": content_disposition(content.file_name),
        "x-content-type-options": "nosniff",
    }
    if wanted is not None:
        entity["content-range"] = wanted.content_range
    sent_end = start if method == "HEAD" else end
    return StreamPlan(200 if wanted is None else 206, common | entity, start, sent_end)


def _wanted(
    method: str, headers: Mapping[str, str], content: Content
) -> Range | Unsatisfiable | None:
    if method != "GET":
        return None
    condition = headers.get("if-range")
    if condition is not None and not if_range_matches(condition, content.etag, None):
        return None
    return parse_range(headers.get("range"), content.size)


def content_disposition(file_name: str) -> str:
    """Return a Content-Disposition with the name in ASCII and in full (RFC 6266, RFC 8187)."""
    clean = "".join(c for c in file_name if c.isprintable()).encode("utf-8", "replace").decode()
    plain = "".join(c if c.isascii() and c not in '"\\%' else "_" for c in clean)
    return f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(clean, safe='!#$&+-.^_`|~')}"


async def chunks(content: Content, start: int, end: int) -> AsyncGenerator[bytes, None]:
    """Yield exactly the bytes [start, end) of `content`, and close its reader in any case.

    Raises what the content raises, and OurBug where it yields more or less than was asked for.
    """
    if start >= end:
        return
    reader = content.read(start, end)
    try:
        async for data in reader:
            start += len(data)
            if start > end:
                break
            yield data
    finally:
        await _close(reader)
    if start != end:
        raise OurBug(f"{content.file_name}: {end - start} bytes too few (negative: too many)")


async def _close(reader: AsyncIterator[bytes]) -> None:
    aclose = getattr(reader, "aclose", None)
    if aclose is not None:
        await aclose()


class StreamResponse(Response):
    """The ASGI answer to a request for `content`.

    The status is sent when the first bytes are there: an error before is answered as problem
    details (RFC 9457) with its own status; one afterwards is raised, upon which the server breaks
    the connection, and the client sees a body shorter than Content-Length. When the client goes
    away, the content's reader is closed at once, even while it waits.
    """

    def __init__(
        self,
        content: Content,
        request_headers: Mapping[str, str],
        method: str = "GET",
        *,
        cache_control: str = CACHE_CONTROL,
    ) -> None:
        self.content = content
        self.plan = plan(method, request_headers, content, cache_control=cache_control)
        self.status_code = self.plan.status
        self.background = None
        self.body = b""
        self.init_headers(self.plan.headers)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer the request (ASGI)."""
        sender = asyncio.create_task(self._answer(send))
        watcher = asyncio.create_task(_disconnected(receive))
        try:
            await asyncio.wait({sender, watcher}, return_when=asyncio.FIRST_COMPLETED)
            finished = sender.done()
        finally:
            await _stop(watcher)
            await _stop(sender)
        if finished:
            with contextlib.suppress(_ClientGone):
                sender.result()

    async def _answer(self, send: Send) -> None:
        async with contextlib.aclosing(
            chunks(self.content, self.plan.start, self.plan.end)
        ) as body:
            try:
                data = await anext(body, b"")
            except P2PTubeError as error:
                await _send_problem(send, error)
                return
            await _send(
                send,
                {
                    "type": "http.response.start",
                    "status": self.status_code,
                    "headers": self.raw_headers,
                },
            )
            while data:
                await _send(send, {"type": "http.response.body", "body": data, "more_body": True})
                data = await anext(body, b"")
        await _send(send, {"type": "http.response.body", "body": b"", "more_body": False})


class _ClientGone(Exception):
    """The server cannot send any more."""


async def _send(send: Send, message: Message) -> None:
    try:
        await send(message)
    except OSError as error:  # ASGI 2.4: how a server says that the client went away
        raise _ClientGone from error


async def _send_problem(send: Send, error: P2PTubeError) -> None:
    log.info("cannot stream: %s", error)
    problem = {"type": "about:blank", "title": error.title, "status": error.status}
    body = json.dumps(problem | {"detail": str(error)}).encode()
    headers = [
        (b"content-type", b"application/problem+json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    start = {"type": "http.response.start", "status": error.status, "headers": headers}
    await _send(send, start)
    await _send(send, {"type": "http.response.body", "body": body, "more_body": False})


async def _disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _stop(task: asyncio.Task[None]) -> None:
    """Cancel `task` and wait for its end; what it raised stays in it."""
    task.cancel()
    await asyncio.wait({task})
    if not task.cancelled() and task.exception() is not None:
        log.debug("while answering: %r", task.exception())
