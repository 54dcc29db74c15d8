"""Records for the tests of the library."""

from __future__ import annotations

import hashlib
from typing import Any

from p2ptube.descriptor import seal
from p2ptube.identity import Identity
from p2ptube.library import StoredCaptions, VideoRecord
from p2ptube.models import (
    Attachment,
    AttachmentKind,
    Descriptor,
    Holder,
    SignedDescriptor,
    Source,
    VideoState,
    Visibility,
)


def video_id(number: int) -> str:
    return hashlib.sha1(str(number).encode()).hexdigest()


def record(number: int = 0, **fields: Any) -> VideoRecord:
    values: dict[str, Any] = {
        "id": video_id(number),
        "title": f"Title {number}",
        "file_name": f"file-{number}.mp4",
        "path": f"/videos/file-{number}.mp4",
        "state": VideoState.COMPLETE,
        "added_at": 1000.0 + number,
    }
    return VideoRecord(**(values | fields))


def envelope(number: int = 0, *attachments: str) -> SignedDescriptor:
    """A sealed descriptor with attachments of these SHA-256."""
    descriptor = Descriptor(
        title="T",
        duration=1,
        width=1,
        height=1,
        published_at=1,
        sources=(
            Source(
                info_hash=video_id(number),
                file_name="a.mp4",
                size=1,
                piece_length=16384,
                sha256="0" * 64,
            ),
        ),
        attachments=tuple(
            Attachment(kind=AttachmentKind.CAPTIONS, sha256=s, media_type="text/vtt", size=1)
            for s in attachments
        ),
    )
    return seal(descriptor, Identity(bytes(32)))


def full_record() -> VideoRecord:
    """A record in which every field differs from its default."""
    return VideoRecord(
        id=video_id(7),
        envelope=envelope(7),
        title="Größe \N{PILE OF POO} “x”",
        description="line\nline",
        language="de",
        file_name="größe.mp4",
        size=2**40,
        duration=12.5,
        width=1920,
        height=1080,
        video_codec="h264",
        audio_codec="aac",
        bit_rate=3_000_000,
        sha256="ab" * 32,
        piece_length=65536,
        state=VideoState.FETCHING,
        detail="no holder",
        path="/a/b\udcff c.mp4",
        in_place=True,
        mtime_ns=1_700_000_000_123_456_789,
        keep=False,
        mine=True,
        torrent=b"d4:name1:xe",
        magnet="magnet:?xt=urn:btih:" + video_id(7),
        file_index=3,
        poster="cd" * 32,
        added_at=1234.5678,
        published_at=999.25,
        trackers=("http://a/announce", "ws://b"),
        holders=(Holder(peer="h:1", swarm=("h:2",)), Holder(peer="i:1")),
        visibility=Visibility.UNLISTED,
        captions=(StoredCaptions(language="de", sha256="ef" * 32),),
    )
