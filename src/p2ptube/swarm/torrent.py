"""One torrent of the session: what it has, who waits for what, and its peers."""

from __future__ import annotations

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace

import libtorrent as lt

from ..errors import OurBug, P2PTubeError, StorageError
from .connections import PeerSnapshot, snapshot
from .metainfo import Layout, layout_of
from .origins import Origins
from .schedule import NEXT, USUAL, Playhead, deadlines, priorities

log = logging.getLogger(__name__)

# Enough for a few readers side by side, whatever the piece length.
CACHE_BYTES = 16 * 1024 * 1024
# Connections that are gone and of which we keep what they gave.
MOST_GONE_PEERS = 200
# The addresses of one list of holders are resolved within this.
DIALLED_TOGETHER_SECONDS = 0.02


class Torrent:
    """Wraps one libtorrent handle. All methods run on the event loop's thread."""

    def __init__(self, handle: lt.torrent_handle, info_hash: str) -> None:
        self.handle = handle
        self.info_hash = info_hash
        self.layout: Layout | None = None
        self.error = ""
        self.finished = False
        self.hurried = False  # whether `hurry` was called
        self.bytes_per_second = 0.0  # of the video, for the deadlines; 0 = not known
        self.status: lt.torrent_status | None = None
        self.on_lonely: Callable[[], None] = lambda: None
        self.origins = Origins()
        self._have: set[int] = set()
        self._checked = asyncio.Event()
        self._metadata = asyncio.Event()
        self._flushed: list[asyncio.Future[None]] = []
        self._arrivals: dict[int, asyncio.Event] = {}
        self._reads: dict[int, asyncio.Future[bytes]] = {}
        self._cache: OrderedDict[int, bytes] = OrderedDict()
        self._playheads: dict[object, Playhead] = {}
        self._deadlines: set[int] = set()
        self._priorities: dict[int, int] = {}
        self._peers: dict[str, PeerSnapshot] = {}
        self._gone: P2PTubeError | None = None

    # --- what others ask -------------------------------------------------------------------

    async def wait_metadata(self) -> Layout:
        """Wait until the layout is known (from peers, for a bare magnet link)."""
        await self._metadata.wait()
        self._raise_if_gone()
        if self.layout is None:
            raise OurBug("metadata without a layout")
        return self.layout

    @property
    def info(self) -> bytes | None:
        """The bencoded info dictionary, once it is known. libtorrent keeps it: we hold no copy."""
        loaded = self.handle.torrent_file() if self.layout and not self._gone else None
        return loaded.info_section() if loaded else None

    @property
    def progress(self) -> float:
        """The fraction of the video's pieces that we have, 0..1."""
        if self.finished:
            return 1.0
        if self.layout is None:
            return 0.0
        first, last = self.layout.video_pieces
        have = sum(1 for piece in self._have if first <= piece < last)
        return have / max(1, last - first)

    def pieces(self) -> str:
        """A character per piece: 1 we have it, 2 it is asked for, 0 neither."""
        if self.layout is None:
            return ""
        result = bytearray(b"0" * self.layout.pieces)
        if self.finished:
            return "1" * self.layout.pieces
        for part in [] if self._gone else self.handle.get_download_queue():
            result[part["piece_index"]] = ord("2")
        for piece in self._have:
            result[piece] = ord("1")
        return result.decode()

    def available(self) -> str:
        """A character per piece: 1 a connected peer has it, 0 none does. Empty when finished."""
        if self.layout is None or self.finished or self._gone:
            return ""
        return "".join("1" if peers else "0" for peers in self.handle.piece_availability())

    def playheads(self) -> tuple[int, ...]:
        """The offsets in the video's file at which readers are."""
        offset = self.layout.file_offset if self.layout else 0
        return tuple(sorted(head.position - offset for head in self._playheads.values()))

    def peers(self) -> list[PeerSnapshot]:
        """Everybody who exchanged bytes with us in this session, and who is connected now."""
        return [p for p in self._peers.values() if p.connected or p.downloaded or p.uploaded]

    @property
    def connected(self) -> int:
        """How many peers are connected, as of the last update."""
        return sum(1 for peer in self._peers.values() if peer.connected)

    async def flushed(self) -> None:
        """Wait until everything that we have is visible in the file to other readers."""
        self._raise_if_gone()
        future = asyncio.get_running_loop().create_future()
        self._flushed.append(future)
        self.handle.flush_cache()
        await future
        self._raise_if_gone()

    async def piece(self, index: int) -> bytes:
        """Return the verified bytes of a piece; waits until it has arrived."""
        await self._checked.wait()
        while index not in self._have and not self.finished:
            self._raise_if_gone()
            event = self._arrivals.setdefault(index, asyncio.Event())
            await event.wait()
        self._raise_if_gone()
        if index in self._cache:
            self._cache.move_to_end(index)
            return self._cache[index]
        future = self._reads.get(index)
        if future is None:
            future = asyncio.get_running_loop().create_future()
            # Nobody may be left to look at a failure: the client went away.
            future.add_done_callback(lambda f: f.cancelled() or f.exception())
            self._reads[index] = future
            self.handle.read_piece(index)
        return await asyncio.shield(future)

    async def hurry(self) -> None:
        """Dial the first known peers now: libtorrent does so at a later tick.

        That is 50 ms for most, half of the time until the first piece, and a second for some.

        A torrent that is resumed dials at once. Not where it has begun to by itself, nor for later
        ones: pausing ends connections, which are then dialled again only seconds later.
        """
        await asyncio.sleep(DIALLED_TOGETHER_SECONDS)
        if self.layout is not None:
            await self._checked.wait()  # before, resuming would not dial
        if not self.finished and self._gone is None and not self.handle.get_peer_info():
            self.handle.pause()
            self.handle.resume()

    # --- playheads ---------------------------------------------------------------------------

    def place(self, key: object, head: Playhead) -> None:
        """Put a reader's playhead where it is now; a jump drops what was asked for before."""
        before = self._playheads.get(key)
        self._playheads[key] = head
        if before is None or not before.position <= head.position <= before.end:
            self._restart_schedule()
        else:
            self._extend_schedule()

    def lift(self, key: object) -> None:
        """Take a reader's playhead away."""
        if self._playheads.pop(key, None) is not None:
            self._restart_schedule()
        if not self._playheads:
            self._cache.clear()

    def _restart_schedule(self) -> None:
        if not self.finished and not self._gone:
            # Outstanding requests are cancelled only when the list of deadlines is empty first.
            if self._deadlines:
                self.handle.clear_piece_deadlines()
            usual = [(piece, USUAL) for piece in {*self._deadlines, *self._priorities}]
            self.handle.prioritize_pieces([entry for entry in usual if entry[0] not in self._have])
        self._deadlines.clear()
        self._priorities.clear()
        self._extend_schedule()

    def _extend_schedule(self) -> None:
        if self.finished or self._gone or self.layout is None or not self._playheads:
            return
        heads = self._playheads.values()
        length, rate = self.layout.piece_length, self.bytes_per_second
        due = deadlines(heads, self._have, piece_length=length, bytes_per_second=rate)
        for piece, milliseconds in due.items():
            if piece not in self._deadlines:
                self._deadlines.add(piece)
                self.handle.set_piece_deadline(piece, milliseconds)
                self._priorities[piece] = NEXT  # that is what libtorrent makes of it
        order = priorities(heads, self._have, piece_length=length, bytes_per_second=rate)
        changed = [
            (piece, priority)
            for piece, priority in order.items()
            if self._priorities.get(piece) != priority
        ]
        if changed:
            self._priorities.update(changed)
            self.handle.prioritize_pieces(changed)

    # --- what libtorrent tells -----------------------------------------------------------------

    def on_metadata(self) -> None:
        """The info dictionary is known."""
        loaded = self.handle.torrent_file() if self.layout is None else None
        if loaded is not None:
            self.layout = layout_of(loaded)
            self._metadata.set()

    def want_video(self) -> None:
        """Fetch the video and no other file, all pieces alike until a playhead says otherwise."""
        if self.layout is not None and self.layout.files > 1:
            video = self.layout.file_index
            wanted = [USUAL * (index == video) for index in range(self.layout.files)]
            self.handle.prioritize_files(wanted)
        elif self.layout is not None:
            self.handle.prioritize_pieces([USUAL] * self.layout.pieces)

    def on_checked(self) -> None:
        """Resume data was accepted: what we have is known."""
        self.on_metadata()
        status = self.handle.status()
        self.status = status
        if not status.is_finished:
            self._have = {index for index, has in enumerate(status.pieces) if has}
        self._checked.set()
        self._extend_schedule()

    def on_piece(self, index: int) -> None:
        """A piece arrived and its hash is right."""
        if not self.finished:
            self._have.add(index)
        if index in self._deadlines:
            self._deadlines.discard(index)
            self._extend_schedule()
        event = self._arrivals.pop(index, None)
        if event is not None:
            event.set()

    def on_finished(self) -> None:
        """Every piece of the video is here."""
        self.finished = True
        self._have.clear()
        self._checked.set()
        self._wake_all()

    def on_read(self, index: int, data: bytes, problem: str) -> None:
        """The answer to read_piece; `problem` says why there is no data."""
        future = self._reads.pop(index, None)
        if not problem and self._playheads:
            self._remember(index, data)
        if future is None or future.done():
            return
        if problem:
            future.set_exception(StorageError(f"cannot read from the disk: {problem}"))
        else:
            future.set_result(data)

    def on_alerts_lost(self) -> None:
        """Alerts were dropped: ask for what they may have told, lest somebody waits for ever."""
        if self.finished or not self._checked.is_set() or self._gone:
            return
        for index, has in enumerate(self.handle.status().pieces):
            if has and index not in self._have:
                self.on_piece(index)
        for index in self._reads:
            self.handle.read_piece(index)

    def on_flushed(self) -> None:
        """What was written before is visible to others."""
        waiting, self._flushed = self._flushed, []
        for future in waiting:
            if not future.done():
                future.set_result(None)

    def on_status(self, status: lt.torrent_status) -> None:
        """A periodic update."""
        self.status = status
        self.update_peers()

    def on_disconnect(self) -> None:
        """A peer went away, or could not be connected to."""
        self.update_peers()
        if not self.connected:
            self.on_lonely()

    def update_peers(self) -> None:
        """Take a new snapshot of the connections; what gone ones gave is kept."""
        if self._gone:
            return
        before = [p for p in self._peers.values() if p.downloaded or p.uploaded]
        self._peers = {
            peer.address: replace(peer, connected=False, download_rate=0, upload_rate=0)
            for peer in before[-MOST_GONE_PEERS:]
        }
        for info in self.handle.get_peer_info():
            if not info.flags & (lt.peer_info.connecting | lt.peer_info.handshake):
                now = snapshot(info)
                # Again at the end, so that those who left long ago are the first.
                self._peers.pop(now.address, None)
                self._peers[now.address] = now

    def close(self, reason: P2PTubeError) -> None:
        """The torrent leaves the session: whoever waits gets `reason`."""
        self._gone = reason
        self._playheads.clear()
        self._deadlines.clear()
        self._cache.clear()
        self._checked.set()
        self._metadata.set()
        self._wake_all()
        self.on_flushed()
        for read in self._reads.values():
            if not read.done():
                read.set_exception(reason)
        self._reads.clear()

    def _wake_all(self) -> None:
        for event in self._arrivals.values():
            event.set()
        self._arrivals.clear()

    def _raise_if_gone(self) -> None:
        if self._gone is not None:
            raise self._gone

    def _remember(self, index: int, data: bytes) -> None:
        self._cache[index] = data
        while len(self._cache) > 1 and sum(map(len, self._cache.values())) > CACHE_BYTES:
            self._cache.popitem(last=False)
