"""What somebody without any right tries at a node: the overlay's messages, and BitTorrent."""

from __future__ import annotations

import base64
import json
import socket
from typing import Any

from tests.interop.classic_client import connect_and_send, message, receive
from tests.node.checks import swarm_address
from tests.nodes import NodeProcess

TIMEOUT = 20.0
_asked = iter(range(10**9))


def _ask(node: NodeProcess, kind: str, payload: bytes | str) -> list[tuple[str, bytes]]:
    host, port = node.peer_id.split(":")
    return connect_and_send(host, int(port), kind, payload)


def _bytes(replies: list[tuple[str, bytes]]) -> bytes | None:
    assert replies
    if replies[0][0] == "ERRO":
        return None
    return b"".join(payload for _, payload in replies)


def find(node: NodeProcess, text: str) -> list[dict[str, Any]]:
    """FIND, with no relaying: the descriptors of the answers."""
    number = f"{next(_asked):032x}"
    request = {"id": number, "text": text, "ttl": 0, "limit": 100, "peer": "", "classic": ""}
    replies = _ask(node, "FIND", json.dumps(request))
    assert all(kind == "REPL" for kind, _ in replies), replies
    envelopes = [json.loads(payload)["descriptor"] for _, payload in replies]
    return [json.loads(base64.b64decode(envelope["payload"])) for envelope in envelopes]


def titles(node: NodeProcess, text: str) -> set[str]:
    """The titles that FIND tells."""
    return {descriptor["title"] for descriptor in find(node, text)}


def metadata(node: NodeProcess, info_hash: str) -> bytes | None:
    """META."""
    return _bytes(_ask(node, "META", json.dumps({"info_hash": info_hash})))


def blob(node: NodeProcess, sha256: str) -> bytes | None:
    """BLOB."""
    return _bytes(_ask(node, "BLOB", json.dumps({"sha256": sha256})))


def file(node: NodeProcess, name: str) -> bytes | None:
    """FGET."""
    return _bytes(_ask(node, "FGET", name))


def names_until(node: NodeProcess, key: str, last: str) -> list[str]:
    """QUER: the names that RESP tells, up to the one named `last`."""
    names: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(TIMEOUT)
        port = listener.getsockname()[1]
        _ask(node, "QUER", f"127.0.0.1:{port} {key} 0")
        while last not in names:
            caller, _ = listener.accept()
            with caller:
                caller.settimeout(TIMEOUT)
                answer = receive(caller)
                assert answer is not None
                names.append(answer[1].decode().split()[0])
    return names


class Handshake:
    """A BitTorrent connection (BEP 3) that asks for a torrent."""

    def __init__(self, node: NodeProcess, info_hash: str) -> None:
        host, port = swarm_address(node).split(":")
        self._socket = socket.create_connection((host, int(port)), timeout=TIMEOUT)
        hello = b"\x13BitTorrent protocol" + bytes(8) + bytes.fromhex(info_hash)
        self._socket.sendall(hello + b"-XX0000-" + b"x" * 12)
        self.answered = len(self._receive(68)) == 68

    def wait_closed(self) -> None:
        """Wait until the node closes it."""
        while self._receive(1 << 16):
            pass
        self._socket.close()

    def _receive(self, most: int) -> bytes:
        try:
            return self._socket.recv(most)
        except ConnectionResetError:
            return b""

    def close(self) -> None:
        self._socket.close()


def is_in_swarm(node: NodeProcess, info_hash: str) -> bool:
    """Whether the node answers to who wants this torrent."""
    handshake = Handshake(node, info_hash)
    handshake.close()
    return handshake.answered


class Download:
    """An FGET that is read as slowly as one likes."""

    def __init__(self, node: NodeProcess, name: str) -> None:
        host, port = node.peer_id.split(":")
        self._socket = socket.create_connection((host, int(port)), timeout=TIMEOUT)
        self._socket.sendall(message("FGET", name))

    def some(self) -> int:
        """The length of the next frame."""
        frame = receive(self._socket)
        assert frame is not None
        assert frame[0] == "REPL"
        return len(frame[1])

    def rest(self) -> int:
        """How many bytes come until the node closes it."""
        total = 0
        try:
            while (frame := receive(self._socket)) is not None:
                total += len(frame[1])
        except ConnectionResetError:
            pass
        self._socket.close()
        return total
