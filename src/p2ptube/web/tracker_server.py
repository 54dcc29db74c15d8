"""The tracker's three shells on one port: HTTP and WebSocket over TCP, and UDP."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec

from ..tracker.addresses import Scope, household, pack, scope_of
from ..tracker.tracker import Tracker
from .public_origin import client_address
from .tracker_datagrams import Datagrams
from .tracker_door import TrackerDoor
from .tracker_socket import TrackerSocket

SWEEP_SECONDS = 5.0
DOOR_SWEEPS = 3  # an announce arrives within 10 to 15 seconds, or not at all
SOCKET_SWEEPS = 12  # so often WebSockets are looked after
SPARE_FILES = 512  # of what the process may open: for everything but the tracker
PER_ADDRESS = 300  # connections; several viewers share an address


class Load(msgspec.Struct, frozen=True):
    """How many connections there are, and for how long the server runs, in seconds."""

    connections: int
    websockets: int
    uptime: float


class TrackerServer:
    """Everything of a tracker that has to do with sockets.

    `behind_proxy` says that a reverse proxy of this machine or a private network tells in
    X-Forwarded-For who asks. `blocks` says of an address whether nothing of it is answered.
    """

    def __init__(
        self,
        tracker: Tracker,
        *,
        behind_proxy: bool = False,
        blocks: Callable[[str], bool] = lambda host: False,
    ) -> None:
        self.tracker = tracker
        self.behind_proxy = behind_proxy
        self.blocks = blocks
        self.clock = time.monotonic
        self.sweeps = 0  # the time, in sweeps
        self.doors: set[TrackerDoor] = set()
        self.sockets: set[TrackerSocket] = set()
        self._most = _open_files() - SPARE_FILES
        self._by_address: Counter[bytes] = Counter()
        self._started = self.clock()
        self._sweeper: asyncio.Task[None] | None = None
        self._datagrams: Datagrams | None = None

    def protocol(self, web: Callable[..., Any]) -> Callable[..., TrackerDoor]:
        """What to give uvicorn as its protocol: `web` is what serves all but the tracker."""

        def make(**state: Any) -> TrackerDoor:
            return TrackerDoor(self, lambda: web(**state))

        return make

    async def start(self, udp: socket.socket | None = None) -> None:
        """Begin to answer at `udp`, and to end connections that nobody uses."""
        if udp is not None:
            self._datagrams = Datagrams(self.tracker, self.clock, self.blocks)
            await self._datagrams.start(udp)
        self._sweeper = asyncio.create_task(self._sweep_for_ever(), name="tracker")

    async def stop(self) -> None:
        """Close every connection; clients look for the tracker again some minutes later."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
        if self._datagrams is not None:
            self._datagrams.stop()
        for end in list(self.sockets):
            end.close(1001, "the tracker stops")
        for door in list(self.doors):
            door.close()

    def load(self) -> Load:
        """Count."""
        return Load(len(self.doors), len(self.sockets), self.clock() - self._started)

    # --- who may connect -----------------------------------------------------------------------

    def admit(self, source: bytes) -> bool:
        """Note a connection from `source`; tells whether it may stay."""
        if len(self.doors) + len(self.sockets) >= self._most:
            return False
        if self._is_proxy(source):
            return True
        owner = household(source)
        if self._by_address[owner] >= PER_ADDRESS:
            return False
        self._by_address[owner] += 1
        return True

    def dismiss(self, source: bytes) -> None:
        """Forget a connection that `admit` took."""
        if self._is_proxy(source):
            return
        owner = household(source)
        self._by_address[owner] -= 1
        if self._by_address[owner] <= 0:
            del self._by_address[owner]

    def client(self, peer: str, source: bytes, forwarded_for: bytes | None) -> bytes:
        """Whom a request of the connection comes from: of a proxy's, from whom it says."""
        if forwarded_for is None or not self._is_proxy(source):
            return source
        said = client_address(peer, forwarded_for.decode("latin-1"), behind_proxy=True)
        return pack(said) or source

    def _is_proxy(self, source: bytes) -> bool:
        return self.behind_proxy and scope_of(source) is not Scope.GLOBAL

    # --- what nobody uses ----------------------------------------------------------------------

    async def _sweep_for_ever(self) -> None:
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self.sweep()

    def sweep(self) -> None:
        """Let five seconds pass for all connections."""
        self.sweeps += 1
        for door in [each for each in self.doors if self.sweeps - each.heard >= DOOR_SWEEPS]:
            door.close()
        if self.sweeps % SOCKET_SWEEPS == 0:
            now = self.clock()
            for end in list(self.sockets):
                end.look_after(self.sweeps - end.heard, now)


def _open_files() -> int:
    """How many files the process may open: as many as it can be given."""
    try:
        import resource
    except ImportError:  # Windows has no such limit
        return 16_384
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = 1_048_576 if hard == resource.RLIM_INFINITY else hard
    if soft < most:
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
            soft = most
    return int(soft)
