"""What this node knows of videos: its own records, and what others were heard to hold."""

from __future__ import annotations

import contextlib
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from ..descriptor import open_envelope, parse_payload, supersedes
from ..errors import NotFound, P2PTubeError
from ..library import Library, VideoRecord
from ..models import (
    ClassicFile,
    Descriptor,
    Found,
    Holder,
    PeerAddress,
    SignedDescriptor,
    VideoState,
    Visibility,
)

MOST_REMOTE = 5_000
MOST_HOLDERS = 50


@dataclass(frozen=True)
class Remote:
    """A video that others hold, as far as it was heard of."""

    id: str
    envelope: SignedDescriptor | None = None
    descriptor: Descriptor | None = None
    holders: dict[str, Holder] = field(default_factory=dict)
    title: str = ""
    magnet: str | None = None
    info: bytes | None = None
    trackers: tuple[str, ...] = ()
    classic: ClassicFile | None = None
    unlisted: bool = False  # as its publisher or the link says: only for who has the link


class Catalog:
    """The records of the library, mirrored in memory, and a bounded number of remote videos."""

    def __init__(self, library: Library) -> None:
        self.library = library
        self.on_change: Callable[[str], None] = lambda video_id: None
        # The publisher of a video of another's that we hold says something new of it.
        self.on_newer: Callable[[SignedDescriptor, Descriptor], None] = lambda envelope, _: None
        self._records: dict[str, VideoRecord] = {}
        self._remotes: OrderedDict[str, Remote] = OrderedDict()

    async def load(self) -> list[VideoRecord]:
        """Read the library; return its records with their torrents."""
        records = await self.library.all_videos()
        self._records = {record.id: _light(record) for record in reversed(records)}
        return records

    # --- our own -----------------------------------------------------------------------------

    def records(self) -> list[VideoRecord]:
        """Our videos, newest first. Their `torrent` is left out: see `info`."""
        return sorted(self._records.values(), key=lambda record: -record.added_at)

    def record(self, video_id: str) -> VideoRecord | None:
        """Our record of a video, without its torrent."""
        return self._records.get(video_id)

    def own(self, video_id: str) -> VideoRecord:
        """Our record of a video that has to be here, without its torrent. Raises NotFound."""
        record = self._records.get(video_id)
        if record is None:
            raise NotFound("this video is not here")
        return record

    def is_served(self, video_id: str) -> bool:
        """Whether a video of ours is there for others, all or those who have its link."""
        record = self._records.get(video_id)
        return record is not None and record.visibility is not Visibility.PRIVATE

    def is_listed(self, video_id: str) -> bool:
        """Whether lists, searches and scrapes may tell of a video; also of one not ours."""
        record = self._records.get(video_id)
        if record is not None:
            return record.visibility is Visibility.PUBLIC
        remote = self._remotes.get(video_id)
        return remote is None or not remote.unlisted

    async def put(self, record: VideoRecord, *, ends: str | None = None) -> None:
        """Store a record durably; it `ends` the pending import of that id, if one is named."""
        await self.library.put_video(record, ends=ends)
        self._records[record.id] = _light(record)
        self.on_change(record.id)

    async def update(self, video_id: str, **changes: Any) -> VideoRecord:
        """Change fields of a record durably. Raises NotFound."""
        record = await self.library.update_video(video_id, **changes)
        self._records[video_id] = _light(record)
        self.on_change(video_id)
        return record

    async def delete(self, video_id: str) -> None:
        """Forget a record."""
        await self.library.delete_video(video_id)
        self._records.pop(video_id, None)
        self.on_change(video_id)

    async def info(self, video_id: str) -> bytes | None:
        """The bencoded info dictionary of a video, if it is known."""
        if video_id in self._records:
            record = await self.library.get_video(video_id)
            return record.torrent if record else None
        remote = self._remotes.get(video_id)
        return remote.info if remote else None

    # --- others' -------------------------------------------------------------------------------

    def remote(self, video_id: str) -> Remote:
        """What was heard of a video. Raises NotFound."""
        try:
            return self._remotes[video_id]
        except KeyError:
            raise NotFound(f"nothing is known of a video {video_id[:80]}") from None

    def knows(self, video_id: str) -> bool:
        """Whether anything was heard of a video."""
        return video_id in self._remotes

    def heard(self, found: Found) -> str:
        """Merge an answer from the network; return the video's id. Raises PeerFault."""
        descriptor = open_envelope(found.descriptor)
        known = self._remotes.get(descriptor.id) or Remote(descriptor.id)
        if known.envelope is None or supersedes(found.descriptor, known.envelope):
            known = replace(
                known,
                envelope=found.descriptor,
                descriptor=descriptor,
                title=descriptor.title,
                trackers=descriptor.trackers,
                unlisted=descriptor.unlisted,
            )
        self._keep(replace(known, holders=_merged(known.holders, found.holders)))
        record = self._records.get(descriptor.id)
        ours = record.envelope if record is not None and not record.mine else None
        if ours is not None and supersedes(found.descriptor, ours):
            self.on_newer(found.descriptor, descriptor)
        return descriptor.id

    def learn(self, remote: Remote) -> None:
        """Take note of a video known from elsewhere: a magnet link, a torrent, a classic peer."""
        known = self._remotes.get(remote.id)
        if known is None:
            self._keep(remote)
        else:
            self._keep(
                replace(
                    known,
                    magnet=remote.magnet or known.magnet,
                    info=remote.info or known.info,
                    # What its publisher signed counts more than what a link says.
                    unlisted=known.unlisted if known.descriptor else remote.unlisted,
                    trackers=tuple(dict.fromkeys(known.trackers + remote.trackers)),
                )
            )

    def holders(self, video_id: str) -> tuple[Holder, ...]:
        """Whom we know to hold a video, from this run and from earlier ones."""
        record = self._records.get(video_id)
        remote = self._remotes.get(video_id)
        earlier = {holder.peer: holder for holder in record.holders} if record else {}
        return tuple(_merged(earlier, remote.holders.values() if remote else ()).values())

    def swarm_addresses(self, video_id: str) -> list[PeerAddress]:
        """Where its holders are in the swarm."""
        result = []
        for holder in self.holders(video_id):
            for text in holder.swarm:
                with contextlib.suppress(P2PTubeError):
                    result.append(PeerAddress.parse(text))
        return result

    def described_size(self, video_id: str) -> int | None:
        """The size of a video by its descriptor, in bytes; None where nobody described it."""
        record = self._records.get(video_id)
        if record is not None and record.envelope is not None:
            return record.size
        remote = self._remotes.get(video_id)
        return remote.descriptor.sources[0].size if remote and remote.descriptor else None

    def held(self) -> Counter[str]:
        """How many videos each peer was heard to hold, by its id."""
        counts = Counter(peer for remote in self._remotes.values() for peer in remote.holders)
        for record in self._records.values():
            known = self._remotes.get(record.id)
            counts.update(
                h.peer for h in record.holders if not known or h.peer not in known.holders
            )
        return counts

    def _keep(self, remote: Remote) -> None:
        self._remotes[remote.id] = remote
        self._remotes.move_to_end(remote.id)
        while len(self._remotes) > MOST_REMOTE:
            self._remotes.popitem(last=False)


def record_of(remote: Remote, *, path: str, keep: bool, now: float) -> VideoRecord:
    """The record with which the fetch of a remote video begins."""
    common: dict[str, Any] = {
        "id": remote.id,
        "path": path,
        "state": VideoState.FETCHING,
        "added_at": now,
        "keep": keep,
        "torrent": remote.info,
        "magnet": remote.magnet,
        "trackers": remote.trackers,
        "holders": tuple(remote.holders.values()),
        "visibility": remote_visibility(remote),
    }
    if remote.descriptor is None or remote.envelope is None:
        return VideoRecord(title=remote.title, file_name=remote.title, **common)
    return VideoRecord(envelope=remote.envelope, **described(remote.descriptor), **common)


def remote_visibility(remote: Remote) -> Visibility:
    """How a remote video is shared once it is fetched."""
    return Visibility.UNLISTED if remote.unlisted else Visibility.PUBLIC


def remote_of(record: VideoRecord) -> Remote:
    """A video of ours as others hold it: what is left of it once its record is deleted."""
    descriptor = parse_payload(record.envelope.payload) if record.envelope else None
    return Remote(
        record.id,
        envelope=record.envelope,
        descriptor=descriptor,
        holders={holder.peer: holder for holder in record.holders},
        title=record.title,
        magnet=record.magnet,
        info=record.torrent,
        trackers=record.trackers,
        unlisted=record.visibility is not Visibility.PUBLIC,
    )


def described(descriptor: Descriptor) -> dict[str, Any]:
    """The fields of a record that its descriptor fills."""
    source = descriptor.sources[0]
    return {
        "title": descriptor.title,
        "description": descriptor.description,
        "language": descriptor.language,
        "published_at": descriptor.published_at,
        "duration": descriptor.duration,
        "width": descriptor.width,
        "height": descriptor.height,
        "file_name": source.file_name,
        "size": source.size,
        "video_codec": source.video_codec,
        "audio_codec": source.audio_codec,
        "bit_rate": source.bit_rate,
        "sha256": source.sha256,
        "piece_length": source.piece_length,
    }


def _light(record: VideoRecord) -> VideoRecord:
    # A thousand torrents would be tens of megabytes of piece hashes.
    return msgspec.structs.replace(record, torrent=None)


def _merged(known: dict[str, Holder], more: Iterable[Holder]) -> dict[str, Holder]:
    merged = dict(known)
    for holder in more:
        before = merged.get(holder.peer)
        if before is not None:
            both = tuple(dict.fromkeys(holder.swarm + before.swarm))[:4]
            merged[holder.peer] = Holder(peer=holder.peer, swarm=both)
        elif len(merged) < MOST_HOLDERS:
            merged[holder.peer] = holder
    return merged
