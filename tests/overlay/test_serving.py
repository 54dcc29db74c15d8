"""What peers get from each other: files, metadata and blobs."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import aclosing

import pytest
from tests.overlay.network import TIMEOUT, MemoryContent, network

from p2ptube.errors import (
    BadSignature,
    PeerRefused,
    PeerUnreachable,
    StorageError,
)
from p2ptube.models import PeerAddress
from p2ptube.overlay.peer import Peer


async def fetch(peer: Peer, address: PeerAddress, name: str) -> bytes:
    async with aclosing(peer.fetch_file(address, name)) as chunks:
        return b"".join([chunk async for chunk in chunks])


@pytest.mark.parametrize("size", [0, 1, 65536, 256 * 1024, 256 * 1024 + 1, 3_000_000])
@pytest.mark.parametrize("chunk", [1_000_000, 5000])
async def test_a_file_arrives_as_it_is(size: int, chunk: int) -> None:
    data = bytes(i % 251 for i in range(1000)) * (size // 1000 + 1)
    files = {"A film: 100%/x.mp4": data[:size]}
    async with network() as net:
        a, b = await net.peer(MemoryContent(files=files, chunk=chunk)), await net.peer()
        assert await fetch(b, a.address, "A film: 100%/x.mp4") == data[:size]


async def test_a_name_can_be_asked_for_as_it_is() -> None:
    async with network() as net:
        content = MemoryContent(files={"my film.mp4": b"1", "50%25.mp4": b"2"})
        a, b = await net.peer(content), await net.peer()
        assert await b.connect_and_send(a.address, "FGET", b"my film.mp4") == [b"1"]
        assert await b.connect_and_send(a.address, "FGET", b"50%25.mp4") == [b"2"]
        assert await b.connect_and_send(a.address, "FGET", b"50%2525.mp4") == [b"2"]


async def test_errors_of_files() -> None:
    async with network() as net:
        content = MemoryContent(files={"x": bytes(1_000_000)}, error=StorageError("disk"))
        a, b = await net.peer(content), await net.peer()
        with pytest.raises(PeerRefused, match=r"^Error reading file$"):
            await fetch(b, a.address, "x")
        content.error_after = 3
        with pytest.raises(PeerUnreachable):
            await fetch(b, a.address, "x")
        content.error = None
        with pytest.raises(PeerRefused, match=r"^File not found$"):
            await fetch(b, a.address, "y")


async def test_a_file_that_waits_for_its_pieces_is_sent_when_they_come() -> None:
    async with network() as net:
        wait = asyncio.Event()
        a = await net.peer(MemoryContent(files={"x": b"late"}, wait=wait), idle_timeout=0.3)
        b = await net.peer()
        fetching = asyncio.create_task(fetch(b, a.address, "x"))
        done, _ = await asyncio.wait((fetching,), timeout=1)  # well beyond the server's idle time
        assert not done
        wait.set()
        assert await asyncio.wait_for(fetching, TIMEOUT) == b"late"


async def test_metadata_and_blobs_are_verified() -> None:
    info = b"d4:name1:xe" * 60_000  # more than one frame
    info_hash = hashlib.sha1(info).hexdigest()
    sha256 = hashlib.sha256(info).hexdigest()
    async with network() as net:
        content = MemoryContent(metadata_of={info_hash: info}, blobs={sha256: info})
        a, b = await net.peer(content), await net.peer()
        assert await b.fetch_metadata(a.address, info_hash) == info
        assert await b.fetch_blob(a.address, sha256) == info
        with pytest.raises(PeerRefused, match="Metadata not found"):
            await b.fetch_metadata(a.address, "0" * 40)
        with pytest.raises(PeerRefused, match="Blob not found"):
            await b.fetch_blob(a.address, "0" * 64)
        content.metadata_of["1" * 40] = content.blobs["1" * 64] = b"other"
        with pytest.raises(BadSignature):
            await b.fetch_metadata(a.address, "1" * 40)
        with pytest.raises(BadSignature):
            await b.fetch_blob(a.address, "1" * 64)
