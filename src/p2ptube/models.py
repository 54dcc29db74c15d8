"""The nouns that every layer shares. All are frozen; none does anything but hold and check."""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Annotated

import msgspec

from .errors import InvalidInput

# Bytes of a descriptor: a few of them fit into one message of the overlay.
MAX_PAYLOAD = 48 * 1024

INFO_HASH = re.compile(r"^[0-9a-f]{40}\Z")
# A language tag (BCP 47), as far as its form goes.
LANGUAGE = re.compile(r"^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,8}\Z")

Hex40 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{40}\Z")]
Hex64 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{64}\Z")]
ShortText = Annotated[str, msgspec.Meta(max_length=500)]
LongText = Annotated[str, msgspec.Meta(max_length=10_000)]
# Bounded so that no sum or product of two of them leaves 64 bits.
Count = Annotated[int, msgspec.Meta(ge=0, le=2**53)]
Port = Annotated[int, msgspec.Meta(ge=0, le=65535)]


class Model(msgspec.Struct, frozen=True, kw_only=True):
    """Base of the frozen models."""


class PeerAddress(msgspec.Struct, frozen=True, order=True):
    """Where a peer listens. Its text form `host:port` is the peer id of the classic protocol."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> PeerAddress:
        """Parse `host:port` or `[v6]:port`. Raises InvalidInput."""
        host, colon, port = text.strip().rpartition(":")
        if host.startswith("[") and host.endswith("]"):
            host = host[1:-1]
        elif ":" in host:
            raise InvalidInput(f"not an address (an IPv6 host needs brackets): {text[:100]!r}")
        valid_port = port.isascii() and port.isdigit() and len(port) <= 5 and int(port) <= 65535
        if not colon or not valid_port or not _is_host(host):
            raise InvalidInput(f"not an address of the form host:port: {text[:100]!r}")
        return cls(host, int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _is_host(host: str) -> bool:
    return 0 < len(host) <= 255 and all(c.isalnum() or c in ".-_:" for c in host)


class Source(Model, frozen=True, kw_only=True):
    """One rendition of a video: a single-file v1 torrent. `sha256` is of the whole file."""

    info_hash: Hex40
    file_name: Annotated[str, msgspec.Meta(min_length=1, max_length=255)]
    size: Annotated[int, msgspec.Meta(ge=1, le=2**53)]
    piece_length: Annotated[int, msgspec.Meta(ge=16 * 1024, le=128 * 1024 * 1024)]
    sha256: Hex64
    video_codec: ShortText = ""
    audio_codec: ShortText = ""
    bit_rate: Count = 0  # bits per second, of all streams together


class AttachmentKind(StrEnum):
    """What an attachment is for."""

    POSTER = "poster"
    STORYBOARD = "storyboard"
    CAPTIONS = "captions"


class Attachment(Model, frozen=True, kw_only=True):
    """A small file that belongs to a video, found by its SHA-256 (message BLOB)."""

    kind: AttachmentKind
    sha256: Hex64
    media_type: ShortText
    size: Count
    language: ShortText = ""


class Descriptor(Model, frozen=True, kw_only=True):
    """What its publisher says of a video. `duration` in seconds, `published_at` in Unix seconds."""

    version: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1
    title: ShortText
    description: LongText = ""
    language: ShortText = ""
    duration: Annotated[float, msgspec.Meta(ge=0, le=10**9)]
    width: Annotated[int, msgspec.Meta(ge=0, le=100_000)]
    height: Annotated[int, msgspec.Meta(ge=0, le=100_000)]
    published_at: Annotated[float, msgspec.Meta(ge=0, le=10**11)]
    sequence: Count = 0
    publisher: ShortText = ""
    public_url: ShortText = ""
    sources: Annotated[tuple[Source, ...], msgspec.Meta(min_length=1, max_length=16)]
    attachments: Annotated[tuple[Attachment, ...], msgspec.Meta(max_length=64)] = ()
    trackers: Annotated[tuple[ShortText, ...], msgspec.Meta(max_length=16)] = ()
    # Only for who has the link: whoever holds it keeps it out of lists, searches and the index.
    unlisted: bool = False

    @property
    def id(self) -> str:
        """The video's id: the info-hash of its first source."""
        return self.sources[0].info_hash

    @property
    def poster(self) -> Attachment | None:
        """The poster, if there is one."""
        return next((a for a in self.attachments if a.kind is AttachmentKind.POSTER), None)

    @property
    def captions(self) -> dict[str, Attachment]:
        """The captions by their language, a BCP 47 tag; the first of each."""
        found: dict[str, Attachment] = {}
        for attachment in self.attachments:
            if attachment.kind is AttachmentKind.CAPTIONS and LANGUAGE.match(attachment.language):
                found.setdefault(attachment.language, attachment)
        return found


class SignedDescriptor(Model, frozen=True, kw_only=True):
    """The envelope: exactly the bytes that were signed, an Ed25519 public key, its signature.

    As JSON the three are base64. Open it with `descriptor.open_envelope`, which verifies it.
    """

    payload: Annotated[bytes, msgspec.Meta(max_length=MAX_PAYLOAD)]
    key: Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]
    sig: Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]


class Holder(Model, frozen=True, kw_only=True):
    """A peer that has (part of) a video.

    `peer` is its overlay id `host:port`; `swarm` are the addresses, `host:port`, at which its
    BitTorrent listener may be reached, most likely one first.
    """

    peer: ShortText
    swarm: Annotated[tuple[ShortText, ...], msgspec.Meta(max_length=4)] = ()


class Found(Model, frozen=True, kw_only=True):
    """One answer to FIND: a descriptor and who holds the video."""

    descriptor: SignedDescriptor
    holders: Annotated[tuple[Holder, ...], msgspec.Meta(max_length=50)]


class ClassicFile(Model, frozen=True, kw_only=True):
    """One answer (RESP) from a classic peer: a file name, and the peer that serves it by FGET."""

    file_name: Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]
    holder: PeerAddress


class Visibility(StrEnum):
    """Who may find and get a video of this node; from the widest circle to the narrowest."""

    PUBLIC = "public"
    UNLISTED = "unlisted"  # who has its id or link; in no list, search or index
    PRIVATE = "private"  # the user alone: served to nobody

    def narrower(self, other: Visibility) -> Visibility:
        """The one of the two that shows less."""
        order = list(Visibility)
        return max(self, other, key=order.index)


class VideoState(StrEnum):
    """Where a video stands at this node."""

    REMOTE = "remote"
    FETCHING = "fetching"
    COMPLETE = "complete"
    ERROR = "error"
