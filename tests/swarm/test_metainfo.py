from __future__ import annotations

import contextlib
import hashlib
from pathlib import Path, PurePosixPath
from typing import Any, cast

import libtorrent as lt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptube.errors import InvalidInput, P2PTubeError, ProtocolViolation
from p2ptube.swarm import Layout, parse_info, parse_magnet, parse_torrent
from p2ptube.swarm.metainfo import MAX_METADATA

PIECE = 16 * 1024
HASH = "0123456789abcdef0123456789abcdef01234567"


def bencoded(entry: dict[bytes, Any], extra: dict[str, Any]) -> bytes:
    """The dictionary with further or other values."""
    return lt.bencode(entry | {key.encode(): value for key, value in extra.items()})


def info_of(*files: tuple[str | list[bytes], int], **extra: Any) -> bytes:
    """The metadata of a torrent of several files, each with its path and size."""
    listed = []
    for path, size in files:
        parts = [part.encode() for part in path.split("/")] if isinstance(path, str) else path
        listed.append({b"length": size, b"path": parts})
    total = sum(size for _, size in files)
    return bencoded(
        {
            b"name": b"dir",
            b"piece length": PIECE,
            b"pieces": bytes(20 * -(-total // PIECE)),
            b"files": listed,
        },
        extra,
    )


def single(name: str | bytes = "film.mp4", size: int = 100_000, **extra: Any) -> bytes:
    """The metadata of a torrent of one file."""
    return bencoded(
        {
            b"name": name if isinstance(name, bytes) else name.encode(),
            b"piece length": PIECE,
            b"pieces": bytes(20 * -(-size // PIECE)),
            b"length": size,
        },
        extra,
    )


def test_a_single_file() -> None:
    info = single()
    assert parse_info(info) == Layout(
        info_hash=hashlib.sha1(info).hexdigest(),
        name="film.mp4",
        piece_length=PIECE,
        pieces=7,
        total_size=100_000,
        file_index=0,
        file_path="film.mp4",
        file_offset=0,
        file_size=100_000,
        files=1,
    )
    assert parse_info(info).video_pieces == parse_info(info).whole_pieces == (0, 7)


@pytest.mark.parametrize(
    ("files", "chosen"),
    [
        ([("readme.txt", 9_000_000), ("a/film.MKV", 50_000), ("sample.mkv", 1_000)], 1),
        ([("b.mp4", 10), ("a.webm", 11)], 1),
        ([("readme.txt", 10), ("film.bin", 5_000)], 1),
        ([("empty.mp4", 0), ("film.bin", 5_000)], 1),
    ],
)
def test_the_video_of_several_files(files: list[tuple[str, int]], chosen: int) -> None:
    layout = parse_info(info_of(*files))
    path, size = files[chosen]
    assert layout.file_path == f"dir/{path}"
    assert layout.file_name == PurePosixPath(path).name
    assert (layout.file_size, layout.files) == (size, len(files))
    assert layout.file_offset == sum(size for _, size in files[:chosen])


def test_padding_is_never_the_video() -> None:
    files = [
        {b"length": 10, b"path": [b"film.bin"]},
        {b"length": PIECE * 3 - 10, b"path": [b".pad", b"x"], b"attr": b"p"},
        {b"length": 5, b"path": [b"z"]},
    ]
    layout = parse_info(info_of(("x", PIECE * 3 + 5), files=files))
    assert layout.file_path == "dir/film.bin"


def test_the_pieces_of_one_file_among_several() -> None:
    layout = parse_info(info_of(("a", PIECE + 1), ("film.mp4", 4 * PIECE), ("b", PIECE)))
    assert layout.video_pieces == (1, 6)
    assert layout.whole_pieces == (2, 5)
    last = parse_info(info_of(("a", PIECE), ("film.mp4", 4 * PIECE + 1)))
    assert last.video_pieces == last.whole_pieces == (1, 6)
    tiny = parse_info(info_of(("a", 1), ("film.mp4", 5), ("b", 1)))
    first, end = tiny.whole_pieces
    assert first >= end


@pytest.mark.parametrize(
    "path",
    [
        [b"..", b"..", b"etc", b"x.mp4"],
        [b"../../etc/x.mp4"],
        [b"/etc/x.mp4"],
        [b"", b"", b"x.mp4"],
        [b".", b"x.mp4"],
        [b"a\0b.mp4"],
        [b"\xff\xfe.mp4"],
        ["\u202e4pm.x.mp4".encode()],
    ],
)
def test_paths_stay_below_the_directory(path: list[bytes]) -> None:
    layout = parse_info(info_of((path, 50_000), ("a", 1)))
    parts = PurePosixPath(layout.file_path).parts
    assert not PurePosixPath(layout.file_path).is_absolute()
    assert not {"..", "."} & set(parts)
    assert "\0" not in layout.file_path


@pytest.mark.parametrize("name", [b"..", b"/", b"../x", b"/etc/passwd", b"a/b.mp4", b"\xff"])
def test_names_stay_below_the_directory(name: bytes) -> None:
    for info in (
        single(name),
        info_of(("film.mp4", 5)).replace(b"3:dir", b"%d:" % len(name) + name),
    ):
        with contextlib.suppress(ProtocolViolation):
            path = PurePosixPath(parse_info(info).file_path)
            assert not path.is_absolute()
            assert ".." not in path.parts


def test_v2_alone_is_refused(tmp_path: Path) -> None:
    (tmp_path / "film.mp4").write_bytes(b"v2")
    entry = lt.create_file_entry("film.mp4", 2)
    creator = lt.create_torrent([entry], PIECE, lt.create_torrent.v2_only)
    lt.set_piece_hashes(creator, str(tmp_path), lambda _: None)
    info = lt.bencode(creator.generate()[b"info"])
    with pytest.raises(ProtocolViolation, match="v1"):
        parse_info(info)
    with pytest.raises(InvalidInput):
        parse_torrent(lt.bencode(creator.generate()))
    with pytest.raises(InvalidInput):
        parse_magnet("magnet:?xt=urn:btmh:1220" + "ab" * 32)


def test_metadata_that_breaks_out_of_its_envelope_is_refused() -> None:
    with pytest.raises(ProtocolViolation):
        parse_info(single() + b"8:announce9:http://a/")


@pytest.mark.parametrize(
    "info",
    [
        b"",
        b"de",
        b"le",
        b"i5e",
        b"d" * 50_000,
        single(size=0),
        bytes(MAX_METADATA + 1),
        single().replace(b"16384", b"-1"),
        single().replace(b"100000", b"9" * 30),
    ],
)
def test_what_is_no_metadata_is_refused(info: bytes) -> None:
    with pytest.raises(ProtocolViolation):
        parse_info(info)
    with pytest.raises(InvalidInput):
        parse_torrent(b"d4:info" + info + b"e")


def test_a_torrent_file_yields_the_very_bytes_and_its_trackers() -> None:
    info = single(unknown=b"kept")
    trackers = [[b"http://a/announce"], [b"udp://b:1/announce", b"wss://c/announce"]]
    data = lt.bencode({b"info": lt.bdecode(info), b"announce-list": trackers, b"comment": b"c"})
    kept, announce = parse_torrent(data)
    assert kept == info
    assert announce == ("http://a/announce", "udp://b:1/announce", "wss://c/announce")


def test_a_magnet_link() -> None:
    link = (
        f"magnet:?xt=urn:btih:{HASH}&dn=Ein%20F%C3%AFlm.mp4&tr=http%3A%2F%2Fa%2Fannounce"
        "&x.pe=127.0.0.1:5679&x.pe=[::1]:7"
    )
    magnet = parse_magnet(link)
    assert (magnet.info_hash, magnet.name, magnet.link) == (HASH, "Ein Fïlm.mp4", link)
    assert magnet.trackers == ("http://a/announce",)
    assert magnet.peers == (("127.0.0.1", 5679), ("::1", 7))


def test_a_magnet_link_with_a_base32_hash() -> None:
    assert parse_magnet("magnet:?xt=urn:btih:" + "B" * 32).info_hash == "0842108421" * 4


@pytest.mark.parametrize("link", ["", "magnet:", "magnet:?", "magnet:?xt=urn:btih:12", "http://x/"])
def test_what_is_no_magnet_link_is_refused(link: str) -> None:
    with pytest.raises(InvalidInput):
        parse_magnet(link)


def only_documented(data: bytes) -> None:
    """Nothing but the documented errors escapes, and what is accepted is consistent."""
    with contextlib.suppress(ProtocolViolation):
        layout = parse_info(data)
        assert layout.info_hash == hashlib.sha1(data).hexdigest()
        assert 0 <= layout.file_offset <= layout.file_offset + layout.file_size
        assert layout.file_offset + layout.file_size <= layout.total_size
        assert -(-layout.total_size // layout.piece_length) == layout.pieces
        assert ".." not in PurePosixPath(layout.file_path).parts
    for torrent in (data, b"d4:info" + data + b"e"):
        with contextlib.suppress(InvalidInput):
            info, _ = parse_torrent(torrent)
            parse_info(info)


@given(st.binary(max_size=300))
def test_garbage(data: bytes) -> None:
    only_documented(data)


VALID = (single(), info_of(("a/film.mp4", 100_000), ("b.txt", 5), (["ä".encode(), b"c"], 9)))


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Valid metadata with a few bytes replaced, dropped or put in."""
    data = bytearray(draw(st.sampled_from(VALID)))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 4))] = draw(
            st.one_of(
                st.binary(max_size=4), st.text("idle:0123456789-", max_size=4).map(str.encode)
            )
        )
    return bytes(data)


@given(damaged())
def test_damaged_metadata(data: bytes) -> None:
    only_documented(data)


VALUES = st.recursive(
    st.one_of(st.integers(-(2**63), 2**63 - 1), st.binary(max_size=10)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=4), st.dictionaries(st.binary(max_size=8), inner, max_size=4)
    ),
    max_leaves=8,
)
KEYS = st.sampled_from(
    [b"name", b"length", b"piece length", b"pieces", b"files", b"file tree", b"meta version"]
)


@given(st.sampled_from(VALID), st.dictionaries(KEYS, VALUES, min_size=1, max_size=3))
def test_metadata_with_odd_values(valid: bytes, odd: dict[bytes, Any]) -> None:
    only_documented(lt.bencode(dict(cast(Any, lt.bdecode(valid))) | odd))


@given(st.one_of(st.text(max_size=80), st.text(max_size=80).map("magnet:?xt=urn:btih:".__add__)))
def test_garbage_for_a_magnet_link(link: str) -> None:
    with contextlib.suppress(InvalidInput):
        parse_magnet(link)


@given(st.text(max_size=60), st.text(max_size=30), st.text(max_size=30))
def test_magnet_links_with_odd_parameters(name: str, tracker: str, peer: str) -> None:
    link = f"magnet:?xt=urn:btih:{HASH}&dn={name}&tr={tracker}&x.pe={peer}"
    try:
        assert len(parse_magnet(link).info_hash) == 40
    except P2PTubeError as error:
        assert isinstance(error, InvalidInput)
