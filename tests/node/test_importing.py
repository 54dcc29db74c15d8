"""A file that is added becomes a torrent, the same one when it is added again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
from tests.clips import make_clip
from tests.library.sample import envelope, record

from p2ptube.node.importing import former_lengths, prepare
from p2ptube.swarm.publish import MIN_PIECE, piece_length

SIZE, HOURS = 1_000_000_000, 36_000.0


def test_pieces_chosen_by_size_alone_are_remembered() -> None:
    known: dict[str, Any] = {
        "envelope": envelope(),
        "path": "/videos/talk.mp4",
        "size": SIZE,
        "duration": HOURS,
        "piece_length": piece_length(SIZE),
    }
    talk = record(1, **known)
    assert former_lengths([talk]) == {("talk.mp4", SIZE): piece_length(SIZE)}
    # A stranger's torrent, a stranger's odd length, and what today's rule gives.
    for change in (
        {"envelope": None},
        {"piece_length": 12_345_678},
        {"piece_length": piece_length(SIZE, HOURS)},
        {"piece_length": 0},
    ):
        assert former_lengths([msgspec.structs.replace(talk, **change)]) == {}


def test_a_file_keeps_the_pieces_that_it_had(tmp_path: Path) -> None:
    clip = make_clip(tmp_path / "clip.mp4", seconds=2, size=(320, 180), faststart=True)
    size = clip.stat().st_size

    usual = prepare(clip, tmp_path / "out", {}, lambda _: None)
    kept = prepare(clip, tmp_path / "out", {(clip.name, size): 2 * MIN_PIECE}, lambda _: None)
    other = prepare(clip, tmp_path / "out", {(clip.name, size + 1): 2 * MIN_PIECE}, lambda _: None)

    assert usual.hashed.piece_length == MIN_PIECE
    assert kept.hashed.piece_length == 2 * MIN_PIECE
    assert other.hashed == usual.hashed
