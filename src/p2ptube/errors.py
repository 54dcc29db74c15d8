"""Every error the program raises on purpose, as one tree.

P2PTubeError
├── UserError                 the person (or program) that asked can mend it
│   ├── InvalidInput          400  malformed argument
│   ├── NotFound              404  no such video, job, peer
│   ├── Conflict              409  already there, or not in a state that allows it
│   └── MediaError            422  the file is not what we can share
│       ├── NotAVideo
│       ├── DamagedMedia
│       └── FileChanged       409  the shared file is no longer the one that was added
├── PeerFault                 the other side broke the protocol, or is not there
│   ├── ProtocolViolation     502  malformed or oversized message
│   ├── PeerRefused           502  the peer answered ERRO
│   ├── PeerUnreachable       504  cannot connect, closed early, or too slow
│   └── BadSignature          502  signature or hash does not match
├── NoHolder                  503  nobody who has the video can be reached now
├── Cancelled                 409  the user cancelled it
├── StorageError              507  disk full, no permission, library damaged
└── OurBug                    500  a state we promised would never be
"""

from __future__ import annotations


class P2PTubeError(Exception):
    """Base of all. `status` is the HTTP status that the web layer answers with."""

    status = 500
    title = "Internal error"


class UserError(P2PTubeError):
    """The request itself is at fault; repeating it unchanged will fail again."""

    status = 400
    title = "Bad request"


class InvalidInput(UserError):
    """A malformed argument."""

    title = "Invalid input"


class NotFound(UserError):
    """There is no such thing here."""

    status = 404
    title = "Not found"


class Conflict(UserError):
    """The thing is in a state that does not allow this."""

    status = 409
    title = "Conflict"


class MediaError(UserError):
    """The file cannot be shared as a video."""

    status = 422
    title = "Cannot use this file"


class NotAVideo(MediaError):
    """The file holds no video stream (text, audio only, an archive, empty)."""


class DamagedMedia(MediaError):
    """The file claims to be a video but is truncated or cannot be decoded."""


class FileChanged(MediaError):
    """A file that is shared in place was changed, moved or deleted."""

    status = 409
    title = "The file has changed"


class PeerFault(P2PTubeError):
    """The other side is at fault, or out of reach."""

    status = 502
    title = "Peer fault"


class ProtocolViolation(PeerFault):
    """A message that the protocol does not allow."""

    title = "Protocol violation"


class PeerRefused(PeerFault):
    """The peer answered ERRO; the message is its text."""

    title = "The peer refused"


class PeerUnreachable(PeerFault):
    """The peer cannot be connected to, closed early, or did not answer in time."""

    status = 504
    title = "Peer unreachable"


class BadSignature(PeerFault):
    """A signature or hash does not match what it stands for."""

    title = "Bad signature"


class NoHolder(P2PTubeError):
    """No holder of the video is reachable at the moment."""

    status = 503
    title = "No holder reachable"


class Cancelled(P2PTubeError):
    """The user cancelled the work."""

    status = 409
    title = "Cancelled"


class StorageError(P2PTubeError):
    """The disk is full, may not be written, or the library is damaged."""

    status = 507
    title = "Storage error"


class OurBug(P2PTubeError):
    """A state that the program promises never to reach."""
