"""From records and remote videos to the views that are shown."""

from __future__ import annotations

import msgspec

from ..descriptor import parse_payload
from ..library import VideoRecord
from ..media.jobs import Job
from ..models import Holder, VideoState, Visibility
from ..swarm import Torrent, magnet_link
from .catalog import Remote, remote_visibility
from .editing import widest
from .views import JobView, PublisherView, SwarmPeerView, SwarmView, VideoView


def record_view(
    record: VideoRecord, torrent: Torrent | None, holders: tuple[Holder, ...]
) -> VideoView:
    """Show a video of our own."""
    publisher = PublisherView()
    captions = tuple(each.language for each in record.captions)
    if record.envelope is not None:
        descriptor = parse_payload(record.envelope.payload)
        publisher = PublisherView(key=record.envelope.key.hex(), name=descriptor.publisher)
        captions = tuple(dict.fromkeys((*descriptor.captions, *captions)))
    complete = record.state is VideoState.COMPLETE
    return VideoView(
        id=record.id,
        title=record.title,
        description=record.description,
        language=record.language,
        file_name=record.file_name,
        duration=record.duration,
        size=record.size,
        width=record.width,
        height=record.height,
        video_codec=record.video_codec,
        audio_codec=record.audio_codec,
        bit_rate=record.bit_rate,
        sha256=record.sha256,
        state=record.state,
        progress=1.0 if complete else torrent.progress if torrent else 0.0,
        detail=record.detail,
        holders=holders,
        publisher=publisher,
        published_at=record.published_at,
        added_at=record.added_at,
        magnet=_magnet_of(record),
        visibility=record.visibility,
        widest=widest(record),
        mine=record.mine,
        in_place=record.in_place,
        keep=record.keep,
        window=torrent.window if torrent else 0,
        path=record.path.encode(errors="replace").decode(),
        file=record.file_index if record.envelope is None and record.piece_length else None,
        captions=captions,
    )


def remote_view(remote: Remote, *, keep: bool = True) -> VideoView:
    """Show a video that others hold. `keep`: whether it would be kept if it was played now."""
    if remote.descriptor is None or remote.envelope is None:
        return _undescribed_view(remote, keep)
    descriptor = remote.descriptor
    source = descriptor.sources[0]
    return VideoView(
        id=remote.id,
        title=descriptor.title,
        description=descriptor.description,
        language=descriptor.language,
        file_name=source.file_name,
        duration=descriptor.duration,
        size=source.size,
        width=descriptor.width,
        height=descriptor.height,
        video_codec=source.video_codec,
        audio_codec=source.audio_codec,
        bit_rate=source.bit_rate,
        sha256=source.sha256,
        state=VideoState.REMOTE,
        progress=0.0,
        holders=tuple(remote.holders.values()),
        publisher=PublisherView(key=remote.envelope.key.hex(), name=descriptor.publisher),
        published_at=descriptor.published_at,
        magnet=magnet_link(remote.id, source.file_name, remote.trackers, unlisted=remote.unlisted),
        visibility=remote_visibility(remote),
        widest=remote_visibility(remote),
        keep=keep,
        captions=tuple(descriptor.captions),
    )


def _magnet_of(record: VideoRecord) -> str:
    """The link to share; none for what nobody else can get."""
    if record.visibility is Visibility.PRIVATE:
        return ""
    unlisted = record.visibility is Visibility.UNLISTED
    return record.magnet or magnet_link(
        record.id, record.file_name, record.trackers, unlisted=unlisted
    )


def _undescribed_view(remote: Remote, keep: bool) -> VideoView:
    return VideoView(
        id=remote.id,
        title=remote.title,
        file_name=remote.title,
        duration=0.0,
        size=0,
        width=0,
        height=0,
        state=VideoState.REMOTE,
        progress=0.0,
        holders=tuple(remote.holders.values()),
        publisher=PublisherView(),
        keep=keep,
        magnet="" if remote.classic else remote.magnet or magnet_link(remote.id, remote.title),
        visibility=remote_visibility(remote),
        classic=remote.classic is not None,
    )


def job_view(job: Job) -> JobView:
    """Show a job."""
    return JobView(
        id=job.id,
        kind=job.kind,
        label=job.label,
        state=job.state.value,
        stage=job.stage,
        progress=job.progress,
        remaining=job.remaining,
        error=job.error,
        video=job.video,
    )


def no_swarm_view(video_id: str) -> SwarmView:
    """Show a video of ours that is in no swarm: its metadata is not known yet, or it is broken."""
    return SwarmView(
        id=video_id,
        piece_length=0,
        pieces="",
        available="",
        playheads=(),
        download_rate=0,
        upload_rate=0,
        downloaded=0,
        uploaded=0,
        peers=(),
        sources=(),
    )


def swarm_view(torrent: Torrent) -> SwarmView:
    """Show a swarm."""
    peers = torrent.peers()
    pieces = torrent.pieces()
    return SwarmView(
        id=torrent.info_hash,
        piece_length=torrent.layout.piece_length if torrent.layout else 0,
        offset=torrent.layout.file_offset if torrent.layout else 0,
        pieces=pieces,
        available=torrent.available(),
        sources=torrent.origins.indices(pieces, [peer.address for peer in peers]),
        playheads=torrent.playheads(),
        download_rate=sum(peer.download_rate for peer in peers),
        upload_rate=sum(peer.upload_rate for peer in peers),
        downloaded=sum(peer.downloaded for peer in peers),
        uploaded=sum(peer.uploaded for peer in peers),
        peers=tuple(
            # Fields of the same names.
            msgspec.convert(peer, SwarmPeerView, from_attributes=True)
            for peer in peers
        ),
    )
