"""Publish and fetch over BitTorrent: the only importer of libtorrent."""

from .connections import PeerSnapshot
from .metainfo import (
    Layout,
    Magnet,
    parse_files,
    parse_info,
    parse_magnet,
    parse_torrent,
    says_unlisted,
    torrent_file,
)
from .publish import Hashed, hash_file, magnet_link
from .session import Session
from .settings import SwarmSettings
from .torrent import Torrent
from .window_plan import window_bytes

__all__ = [
    "Hashed",
    "Layout",
    "Magnet",
    "PeerSnapshot",
    "Session",
    "SwarmSettings",
    "Torrent",
    "hash_file",
    "magnet_link",
    "parse_files",
    "parse_info",
    "parse_magnet",
    "parse_torrent",
    "says_unlisted",
    "torrent_file",
    "window_bytes",
]
