"""What the library keeps, as frozen records. Times are Unix seconds, sizes bytes."""

from __future__ import annotations

from ..models import Hex40, Holder, Model, SignedDescriptor, VideoState, Visibility


class StoredCaptions(Model, frozen=True, kw_only=True):
    """Captions that came with a torrent: their language (a BCP 47 tag), and the blob (WebVTT)."""

    language: str
    sha256: str


class VideoRecord(Model, frozen=True, kw_only=True):
    """A video that this node has, or is fetching. `state` is never REMOTE.

    `envelope` is None for a bare magnet link or torrent, which nobody has described. `torrent` is
    the bencoded info dictionary, None as long as it is not known; as it is fixed by the id, storing
    a record without it keeps the one stored before. `path` is the absolute path of the file, which
    may hold surrogate escapes (PEP 383); `mtime_ns` its time of change when it was complete, 0
    before that, and when it is fetched again.
    """

    id: Hex40
    title: str
    file_name: str
    path: str
    state: VideoState
    added_at: float
    envelope: SignedDescriptor | None = None
    description: str = ""
    language: str = ""
    size: int = 0
    duration: float = 0.0
    width: int = 0
    height: int = 0
    video_codec: str = ""
    audio_codec: str = ""
    bit_rate: int = 0
    sha256: str = ""
    piece_length: int = 0
    detail: str = ""
    in_place: bool = False
    mtime_ns: int = 0
    keep: bool = True
    mine: bool = False
    torrent: bytes | None = None
    magnet: str | None = None
    file_index: int = 0
    poster: str | None = None  # SHA-256 of a blob, in hex
    published_at: float = 0.0
    trackers: tuple[str, ...] = ()
    holders: tuple[Holder, ...] = ()
    visibility: Visibility = Visibility.PUBLIC
    captions: tuple[StoredCaptions, ...] = ()  # besides those that the descriptor names


class PeerRecord(Model, frozen=True, kw_only=True):
    """A known peer of the overlay. `id` is `host:port`; `key` its public key in hex."""

    id: str
    host: str
    port: int
    kind: str = "unknown"  # p2ptube | classic | unknown
    name: str = ""
    key: str = ""
    swarm_port: int | None = None
    last_seen: float | None = None


class PendingImport(Model, frozen=True, kw_only=True):
    """An import that was accepted and is not done; it is started again after a crash.

    `owned` says that the source is an upload in our own directory, to be deleted afterwards.
    """

    id: str
    source: str  # absolute path; may hold surrogate escapes
    owned: bool
    title: str = ""
    visibility: Visibility = Visibility.PUBLIC
    added_at: float
