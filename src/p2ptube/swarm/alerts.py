"""From libtorrent's alerts to the torrents they are about."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import libtorrent as lt

from . import ahead
from .lost_alerts import catch_up
from .torrent import Torrent

if TYPE_CHECKING:
    from .session import Session

log = logging.getLogger(__name__)


def dispatch(session: Session, alert: Any) -> None:
    """Hand an alert to its handler, if it has one."""
    handler = _HANDLERS.get(type(alert))
    if handler is not None:
        handler(session, alert)


def _torrent(session: Session, alert: Any) -> Torrent | None:
    if not alert.handle.is_valid():
        return None
    torrent = session.get(str(alert.handle.info_hashes().v1))
    # What was removed and added again is another torrent: what the first one left says nothing.
    return torrent if torrent is not None and torrent.handle == alert.handle else None


def _on(method: Callable[[Torrent, Any], None]) -> Callable[[Session, Any], None]:
    def handler(session: Session, alert: Any) -> None:
        torrent = _torrent(session, alert)
        if torrent is not None:
            method(torrent, alert)

    return handler


def _read(torrent: Torrent, alert: Any) -> None:
    failed = alert.error.value() != 0
    torrent.on_read(
        alert.piece,
        b"" if failed else bytes(alert.buffer),
        alert.error.message() if failed else "",
    )


def _checked(session: Session, alert: Any) -> None:
    torrent = _torrent(session, alert)
    if torrent is not None:
        torrent.take_metadata()
        torrent.on_checked()
        if torrent.status is not None and torrent.status.is_finished:
            _finished(session, alert)


def _finished(session: Session, alert: Any) -> None:
    torrent = _torrent(session, alert)
    # Of a torrent of which not all is wanted, what is wanted is here, and not the whole.
    if torrent is not None:
        finish(session, torrent)


def finish(session: Session, torrent: Torrent) -> None:
    """Go over from fetching to sharing, where all of the video is here."""
    if torrent.finished or not torrent.is_whole():
        return
    torrent.update_peers()
    # Who is killed while what was fetched is hashed need not fetch the end of it again.
    session.resume.ask(torrent)
    torrent.on_finished()
    session.senders.leave(torrent.info_hash)
    session.on_finished(torrent.info_hash)


def _failed(session: Session, alert: Any) -> None:
    torrent = _torrent(session, alert)
    # One fault of the disk comes as several alerts.
    if torrent is not None and not torrent.error:
        torrent.error = alert.error.message()
        session.on_failed(torrent.info_hash, torrent.error)


def _status(session: Session, alert: Any) -> None:
    for status in alert.status:
        torrent = session.get(str(status.info_hashes.v1))
        if torrent is not None:
            torrent.on_status(status)
            session.on_update(torrent.info_hash)


def _resume(session: Session, alert: Any) -> None:
    torrent = _torrent(session, alert)
    if torrent is not None:
        session.resume.came(torrent.info_hash, lt.write_resume_data_buf(alert.params))


def _no_resume(session: Session, alert: Any) -> None:
    torrent = _torrent(session, alert)
    if torrent is not None:
        session.resume.came(torrent.info_hash, None)


def _removed(session: Session, alert: Any) -> None:
    session.removed(str(alert.info_hashes.v1))


def _lost(session: Session, _: Any) -> None:
    session.guard.on_alerts_lost()
    session.resume.lost()
    for torrent in session.torrents():
        catch_up(torrent)
        finish(session, torrent)


def _block(session: Session, alert: Any) -> None:
    if alert.block_index == 0:
        torrent = _torrent(session, alert)
        if torrent is not None:
            session.senders.on_block(torrent, alert.piece_index, alert.endpoint)


def _piece(session: Session, alert: Any) -> None:
    torrent = _torrent(session, alert)
    if torrent is not None:
        session.senders.on_piece(torrent, alert.piece_index)
        torrent.on_piece(alert.piece_index)


def _announced(session: Session, alert: Any) -> None:
    torrent = _torrent(session, alert)
    if torrent is not None:
        session.on_tracker(torrent.info_hash, alert.tracker_url(), alert.num_peers, "")


def _not_announced(session: Session, alert: Any) -> None:
    torrent = _torrent(session, alert)
    if torrent is not None:
        problem = alert.failure_reason() or alert.error.message()
        session.on_tracker(torrent.info_hash, alert.tracker_url(), 0, problem)


def _incoming(session: Session, alert: Any) -> None:
    utp = alert.socket_type in {lt.socket_type_t.utp, lt.socket_type_t.utp_ssl}
    session.guard.on_incoming(alert.endpoint, utp=utp)
    session.rates.on_connection()


def _connected(session: Session, alert: Any) -> None:
    session.rates.on_connection()
    session.connected.add(alert.endpoint)
    torrent = _torrent(session, alert)
    if torrent is not None:
        session.guard.on_connect(torrent)
        session.senders.on_connections(torrent)


def _disconnected(session: Session, alert: Any) -> None:
    session.guard.on_disconnect(alert.endpoint)
    torrent = _torrent(session, alert)
    if torrent is not None:
        torrent.on_disconnect()
        session.senders.on_connections(torrent)


def _banned(session: Session, alert: Any) -> None:
    torrent = _torrent(session, alert)
    if torrent is not None:
        log.info("%s sent a piece with a wrong hash, and is banned", alert.endpoint)
        torrent.bans.add(alert.endpoint[0], time.monotonic())


_HANDLERS: dict[type, Callable[[Session, Any], None]] = {
    lt.metadata_received_alert: _on(lambda torrent, _: torrent.take_metadata()),
    lt.torrent_checked_alert: _checked,
    lt.file_prio_alert: _on(lambda torrent, _: torrent.wanting.on_files_chosen()),
    lt.piece_finished_alert: _piece,
    # Of a piece that passes its check before it is written, only the first of the two is told.
    lt.block_downloading_alert: _block,
    lt.block_finished_alert: _block,
    lt.read_piece_alert: _on(_read),
    lt.storage_moved_alert: _on(lambda torrent, _: ahead.on_moved(torrent, "")),
    lt.storage_moved_failed_alert: _on(
        lambda torrent, alert: ahead.on_moved(torrent, alert.error.message())
    ),
    lt.cache_flushed_alert: _on(lambda torrent, _: torrent.on_flushed()),
    lt.incoming_connection_alert: _incoming,
    lt.peer_connect_alert: _connected,
    lt.peer_disconnected_alert: _disconnected,
    lt.peer_error_alert: _disconnected,  # the same, of who breaks the protocol
    lt.peer_ban_alert: _banned,
    lt.torrent_finished_alert: _finished,
    lt.torrent_error_alert: _failed,
    lt.file_error_alert: _failed,
    lt.state_update_alert: _status,
    lt.save_resume_data_alert: _resume,
    lt.save_resume_data_failed_alert: _no_resume,
    lt.torrent_removed_alert: _removed,
    lt.alerts_dropped_alert: _lost,
    lt.tracker_reply_alert: _announced,
    lt.tracker_error_alert: _not_announced,
}
