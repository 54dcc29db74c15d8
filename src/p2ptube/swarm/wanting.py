"""What of a torrent is to be fetched: which files, which of their pieces, and from when on."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from typing import Protocol

import libtorrent as lt

from .metainfo import Layout, layout_of
from .schedule import NEXT, USUAL

# In this mode, libtorrent connects to peers and gets metadata, and asks for no piece. Else it would
# ask for any as soon as the metadata is there, and a player would wait behind those.
HELD = lt.torrent_flags.upload_mode


class Fetched(Protocol):
    """What is fetched: see Torrent."""

    handle: lt.torrent_handle
    layout: Layout | None

    @property
    def is_gone(self) -> bool:
        """Whether it has left the session."""
        ...


class Wanting:
    """What is wanted of one torrent; libtorrent is told as it changes."""

    def __init__(self, torrent: Fetched, on_change: Callable[[], None]) -> None:
        """`on_change` is called when libtorrent was told anew what is wanted."""
        self._torrent = torrent
        self._on_change = on_change
        self.file: int | None = None  # the index of the file to play; None = the largest video
        self.beside: tuple[int, ...] = ()  # those of small files that are fetched before it
        # The pieces that may be here, of a torrent that is not kept (see window.py); None: all.
        self.bound: frozenset[int] | None = None
        self.probing = False  # only its metadata is asked for
        self.held = False  # nothing of it is asked for before `begin`
        self._choosing = False  # which files are wanted is on its way to libtorrent

    def usual(self, piece: int) -> int:
        """The priority of a piece of which nothing is known; 0: it is not wanted."""
        return USUAL if self.bound is None or piece in self.bound else 0

    def is_all(self) -> bool:
        """Whether all of the video is wanted."""
        return not self.probing and self.bound is None

    def is_bounded_by(self, have: Set[int]) -> bool:
        """Whether only a part of the video is wanted, and these pieces are all of it."""
        return self.bound is not None and self.bound <= have

    def begin(self) -> None:
        """Fetch what is wanted from now on, if it was held back."""
        self.held = False
        self._let_go()

    def go_on(self, file: int | None, beside: tuple[int, ...], *, held: bool) -> None:
        """What was fetched ahead is asked for: this file, and those `beside` it.

        Where nothing of it was begun yet, nothing is before `begin` if it is to be `held`.
        """
        self.file, self.beside = file, beside
        self.held = self.held and held

    def want_video(self) -> None:
        """Fetch the video and what is `beside` it, no other file.

        All pieces of the video are alike until a playhead says otherwise.
        """
        layout = self._torrent.layout
        if layout is None or self.probing:
            return
        if layout.files > 1 and self.bound is None:
            # It takes effect only after a turn of the disk's thread.
            self._choosing = True
            self._torrent.handle.prioritize_files(wanted_files(layout, self.beside))
        else:
            self.confine(self.bound)
            self._let_go()

    def want_beside(self, files: tuple[int, ...]) -> None:
        """Fetch these small files, too, and first; nothing where it is known already."""
        if set(files) != set(self.beside):
            self.beside = files
            self.want_video()

    def confine(self, bound: frozenset[int] | None) -> None:
        """Fetch these pieces only from now on; None: all of the video."""
        self.bound = bound
        layout = self._torrent.layout
        if layout is not None and not self._torrent.is_gone:
            # By pieces, and not by files: see window.py.
            wanted = dict.fromkeys(range(layout.pieces), 0)
            wanted |= {piece: self.usual(piece) for piece in range(*layout.video_pieces)}
            wanted |= dict.fromkeys(self._beside_pieces(), NEXT)
            self._torrent.handle.prioritize_pieces(list(wanted.values()))
            self._on_change()

    def on_files_chosen(self) -> None:
        """libtorrent knows which files are wanted."""
        self._choosing = False
        self._on_change()
        self._let_go()

    def on_alerts_lost(self) -> None:
        """Alerts were dropped: one of them may have told that the files are chosen."""
        if self._choosing:
            self.on_files_chosen()

    def _let_go(self) -> None:
        settled = self._torrent.layout is not None and not self._choosing
        if settled and not self.held and not self._torrent.is_gone:
            self._torrent.handle.unset_flags(HELD)

    def _beside_pieces(self) -> set[int]:
        info = self._torrent.handle.torrent_file() if self.beside else None
        layouts = [layout_of(info, index) for index in self.beside] if info else []
        return {piece for layout in layouts for piece in range(*layout.video_pieces)}


def wanted_files(layout: Layout, beside: Iterable[int]) -> list[int]:
    """The priority of each file, where the video and the files `beside` it are wanted."""
    wanted = [0] * layout.files
    wanted[layout.file_index] = USUAL
    for index in beside:
        wanted[index] = NEXT
    return wanted


def want(params: lt.add_torrent_params, file: int | None, beside: Iterable[int]) -> None:
    """Add a torrent of several files with these wanted: the video `file`, and those beside it.

    Where it goes on from resume data in which another file was wanted, pieces that a file newly
    wanted shares with others are fetched anew: libtorrent has its part of them elsewhere.
    """
    if params.ti is None:
        return
    layout = layout_of(params.ti, file)
    if layout.files == 1:
        return
    wanted = wanted_files(layout, beside)
    before = list(params.file_priorities)
    params.file_priorities = wanted
    params.piece_priorities = []
    have = list(params.have_pieces)
    if not have:
        return
    before += [0] * (len(wanted) - len(before))
    newly = [index for index, now in enumerate(wanted) if now and not before[index]]
    shared = {
        piece for index in newly for piece in _shared(layout_of(params.ti, index)) if piece >= 0
    }
    if newly:
        params.unfinished_pieces = {}
    params.have_pieces = [has and piece not in shared for piece, has in enumerate(have)]


def _shared(layout: Layout) -> set[int]:
    """The pieces that hold bytes of the file and of others."""
    return set(range(*layout.video_pieces)) - set(range(*layout.whole_pieces))
