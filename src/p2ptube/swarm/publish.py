"""A file becomes a torrent: hashed once, deterministically, in a worker process."""

from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import libtorrent as lt

from ..descriptor import is_plain_file_name
from ..errors import Cancelled, FileChanged, InvalidInput, StorageError

KIB = 1024
MIN_PIECE = 64 * KIB
MAX_PIECE = 16 * KIB * KIB
# Short pieces are soon complete and soon shared; a few thousand of them keep the metadata small.
MOST_PIECES = 2048
# A player waits for whole pieces. Where one would last longer than so many seconds of the video,
# shorter ones are worth larger metadata: 20 bytes each, 160 KiB of them at most.
LONGEST_SECONDS = 2.0
MORE_PIECES = 4 * MOST_PIECES
READ_BYTES = 1024 * KIB


@dataclass(frozen=True)
class Hashed:
    """What hashing a file yields: the bencoded info dictionary, and the SHA-256 of the whole."""

    info: bytes
    info_hash: str
    sha256: str
    piece_length: int
    size: int
    mtime_ns: int


def piece_length(size: int, duration: float = 0.0) -> int:
    """Return the piece length in bytes: a fixed rule, so that equal files are one swarm.

    `size` in bytes; `duration` in seconds, 0 where it is not known: then the size alone decides.
    """
    length = MIN_PIECE
    while length < MAX_PIECE and length * MOST_PIECES < size:
        length *= 2
    while (
        length > MIN_PIECE
        and length * duration > LONGEST_SECONDS * size
        and length // 2 * MORE_PIECES >= size
    ):
        length //= 2
    return length


def hash_file(
    path: Path,
    report: Callable[[float], None],
    length_of: Callable[[int], int] = piece_length,
) -> Hashed:
    """Hash `path` as a v1 single-file torrent (BEP 3) and as a whole (SHA-256).

    The two passes run side by side, so that the disk is read once. `report` gets the fraction
    done, 0..1; `length_of` tells the length of the pieces from the size of the file. Raises
    FileChanged when the file changes meanwhile, StorageError when it cannot be read, InvalidInput
    when its name cannot be that of a shared file.
    """
    if not is_plain_file_name(path.name):
        raise InvalidInput(f"rename the file, its name cannot be shared: {path.name!r}")
    try:
        before = path.stat()
    except OSError as error:
        raise StorageError(f"cannot read {path.name}: {error}") from error
    try:
        sha256 = _Sha256(path)
        sha256.start()
        entry = lt.create_file_entry(path.name, before.st_size)
        length = length_of(before.st_size)
        creator = lt.create_torrent([entry], length, lt.create_torrent.v1_only)
        count = creator.num_pieces()
        lt.set_piece_hashes(creator, str(path.parent), lambda i: report((int(i) + 1) / count))
        digest = sha256.result()
    except (OSError, RuntimeError) as error:
        _check_unchanged(path, before)
        raise StorageError(f"cannot read {path.name}: {error}") from error
    _check_unchanged(path, before)
    info = lt.bencode(creator.generate()[b"info"])
    return Hashed(
        info=info,
        info_hash=hashlib.sha1(info, usedforsecurity=False).hexdigest(),
        sha256=digest,
        piece_length=length,
        size=before.st_size,
        mtime_ns=before.st_mtime_ns,
    )


def _check_unchanged(path: Path, before: os.stat_result) -> None:
    try:
        after = path.stat()
    except OSError as error:
        raise FileChanged(f"{path.name} went away while it was read") from error
    if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
        raise FileChanged(f"{path.name} changed while it was read")


class _Sha256(threading.Thread):
    """The SHA-256 of a file, in a thread of its own (hashlib lets go of the interpreter)."""

    def __init__(self, path: Path) -> None:
        super().__init__(daemon=True)
        self._path = path
        self._digest = ""
        self._error: OSError | None = None

    def run(self) -> None:
        try:
            self._digest = sha256_of(self._path)
        except OSError as error:
            self._error = error

    def result(self) -> str:
        self.join()
        if self._error is not None:
            raise self._error
        return self._digest


def sha256_of(path: Path, is_over: Callable[[], bool] = lambda: False) -> str:
    """Return the SHA-256 of a file in hex. Blocks; raises OSError.

    Raises Cancelled soon after `is_over` says that nobody waits for it any more.
    """
    digest, block = hashlib.sha256(), memoryview(bytearray(READ_BYTES))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(block):
            if is_over():
                raise Cancelled(f"nobody waits for the hash of {path.name} any more")
            digest.update(block[:count])
    return digest.hexdigest()


def magnet_link(
    info_hash: str, name: str, trackers: tuple[str, ...] = (), *, unlisted: bool = False
) -> str:
    """Return the magnet link (BEP 9) of a v1 torrent.

    One that is `unlisted` says so, for whoever gets it before its descriptor: other clients ignore
    parameters that begin with `x.`.
    """
    parts = [f"xt=urn:btih:{info_hash}", f"dn={quote(name, safe='')}"]
    parts += [f"tr={quote(tracker, safe='')}" for tracker in trackers]
    if unlisted:
        parts.append("x.unlisted=1")
    return "magnet:?" + "&".join(parts)
