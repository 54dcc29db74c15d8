"""Uploads yield: what the kernel says is made up here, what is done about it is not."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from tests.swarm.swarming import SECONDS, Peer, peer
from tests.swarm.test_tcp_info import SO_MAX_PACING_RATE, connected, found

from p2ptube.swarm import tcp_info
from p2ptube.swarm.sockets import WAITING_BYTES
from p2ptube.swarm.tcp_info import TcpConnection
from p2ptube.swarm.upload_control import UploadControl

pytestmark = pytest.mark.skipif(not tcp_info.available(), reason="TCP_INFO is Linux's")

RATE = 1_000_000  # bytes/s that the line carries
DISTANCE, WAIT = 0.01, 0.2  # seconds there and back, and in front of a full line


class Line:
    """Stands for the kernel: one connection, which uploads what it may over a line of ours.

    The connection is a real one, so that it can be paced; its numbers are not its own.
    """

    def __init__(self, ours: socket.socket) -> None:
        self.ours = ours
        self.wait = 0.0
        self.limit = 0
        self.looks = 0
        self.wanted: Callable[[str], bool] = lambda host: False
        self._connection = found(ours)
        self._looked = asyncio.Event()
        self._at = time.monotonic()
        self._delivered = 0.0

    def look(self, wanted: Callable[[str], bool]) -> list[TcpConnection]:
        """In place of `tcp_info.connections`."""
        self.wanted = wanted
        self.looks += 1
        self._looked.set()
        spent = time.monotonic() - self._at
        self._at += spent
        self._delivered += spent * min(RATE, self.limit or RATE)
        now = replace(
            self._connection,
            rtt=DISTANCE + self.wait,
            least_rtt=DISTANCE,
            delivered=round(self._delivered),
            received=0,
            packets=10 * self.looks,
            waiting=1,
        )
        return [now]

    async def until(self, condition: Callable[[], bool]) -> None:
        """Wait from look to look until the condition holds."""
        async with asyncio.timeout(SECONDS):
            while not condition():
                self._looked.clear()
                await self._looked.wait()

    @property
    def pace(self) -> int:
        """What the kernel spreads the connection's bytes at; as large as it gets: it does not."""
        return self.ours.getsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE) & tcp_info.UNPACED

    @property
    def most_waiting(self) -> int:
        """How many bytes the kernel takes in advance."""
        return self.ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT)


@pytest.fixture
async def line(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Line]:
    with connected() as (ours, _):
        result = Line(ours)
        monkeypatch.setattr(tcp_info, "connections", result.look)
        yield result


class Controlled:
    """An upload control over the line, and what it says."""

    def __init__(self, line: Line, *, local_too: bool = False) -> None:
        self._line = line
        self.limits: list[int] = []
        self.portions: list[int] = []
        self.control = UploadControl(
            self._limited, self.portions.append, elsewhere=lambda: 0.0, local_too=lambda: local_too
        )

    def _limited(self, limit: int) -> None:
        self.limits.append(limit)
        self._line.limit = limit


async def nothing_else_runs() -> None:
    """Wait until no task is left but this one."""
    async with asyncio.timeout(SECONDS):
        while asyncio.all_tasks() != {asyncio.current_task()}:
            await asyncio.sleep(0)


async def test_a_wait_before_the_line_lowers_the_limit_and_its_end_raises_it(line: Line) -> None:
    controlled = Controlled(line)
    control = controlled.control
    control.switch(True)
    await line.until(lambda: control.delay is not None)
    assert controlled.limits == []  # nothing waits
    line.wait = WAIT
    await line.until(lambda: 0 < line.limit < RATE / 2)
    assert control.limit == line.limit
    assert control.delay is not None
    assert control.delay > 0
    low, line.wait = line.limit, 0.0
    await line.until(lambda: line.limit > 1.5 * low)
    control.stop()


async def test_a_limited_connection_is_paced_until_it_is_stopped(line: Line) -> None:
    controlled = Controlled(line)
    assert line.pace == tcp_info.UNPACED
    line.wait = WAIT
    controlled.control.switch(True)
    await line.until(lambda: line.pace != tcp_info.UNPACED)
    assert line.pace > 0
    assert controlled.portions[-1] > 0
    assert line.most_waiting == controlled.portions[-1]
    controlled.control.stop()
    assert (controlled.limits[-1], controlled.portions[-1]) == (0, 0)
    assert (line.pace, line.most_waiting) == (tcp_info.UNPACED, WAITING_BYTES)
    assert (controlled.control.limit, controlled.control.delay) == (0, None)
    await nothing_else_runs()


async def test_without_yielding_nothing_is_looked_at_nor_limited(line: Line) -> None:
    controlled = Controlled(line)
    line.wait = WAIT
    controlled.control.switch(False)
    controlled.control.wake()
    await nothing_else_runs()
    assert (line.looks, controlled.limits, controlled.portions) == (0, [], [])
    assert line.pace == tcp_info.UNPACED


async def test_where_the_kernel_does_not_tell_nothing_is_done(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tcp_info, "available", lambda: False)
    controlled = Controlled(line)
    controlled.control.switch(True)
    await nothing_else_runs()
    assert (line.looks, controlled.control.limit) == (0, 0)


@pytest.mark.parametrize("local_too", [True, False])
async def test_peers_nearby_are_looked_at_only_if_limits_hold_for_them(
    line: Line, local_too: bool
) -> None:
    controlled = Controlled(line, local_too=local_too)
    controlled.control.switch(True)
    await line.until(lambda: line.looks > 0)
    assert line.wanted("198.51.100.7")
    assert line.wanted("127.0.0.1") == line.wanted("192.168.1.7") == local_too
    controlled.control.stop()


async def test_a_session_keeps_to_the_limit(line: Line) -> None:
    """Libtorrent's own limit is the lower one of the user's and the automatic one."""
    by_hand = 5 * RATE
    async with peer(upload_limit=by_hand) as sharer:
        rates = sharer.session.rates
        assert upload_limit(sharer) == by_hand
        line.wait = WAIT
        rates.set_yielding(True)
        await line.until(lambda: upload_limit(sharer) < by_hand)
        assert 0 < upload_limit(sharer) == rates.automatic_limit
        rates.set_yielding(False)
        assert (upload_limit(sharer), rates.automatic_limit) == (by_hand, 0)


def upload_limit(sharer: Peer) -> int:
    """What libtorrent has been told."""
    session = sharer.session._session
    return int(session.get_peer_class(session.global_peer_class_id)["upload_limit"])


async def test_nothing_stays_limited_after_a_fault_and_it_can_be_switched_on_again(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    controlled = Controlled(line)
    line.wait = WAIT
    controlled.control.switch(True)
    await line.until(lambda: line.pace != tcp_info.UNPACED)

    def fail(_: object) -> None:
        raise OSError("no such thing")

    with monkeypatch.context() as broken:
        broken.setattr(tcp_info, "connections", fail)
        async with asyncio.timeout(SECONDS):
            while controlled.control.delay is not None:
                await asyncio.sleep(0)
    assert (controlled.limits[-1], controlled.portions[-1]) == (0, 0)
    assert (line.pace, line.most_waiting) == (tcp_info.UNPACED, WAITING_BYTES)
    controlled.control.switch(True)
    await line.until(lambda: line.limit > 0)
    controlled.control.stop()
