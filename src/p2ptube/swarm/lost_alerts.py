"""What alerts may have told that libtorrent dropped, since too many were waiting.

Each is told once only, and somebody may wait for it for ever.
"""

from __future__ import annotations

import libtorrent as lt

from .torrent import Torrent

CHECKING = {
    lt.torrent_status.checking_files,
    lt.torrent_status.checking_resume_data,
    lt.torrent_status.downloading_metadata,
}


def catch_up(torrent: Torrent) -> None:
    """Ask for what may have been told of a torrent, or for another alert that tells it."""
    if torrent.is_gone:
        return
    torrent.wanting.on_alerts_lost()
    torrent.take_metadata()
    if torrent.flushing:
        torrent.handle.flush_cache()
    if torrent.moving is not None and not torrent.moving.done():
        torrent.handle.move_storage(torrent.moving_to)  # nothing, where it is there by now
    if not torrent.finished:
        _catch_up_with_pieces(torrent)


def _catch_up_with_pieces(torrent: Torrent) -> None:
    status = torrent.handle.status()
    if torrent.standing() is not None:
        for index, has in enumerate(status.pieces):
            if has and index not in torrent.have:
                torrent.on_piece(index)
        torrent.reads.ask_again()
    # In between, it is about to be added again: what is checked now is of no use then.
    elif torrent.layout is not None and status.state not in CHECKING and not torrent.renewing:
        torrent.on_checked()
