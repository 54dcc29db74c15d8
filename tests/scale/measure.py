"""What the tests of size look at: the memory of a node, and downloads that keep nothing."""

from __future__ import annotations

import hashlib
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

from tests.nodes import NodeProcess

MEMORY_LIMIT = 250 * 1024 * 1024
READ_BYTES = 1 << 20
TIMEOUT = 60


def peak_memory(node: NodeProcess) -> int:
    """The most that was resident at once, in bytes (VmHWM of proc(5))."""
    assert node.process is not None
    status = Path(f"/proc/{node.process.pid}/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def get_file(node: NodeProcess, file_name: str) -> str:
    """FGET a file as a classic peer does; the SHA-256 of what came."""
    host, port = node.peer_id.split(":")
    payload = file_name.replace(" ", "%20").encode()
    digest = hashlib.sha256()
    with socket.create_connection((host, int(port)), timeout=TIMEOUT) as sock:
        sock.sendall(struct.pack("!4sL", b"FGET", len(payload)) + payload)
        for frame_type, chunk in frames(sock):
            assert frame_type == b"REPL", chunk
            digest.update(chunk)
    return digest.hexdigest()


def frames(sock: socket.socket) -> Iterator[tuple[bytes, bytes]]:
    """The frames of an answer in pieces, none of them longer than READ_BYTES."""
    with sock.makefile("rb", buffering=READ_BYTES) as stream:
        while header := stream.read(8):
            frame_type, left = struct.unpack("!4sL", header)
            while left:
                data = stream.read(min(left, READ_BYTES))
                assert data, "closed within a frame"
                yield frame_type, data
                left -= len(data)


def stream_digest(node: NodeProcess, video_id: str) -> str:
    """GET /stream as a whole; the SHA-256 of what came."""
    digest = hashlib.sha256()
    with node.api.stream("GET", f"{node.url}/stream/{video_id}", timeout=TIMEOUT) as response:
        assert response.status_code == 200, response.read()
        for chunk in response.iter_raw(READ_BYTES):
            digest.update(chunk)
    return digest.hexdigest()
