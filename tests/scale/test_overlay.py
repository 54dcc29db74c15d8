"""Many peers ask at once while somebody watches."""

from __future__ import annotations

import asyncio
import json
import struct
from pathlib import Path

from tests.clips import make_clip
from tests.durability.crash import pad
from tests.nodes import NodeProcess, nodes
from tests.scale.measure import TIMEOUT

EXCHANGES = 240
SIZE = 200_000_000

Frame = tuple[bytes, bytes]


async def answer(reader: asyncio.StreamReader) -> list[Frame]:
    """All frames until the other side closes."""
    result = []
    while header := await reader.read(8):
        header += await reader.readexactly(8 - len(header))
        kind, length = struct.unpack("!4sL", header)
        result.append((kind, await reader.readexactly(length)))
    return result


async def at_once(node: NodeProcess, messages: list[tuple[bytes, bytes]]) -> list[list[Frame]]:
    """Open a connection per message, then send all of them, then read all the answers."""
    host, port = node.peer_id.split(":")
    opened = await asyncio.gather(
        *(asyncio.open_connection(host, int(port), limit=1 << 20) for _ in messages)
    )
    try:
        for (_, writer), (kind, payload) in zip(opened, messages, strict=True):
            writer.write(struct.pack("!4sL", kind, len(payload)) + payload)
        return await asyncio.gather(*(answer(reader) for reader, _ in opened))
    finally:
        for _, writer in opened:
            writer.close()


def questions(video_id: str) -> list[tuple[bytes, bytes]]:
    find = {"id": "", "text": "watched", "ttl": 1, "limit": 5}
    asked = []
    for number in range(EXCHANGES // 4):
        named = find | {"id": f"{number:032x}"}
        asked += [
            (b"NAME", b""),
            (b"LIST", b""),
            (b"FIND", json.dumps(named).encode()),
            (b"META", json.dumps({"info_hash": video_id}).encode()),
        ]
    return asked


async def test_240_exchanges_at_once_while_a_stream_runs(tmp_path: Path) -> None:
    with nodes() as start:
        node = start(tmp_path / "node")
        clip = make_clip(tmp_path / "Watched.mp4", seconds=1, faststart=True)
        video = node.add(pad(clip, SIZE))
        host, port = node.url.removeprefix("http://").split(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        request = (
            f"GET /stream/{video['id']} HTTP/1.1\r\nHost: {host}:{port}\r\n"
            f"Authorization: Bearer {node.info['token']}\r\nConnection: close\r\n\r\n"
        )
        writer.write(request.encode())
        async with asyncio.timeout(TIMEOUT):
            head = await reader.readuntil(b"\r\n\r\n")
            assert head.startswith(b"HTTP/1.1 200 ")
            # The client that watches has taken little so far, so its stream is open all the while.
            asked = questions(video["id"])
            answers = await at_once(node, asked)
            streamed = 0
            while data := await reader.read(1 << 20):
                streamed += len(data)
        writer.close()
    assert streamed == video["size"]
    for (kind, _), frames in zip(asked, answers, strict=True):
        assert frames, kind
        assert {frame_type for frame_type, _ in frames} == {b"REPL"}, kind
        if kind == b"NAME":
            assert frames == [(b"REPL", node.peer_id.encode())]
