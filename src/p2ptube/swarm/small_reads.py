"""Await small parts of a torrent that nobody plays: no playhead is placed for them."""

from __future__ import annotations

from .files import TorrentFile
from .torrent import Torrent


async def read_bytes(torrent: Torrent, start: int, end: int) -> bytes:
    """Return the bytes [start, end) of the torrent, over all of its files, once they are here.

    They come when they come: nothing is asked for. Raises what ends the torrent: StorageError,
    NotFound, Cancelled.
    """
    length = (await torrent.wait_metadata()).piece_length
    data = bytearray()
    for piece in range(start // length, -(-end // length)):
        data += await torrent.piece(piece)
    skipped = start % length
    return bytes(data[skipped : skipped + end - start])


async def read_file(torrent: Torrent, file: TorrentFile) -> bytes:
    """Return a small file of the torrent as a whole, once it is here.

    It comes where it is among the `Wanting.beside`. Raises as `read_bytes`.
    """
    await torrent.wait_metadata()
    start = torrent.offset_of(file.index)
    return await read_bytes(torrent, start, start + file.size)
