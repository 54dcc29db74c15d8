"""A real HTTP server for the tests: each path is one content."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Mapping

import uvicorn
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from p2ptube.playback.content import Content
from p2ptube.playback.stream import StreamResponse


class ScriptedContent:
    """Yields `parts` in order and waits at None until it is closed, or raises at an exception."""

    media_type = "video/mp4"
    etag = '"scripted"'
    file_name = "scripted.mp4"

    def __init__(self, size: int, *parts: bytes | Exception | None) -> None:
        self.size = size
        self.parts = parts
        self.waiting = asyncio.Event()
        self.closed = asyncio.Event()

    async def read(self, start: int, end: int) -> AsyncGenerator[bytes, None]:
        try:
            for part in self.parts:
                if isinstance(part, Exception):
                    raise part
                if part is None:
                    self.waiting.set()
                    await asyncio.Event().wait()
                else:
                    yield part
        finally:
            self.closed.set()


@contextlib.asynccontextmanager
async def serving(contents: Mapping[str, Content]) -> AsyncIterator[str]:
    """Serve `contents` on a free port and yield the base URL."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        response = StreamResponse(contents[scope["path"]], Headers(scope=scope), scope["method"])
        await response(scope, receive, send)

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(100)
        server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_level="critical"))
        task = asyncio.create_task(server.serve([listener]))
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = server.force_exit = True
            await task
