"""What the kernel knows of this process's own TCP connections: `TCP_INFO` of Linux.

libtorrent does not hand out its sockets, but they are this process's: their file descriptors are
listed in /proc. They are only looked at, and never closed or duplicated here; should one be closed
and its number given to another meanwhile, that one is looked at instead.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from .shares import Endpoint

_DESCRIPTORS = "/proc/self/fd"
_TCP_INFO = 11
_ESTABLISHED = 1
# linux/tcp.h, struct tcp_info: what is read of it has been at these places since Linux 4.6.
_SIZE = 152
_BYTE, _U32, _U64 = "=B", "=I", "=Q"
_MSS_AT, _SACKED_AT, _RTT_AT = 16, 28, 68
_DELIVERED_AT, _RECEIVED_AT, _PACKETS_AT, _WAITING_AT, _LEAST_RTT_AT = 120, 128, 140, 144, 148
_UNKNOWN_RTT = 2**32 - 1
_SO_MAX_PACING_RATE = 47  # asm-generic/socket.h, which Python does not name
UNPACED = 2**32 - 1


@dataclass(frozen=True)
class TcpConnection:
    """A connection of ours. Times in seconds, payload in bytes since it began.

    `packets` came, confirmations among them. `waiting`: bytes that it could not send yet.
    """

    descriptor: int
    local_port: int
    remote: Endpoint
    rtt: float
    least_rtt: float
    delivered: int
    received: int
    packets: int
    waiting: int

    @property
    def key(self) -> object:
        """What tells it from all others that are, and most that were."""
        return self.local_port, self.remote


def available() -> bool:
    """Whether this system tells: Linux does."""
    return sys.platform == "linux" and Path(_DESCRIPTORS).is_dir()


def connections(wanted: Callable[[str], bool]) -> list[TcpConnection]:
    """All established TCP connections of this process to addresses that are `wanted`."""
    found = []
    for descriptor in _descriptors():
        with contextlib.suppress(OSError), _borrowed(descriptor) as sock:
            remote = sock.getpeername()
            # That of a Unix socket is a path, and that of a netlink socket two numbers.
            if isinstance(remote, tuple) and isinstance(remote[0], str) and wanted(remote[0]):
                info = sock.getsockopt(socket.IPPROTO_TCP, _TCP_INFO, _SIZE)
                known = _parse(info, descriptor, sock.getsockname()[1], remote[:2])
                if known is not None:
                    found.append(known)
    return found


def pace(paced: Iterable[TcpConnection], rates: Mapping[object, int], waiting: int) -> None:
    """Let the kernel spread what is sent over time, at no more than so many bytes/s.

    `rates` are by the connections' keys; who has none there is not paced any more. The kernel
    takes no more than some `waiting` bytes in advance (see sockets.WAITING_BYTES).
    """
    for connection in paced:
        rate = min(rates.get(connection.key, UNPACED), UNPACED)
        with contextlib.suppress(OSError), _borrowed(connection.descriptor) as sock:
            if sock.getpeername()[:2] == connection.remote:
                sock.setsockopt(socket.SOL_SOCKET, _SO_MAX_PACING_RATE, struct.pack("=I", rate))
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NOTSENT_LOWAT, waiting)


def _descriptors() -> Iterator[int]:
    with contextlib.suppress(OSError):
        for entry in os.scandir(_DESCRIPTORS):
            yield int(entry.name)


@contextlib.contextmanager
def _borrowed(descriptor: int) -> Iterator[socket.socket]:
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP, descriptor)
    try:
        yield sock
    finally:
        sock.detach()


def _parse(info: bytes, descriptor: int, local_port: int, remote: Endpoint) -> TcpConnection | None:
    if len(info) < _SIZE or struct.unpack_from(_BYTE, info)[0] != _ESTABLISHED:
        return None
    (rtt,) = struct.unpack_from(_U32, info, _RTT_AT)
    (packets,) = struct.unpack_from(_U32, info, _PACKETS_AT)
    (waiting,) = struct.unpack_from(_U32, info, _WAITING_AT)
    (least,) = struct.unpack_from(_U32, info, _LEAST_RTT_AT)
    (delivered,) = struct.unpack_from(_U64, info, _DELIVERED_AT)
    # What came behind a gap has been delivered, too, though it is not confirmed in order yet.
    (packet,) = struct.unpack_from(_U32, info, _MSS_AT)
    (sacked,) = struct.unpack_from(_U32, info, _SACKED_AT)
    delivered += sacked * packet
    (received,) = struct.unpack_from(_U64, info, _RECEIVED_AT)
    if least == _UNKNOWN_RTT or rtt == 0:
        return None
    return TcpConnection(
        descriptor=descriptor,
        local_port=local_port,
        remote=remote,
        rtt=rtt / 1e6,
        least_rtt=least / 1e6,
        delivered=delivered,
        received=received,
        packets=packets,
        waiting=waiting,
    )
