"""The terminal while a video plays: how it arrives."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from typing import Any

from rich.console import Console, RenderableType
from rich.live import Live

from ..errors import Cancelled, NotFound, P2PTubeError
from ..tasks import cancel_all
from .client import Api
from .output import STEP, Output, safe
from .swarm_view import closing_line, plain_line, render

KEYS = "q quits"


class Viewer:
    """Shows a video as the node's events tell of it, until it is left."""

    def __init__(
        self, api: Api, output: Output, video: Any, *, head: Sequence[str], shown: bool
    ) -> None:
        """`head`: the lines above, which are there already. `shown`: draw, or tell, anything."""
        self.video = video
        self._head = head
        self._shown = shown
        self._api = api
        self._output = output
        self._swarm: Any = None
        self._told = -1.0
        self._changed = asyncio.Condition()

    async def until(self, *languages: str) -> None:
        """Wait until there are captions in all these languages."""
        async with self._changed:
            await self._changed.wait_for(lambda: set(languages) <= set(self.video["captions"]))

    async def follow(self, events: AsyncIterator[tuple[str, Any]]) -> None:
        """Show what the events tell, to their end. Raises P2PTubeError where it cannot go on."""
        path = f"videos/{self.video['id']}"
        self._swarm = await self._api.get(f"{path}/swarm")
        with self._drawing() as draw:
            draw()
            async for kind, data in events:
                if kind == "swarm" and data["id"] == self.video["id"]:
                    self._swarm = data
                elif kind == "video" and data["id"] == self.video["id"]:
                    await self._is_now(data)
                elif kind == "removed" and data == self.video["id"]:
                    raise Cancelled("the video was deleted")
                elif not kind:  # a sign of life: what was told may have been missed
                    await self._is_now(await self._api.get(path))
                    # What is not kept goes a while after its player, and comes for the next one.
                    with contextlib.suppress(NotFound):
                        self._swarm = await self._api.get(f"{path}/swarm")
                else:
                    continue
                draw()
        raise P2PTubeError("the node has stopped")

    async def _is_now(self, video: Any) -> None:
        if video["state"] == "error":
            raise P2PTubeError(video["detail"] or "the video cannot be fetched")
        async with self._changed:
            self.video = video
            self._changed.notify_all()

    @contextlib.contextmanager
    def _drawing(self) -> Iterator[Callable[[], None]]:
        if not self._shown:
            yield lambda: None
        elif not self._output.for_people:
            yield self._tell
        else:
            with self._drawn() as draw:
                yield draw

    @contextlib.contextmanager
    def _drawn(self) -> Iterator[Callable[[], None]]:
        console = self._output.console
        keys = KEYS if sys.stdin.isatty() else ""

        def draw() -> None:
            shape = {"width": console.width, "height": console.height - 1}
            screen.show(render(self.video, self._swarm, **shape, keys=keys))

        try:
            with _Screen(console, self._head) as screen, _on_resize(draw):
                yield draw
        finally:
            self._output.note(closing_line(self.video, self._swarm))

    def _tell(self) -> None:
        progress = self.video["progress"]
        is_next = progress >= self._told + STEP or (progress >= 1 > self._told)
        if is_next and not self._output.json:
            self._told = progress
            # Beside what was asked for, which is on stdout: the stream's URL.
            self._output.note(plain_line(self.video, self._swarm))


class _Screen:
    """What is drawn below some lines of a terminal, and gone at the end."""

    def __init__(self, console: Console, head: Sequence[str]) -> None:
        """`head`: the lines, which were printed before."""
        self._console = console
        self._head = head
        self._size = console.size
        self._live = self._new()

    def __enter__(self) -> _Screen:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def show(self, drawing: RenderableType) -> None:
        """Draw this in place of what was drawn before."""
        if self._console.size != self._size:
            # The terminal has moved what is on it, nobody knows where to.
            self._size = self._console.size
            self._live.stop()
            self._console.clear()
            for line in self._head:
                self._console.out(safe(line), highlight=False)  # never broken: it is to be copied
            self._live = self._new()
            self._live.start()
        self._live.update(drawing, refresh=True)

    def _new(self) -> Live:
        return Live(console=self._console, auto_refresh=False, transient=True)


@contextlib.contextmanager
def _on_resize(draw: Callable[[], None]) -> Iterator[None]:
    """Draw at once when the terminal's size changes; where no signal tells, the next event does."""
    number = getattr(signal, "SIGWINCH", None)
    if number is None or threading.current_thread() is not threading.main_thread():
        yield
        return
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(number, draw)
    try:
        yield
    finally:
        loop.remove_signal_handler(number)


async def first_of(*works: Awaitable[Any]) -> None:
    """Wait for the first that ends, and cancel the others. Raises what that one raises."""
    tasks = [asyncio.ensure_future(work) for work in works]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        await cancel_all(*tasks)
