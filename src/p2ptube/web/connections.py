"""Who may keep a connection to the public port: so many per address, and none that only waits.

uvicorn closes a connection that stays silent after an answer. It does not mind one that never
sends a request, or sends it byte by byte (a slow loris), nor one that takes no answer.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

from .public_origin import owner_of

log = logging.getLogger(__name__)

PER_ADDRESS = 100
REQUEST_SECONDS = 20.0  # for a whole request head, and for taking the rest of the last answer
BODY_SECONDS = 60.0  # for the whole body of a request; ours are small
ANSWER_SECONDS = 600.0  # without taking a byte of an answer; a player may be paused
SWEEP_SECONDS = 5.0

REFUSAL = (
    b"HTTP/1.1 429 Too Many Requests\r\ncontent-type: text/plain\r\nretry-after: 10\r\n"
    b"connection: close\r\ncontent-length: 52\r\n\r\n"
    b"Your address has too many connections to this node.\n"
)


class Door:
    """Keeps the connections of a server. `exempt` says which addresses are not counted."""

    def __init__(self, exempt: Callable[[str], bool], *, per_address: int = PER_ADDRESS) -> None:
        self._exempt = exempt
        self._per_address = per_address
        self._guests: dict[Any, bytes] = {}  # by protocol, whom it counts for
        self._counts: Counter[bytes] = Counter()
        self._since: dict[Any, tuple[object, float]] = {}

    def __len__(self) -> int:
        """How many connections there are."""
        return len(self._guests)

    def enter(self, guest: Any, address: str) -> bool:
        """Note a connection; tells whether its address may have it."""
        owner = b"" if self._exempt(address) else owner_of(address)
        if owner and self._counts[owner] >= self._per_address:
            return False
        self._guests[guest] = owner
        self._counts[owner] += 1
        return True

    def leave(self, guest: Any) -> None:
        """Forget a connection that has ended."""
        owner = self._guests.pop(guest, None)
        self._since.pop(guest, None)
        if owner is not None:
            self._counts[owner] -= 1
            if not self._counts[owner]:
                del self._counts[owner]

    async def watch(self) -> None:
        """Cut connections that only wait, for ever."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self.sweep(time.monotonic())

    def sweep(self, now: float) -> None:
        """Cut what has waited for too long, as of `now`."""
        for guest in list(self._guests):
            transport = guest.transport
            if transport.get_protocol() is not guest:
                if transport.is_closing():  # it became a WebSocket, which has its own bounds
                    self.leave(guest)
                continue
            waiting, patience = _waits_for(guest)
            since = self._since.get(guest)
            if waiting is None:
                self._since.pop(guest, None)
            elif since is None or since[0] != waiting:
                self._since[guest] = waiting, now
            elif now - since[1] >= patience:
                log.debug("cutting a connection that only waits")
                transport.abort()


def _waits_for(guest: Any) -> tuple[object, float]:
    """What the other side owes us, None for nothing; and how long it may take for it."""
    if guest.transport.is_closing():
        return "closing", REQUEST_SECONDS
    cycle = guest.cycle
    if cycle is None or cycle.response_complete:
        return ("request", id(cycle)), REQUEST_SECONDS
    if cycle.more_body:
        return ("body", id(cycle)), BODY_SECONDS
    unsent = guest.transport.get_write_buffer_size()
    if unsent:
        return ("answer", id(cycle), unsent), ANSWER_SECONDS
    return None, 0.0


def guarded(base: type[H11Protocol], door: Door) -> type[H11Protocol]:
    """The protocol `base`, whose connections are kept by `door`."""

    class Guarded(base):  # type: ignore[misc, valid-type]
        _refused = False

        def connection_made(self, transport: asyncio.Transport) -> None:
            peer = transport.get_extra_info("peername")
            if door.enter(self, peer[0] if peer else ""):
                super().connection_made(transport)
                return
            self._refused = True
            transport.write(REFUSAL)
            transport.close()

        def data_received(self, data: bytes) -> None:
            if not self._refused:
                super().data_received(data)

        def connection_lost(self, exc: Exception | None) -> None:
            if not self._refused:
                door.leave(self)
                super().connection_lost(exc)

    return Guarded
