"""What libtorrent is told of what is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import libtorrent as lt
import pytest
from tests.swarm.swarming import many_files

from p2ptube.swarm.metainfo import Layout, layout_of
from p2ptube.swarm.schedule import NEXT, USUAL
from p2ptube.swarm.wanting import HELD, Wanting

SIZES = {"a.srt": 20_000, "b.mkv": 100_000, "c.txt": 30_000}


class Handle:
    """What libtorrent is told of a torrent."""

    def __init__(self, info: bytes) -> None:
        self.info = lt.torrent_info(lt.bencode({b"info": lt.bdecode(info)}))
        self.files: list[list[int]] = []
        self.pieces: list[list[int]] = []
        self.unset: list[object] = []

    def torrent_file(self) -> lt.torrent_info:
        """Its metadata."""
        return self.info

    def prioritize_files(self, priorities: list[int]) -> None:
        """What is wanted, by files."""
        self.files.append(priorities)

    def prioritize_pieces(self, priorities: list[int]) -> None:
        """What is wanted, by pieces."""
        self.pieces.append(priorities)

    def unset_flags(self, flags: object) -> None:
        """A mode it is in no more."""
        self.unset.append(flags)


class Torrent:
    """A torrent of several files whose metadata is not known yet."""

    def __init__(self, info: bytes) -> None:
        self.told = Handle(info)
        self.handle: Any = self.told
        self.layout: Layout | None = None
        self.is_gone = False
        self.changes = 0
        self.wanting = Wanting(self, self._changed)

    def know(self) -> None:
        """Its metadata has come."""
        self.layout = layout_of(self.told.info, None)

    def _changed(self) -> None:
        self.changes += 1


@pytest.fixture
def torrent(tmp_path: Path) -> Torrent:
    return Torrent(many_files(tmp_path, "many", SIZES, 16_384))


def test_files_are_chosen_before_anything_is_asked_for(torrent: Torrent) -> None:
    wanting, told = torrent.wanting, torrent.told
    wanting.want_video()
    assert told.files == []  # nothing is known of it yet
    torrent.know()
    wanting.want_beside((0,))
    wanting.begin()
    wanting.want_beside((0,))  # known already
    assert (told.files, told.pieces, told.unset) == ([[NEXT, USUAL, 0]], [], [])
    assert torrent.changes == 0
    wanting.on_alerts_lost()
    assert (told.unset, torrent.changes) == ([HELD], 1)
    wanting.on_alerts_lost()
    assert (told.unset, torrent.changes) == ([HELD], 1)


def test_what_is_held_waits_for_its_beginning(torrent: Torrent) -> None:
    torrent.know()
    torrent.wanting.held = True
    torrent.wanting.want_video()
    torrent.wanting.on_files_chosen()
    assert torrent.told.unset == []
    torrent.wanting.begin()
    assert torrent.told.unset == [HELD]


def test_a_bound_is_told_by_pieces(torrent: Torrent) -> None:
    wanting, told = torrent.wanting, torrent.told
    torrent.know()
    wanting.beside = (0,)
    assert wanting.is_all()
    wanting.confine(frozenset({3, 8}))
    # The file beside it is in the pieces 0 and 1, the video from 1 to 7.
    assert told.pieces == [[NEXT, NEXT, 0, USUAL, 0, 0, 0, 0, 0, 0]]
    assert [wanting.usual(piece) for piece in (2, 3)] == [0, USUAL]
    assert not wanting.is_all()
    assert wanting.is_bounded_by({3, 8, 9})
    assert not wanting.is_bounded_by({3})
    wanting.confine(None)
    assert told.pieces[1:] == [[NEXT, NEXT, *6 * [USUAL], 0, 0]]
    assert not wanting.is_bounded_by(set(range(10)))


def test_nothing_is_told_of_what_is_gone_or_only_looked_at(torrent: Torrent) -> None:
    wanting, told = torrent.wanting, torrent.told
    torrent.know()
    wanting.probing = True
    wanting.want_video()
    assert not wanting.is_all()
    torrent.is_gone = True
    wanting.confine(frozenset({1}))
    wanting.begin()
    assert (told.files, told.pieces, told.unset) == ([], [], [])
