"""Small parts of a torrent, without a playhead."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from tests.swarm.swarming import SECONDS, many_files, peer

from p2ptube.errors import NotFound
from p2ptube.swarm import parse_info
from p2ptube.swarm.small_reads import read_bytes, read_file

LENGTH = 16_384
SIZES = {"a.srt": 20_000, "b.mkv": 300_000, "c.srt": 40_001}


async def test_they_are_the_bytes_of_the_files(tmp_path: Path) -> None:
    info = many_files(tmp_path / "A", "many", SIZES, LENGTH)
    whole = b"".join((tmp_path / "A" / "many" / name).read_bytes() for name in SIZES)
    info_hash = parse_info(info).info_hash
    async with peer() as holder, peer() as viewer:
        holder.session.fetch(info_hash, tmp_path / "A", info=info)
        await holder.done(info_hash)
        torrent = viewer.session.fetch(info_hash, tmp_path / "B", info=info, file=1, beside=(0, 2))
        first, video, last = torrent.files()
        early = asyncio.create_task(read_file(torrent, last))
        await viewer.dial(info_hash, holder)
        async with asyncio.timeout(SECONDS):
            assert await early == whole[-SIZES["c.srt"] :]
            assert await read_file(torrent, first) == whole[: first.size]
            assert await read_file(torrent, video) == whole[first.size : -last.size]
            for start, end in [(0, 1), (LENGTH - 1, LENGTH + 1), (5, 3 * LENGTH), (7, 7)]:
                assert await read_bytes(torrent, start, end) == whole[start:end]
        assert torrent.playheads() == ()


async def test_whoever_waits_hears_that_the_torrent_goes(tmp_path: Path) -> None:
    info = many_files(tmp_path / "A", "many", SIZES, LENGTH)
    info_hash = parse_info(info).info_hash
    async with peer() as viewer:
        torrent = viewer.session.fetch(info_hash, tmp_path / "B", info=info)
        waiting = asyncio.create_task(read_file(torrent, torrent.files()[0]))
        await viewer.session.remove(info_hash, NotFound("gone"))
        with pytest.raises(NotFound, match="gone"):
            await waiting
