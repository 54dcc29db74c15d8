"""The upload limit, shared by the swarm and by HTTP streams: together they stay below it.

The swarm has its own limit inside libtorrent. HTTP streams wait here for their turn, one after
the other; while there are any, the swarm's limit is lowered by what they send.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

from ..tracker.addresses import Scope, pack, scope_of
from .pace import Pace, swarm_share

TICK_SECONDS = 0.5


class Uplink:
    """Hands out the upload limit. `apply` sets the swarm's part of it, in bytes per second."""

    def __init__(self, apply: Callable[[int], None]) -> None:
        self._apply = apply
        self._limit = 0
        self._limit_local = False
        self._pace = Pace()
        self._sent = 0
        self._ticking: asyncio.TimerHandle | None = None

    def set_limit(self, limit: int, *, limit_local: bool) -> None:
        """From now on at most `limit` bytes/s, 0 for no limit.

        `limit_local`: whether it holds for the local network, too.
        """
        self._limit, self._limit_local = limit, limit_local
        self._stop_ticking()
        self._apply(limit)

    def stop(self) -> None:
        """Change nothing any more."""
        self._stop_ticking()

    def limit_for(self, address: str) -> int:
        """The limit of what is sent to an address, in bytes/s; 0 for none."""
        return 0 if not self._limit_local and _is_local(address) else self._limit

    async def take(self, size: int, address: str) -> None:
        """Wait until `size` more bytes may be sent to `address` over HTTP."""
        if not self.limit_for(address):
            return
        if self._ticking is None:
            # At once, and cautiously: what HTTP needs shows at the next tick.
            self._apply(swarm_share(self._limit, self._limit))
            self._schedule()
        http = self._limit - swarm_share(self._limit, self._limit)
        await asyncio.sleep(self._pace.reserve(size, http, time.monotonic()))
        self._sent += size

    def _schedule(self) -> None:
        loop = asyncio.get_running_loop()
        self._ticking = loop.call_later(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        self._ticking = None
        sent, self._sent = self._sent, 0
        self._apply(swarm_share(self._limit, round(sent / TICK_SECONDS)))
        if sent:
            self._schedule()

    def _stop_ticking(self) -> None:
        if self._ticking is not None:
            self._ticking.cancel()
            self._ticking = None
        self._sent = 0


def _is_local(address: str) -> bool:
    packed = pack(address)
    return packed is not None and scope_of(packed) is not Scope.GLOBAL
