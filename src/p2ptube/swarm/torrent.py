"""One torrent of the session: what it has, who waits for what, and its peers."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Set

import libtorrent as lt

from ..errors import OurBug, P2PTubeError
from .bans import Bans
from .connections import PeerSnapshot
from .files import TorrentFile
from .metainfo import Layout, files_of, layout_of
from .origins import Origins
from .pace import Pace
from .piece_reads import PieceReads
from .schedule import Playhead
from .scheduling import Scheduling
from .seen_peers import SeenPeers
from .wanting import HELD, Wanting

log = logging.getLogger(__name__)


class Torrent:
    """Wraps one libtorrent handle. All methods run on the event loop's thread."""

    def __init__(self, handle: lt.torrent_handle, info_hash: str) -> None:
        self.handle = handle
        self.info_hash = info_hash
        self.layout: Layout | None = None
        self.error = ""
        self.finished = False
        self.hurried = False  # whether `hurry` was called
        self.held_back = False  # whether it makes way for what is watched
        self.ahead = False  # nobody asked for it yet: see ahead.py
        self.on_adopted: Callable[[], None] = lambda: None  # now somebody has
        self.moving: asyncio.Future[None] | None = None  # done once its files are in their place
        self.moving_to = ""  # that place
        self.pace = Pace()  # of the video, for the deadlines
        self.status: lt.torrent_status | None = None
        self.on_lonely: Callable[[], None] = lambda: None
        self.on_moved: Callable[[], None] = lambda: None  # a playhead moved, or all is checked
        self.window = 0  # how many bytes of its video are on the disk at most; 0 = all
        self.renewing = False  # window.py is about to take it out and add it again
        self.origins = Origins()
        self.bans = Bans()
        self.shared = False  # it was added complete, to share it: nothing of it is fetched
        self.have: set[int] = set()
        self._checked = asyncio.Event()
        self._metadata = asyncio.Event()
        self.flushing: list[asyncio.Future[None]] = []  # who waits until all is in the file
        self._arrivals: dict[int, asyncio.Event] = {}
        # The handle is looked up when it is asked: see `take_over`.
        self.reads = PieceReads(lambda index: self.handle.read_piece(index))  # noqa: PLW0108
        self.scheduling = Scheduling(self)
        self.wanting = Wanting(self, self.scheduling.restart)
        self._peers = SeenPeers()
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
        loaded = self._torrent_file()
        return loaded.info_section() if loaded else None

    def files(self) -> tuple[TorrentFile, ...]:
        """The files of the torrent; none as long as the metadata is not known."""
        loaded = self._torrent_file()
        return files_of(loaded) if loaded else ()

    def offset_of(self, index: int) -> int:
        """Where the file with this index begins in the torrent; 0 for one that is not there."""
        loaded = self._torrent_file()
        if loaded is None or not 0 <= index < loaded.num_files():
            return 0
        return loaded.layout().file_offset(index)

    def _torrent_file(self) -> lt.torrent_info | None:
        return self.handle.torrent_file() if self.layout and not self._gone else None

    @property
    def progress(self) -> float:
        """The fraction of the video's pieces that we have, 0..1."""
        if self.finished:
            return 1.0
        if self.layout is None:
            return 0.0
        first, last = self.layout.video_pieces
        have = sum(1 for piece in self.have if first <= piece < last)
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
        for piece in self.have:
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
        return tuple(sorted(head.position - offset for head in self.scheduling.playheads.values()))

    def peers(self) -> list[PeerSnapshot]:
        """Everybody who exchanged bytes with us in this session, and who is connected now."""
        return self._peers.all()

    @property
    def connected(self) -> int:
        """How many peers are connected, as of the last update."""
        return self._peers.connected

    def set_metadata(self, info: bytes) -> None:
        """The info dictionary came another way than from the swarm; nothing where it is known."""
        if self.layout is None and self._gone is None:
            self.handle.set_metadata(info)

    async def flushed(self) -> None:
        """Wait until everything that we have is visible in the file to other readers."""
        self._raise_if_gone()
        future = asyncio.get_running_loop().create_future()
        self.flushing.append(future)
        self.handle.flush_cache()
        await future
        self._raise_if_gone()

    async def piece(self, index: int) -> bytes:
        """Return the verified bytes of a piece; waits until it has arrived."""
        await self.arrived(index)
        return await self.reads.read(index)

    async def hurry(self, *, again: bool = False) -> None:
        """Dial all known peers now: libtorrent does so at a later tick.

        That is 50 ms for most, half of the time until the first piece, and a second for some.

        A torrent that is resumed dials at once. Pausing ends its connections: so not where others
        have connected to us, who would be away for seconds, nor where anything has come. Our own
        are made anew if they are to be dialled `again`: when it leaves upload mode, libtorrent
        forgets when it has dialled.
        """
        if self.layout is not None:
            await self._checked.wait()  # before, resuming would not dial
        if self.finished or self.renewing or self._gone is not None:
            return
        peers, dialled = self.handle.get_peer_info(), lt.peer_info.local_connection
        if any(not again or peer.total_download or not peer.flags & dialled for peer in peers):
            return
        self.handle.pause()
        held = self.handle.flags() & HELD
        self.handle.set_flags(HELD)
        self.handle.unset_flags(HELD)
        self.handle.set_flags(held)
        self.handle.resume()

    async def arrived(self, index: int) -> None:
        """Wait until a piece is here. Raises what ended the torrent."""
        await self._checked.wait()
        while index not in self.have and not self.finished:
            self._raise_if_gone()
            event = self._arrivals.setdefault(index, asyncio.Event())
            await event.wait()
            await self._checked.wait()
        self._raise_if_gone()

    # --- playheads ---------------------------------------------------------------------------

    def place(self, key: object, head: Playhead) -> None:
        """Put a reader's playhead where it is now; a jump drops what was asked for before."""
        self.scheduling.place(key, head)

    def lift(self, key: object) -> None:
        """Take a reader's playhead away."""
        self.scheduling.lift(key)
        if not self.scheduling.playheads:
            self.reads.forget()

    def usual(self, piece: int) -> int:
        """The priority of a piece of which nothing is known; 0: it is not wanted."""
        return self.wanting.usual(piece)

    def seeds(self) -> int:
        """How many peers are connected just now that have everything."""
        peers = [] if self._gone else self.handle.get_peer_info()
        return sum(1 for peer in peers if peer.flags & lt.peer_info.seed)

    @property
    def is_gone(self) -> bool:
        """Whether it has left the session."""
        return self._gone is not None

    # --- playing without keeping (window.py) ---------------------------------------------------

    def is_whole(self) -> bool:
        """Whether all of the video is wanted, and here.

        libtorrent calls finished what has all that is wanted; and its alert may be about a part
        that was all that was wanted when it was sent.
        """
        is_all = self.wanting.is_all() and not self.scheduling.withholds()
        return is_all and self.handle.status().is_finished

    def standing(self) -> tuple[list[int], Set[int], Set[int]] | None:
        """The pieces with playheads, those here, those being read; None before all is checked."""
        if self.layout is None or self._gone or self.finished or not self._checked.is_set():
            return None
        length = self.layout.piece_length
        heads = [head.position // length for head in self.scheduling.playheads.values()]
        return heads, self.have, self.reads.awaited

    async def checked(self, seconds: float) -> None:
        """Wait until what we have is known. Raises TimeoutError, and what ended the torrent."""
        async with asyncio.timeout(seconds):
            await self._checked.wait()
        self._raise_if_gone()

    def hold(self) -> None:
        """Let readers wait until what we have is checked again."""
        self._checked.clear()

    def take_over(self, handle: lt.torrent_handle) -> None:
        """Go on with another handle: it was added again."""
        self.handle = handle
        self.hurried = True  # it is resumed once it is checked
        self.scheduling.forget()

    # --- what libtorrent tells -----------------------------------------------------------------

    def on_metadata(self) -> None:
        """The info dictionary is known."""
        loaded = self.handle.torrent_file() if self.layout is None else None
        if loaded is not None:
            self.layout = layout_of(loaded, self.wanting.file)
            self._metadata.set()

    def take_metadata(self) -> None:
        """The info dictionary may have come: what is wanted of the torrent can be said then."""
        if self.layout is None:
            self.on_metadata()
            self.wanting.want_video()

    def on_checked(self) -> None:
        """Resume data was accepted: what we have is known."""
        self.on_metadata()
        status = self.handle.status()
        self.status = status
        if not (status.is_finished and self.wanting.bound is None):
            self.have = {index for index, has in enumerate(status.pieces) if has}
        self._checked.set()
        self.reads.ask_again()  # it was asked of the handle before, where it was added again
        self.on_moved()
        self.scheduling.extend()

    def on_piece(self, index: int) -> None:
        """A piece arrived and its hash is right."""
        if not self.finished:
            self.have.add(index)
        self.scheduling.arrived(index)
        event = self._arrivals.pop(index, None)
        if event is not None:
            event.set()

    def on_finished(self) -> None:
        """Every piece of the video is here."""
        self.finished = True
        self.have.clear()
        self._checked.set()
        self._wake_all()

    def on_read(self, index: int, data: bytes, problem: str) -> None:
        """The answer to read_piece; `problem` says why there is no data."""
        self.reads.came(index, data, problem, keep=bool(self.scheduling.playheads))

    def on_flushed(self) -> None:
        """What was written before is visible to others."""
        waiting, self.flushing = self.flushing, []
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
        # Who has all that he wants for now is left by some programs, and needs nobody.
        content = self.wanting.is_bounded_by(self.have)
        if not (self.connected or self.renewing or content):
            self.on_lonely()

    def is_connected_to(self, host: str) -> bool:
        """Whether there is a connection with somebody at this address, whatever the port."""
        peers = [] if self._gone else self.handle.get_peer_info()
        return any(peer.ip[0] == host for peer in peers)

    def update_peers(self) -> None:
        """Take a new snapshot of the connections; what gone ones gave is kept."""
        if not self._gone:
            self._peers.look(self.handle.get_peer_info())

    def close(self, reason: P2PTubeError) -> None:
        """The torrent leaves the session: whoever waits gets `reason`."""
        self._gone = reason
        self.scheduling.close()
        self._checked.set()
        self._metadata.set()
        self._wake_all()
        self.on_flushed()
        if self.moving is not None and not self.moving.done():
            self.moving.set_exception(reason)
        self.reads.close(reason)

    def _wake_all(self) -> None:
        for event in self._arrivals.values():
            event.set()
        self._arrivals.clear()

    def _raise_if_gone(self) -> None:
        if self._gone is not None:
            raise self._gone
