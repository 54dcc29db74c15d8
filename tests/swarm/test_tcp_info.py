"""What the kernel tells of real connections on loopback."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator

import pytest

from p2ptube.swarm import tcp_info

pytestmark = pytest.mark.skipif(not tcp_info.available(), reason="TCP_INFO is Linux's")
SIZE = 300_000
SO_MAX_PACING_RATE = 47


@contextlib.contextmanager
def connected() -> Iterator[tuple[socket.socket, socket.socket]]:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as ours,
    ):
        theirs, _ = server.accept()
        with theirs:
            yield ours, theirs


def found(ours: socket.socket) -> tcp_info.TcpConnection:
    here, there = ours.getsockname(), ours.getpeername()
    (known,) = (
        each
        for each in tcp_info.connections(lambda host: host == "127.0.0.1")
        if (each.local_port, each.remote) == (here[1], there)
    )
    return known


def send(ours: socket.socket, theirs: socket.socket, size: int) -> None:
    ours.settimeout(30)
    theirs.settimeout(30)
    while size:
        size -= (sent := ours.send(bytes(min(size, 50_000))))
        while sent:
            sent -= len(theirs.recv(sent))


def test_what_was_delivered_is_counted() -> None:
    with connected() as (ours, theirs):
        send(ours, theirs, SIZE)
        theirs.send(b"answer")
        assert ours.recv(10) == b"answer"  # so that all of it was confirmed
        known = found(ours)
        assert known.delivered - SIZE in {0, 1}  # the first packet of all may count, too
        assert known.received == 6
        assert 0 < known.least_rtt <= known.rtt < 10
        assert known.packets > 0
        assert known.descriptor == ours.fileno()


def test_only_those_that_are_wanted_are_looked_at_and_none_is_closed() -> None:
    with connected() as (ours, theirs):
        assert all(each.remote[0] == "::1" for each in tcp_info.connections(lambda h: h == "::1"))
        found(ours)
        send(ours, theirs, 10)


def test_a_pace_is_set_and_taken_away() -> None:
    with connected() as (ours, theirs):
        known = found(ours)
        tcp_info.pace([known], {known.key: 123_456}, 16_384)
        assert ours.getsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE) == 123_456
        tcp_info.pace([known], {}, 0)
        assert ours.getsockopt(socket.SOL_SOCKET, SO_MAX_PACING_RATE) in {-1, tcp_info.UNPACED}
        send(ours, theirs, 10)


def test_a_connection_that_is_gone_is_passed_over() -> None:
    with connected() as (ours, _):
        known = found(ours)
    tcp_info.pace([known], {known.key: 1000}, 0)
