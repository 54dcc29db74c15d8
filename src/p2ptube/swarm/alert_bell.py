"""From libtorrent's threads to the event loop: there are alerts."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Callable

import libtorrent as lt


class AlertBell:
    """Calls `on_ring` on the event loop's thread whenever a session has alerts.

    libtorrent gets a file descriptor and no Python callback: the destructor of the session holds
    the interpreter's lock while it waits for threads that would need it for the callback.
    """

    def __init__(self, session: lt.session, on_ring: Callable[[], None]) -> None:
        self._on_ring = on_ring
        self._loop = asyncio.get_running_loop()
        self._wakeup, self._waker = socket.socketpair()
        self._wakeup.setblocking(False)
        self._waker.setblocking(False)
        session.set_alert_fd(self._waker.fileno())
        self._loop.add_reader(self._wakeup, self._ring)

    def mute(self) -> None:
        """Call no more."""
        self._loop.remove_reader(self._wakeup)
        self._wakeup.close()

    def close(self) -> None:
        """Take the descriptor away: only when the session is gone."""
        self._waker.close()

    def _ring(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._wakeup.recv(4096)
        self._on_ring()
