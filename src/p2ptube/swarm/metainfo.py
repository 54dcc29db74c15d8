"""What torrents and magnet links say, as plain data; libtorrent parses the bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, cast
from urllib.parse import parse_qs

import libtorrent as lt

from ..errors import InvalidInput, ProtocolViolation
from .files import TorrentFile, largest_video

# No user plays a torrent of more; the bound keeps a stranger's metadata from eating the memory.
MAX_METADATA = 4 * 1024 * 1024

# Behind `info` in the order of keys, as bencoding wants it.
UNLISTED_KEY = b"unlisted"


@dataclass(frozen=True)
class Layout:
    """Where the video lies inside its torrent; offsets, sizes and lengths in bytes."""

    info_hash: str
    name: str
    piece_length: int
    pieces: int
    total_size: int
    file_index: int
    file_path: str  # relative to the save path, as libtorrent writes it
    file_offset: int
    file_size: int
    files: int

    @property
    def video_pieces(self) -> tuple[int, int]:
        """The pieces [first, end) that hold bytes of the video."""
        end = self.file_offset + self.file_size
        return self.file_offset // self.piece_length, -(-end // self.piece_length)

    @property
    def whole_pieces(self) -> tuple[int, int]:
        """The pieces [first, end) that hold bytes of the video and of no other file."""
        first, end = self.file_offset, self.file_offset + self.file_size
        last = self.pieces if end == self.total_size else end // self.piece_length
        return -(-first // self.piece_length), last

    @property
    def file_name(self) -> str:
        """The plain name of the video's file."""
        return PurePosixPath(self.file_path).name


@dataclass(frozen=True)
class Magnet:
    """A magnet link (BEP 9). `peers` are `host:port` of x.pe.

    `unlisted`: its publisher shares it with those only who have the link.
    """

    info_hash: str
    name: str
    trackers: tuple[str, ...]
    peers: tuple[tuple[str, int], ...]
    link: str
    unlisted: bool = False


def parse_info(info: bytes, chosen: int | None = None) -> Layout:
    """Parse a bencoded info dictionary. Raises ProtocolViolation.

    `chosen` is the index of the file to play; None: see `layout_of`.
    """
    return layout_of(torrent_info(info), chosen)


def parse_files(info: bytes) -> tuple[TorrentFile, ...]:
    """The files that an info dictionary lists, without padding. Raises ProtocolViolation."""
    return files_of(torrent_info(info))


def torrent_info(info: bytes) -> lt.torrent_info:
    """Load an info dictionary into libtorrent. Raises ProtocolViolation."""
    if len(info) > MAX_METADATA:
        raise ProtocolViolation("the torrent's metadata is too large")
    try:
        loaded = lt.load_torrent_buffer(b"d4:info" + info + b"e").ti
    except (RuntimeError, ValueError, UnicodeError) as error:
        raise ProtocolViolation(f"not a torrent: {error}") from error
    if loaded is None or not loaded.info_hashes().has_v1():
        raise ProtocolViolation(
            "not a BitTorrent v1 torrent (BitTorrent v2 alone is not supported)"
        )
    if str(loaded.info_hashes().v1) != hashlib.sha1(info, usedforsecurity=False).hexdigest():
        raise ProtocolViolation("not a well-formed torrent")
    return loaded


def files_of(info: lt.torrent_info) -> tuple[TorrentFile, ...]:
    """The files of a torrent, in its order, without those that only pad (BEP 47)."""
    files = info.layout()
    return tuple(
        TorrentFile(index, files.file_path(index), files.file_size(index))
        for index in range(files.num_files())
        if not files.file_flags(index) & lt.file_flags_t.flag_pad_file
    )


def layout_of(info: lt.torrent_info, chosen: int | None = None) -> Layout:
    """Where the file with the index `chosen` lies; where there is none, the largest video."""
    files = info.layout()
    count = files.num_files()
    if chosen is None or not 0 <= chosen < count:
        chosen = largest_video(files_of(info) or (TorrentFile(0, files.file_path(0), 0),))
    return Layout(
        info_hash=str(info.info_hashes().v1),
        name=info.name(),
        piece_length=info.piece_length(),
        pieces=info.num_pieces(),
        total_size=info.total_size(),
        file_index=chosen,
        file_path=files.file_path(chosen),
        file_offset=files.file_offset(chosen),
        file_size=files.file_size(chosen),
        files=count,
    )


def parse_torrent(data: bytes) -> tuple[bytes, tuple[str, ...]]:
    """Return a .torrent file's info dictionary (its exact bytes) and trackers.

    Raises InvalidInput.
    """
    if len(data) > MAX_METADATA:
        raise InvalidInput("the .torrent file is too large")
    try:
        params = lt.load_torrent_buffer(data)
        info = params.ti.info_section() if params.ti is not None else b""
        torrent_info(info)
    except (RuntimeError, ValueError, UnicodeError, ProtocolViolation) as error:
        raise InvalidInput(f"not a usable .torrent file: {error}") from error
    return info, tuple(params.trackers)


def torrent_file(
    info: bytes,
    trackers: Sequence[str],
    web_seeds: Sequence[str] = (),
    *,
    unlisted: bool = False,
) -> bytes:
    """Return a .torrent file around exactly this info dictionary (BEP 3, 12, 19).

    All trackers are of one tier. `unlisted` is said beside it, as in a magnet link. Raises
    ProtocolViolation for what is no info dictionary.
    """
    torrent_info(info)
    before: dict[bytes, Any] = {}
    if trackers:
        before[b"announce"] = trackers[0].encode()
        before[b"announce-list"] = [[tracker.encode() for tracker in trackers]]
    after: dict[bytes, Any] = {UNLISTED_KEY: 1} if unlisted else {}
    if web_seeds:
        after[b"url-list"] = [url.encode() for url in web_seeds]
    # Not encoded anew, which could change its hash; the keys stay in order.
    return bytes(lt.bencode(before)[:-1] + b"4:info" + info + lt.bencode(after)[1:])


def says_unlisted(torrent: bytes) -> bool:
    """Whether a .torrent file that was parsed before says that it is for its receivers only."""
    top = lt.bdecode(torrent)
    return isinstance(top, dict) and cast(dict[bytes, object], top).get(UNLISTED_KEY) == 1


def parse_magnet(link: str) -> Magnet:
    """Parse a magnet link that carries a v1 info-hash. Raises InvalidInput."""
    try:
        params = lt.parse_magnet_uri(link)
    except (RuntimeError, ValueError, UnicodeError) as error:
        raise InvalidInput(f"not a magnet link: {error}") from error
    if not params.info_hashes.has_v1():
        raise InvalidInput(
            "the magnet link carries no BitTorrent v1 info-hash (BitTorrent v2 alone is not "
            "supported)"
        )
    return Magnet(
        info_hash=str(params.info_hashes.v1),
        name=params.name,
        trackers=tuple(params.trackers),
        peers=tuple(params.peers),
        link=link,
        unlisted=parse_qs(link.partition("?")[2]).get("x.unlisted") == ["1"],
    )
