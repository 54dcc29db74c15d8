"""Tells open pages what changed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable

from .views import Event

# A page that does not read for so long has to load everything anew anyway.
MOST_WAITING = 1_000


class Events:
    """Sends every event to every listener.

    `on_heard` is told True when the first listener comes, and False when the last one went.
    """

    def __init__(self) -> None:
        self._listeners: set[asyncio.Queue[Event | None]] = set()
        self.on_heard: Callable[[bool], None] = lambda heard: None

    @property
    def heard(self) -> bool:
        """Whether anybody listens."""
        return bool(self._listeners)

    def send(self, event: Event) -> None:
        """Tell all listeners; one that does not keep up is dropped."""
        for queue in list(self._listeners):
            if queue.full():
                self._leave(queue)
                queue.get_nowait()
                queue.put_nowait(None)
            else:
                queue.put_nowait(event)

    async def listen(self) -> AsyncGenerator[Event, None]:
        """Yield events from now on, until `close` or until the listener falls far behind."""
        queue: asyncio.Queue[Event | None] = asyncio.Queue(MOST_WAITING)
        self._listeners.add(queue)
        if len(self._listeners) == 1:
            self.on_heard(True)
        try:
            while (event := await queue.get()) is not None:
                yield event
        finally:
            self._leave(queue)

    def close(self) -> None:
        """End all listeners."""
        for queue in list(self._listeners):
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(None)
            self._leave(queue)

    def _leave(self, queue: asyncio.Queue[Event | None]) -> None:
        if queue in self._listeners:
            self._listeners.discard(queue)
            if not self._listeners:
                self.on_heard(False)
