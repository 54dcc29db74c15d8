"""Holds downloads back while a player waits for another one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from .background import HELD_BACK, Background, Watched, in_hand
from .torrent import Torrent


def favour(background: Background, torrents: Iterable[Torrent], now: float) -> None:
    """Limit the downloads that nobody watches, or limit them no more."""
    unfinished = [torrent for torrent in torrents if not torrent.finished]
    watched = {t.info_hash: each for t in unfinished if (each := _watched(t)) is not None}
    makes_way = background.step(watched, now)
    for torrent in unfinished:
        held_back = makes_way and torrent.info_hash not in watched
        if held_back != torrent.held_back:
            torrent.held_back = held_back
            torrent.handle.set_download_limit(HELD_BACK if held_back else 0)


def _watched(torrent: Torrent) -> Watched | None:
    players = tuple(_players(torrent))
    received = torrent.status.total_payload_download if torrent.status is not None else 0
    return Watched(players, received, torrent.connected > 0) if players else None


def _players(torrent: Torrent) -> Iterator[float]:
    standing, layout = torrent.standing(), torrent.layout
    if standing is None or layout is None:
        return
    heads, have, _ = standing
    for head in heads:
        yield in_hand(
            head,
            have,
            end=layout.video_pieces[1],
            piece_length=layout.piece_length,
            pace=torrent.pace,
        )
