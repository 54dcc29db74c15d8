"""Ends connections with those who keep from a player what it is about to need, where others do not.

What was asked of them is then asked of the others. They may come again: libtorrent dials those whom
it had dialled after some seconds, each time later.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from functools import cached_property
from weakref import WeakKeyDictionary

import libtorrent as lt

from .ahead import waits
from .shares import Endpoint
from .stragglers import Sender, Stragglers, urgent
from .torrent import Torrent

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
ENDING_SECONDS = 0.05  # after which libtorrent knows that a connection is over
_REQUESTED = 1  # block_info::requested of libtorrent's C++ interface


class _Pieces:
    """The pieces that a peer has, copied out of libtorrent only when they are asked for."""

    def __init__(self, peer: lt.peer_info) -> None:
        self._peer = peer

    @cached_property
    def _all(self) -> list[bool]:
        return self._peer.pieces

    def __contains__(self, piece: object) -> bool:
        return isinstance(piece, int) and piece < len(self._all) and self._all[piece]


async def relieve(
    torrents: Callable[[], Iterable[Torrent]], leave: Callable[[set[Endpoint]], None]
) -> None:
    """Do so for the torrents of a session, until this is cancelled; `leave` ends connections."""
    known: WeakKeyDictionary[Torrent, Stragglers] = WeakKeyDictionary()
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        for torrent in torrents():
            late = _look(torrent, known)
            if late:
                log.info(
                    "%s: leaving %d who do not send what is needed", torrent.info_hash, len(late)
                )
                leave(late)
                await asyncio.sleep(ENDING_SECONDS)
                # Alone, what was asked of the others for later would come before it.
                if waits(torrent) and not torrent.scheduling.sharing:
                    torrent.scheduling.restart()


def _look(torrent: Torrent, known: WeakKeyDictionary[Torrent, Stragglers]) -> set[Endpoint]:
    try:
        return _stragglers_of(torrent, known)
    except Exception:  # of one torrent, say one that leaves just now: the others go on
        log.exception("cannot look at the peers of %s", torrent.info_hash)
        return set()


def _stragglers_of(
    torrent: Torrent, known: WeakKeyDictionary[Torrent, Stragglers]
) -> set[Endpoint]:
    layout, standing = torrent.layout, torrent.standing()
    if layout is None or standing is None or not standing[0]:
        return set()
    now = time.monotonic()
    due = urgent(
        torrent.scheduling.playheads.values(),
        torrent.have,
        pieces=layout.video_pieces,
        piece_length=layout.piece_length,
        pace=torrent.pace,
        now=now,
    )
    if not due:
        return set()
    senders = _senders(torrent, due)
    stragglers = known.setdefault(torrent, Stragglers())
    return stragglers.look(senders, due, now, in_crowd=torrent.scheduling.sharing)


def _senders(torrent: Torrent, due: Mapping[int, float]) -> dict[Endpoint, Sender]:
    asked: dict[Endpoint, dict[int, int]] = {}
    for part in torrent.handle.get_download_queue():
        piece = part["piece_index"]
        for block in part["blocks"] if piece in due else ():
            if block["state"] == _REQUESTED:
                mine = asked.setdefault(block["peer"], {})
                left = block["block_size"] - block["bytes_progress"]
                mine[piece] = mine.get(piece, 0) + left
    return {
        peer.ip: Sender(
            received=peer.total_download,
            asked=asked.get(peer.ip, {}),
            pieces=_Pieces(peer),
            barters=bool(peer.flags & lt.peer_info.remote_interested),
            held_up=bool(peer.read_state & lt.peer_info.bw_limit),
        )
        for peer in torrent.handle.get_peer_info()
        if not peer.flags & lt.peer_info.remote_choked
    }
