"""Playing without keeping: a torrent of which only a window around the playheads is on the disk.

libtorrent has no call to give up a piece, and BitTorrent no message that takes a HAVE back (BEP 3).
So pieces are forgotten in rounds: the torrent is taken out of the session and added again with a
bitfield that lacks them, and their bytes become holes in the file. Peers are dialled again at once;
readers wait for some milliseconds only, since what they read next is kept.

Pieces outside the window have priority 0: nothing fetches them. libtorrent then says that the
torrent is finished whenever the window is full, which `Torrent.is_whole` tells from a whole video.
No file has priority 0, however: what such a file shares with others, libtorrent puts into a file of
parts, which it reads from without a check whether there is one, where the torrent was added with
`no_verify_files` (2.1: it crashes).
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import libtorrent as lt

from ..errors import Cancelled, P2PTubeError
from ..tasks import cancel_all
from .holes import punch
from .metainfo import Layout
from .schedule import USUAL
from .torrent import Torrent
from .window_plan import LEAST_PIECES, Plan, needed_pieces, plan

if TYPE_CHECKING:
    from .session import Session

log = logging.getLogger(__name__)

ROUND_SECONDS = 10.0  # for what libtorrent has to do in one, however busy the disk is
# Who is not connected again after this has to look for holders.
RECONNECT_SECONDS = 3.0
DIALLED = lt.peer_info.local_connection


@dataclass(frozen=True)
class Round:
    """What was forgotten at once. `seconds` is how long nobody could read from the torrent."""

    pieces: int
    seconds: float


class Window:
    """Keeps a torrent of the session within `most_bytes` of the disk, until it is lifted.

    Files whose pieces are longer than an eighth of it take up to eight pieces.
    """

    def __init__(
        self, session: Session, torrent: Torrent, directory: Path, most_bytes: int
    ) -> None:
        """`directory` is where the torrent is saved."""
        self.most_bytes = most_bytes
        self.rounds = 0
        self.before_round: Callable[[], None] = lambda: None
        self.on_round: Callable[[Round], None] = lambda _: None
        self._session = session
        self._torrent = torrent
        self._directory = directory
        self._resting = [0]  # where the playheads were, while there is none
        self._lifted = False
        self._task: asyncio.Task[None] | None = None
        torrent.window = most_bytes
        torrent.on_moved = self._moved
        self._moved()

    async def lift(self) -> None:
        """Let the whole video be fetched and kept from now on."""
        self._lifted = True
        self._torrent.on_moved = lambda: None
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)
        self._torrent.window = 0
        self._torrent.wanting.confine(None)

    async def close(self) -> None:
        """Do nothing more: the torrent is about to leave the session."""
        self._lifted = True
        self._torrent.on_moved = lambda: None
        if self._task is not None:
            await cancel_all(self._task)

    # --- planning ------------------------------------------------------------------------------

    def _moved(self) -> None:
        standing = self._torrent.standing()
        layout = self._torrent.layout
        if standing is None or layout is None or self._lifted or self._task is not None:
            return  # a round that is under way looks again when it is done
        heads, have, _ = standing
        if heads:
            self._resting = heads
        needed = needed_pieces(
            self._resting, video=range(*layout.whole_pieces), most=self._most(layout)
        )
        if self._torrent.wanting.bound is not None and needed <= self._torrent.wanting.bound:
            return
        shared = frozenset(self._shared(layout))
        # First no more of what is not needed, then a look at what was asked for by then.
        fits = len(have | needed) <= self._most(layout)
        self._torrent.wanting.confine(shared | have | (needed if fits else set()))
        planned = self._plan(layout)
        if planned.forget:
            self._task = asyncio.create_task(self._round(layout))
        else:
            self._torrent.wanting.confine(planned.allowed)
            self._look_for_peers_later()

    def _plan(self, layout: Layout) -> Plan:
        heads, have, reading = self._torrent.standing() or ([], frozenset(), frozenset())
        video = range(*layout.whole_pieces)
        planned = plan(
            heads or self._resting,
            {piece for piece in have | self._untold() if piece in video},
            video=video,
            most=self._most(layout),
            in_use={piece for piece in reading if piece in video},
        )
        return Plan(planned.allowed | self._shared(layout), planned.forget)

    def _untold(self) -> set[int]:
        """What takes space and was not told: parts of pieces, and those that have just come.

        A piece that was asked for still comes when it is not wanted any more.
        """
        handle = self._torrent.handle
        coming = {int(part["piece_index"]) for part in handle.get_download_queue()}
        return coming | {piece for piece, has in enumerate(handle.status().pieces) if has}

    def _shared(self, layout: Layout) -> set[int]:
        """What the video shares with other files of the torrent: it stays, being theirs, too."""
        return set(range(*layout.video_pieces)) - set(range(*layout.whole_pieces))

    def _most(self, layout: Layout) -> int:
        return max(LEAST_PIECES, self.most_bytes // layout.piece_length)

    # --- a round -------------------------------------------------------------------------------

    async def _round(self, layout: Layout) -> None:
        torrent = self._torrent
        try:
            await self._forget(layout)
        except (P2PTubeError, TimeoutError, RuntimeError, OSError) as error:
            self._lifted = True
            if self._session.get(torrent.info_hash) is torrent:
                log.exception("cannot forget pieces of %s", torrent.info_hash)
                reason = f"the part that was played cannot be forgotten: {error}"
                self._session.on_failed(torrent.info_hash, reason)
        finally:
            self._task = None
        self._moved()

    async def _forget(self, layout: Layout) -> None:
        torrent = self._torrent
        torrent.renewing = True
        try:
            self.before_round()
            peers = [peer.ip for peer in torrent.handle.get_peer_info() if peer.flags & DIALLED]
            # Nothing arrives any more, and what was on its way to the disk is there. Else it would
            # fill holes again, and pieces would be hashed before all of them is in the file.
            torrent.handle.pause()
            async with asyncio.timeout(ROUND_SECONDS):
                await torrent.flushed()
            data = await self._session.resume.take(torrent, ROUND_SECONDS)
            self._check_here()
            began = time.monotonic()
            planned = self._plan(layout)
            params = without(lt.read_resume_data(data), planned.allowed, layout)
            torrent.wanting.bound = planned.allowed
            torrent.hold()
            path = self._directory / layout.file_path
            await asyncio.to_thread(punch, path, holes(planned.allowed, layout))
            self._check_here()
            self._session.add_again(torrent, params)
            for peer in peers:
                torrent.handle.connect_peer(peer, lt.peer_info.tracker)
        finally:
            torrent.renewing = False
        await torrent.checked(ROUND_SECONDS)
        torrent.handle.resume()  # whereupon it dials all it knows, at once
        self.rounds += 1
        self.on_round(Round(len(planned.forget), time.monotonic() - began))
        self._look_for_peers_later()

    def _check_here(self) -> None:
        if self._session.get(self._torrent.info_hash) is not self._torrent:
            raise Cancelled("the video was removed")

    def _look_for_peers_later(self) -> None:
        asyncio.get_running_loop().call_later(RECONNECT_SECONDS, self._look_for_peers)

    def _look_for_peers(self) -> None:
        if not self._lifted and self._task is None:
            self._torrent.on_disconnect()


def without(
    params: lt.add_torrent_params, allowed: frozenset[int], layout: Layout
) -> lt.add_torrent_params:
    """What to add a torrent with, of whose video no other pieces than those allowed are here."""
    forgotten = set(range(*layout.video_pieces)) - allowed
    if 0 in params.file_priorities:  # the bytes of others in these pieces are in a file of parts
        forgotten |= set(range(*layout.video_pieces)) - set(range(*layout.whole_pieces))
        params.file_priorities = []
    have = list(params.have_pieces) or [False] * layout.pieces
    params.have_pieces = [has and piece not in forgotten for piece, has in enumerate(have)]
    params.verified_pieces = []
    unfinished = {int(piece): blocks for piece, blocks in params.unfinished_pieces.items()}
    params.unfinished_pieces = {
        piece: blocks for piece, blocks in unfinished.items() if piece not in forgotten
    }
    priorities = list(params.piece_priorities) or [0] * layout.pieces
    for piece in range(*layout.video_pieces):
        priorities[piece] = USUAL if piece in allowed else 0
    params.piece_priorities = priorities
    params.flags |= lt.torrent_flags.no_verify_files
    return params


def holes(allowed: frozenset[int], layout: Layout) -> Iterator[tuple[int, int]]:
    """The parts [start, end) of the video's file that hold nothing of the pieces allowed."""
    first, last = layout.video_pieces
    gaps = sorted({first - 1, last, *(piece for piece in allowed if first <= piece < last)})
    for before, after in pairwise(gaps):
        if after - before > 1:
            start = (before + 1) * layout.piece_length - layout.file_offset
            end = after * layout.piece_length - layout.file_offset
            yield max(0, start), min(end, layout.file_size)
