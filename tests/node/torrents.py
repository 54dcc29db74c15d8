"""Torrents as strangers make them: several files, shared by a bare libtorrent on loopback."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import libtorrent as lt

PIECE = 16 * 1024
SETTINGS = {
    "listen_interfaces": "127.0.0.1:0",
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "alert_mask": 0,
}


@dataclass(frozen=True)
class Stranger:
    """A torrent that somebody shares who knows nothing of us: he is a peer at `address`."""

    id: str
    torrent: Path  # the .torrent file
    magnet: str  # with his address
    address: str


@contextlib.contextmanager
def stranger(
    folder: Path, tracker: str = "", *, piece: int = PIECE, version: str = "v1", rate: int = 0
) -> Iterator[Stranger]:
    """Share all files of `folder` as one torrent, at so many bytes/s (0: as fast as it goes)."""
    flags = {
        "v1": lt.create_torrent.v1_only,
        "hybrid": 0,
        "v2": lt.create_torrent.v2_only,
    }
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    entries = [
        lt.create_file_entry(str(path.relative_to(folder.parent)), path.stat().st_size)
        for path in files
    ]
    made = lt.create_torrent(entries, piece, flags[version])
    lt.set_piece_hashes(made, str(folder.parent))
    if tracker:
        made.add_tracker(tracker)
    data = lt.bencode(made.generate())
    path = folder.with_suffix(".torrent")
    path.write_bytes(data)
    session: lt.session = lt.session(cast(Any, SETTINGS))
    params = lt.load_torrent_buffer(data)
    params.save_path = str(folder.parent)
    params.flags &= ~lt.torrent_flags.auto_managed & ~lt.torrent_flags.paused
    handle = session.add_torrent(params)
    if rate:
        handle.set_upload_limit(rate)
    try:
        address = f"127.0.0.1:{session.listen_port()}"
        info_hash = str(handle.info_hashes().v1)
        magnet = f"magnet:?xt=urn:btih:{info_hash}&x.pe={address}"
        yield Stranger(info_hash, path, magnet, address)
    finally:
        session.remove_torrent(handle)
