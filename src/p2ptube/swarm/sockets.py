"""Ends single connections of libtorrent, whose Python binding has no call for it.

It can turn an address away, but of several peers behind one address only some are too many. The
sockets are this process's own, though: a duplicate of the file descriptor is the same socket, and
what is done to it holds for libtorrent's, too. Looking at the duplicate first makes sure that it
is the one that is meant, whatever else opens and closes meanwhile.
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Container, Iterator
from pathlib import Path

from .limits import is_private
from .shares import Endpoint

_NOWHERE = {
    socket.AF_INET: ("127.0.0.1", 9),
    socket.AF_INET6: ("::1", 9),
}
_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", None)  # Linux, macOS
# What the kernel takes of a connection in advance cannot be taken back: after a jump of the viewer
# all of that would come first, and from a limited holder the default, which grows with the
# connection up to megabytes, is a second of video. In a local network it is faster as it is.
WAITING_BYTES = 16 * 1024
_FOLDERS = (Path("/proc/self/fd"), Path("/dev/fd"))  # Linux, macOS


def can_cut() -> bool:
    """Whether this system lets us find our own sockets: on Windows, nothing here does anything."""
    return any(folder.is_dir() for folder in _FOLDERS)


def cut(remotes: Container[Endpoint], local_udp_ports: Container[int]) -> int:
    """End the TCP connections with these remote ends, and the WebRTC ones on these ports.

    Return how many were found. TCP ends at once. WebRTC falls silent at once, both ways; both
    ends notice it within half a minute, since nobody confirms any more that he wants to be sent
    to (RFC 7675).
    """
    found = 0
    for sock in _sockets():
        with sock, contextlib.suppress(OSError):
            if sock.type == socket.SOCK_STREAM and sock.getpeername()[:2] in remotes:
                sock.shutdown(socket.SHUT_RDWR)
                found += 1
            elif sock.type == socket.SOCK_DGRAM and sock.getsockname()[1] in local_udp_ports:
                # A connected UDP socket hears its one correspondent only, here: nobody.
                sock.connect(_NOWHERE[sock.family])
                found += 1
    return found


def cut_towards(ports: Container[int]) -> None:
    """End the TCP connections to these ports of others, and those that are not through yet."""
    for sock in _sockets():
        with sock, contextlib.suppress(OSError):
            if sock.type != socket.SOCK_STREAM or _listens(sock):
                continue
            try:
                mine = sock.getpeername()[1] in ports
            except OSError:  # nobody has answered yet
                mine = sock.getsockname()[1] != 0
            if mine:
                sock.shutdown(socket.SHUT_RDWR)


def _listens(sock: socket.socket) -> bool:
    return bool(sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN))


def prepare(remotes: Container[Endpoint]) -> None:
    """Let nothing wait in these TCP connections that need not.

    What is little is sent at once, too (TCP_NODELAY). libtorrent leaves Nagle's algorithm on (RFC
    9293, 3.7.4): a message waits until the one before it is confirmed, and the other side takes up
    to 40 ms for that. So each of the small messages with which two peers begin would wait: half of
    the time until the first piece.

    And to peers of the internet, see `WAITING_BYTES`.
    """
    for sock in _sockets():
        with sock, contextlib.suppress(OSError):
            remote = sock.getpeername() if sock.type == socket.SOCK_STREAM else None
            if remote is not None and remote[:2] in remotes:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                if _NOTSENT_LOWAT is not None and not is_private(remote[0]):
                    sock.setsockopt(socket.IPPROTO_TCP, _NOTSENT_LOWAT, WAITING_BYTES)


def accept_to_send_at_once() -> None:
    """The same for all connections that are accepted: they take it over from the listening one."""
    for sock in _sockets():
        with sock, contextlib.suppress(OSError):
            if sock.type == socket.SOCK_STREAM and _listens(sock):
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)


def _sockets() -> Iterator[socket.socket]:
    folders = [folder for folder in _FOLDERS if folder.is_dir()][:1]
    for entry in [entry for folder in folders for entry in folder.iterdir()]:
        try:
            duplicate = os.dup(int(entry.name))
        except OSError:
            continue
        try:
            sock = socket.socket(fileno=duplicate)
        except OSError:  # a file, a pipe
            os.close(duplicate)
            continue
        if sock.family in _NOWHERE:
            yield sock
        else:
            sock.close()
