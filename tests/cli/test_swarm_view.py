"""The terminal view: drawn from what real nodes tell, and from anything else they might."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len
from rich.console import Console
from tests.clips import make_clip
from tests.nodes import nodes

from p2ptube.cli.swarm_view import (
    buffers,
    closing_line,
    piece_bar,
    plain_line,
    render,
    video_pieces,
)

counts = st.integers(0, 2**53)
texts = st.text(max_size=80)
peers = st.fixed_dictionaries(
    {
        "address": texts,
        "client": texts,
        "transport": st.sampled_from(["tcp", "utp", "webrtc", "http"]),
        "progress": st.floats(0, 1),
        "download_rate": counts,
        "upload_rate": counts,
        "downloaded": counts,
        "uploaded": counts,
        "connected": st.booleans(),
    }
)
swarms = st.fixed_dictionaries(
    {
        "piece_length": st.sampled_from([0, 1, 16_384, 2**24]),
        "offset": st.integers(0, 2**40),
        "pieces": st.text("012", max_size=500),
        "playheads": st.lists(counts, max_size=4),
        "download_rate": counts,
        "upload_rate": counts,
        "downloaded": counts,
        "uploaded": counts,
        "peers": st.lists(peers, max_size=30),
    }
)
videos = st.fixed_dictionaries(
    {
        "title": st.text(max_size=200),
        "size": counts,
        "duration": st.one_of(st.just(0.0), st.floats(0, 1e9)),
        "progress": st.floats(0, 1),
        "state": st.sampled_from(["remote", "fetching", "complete", "error"]),
        "detail": texts,
        "keep": st.booleans(),
    }
)


def drawn(video: Any, swarm: Any, width: int, height: int, keys: str = "") -> list[str]:
    with Path("/dev/null").open("w") as nowhere:
        console = Console(width=width, height=height, record=True, file=nowhere)
        console.print(render(video, swarm, width=width, height=height, keys=keys))
        return console.export_text().splitlines()


@settings(max_examples=60, deadline=None)
@given(videos, swarms, st.integers(1, 200), st.integers(1, 40), st.sampled_from(["", "q quits"]))
def test_it_fits_whatever_it_is_told(
    video: Any, swarm: Any, width: int, height: int, keys: str
) -> None:
    lines = drawn(video, swarm, width, height, keys)
    assert max(map(cell_len, lines), default=0) <= width
    assert len(lines) <= height
    text = "".join(lines)
    assert all(c.isprintable() for c in text)
    assert plain_line(video, swarm).isprintable()
    assert closing_line(video, swarm).isprintable()


@given(st.text("012", max_size=300), st.integers(1, 100), st.lists(st.floats(), max_size=3))
def test_the_bar_is_as_wide_as_it_should_be(pieces: str, width: int, heads: list[float]) -> None:
    for line in piece_bar(pieces, width, heads).split("\n"):
        assert cell_len(line.plain) == width


def test_the_bar_shows_what_is_here() -> None:
    assert piece_bar("1111100002", 5).plain == "██▓░▒"
    assert piece_bar("10", 4, [0.5]).plain == "  ▼ \n██░░"


def a_swarm(**changes: Any) -> dict[str, Any]:
    usual: dict[str, Any] = {"piece_length": 10, "offset": 0, "playheads": [], "peers": []}
    rates = dict.fromkeys(("download_rate", "upload_rate", "downloaded", "uploaded"), 0)
    return usual | rates | changes


def test_what_a_player_has_in_hand() -> None:
    video = {"size": 100, "duration": 50.0}
    swarm = a_swarm(pieces="1110100000", playheads=[5, 40, 60])
    found = [(b.position, b.bytes, b.seconds) for b in buffers(video, swarm)]
    assert found == [(60, 0, 0.0), (40, 10, 5.0), (5, 25, 12.5)]
    assert buffers({"size": 100, "duration": 0.0}, swarm)[0].seconds is None


def test_only_the_pieces_of_the_video_count() -> None:
    # A torrent of 60 bytes; the video is in the bytes 15 to 45.
    swarm = a_swarm(offset=15, pieces="011110", playheads=[0, 20])
    assert video_pieces(swarm, 30) == "1111"
    found = [(b.position, b.bytes) for b in buffers({"size": 30, "duration": 0.0}, swarm)]
    assert found == [(20, 10), (0, 30)]


def test_what_came_of_it() -> None:
    video = {"title": "A\nheron", "size": 2_000_000, "progress": 0.25, "keep": True}
    swarm = a_swarm(downloaded=500_000)
    assert closing_line(video, swarm) == "A heron: 25% of 2.0 MB is here, got 500 kB, gave 0 B"
    gone = closing_line({**video, "keep": False}, swarm)
    assert gone == "A heron: 25% of 2.0 MB was here, nothing is kept, got 500 kB, gave 0 B"
    assert (
        closing_line({**video, "size": 0}, a_swarm()) == "A heron: nothing came, got 0 B, gave 0 B"
    )


def test_what_real_nodes_tell(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "heron.mp4", seconds=5, size=(320, 180), faststart=True)
    with nodes() as start:
        a = start(tmp_path / "a", upload_limit=200_000)
        video_id = a.add(clip)["id"]
        b = start(tmp_path / "b", join=a.peer_id)
        b.find("heron")
        b.post(f"videos/{video_id}/fetch")
        swarm = b.until(lambda: b.get(f"videos/{video_id}/swarm"), lambda s: "1" in s["pieces"])
        video = b.get(f"videos/{video_id}")
        text = "\n".join(drawn(video, swarm, 100, 24, "q quits"))
        assert video["title"] in text
        assert "127.0.0.1:" in text
        assert "libtorrent" in text
        assert text.rstrip().endswith("q quits")
        b.complete(video_id)
        video, swarm = b.get(f"videos/{video_id}"), b.get(f"videos/{video_id}/swarm")
        assert "complete" in "\n".join(drawn(video, swarm, 100, 24))
