from __future__ import annotations

import hashlib
import os
import random
from pathlib import Path

import libtorrent as lt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from p2ptube.errors import Cancelled, FileChanged, InvalidInput, P2PTubeError, StorageError
from p2ptube.swarm import hash_file, magnet_link, parse_info, parse_magnet
from p2ptube.swarm.publish import (
    LONGEST_SECONDS,
    MAX_PIECE,
    MIN_PIECE,
    MORE_PIECES,
    MOST_PIECES,
    piece_length,
    sha256_of,
)

MIB = 1024 * 1024
SIZES = st.integers(1, 2**53)
DURATIONS = st.floats(0, 10**7)


@given(SIZES)
def test_piece_length_is_a_power_of_two_within_its_bounds(size: int) -> None:
    length = piece_length(size)
    assert length & (length - 1) == 0
    assert MIN_PIECE <= length <= MAX_PIECE
    if MIN_PIECE < length < MAX_PIECE:
        assert size / length <= MOST_PIECES < size / (length // 2)


@given(SIZES, SIZES)
def test_piece_length_grows_with_the_size(one: int, other: int) -> None:
    smaller, larger = sorted((one, other))
    assert piece_length(smaller) <= piece_length(larger)


@given(SIZES, DURATIONS)
def test_pieces_are_shorter_where_they_would_last_long(size: int, duration: float) -> None:
    by_size, length = piece_length(size), piece_length(size, duration)
    assert length & (length - 1) == 0
    assert MIN_PIECE <= length <= by_size
    if length == by_size:
        return
    assert -(-size // length) <= MORE_PIECES  # 20 bytes of metadata for each
    assert 2 * length * duration > LONGEST_SECONDS * size  # not shorter than need be


@given(SIZES, DURATIONS)
def test_a_piece_lasts_longer_only_where_the_metadata_would_grow(
    size: int, duration: float
) -> None:
    length = piece_length(size, duration)
    if length > MIN_PIECE and length * duration > LONGEST_SECONDS * size:
        assert 2 * size > length * MORE_PIECES


@pytest.mark.parametrize(
    ("size", "seconds", "length"),
    [
        (25_000_000, 25_000_000 / 375_000, 64),  # 3 Mbit/s
        (2_000_000_000, 3600, 1024),  # an hour of 4.4 Mbit/s: as by its size
        (2_000_000_000, 0, 1024),
        (2_000_000_000, 2.5 * 3600, 256),  # 1.8 Mbit/s
        (1_000_000_000, 10 * 3600, 128),  # a long talk: only so many pieces
        (20_000_000, 3600, 64),  # no piece is shorter than that
        (100_000_000_000, 2 * 3600, 16 * 1024),
    ],
)
def test_usual_videos(size: int, seconds: float, length: int) -> None:
    assert piece_length(size, seconds) == length * 1024


@pytest.mark.parametrize("size", [1, MIN_PIECE - 1, MIN_PIECE, MIN_PIECE + 1, 5 * MIN_PIECE + 17])
def test_says_what_the_file_is(tmp_path: Path, size: int) -> None:
    path = tmp_path / "Ein Fïlm.mp4"
    data = random.Random(size).randbytes(size)
    path.write_bytes(data)
    reports: list[float] = []

    hashed = hash_file(path, reports.append)

    assert hashed.sha256 == hashlib.sha256(data).hexdigest()
    assert hashed.info_hash == hashlib.sha1(hashed.info).hexdigest()
    assert (hashed.size, hashed.mtime_ns) == (size, path.stat().st_mtime_ns)
    parts = [data[at : at + MIN_PIECE] for at in range(0, size, MIN_PIECE)]
    assert lt.bdecode(hashed.info) == {
        b"length": size,
        b"name": "Ein Fïlm.mp4".encode(),
        b"piece length": MIN_PIECE,
        b"pieces": b"".join(hashlib.sha1(part).digest() for part in parts),
    }
    assert reports == sorted(reports)
    assert len(reports) == len(parts)
    assert reports[-1] == 1.0


def test_the_same_file_of_two_people_is_the_same_swarm(tmp_path: Path) -> None:
    data = os.urandom(300_000)
    found = []
    for person, mtime, mode in (("a", 1, 0o600), ("b", 2_000_000_000, 0o755)):
        path = tmp_path / person / "film.mp4"
        path.parent.mkdir()
        path.write_bytes(data)
        path.chmod(mode)
        os.utime(path, (mtime, mtime))
        found.append(hash_file(path, lambda _: None))
    assert found[0].info == found[1].info
    (tmp_path / "b" / "film.mp4").rename(tmp_path / "b" / "other.mp4")
    assert hash_file(tmp_path / "b" / "other.mp4", lambda _: None).info_hash != found[0].info_hash


def test_the_length_of_the_pieces_can_be_told(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom(MIB))

    hashed = hash_file(path, lambda _: None, lambda size: size // 4)

    assert hashed.piece_length == parse_info(hashed.info).piece_length == MIB // 4
    assert parse_info(hashed.info).pieces == 4


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def shorten(path: Path) -> None:
    os.truncate(path, 10)


def touch(path: Path) -> None:
    os.utime(path, (1, 1))


@pytest.mark.parametrize("change", [append, shorten, touch, Path.unlink])
def test_a_file_that_changes_meanwhile_is_refused(tmp_path: Path, change: object) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom(40 * MIN_PIECE))
    assert callable(change)
    changed = False

    def report(_: float) -> None:
        nonlocal changed
        if not changed:
            changed = True
            change(path)

    with pytest.raises(FileChanged, match=r"film\.mp4"):
        hash_file(path, report)


def test_what_cannot_be_read_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "directory.mp4").mkdir()
    for name in ("missing.mp4", "empty.mp4", "directory.mp4"):
        with pytest.raises(StorageError, match=name):
            hash_file(tmp_path / name, lambda _: None)


@pytest.mark.parametrize("name", [b"caf\xe9.mp4", b"a\\b.mp4", b"a\nb.mp4", b"\x7f.mp4"])
def test_a_name_that_cannot_be_sent_is_refused(tmp_path: Path, name: bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(b"bytes")
    with pytest.raises(InvalidInput, match="rename"):
        hash_file(path, lambda _: None)


names = st.text(st.characters(codec="utf-8", exclude_characters="/\0"), min_size=1, max_size=80)


@given(names)
@settings(deadline=None)  # the disk may be slow
def test_whatever_the_name_the_metadata_can_be_read_or_the_name_is_refused(
    tmp_path_factory: pytest.TempPathFactory, name: str
) -> None:
    path = tmp_path_factory.getbasetemp() / name
    if len(name.encode()) > 255 or path.exists():
        return
    path.write_bytes(b"bytes")
    try:
        hashed = hash_file(path, lambda _: None)
        layout = parse_info(hashed.info)
        assert (layout.info_hash, layout.file_size, layout.files) == (hashed.info_hash, 5, 1)
    except InvalidInput:
        pass
    finally:
        path.unlink()


@given(names, st.lists(st.from_regex(r"https?://[a-z]{1,9}/announce", fullmatch=True), unique=True))
def test_magnet_links_come_back(name: str, trackers: list[str]) -> None:
    link = magnet_link("ab" * 20, name, tuple(trackers))
    assert link.isascii()
    try:
        magnet = parse_magnet(link)
    except P2PTubeError:
        pytest.fail(f"{link} is refused")
    assert magnet.info_hash == "ab" * 20
    assert magnet.trackers == tuple(trackers)


def test_the_hash_of_a_whole_file_ends_when_nobody_waits_for_it(tmp_path: Path) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(random.Random(1).randbytes(3 * MIB + 5))
    assert sha256_of(path) == hashlib.sha256(path.read_bytes()).hexdigest()
    with path.open("r+b") as file:
        file.truncate(2**40)  # hours of work
    looks = iter([False, False, True])
    with pytest.raises(Cancelled):
        sha256_of(path, lambda: next(looks))
