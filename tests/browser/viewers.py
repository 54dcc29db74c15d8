"""Viewers of a node's public page: browsers that have no node, counted from both sides."""

from __future__ import annotations

import asyncio
import contextlib
import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from playwright.async_api import Browser, Page
from tests.browser.app import LOOK_MS, PATIENCE
from tests.clips import make_clip
from tests.nodes import NodeProcess

SECONDS = 10
BIT_RATE = 650_000
# Counts connections that were ever made, and notes when the player ran dry: where it was, and how
# many seconds it had in hand. A machine with too much to do also halts a player that has enough.
WITNESS = """
window.made = 0;
window.dry = [];
addEventListener("waiting", ({target: video}) => {
    const {buffered, currentTime} = video;
    const ahead = buffered.length ? buffered.end(buffered.length - 1) - currentTime : 0;
    if (currentTime > 0.1 && !video.seeking) window.dry.push([currentTime, ahead]);
}, true);
if (window.RTCPeerConnection) {
    const Real = window.RTCPeerConnection;
    window.RTCPeerConnection = class extends Real {
        constructor(...all) { super(...all); window.made += 1; }
    };
}
"""


class Cinema(NamedTuple):
    """A node with a public page, and its film."""

    node: NodeProcess
    film: dict[str, Any]

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.node.info['ports']['public']}"

    @property
    def page(self) -> str:
        return f"{self.origin}/watch/{self.film['id']}"

    def swarm(self) -> dict[str, Any]:
        found: dict[str, Any] = self.node.get(f"videos/{self.film['id']}/swarm")
        return found


def film(path: Path) -> Path:
    """A film of ten seconds, in some fifteen pieces."""
    return make_clip(
        path, seconds=SECONDS, size=(320, 180), fps=12, bit_rate=BIT_RATE, faststart=True
    )


def a_cinema(
    start: Callable[..., NodeProcess], folder: Path, *flags: str, **options: Any
) -> Cinema:
    node = start(folder / "node", "--name", "Cinema", "--public-port", "0", *flags, **options)
    return Cinema(node, node.add(film(folder / "the film.mp4")))


@contextlib.asynccontextmanager
async def a_viewer(
    browser: Browser, choice: str = "", script: str = "", **options: Any
) -> AsyncIterator[Page]:
    """A browser of its own, which was asked before if there is a `choice`."""
    context = await browser.new_context(viewport={"width": 800, "height": 700}, **options)
    context.set_default_timeout(PATIENCE)
    if choice:
        await context.add_init_script(f"localStorage.setItem('p2ptube.share', '{choice}')")
    await context.add_init_script(script + WITNESS)
    try:
        yield await context.new_page()
    finally:
        await context.close()


async def made(page: Page) -> int:
    """How many RTCPeerConnections the page ever made."""
    count: int = await page.evaluate("window.made")
    return count


async def until(page: Page, expression: str) -> None:
    """Wait for something of `video`, the player's element."""
    look = f"""() => {{
        const video = document.querySelector('video');
        return video && ({expression});
    }}"""
    await page.wait_for_function(look, polling=LOOK_MS, timeout=PATIENCE)


async def ended(page: Page) -> None:
    await until(page, "video.ended || video.error")
    assert await page.evaluate("document.querySelector('video').error?.message ?? ''") == ""


async def shared(page: Page) -> str:
    """What the page says of where the video came from."""
    return await page.locator(".shares").inner_text()


def share_of(text: str, who: str) -> int:
    """The percentage that came from `who`: viewer, node, the server."""
    found = re.search(rf"(\d+)% from [^·]*{who}", text)
    return int(found[1]) if found else 0


class Counting:
    """Stands before a node's public port, and counts what goes out of streams, to the byte."""

    def __init__(self, target: str) -> None:
        self._target = urlsplit(target)
        self._server: asyncio.Server
        self._open: set[asyncio.StreamWriter] = set()
        self.streamed = 0

    async def __aenter__(self) -> Counting:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        return self

    async def __aexit__(self, *_: object) -> None:
        self._server.close()
        for writer in self._open:
            writer.close()

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            there = await asyncio.open_connection(self._target.hostname, self._target.port)
            self._open |= {writer, there[1]}
            asked = [b""]
            await asyncio.gather(
                self._pass(reader, there[1], lambda data: asked.__setitem__(0, data)),
                self._pass(there[0], writer, lambda data: self._count(asked[0], data)),
            )
            self._open -= {writer, there[1]}

    async def _pass(
        self,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        seen: Callable[[bytes], None],
    ) -> None:
        with contextlib.suppress(OSError):
            while data := await reader.read(65536):
                seen(data)
                writer.write(data)
                await writer.drain()
        writer.close()

    def _count(self, asked: bytes, data: bytes) -> None:
        # Browsers ask one thing at a time of an HTTP/1.1 connection.
        if asked.startswith(b"GET /stream/"):
            self.streamed += len(data)
