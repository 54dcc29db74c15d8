"""Announces as fast as one process can send them, the same bytes to each tracker.

`python -m bench.tracker_load WAY PORT PEERS SECONDS`: first every peer announces itself once, then,
when a line comes in, peers announce themselves again for some seconds. Prints a line of JSON after
each part. Every connection comes from an address of its own below 127.0.0.0/8, waits for each
answer before it asks again, and all of them are kept busy by one epoll.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import select
import socket
import struct
import sys
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from urllib.parse import quote_from_bytes

SWARMS = 1000
NUMWANT = 50
CONNECTIONS = 64
WEBSOCKETS = 10_000  # with ten torrents each
PATIENCE = 2.0  # seconds; then a packet counts as lost
SDP = "v=0\r\n" + "a=candidate:1 1 udp 2122260223 192.0.2.1 50000 typ host\r\n" * 15

Request = Callable[[int], bytes]


class Client:
    """One connection with at most one question under way."""

    def __init__(self, number: int, port: int, ask: Request) -> None:
        self.number, self.port, self.ask = number, port, ask
        self.address = f"127.{1 + number // 60_000 % 250}.{number // 250 % 240}.{1 + number % 250}"
        self.sock = self.open(socket.SOCK_STREAM)
        self.buffer = b""

    def open(self, kind: socket.SocketKind) -> socket.socket:
        sock = socket.socket(socket.AF_INET, kind)
        sock.bind((self.address, 0))
        sock.connect(("127.0.0.1", self.port))
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return sock

    def send(self, peer: int) -> None:
        self.sock.sendall(self.ask(peer))

    def answers(self) -> int:
        """Read what is there; how many answers are complete with it."""
        self.buffer += self.sock.recv(262_144)
        head = self.buffer.find(b"\r\n\r\n")
        if head < 0:
            return 0
        at = self.buffer.lower().find(b"content-length:")
        length = int(self.buffer[at + 15 : self.buffer.find(b"\r\n", at)])
        if len(self.buffer) < head + 4 + length:
            return 0
        assert b"failure reason" not in self.buffer, self.buffer
        self.buffer = b""
        return 1


class OneShot(Client):
    """A connection per announce, as most clients do it."""

    def send(self, peer: int) -> None:
        self.sock.sendall(self.ask(peer))

    def answers(self) -> int:
        data = self.sock.recv(262_144)
        self.buffer += data
        if data and not self.buffer.endswith(b"e"):
            return 0
        if data:
            at = self.buffer.lower().find(b"content-length:")
            end = self.buffer.find(b"\r\n\r\n") + 4
            length = int(self.buffer[at + 15 : self.buffer.find(b"\r\n", at)])
            if len(self.buffer) < end + length:
                return 0
        assert b"5:peers" in self.buffer, self.buffer
        self.buffer = b""
        self.sock.close()
        self.sock = self.open(socket.SOCK_STREAM)
        return 1


class Datagrams(Client):
    def open(self, kind: socket.SocketKind) -> socket.socket:
        sock = super().open(socket.SOCK_DGRAM)
        sock.settimeout(PATIENCE)
        sock.send(struct.pack("!QLL", 0x41727101980, 0, 1))
        self.id = sock.recv(16)[8:]
        return sock

    def send(self, peer: int) -> None:
        self.sock.send(self.id + self.ask(peer))

    def answers(self) -> int:
        data = self.sock.recv(4096)
        assert data[3] == 1, data
        return 1


class Socket(Client):
    def open(self, kind: socket.SocketKind) -> socket.socket:
        sock = super().open(kind)
        sock.sendall(
            b"GET /announce HTTP/1.1\r\nHost: t\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
        )
        answer = b""
        while not answer.endswith(b"\r\n\r\n"):
            answer += sock.recv(1)
        assert b" 101 " in answer, answer
        return sock

    def send(self, peer: int) -> None:
        text = self.ask(peer)
        size = len(text)
        head = struct.pack("!BBH", 0x81, 0xFE, size) if size > 125 else bytes((0x81, 0x80 | size))
        # A mask of zeros: masking is not what is measured on this side.
        self.sock.sendall(head + bytes(4) + text)

    def answers(self) -> int:
        buffer = self.buffer + self.sock.recv(262_144)
        at = found = 0
        while len(buffer) - at >= 4:
            size, head = buffer[at + 1], at + 2
            if size == 126:
                size, head = int.from_bytes(buffer[at + 2 : at + 4]), at + 4
            if len(buffer) < head + size:
                break
            found += b'"interval"' in buffer[head : head + size]
            at = head + size
        self.buffer = buffer[at:]
        return found


def http(hashes: list[bytes], rest: bytes) -> Request:
    def request(peer: int) -> bytes:
        return (
            b"GET /announce?info_hash=%b&peer_id=-XX0001-%012d&port=%d&uploaded=0&downloaded=0"
            b"&left=%d&numwant=%d&compact=1 HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: bench\r\n"
            b"Accept-Encoding: gzip\r\n%b\r\n"
        ) % (names[peer % SWARMS], peer, port_of(peer), peer % 4, NUMWANT, rest)

    names = [quote_from_bytes(each).encode() for each in hashes]
    return request


def udp(hashes: list[bytes]) -> Request:
    body = struct.Struct("!LL20s20sQQQLLLlH")

    def request(peer: int) -> bytes:
        name = b"-XX0001-%012d" % peer
        where = hashes[peer % SWARMS]
        fields = (1, peer, where, name, 0, peer % 4, 0, 0, 0, 0, NUMWANT, port_of(peer))
        return body.pack(*fields)

    return request


def websocket(hashes: list[bytes], offers: int) -> Request:
    names = [each.decode("latin-1") for each in hashes]

    def request(peer: int) -> bytes:
        fields = {
            "action": "announce",
            "info_hash": names[peer % SWARMS],
            "peer_id": f"-XX0001-{peer:012}",
            "numwant": offers,
            "uploaded": 0,
            "downloaded": 0,
            "left": peer % 4,
        }
        if offers:
            offer = {"offer": {"type": "offer", "sdp": SDP}, "offer_id": f"{peer:020}"}
            fields["offers"] = [offer] * offers
        return json.dumps(fields).encode()

    return request


def port_of(peer: int) -> int:
    return 1024 + peer // CONNECTIONS % 60_000


def info_hashes() -> list[bytes]:
    """Those of all swarms."""
    rng = random.Random(1)
    return [rng.randbytes(20) for _ in range(SWARMS)]


def main(way: str, port: int, peers: int, seconds: float) -> None:
    rng, names = random.Random(2), info_hashes()
    kinds: dict[str, tuple[type[Client], Request, int]] = {
        "http": (Client, http(names, b""), CONNECTIONS),
        "http, one each": (OneShot, http(names, b"Connection: close\r\n"), CONNECTIONS),
        "udp": (Datagrams, udp(names), CONNECTIONS),
        "websocket": (Socket, websocket(names, 0), WEBSOCKETS),
        "websocket, 5 offers": (Socket, websocket(names, 5), WEBSOCKETS),
    }
    kind, ask, most = kinds[way]
    clients = [kind(number, port, ask) for number in range(most)]
    # A peer keeps to its connection. With many of them, few are busy at a time.
    of = [clients[peer % most] for peer in range(peers)]
    run(of, iter(range(peers)))
    print(json.dumps({"peers": peers}), flush=True)
    sys.stdin.readline()
    again = (rng.randrange(peers) for _ in iter(int, 1))
    begin = time.perf_counter()
    count = run(of, again, begin + seconds)
    print(json.dumps({"count": count, "seconds": time.perf_counter() - begin}), flush=True)
    sys.stdin.readline()
    os._exit(0)  # ten thousand sockets are closed faster by the system


def run(of: list[Client], peers: Iterator[int], until: float = float("inf")) -> int:
    """Let peers announce themselves, CONNECTIONS at a time; how many did."""
    everybody = set(of)
    with select.epoll() as epoll:
        by_file = {client.sock.fileno(): client for client in everybody}
        for file in by_file:
            epoll.register(file, select.EPOLLIN)
        asking = Asking(of, peers)
        for _ in range(min(CONNECTIONS, len(everybody))):
            asking.next()
        done = 0
        while asking.busy and time.perf_counter() < until:
            events = epoll.poll(PATIENCE)
            if not events:
                asking.again()
            for file, _ in events:
                client = by_file[file]
                if not client.answers() or client not in asking.busy:
                    continue
                done += 1
                if isinstance(client, OneShot):  # it has a new socket
                    by_file[client.sock.fileno()] = client
                    epoll.register(client.sock, select.EPOLLIN)
                asking.next(client)
    for client in asking.busy:  # the next part begins with nothing under way
        client.sock.settimeout(PATIENCE)
        with contextlib.suppress(TimeoutError):
            while not client.answers():
                pass
            done += 1
    return done


class Asking:
    """Whose turn it is. A peer whose connection is busy waits for it; nobody is left out."""

    def __init__(self, of: list[Client], peers: Iterator[int]) -> None:
        self._of, self._peers = of, peers
        self._waiting: dict[Client, deque[int]] = defaultdict(deque)
        self.busy: dict[Client, int] = {}

    def next(self, free: Client | None = None) -> None:
        """Begin one more announce; the one of `free` is over."""
        if free is not None:
            del self.busy[free]
            if self._waiting[free]:
                self._send(free, self._waiting[free].popleft())
                return
        for peer in self._peers:
            client = self._of[peer]
            if client not in self.busy:
                self._send(client, peer)
                return
            self._waiting[client].append(peer)

    def again(self) -> None:
        """Ask again for what was lost: packets may be."""
        for client, peer in self.busy.items():
            if isinstance(client, Datagrams):
                client.send(peer)

    def _send(self, client: Client, peer: int) -> None:
        self.busy[client] = peer
        client.send(peer)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4]))
