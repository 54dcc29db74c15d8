"""A peer of the original kind: plain blocking sockets and threads, written from the table of
messages in docs/protocol.md alone. It knows nothing of extensions and closes without an answer on
types that it does not know. One exchange per connection; the close ends the answer.
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from pathlib import Path

TIMEOUT = 10.0


def receive_exactly(sock: socket.socket, count: int) -> bytes | None:
    """`count` bytes, or None if the connection ends before."""
    parts = []
    while count:
        data = sock.recv(min(2048, count))
        if not data:
            return None
        parts.append(data)
        count -= len(data)
    return b"".join(parts)


def receive(sock: socket.socket) -> tuple[str, bytes] | None:
    """One message, or None at the end of the connection."""
    header = receive_exactly(sock, 8)
    if header is None:
        return None
    kind, length = struct.unpack("!4sL", header)
    payload = receive_exactly(sock, length)
    return None if payload is None else (kind.decode("ascii").upper(), payload)


def message(kind: str, payload: bytes | str = b"") -> bytes:
    data = payload.encode() if isinstance(payload, str) else payload
    return struct.pack("!4sL", kind.encode("ascii"), len(data)) + data


def connect_and_send(
    host: str, port: int, kind: str, payload: bytes | str = b"", *, wait: bool = True
) -> list[tuple[str, bytes]]:
    """Send one message; all replies until the other side closes."""
    replies = []
    with socket.create_connection((host, port), timeout=TIMEOUT) as sock:
        sock.sendall(message(kind, payload))
        while wait and (reply := receive(sock)) is not None:
            replies.append(reply)
    return replies


class ClassicPeer:
    """Serves a folder of files, and asks others, as the original does."""

    def __init__(self, folder: Path, max_peers: int = 5) -> None:
        self.folder = folder
        self.max_peers = max_peers
        self.peers: dict[str, tuple[str, int]] = {}
        self.found: dict[str, str] = {}  # file name -> holder's id, from RESP
        self.log: list[tuple[str, str]] = []  # type and payload of all that came in
        self.changed = threading.Condition()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=50)
        self.host, self.port = self._listener.getsockname()
        self.id = f"{self.host}:{self.port}"
        self._threads: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept, daemon=True)
        self._accepting.start()

    def close(self) -> None:
        # Closing does not wake a blocked accept; shutting down does.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._accepting.join(TIMEOUT)
        for thread in self._threads:
            thread.join(TIMEOUT)

    # ---- as a caller

    def ask(self, peer_id: str, kind: str, payload: bytes | str = b"") -> list[tuple[str, bytes]]:
        host, port = peer_id.split(":")
        return connect_and_send(host, int(port), kind, payload)

    def build_peers(self, host: str, port: int, hops: int) -> None:
        """NAME, JOIN, LIST, then the same for each listed peer, depth-first."""
        if len(self.peers) >= self.max_peers or not hops:
            return
        try:
            peer_id = connect_and_send(host, port, "NAME")[0][1].decode()
            answer = connect_and_send(host, port, "JOIN", f"{self.id} {self.host} {self.port}")
            if answer[0][0] != "REPL" or peer_id in self.peers:
                return
            self.peers[peer_id] = (host, port)
            for _, line in connect_and_send(host, port, "LIST")[1:]:
                next_id, next_host, next_port = line.decode().split()
                if next_id != self.id:
                    self.build_peers(next_host, int(next_port), hops - 1)
        except (OSError, IndexError, ValueError):
            return

    def search(self, key: str, ttl: int) -> None:
        for peer_id in list(self.peers):
            with contextlib.suppress(OSError):
                self.ask(peer_id, "QUER", f"{self.id} {key} {ttl}")

    def fetch(self, peer_id: str, name: str) -> bytes:
        replies = self.ask(peer_id, "FGET", name)
        if replies and replies[0][0] == "ERRO":
            raise FileNotFoundError(replies[0][1].decode())
        return b"".join(payload for kind, payload in replies if kind == "REPL")

    def wait_for(self, name: str) -> str:
        """Wait until RESP told of a file; the holder's id."""
        with self.changed:
            assert self.changed.wait_for(lambda: name in self.found, TIMEOUT), self.found
            return self.found[name]

    def wait_for_message(self, kind: str) -> str:
        """Wait until a message of this type came in; the payload of the first one."""
        with self.changed:
            assert self.changed.wait_for(lambda: kind in dict(self.log), TIMEOUT), self.log
            return next(payload for type_, payload in self.log if type_ == kind)

    def ping_all(self) -> None:
        """The liveness probe: connect, send, close; who cannot be reached is dropped."""
        for peer_id, (host, port) in list(self.peers.items()):
            try:
                connect_and_send(host, port, "PING", wait=False)
            except OSError:
                del self.peers[peer_id]

    # ---- as a callee

    def _accept(self) -> None:
        while True:
            try:
                sock, _ = self._listener.accept()
            except OSError:
                return
            thread = threading.Thread(target=self._serve, args=(sock,), daemon=True)
            self._threads.append(thread)
            thread.start()

    def _serve(self, sock: socket.socket) -> None:
        sock.settimeout(TIMEOUT)
        with sock, contextlib.suppress(OSError):
            received = receive(sock)
            if received is None:
                return
            kind, payload = received
            with self.changed:
                self.log.append((kind, payload.decode(errors="replace")))
                self.changed.notify_all()
            answer = getattr(self, f"_on_{kind.lower()}", None)
            if answer is not None:
                for reply in answer(payload.decode()):
                    sock.sendall(reply)

    def _on_name(self, _: str) -> list[bytes]:
        return [message("REPL", self.id)]

    def _on_list(self, _: str) -> list[bytes]:
        lines = [f"{peer_id} {host} {port}" for peer_id, (host, port) in self.peers.items()]
        return [message("REPL", str(len(lines))), *(message("REPL", line) for line in lines)]

    def _on_join(self, text: str) -> list[bytes]:
        if len(self.peers) >= self.max_peers:
            return [message("ERRO", "Join: too many peers")]
        try:
            peer_id, host, port = text.split()
            if peer_id in self.peers or peer_id == self.id:
                return [message("ERRO", f"Join: peer already inserted {peer_id}")]
            self.peers[peer_id] = (host, int(port))
        except ValueError:
            return [message("ERRO", "Join: incorrect arguments")]
        return [message("REPL", f"Join: peer added: {peer_id}")]

    def _on_quit(self, text: str) -> list[bytes]:
        if self.peers.pop(text.strip(), None) is None:
            return [message("ERRO", f"Quit: peer not found: {text.strip()}")]
        return [message("REPL", f"Quit: peer removed: {text.strip()}")]

    def _on_quer(self, text: str) -> list[bytes]:
        try:
            return_id, key, ttl = text.split()
            work = threading.Thread(target=self._query, args=(return_id, key, int(ttl)))
        except ValueError:
            return [message("ERRO", "Query: incorrect arguments")]
        self._threads.append(work)
        work.start()
        return [message("REPL", f"Query ACK: {key}")]

    def _query(self, return_id: str, key: str, ttl: int) -> None:
        with contextlib.suppress(OSError, ValueError):
            names = [path.name for path in self.folder.iterdir() if key in path.name]
            for name in names:
                self.ask(return_id, "RESP", f"{name} {self.id}")
            if not names and ttl > 0:
                for peer_id in list(self.peers):
                    with contextlib.suppress(OSError):
                        self.ask(peer_id, "QUER", f"{return_id} {key} {ttl - 1}")

    def _on_resp(self, text: str) -> list[bytes]:
        with contextlib.suppress(ValueError), self.changed:
            name, holder = text.split()
            self.found.setdefault(name, holder)
            self.changed.notify_all()
        return []

    def _on_fget(self, name: str) -> list[bytes]:
        if name not in {path.name for path in self.folder.iterdir()}:
            return [message("ERRO", "File not found")]
        try:
            return [message("REPL", (self.folder / name).read_bytes())]
        except OSError:
            return [message("ERRO", "Error reading file")]
