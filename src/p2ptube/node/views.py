"""What the node shows of itself: plain data that the web layer sends as JSON, unchanged."""

from __future__ import annotations

from typing import Any

from ..models import Holder, Model, VideoState, Visibility


class Ports(Model, frozen=True, kw_only=True):
    """The ports that the node really listens on; None where it does not."""

    overlay: int
    swarm: int
    web: int | None = None
    public: int | None = None


class NodeView(Model, frozen=True, kw_only=True):
    """The node itself. `key` is its public key in hex; `uptime` in seconds; rates in bytes/s.

    `public_url` is where strangers find its public web, empty where it has none. The limits are
    those that hold at this time of the day, `yielding_limit` what uploads are limited to since they
    yield to others on the line; 0 = unlimited. `uplink_delay`: for how many seconds what is
    uploaded waits for the line, None where that is not known.
    """

    peer_id: str
    name: str
    key: str
    version: str
    ports: Ports
    public_url: str = ""
    data_dir: str
    uptime: float
    peers: int
    videos: int
    storage_used: int  # bytes in the data directory that videos take
    storage_free: int
    download_rate: int
    upload_rate: int
    download_limit: int = 0
    upload_limit: int = 0
    yielding_limit: int = 0
    uplink_delay: float | None = None


class PeerView(Model, frozen=True, kw_only=True):
    """A known peer. `kind` is `p2ptube`, `classic` or `unknown`; times in seconds."""

    id: str
    host: str
    port: int
    kind: str
    name: str = ""
    key: str = ""
    swarm_port: int | None = None
    latency: float | None = None
    last_seen: float | None = None  # Unix time of the last successful exchange
    alive: bool = True


class PublisherView(Model, frozen=True, kw_only=True):
    """Who signed the descriptor: the key in hex, and the name it gives itself."""

    key: str = ""
    name: str = ""


class FileView(Model, frozen=True, kw_only=True):
    """A file of a torrent. `index` is its place in the torrent's list, from 0; `size` in bytes.

    `kind` is `video`, `audio`, `subtitles` or `other`, going by the name. `chosen`: it is the one
    that is fetched and played, or one of its subtitles. `language`: of subtitles, as a BCP 47 tag
    (`und`: not known). `title`: its name, to be read. `progress`: how much of it is here, 0..1; of
    other files than the chosen one by the space that they take.
    """

    index: int
    path: str
    size: int
    kind: str
    language: str = ""
    chosen: bool = False
    title: str = ""
    progress: float = 0.0


class VideoView(Model, frozen=True, kw_only=True):
    """A video as this node knows it. `duration` in seconds, `progress` 0..1, sizes in bytes."""

    id: str
    title: str
    description: str = ""
    language: str = ""
    file_name: str
    duration: float
    size: int
    width: int
    height: int
    video_codec: str = ""
    audio_codec: str = ""
    bit_rate: int = 0
    sha256: str = ""
    state: VideoState
    progress: float
    detail: str = ""  # in words: why it does not go on, what is wrong
    holders: tuple[Holder, ...] = ()
    publisher: PublisherView
    published_at: float = 0
    added_at: float | None = None
    magnet: str
    mine: bool = False  # signed by this node's key
    in_place: bool = False  # shared from where the user keeps it
    keep: bool = True
    window: int = 0  # not kept: so many bytes of it are on the disk at most; 0 = all of it
    path: str | None = None
    classic: bool = False  # held by classic peers only: fetch it to play it
    file: int | None = None  # its index in a stranger's torrent; None: not known, or not theirs
    files: tuple[FileView, ...] = ()  # of its torrent; in `GET videos/ID` only
    captions: tuple[str, ...] = ()  # the languages of which there are some, as BCP 47 tags
    visibility: Visibility = Visibility.PUBLIC  # who may find and get it from this node
    widest: Visibility = Visibility.PUBLIC  # the widest that its publisher leaves to choose


class JobView(Model, frozen=True, kw_only=True):
    """A piece of work with a progress. `remaining` in seconds, None while unknown."""

    id: str
    kind: str  # add | fetch
    label: str
    state: str  # queued | running | done | failed | cancelled
    stage: str = ""  # copy, transcode, hash, ...
    progress: float = 0.0
    remaining: float | None = None
    error: str = ""
    video: str | None = None  # the id of the video that came of it


class SwarmPeerView(Model, frozen=True, kw_only=True):
    """One connection of a swarm. Rates in bytes/s; `downloaded`, `uploaded` in payload bytes."""

    address: str
    client: str
    transport: str  # tcp | utp | webrtc | http
    progress: float
    download_rate: int
    upload_rate: int
    downloaded: int
    uploaded: int
    connected: bool = True


class SwarmView(Model, frozen=True, kw_only=True):
    """The swarm of one video. `pieces` has a character per piece: 1 have, 2 asked for, 0 not.

    `sources` has for each piece the index in `peers` of who sent it (its first block), or -1 where
    it was here before, or came while nobody listened to `GET events`. `available` has a character
    per piece while we fetch: 1 a connected peer has it, 0 none does; empty for a complete video.
    """

    id: str
    piece_length: int
    offset: int = 0  # where the video begins in the torrent, in bytes
    pieces: str
    available: str
    playheads: tuple[int, ...]  # byte offsets at which readers are now
    download_rate: int
    upload_rate: int
    downloaded: int
    uploaded: int
    peers: tuple[SwarmPeerView, ...]
    sources: tuple[int, ...]


class PublicVideo(Model, frozen=True, kw_only=True):
    """A video as the public web shows it to strangers: nothing of where it lies, or who asks.

    `poster` is the SHA-256 of its poster, None without one. `listed` is false for one that only
    who has the link finds, and for one that is not complete.
    """

    id: str
    title: str
    description: str
    language: str
    file_name: str
    media_type: str
    duration: float
    size: int
    width: int
    height: int
    publisher: str  # the name that it gives itself
    published_at: float
    trackers: tuple[str, ...]
    poster: str | None
    listed: bool
    complete: bool
    unlisted: bool = False  # its links say so


class PublicListing(Model, frozen=True, kw_only=True):
    """A part of the public videos, and how many there are in all."""

    videos: tuple[PublicVideo, ...]
    total: int


class SettingsView(Model, frozen=True, kw_only=True):
    """What the user can set.

    `settings` has the values for the next start (`public_port` null: none). `restart` names those
    that differ from what the node runs with. `fixed` names those that a flag or an environment
    variable decides: they cannot be changed here.
    """

    settings: dict[str, Any]
    restart: tuple[str, ...]
    fixed: tuple[str, ...]


class TrackerView(Model, frozen=True, kw_only=True):
    """A tracker. `state` is `working`, `failing`, or `waiting` where nothing was announced yet.

    `own`: it is this node's, on its public port. `answered_at` in Unix seconds. `peers`: how many
    it told us of in its last answers, of all videos together. `index`: whether it lists videos
    (null: not known yet); then `listed` of ours, and `refused` says why it does not list others.
    """

    url: str
    state: str
    error: str = ""
    own: bool = False
    answered_at: float | None = None
    peers: int = 0
    index: bool | None = None
    listed: int = 0
    refused: str = ""


class GraphNode(Model, frozen=True, kw_only=True):
    """A peer in the picture of the network. `kind` is `self` or that of a PeerView.

    `videos`: how many it shares, as far as we have heard (of ourselves: how many are here).
    """

    id: str
    name: str
    kind: str
    videos: int


class PeerGraphView(Model, frozen=True, kw_only=True):
    """Who knows whom: `links` are pairs of ids of `nodes`, each pair once."""

    nodes: tuple[GraphNode, ...]
    links: tuple[tuple[str, str], ...]


class Event(Model, frozen=True, kw_only=True):
    """A change worth telling an open page. `kind`: job, peers, trackers, video, removed, swarm."""

    kind: str
    data: JobView | VideoView | SwarmView | tuple[PeerView, ...] | tuple[TrackerView, ...] | str
