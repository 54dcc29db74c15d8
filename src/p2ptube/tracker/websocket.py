"""Pure: the tracker's messages over WebSocket, as webtorrent and libtorrent speak them.

Each is a JSON object. Binary strings (info-hashes, peer ids, offer ids) are text whose characters
are the bytes, U+0000 to U+00FF. An announce brings WebRTC offers, which the tracker hands to other
peers of the swarm; their answers come back the same way.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

import msgspec

from ..errors import ProtocolViolation
from .announce import (
    HASH_BYTES,
    MAX_COUNT,
    MAX_SCRAPE,
    MIN_INTERVAL,
    WEBRTC_INTERVAL,
    Announce,
    AnnounceAnswer,
    Event,
    ScrapeCounts,
)

MAX_MESSAGE = 256 * 1024  # bytes
MAX_SDP = 16 * 1024  # characters; real ones have one to four thousand
MAX_OFFERS = 20  # of one announce; those beyond are left out

_EVENTS = {event.value: event for event in Event}
_Binary = Annotated[str, msgspec.Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]


class Description(msgspec.Struct, frozen=True, gc=False):
    """A WebRTC session description (RFC 8829)."""

    type: Literal["offer", "answer"]
    sdp: Annotated[str, msgspec.Meta(max_length=MAX_SDP)]


class Offer(msgspec.Struct, frozen=True, gc=False):
    """An offer, and the id by which its answer will name it."""

    offer: Description
    offer_id: _Binary


class WebRtcAnnounce(msgspec.Struct, frozen=True, gc=False):
    """An announce with its offers."""

    announce: Announce
    offers: list[Offer]


class Reply(msgspec.Struct, frozen=True, gc=False):
    """The answer of `peer_id` to an offer that `to_peer_id` made."""

    info_hash: bytes
    peer_id: bytes
    to_peer_id: bytes
    offer_id: str
    answer: Description


class Scrape(msgspec.Struct, frozen=True, gc=False):
    """A question for the counts of swarms."""

    info_hashes: tuple[bytes, ...]


class _Message(msgspec.Struct, gc=False):
    """What any message may have; all else is ignored."""

    action: Literal["announce", "scrape"]
    info_hash: str | list[str] | None = None
    peer_id: str | None = None
    left: float | None = None  # JavaScript's numbers; null is its Infinity
    event: str | None = None
    numwant: float | None = None
    offers: list[Offer] | None = None
    answer: Description | None = None
    to_peer_id: str | None = None
    offer_id: _Binary | None = None


class _Named(msgspec.Struct):
    action: str = "announce"
    info_hash: str | None = None


_message = msgspec.json.Decoder(_Message)
_named = msgspec.json.Decoder(_Named)
_encode = msgspec.json.Encoder().encode


def parse(text: str) -> WebRtcAnnounce | Reply | Scrape:
    """Parse a message. Raises ProtocolViolation."""
    try:
        message = _message.decode(text)
    except msgspec.DecodeError as error:
        raise ProtocolViolation(str(error)) from None
    except RecursionError:
        raise ProtocolViolation("nested too deep") from None
    if message.action == "scrape":
        return _scrape(message.info_hash)
    if not isinstance(message.info_hash, str):
        raise ProtocolViolation("info_hash is missing")
    info_hash = _binary(message.info_hash, "info_hash")
    peer_id = _binary(message.peer_id, "peer_id")
    if message.answer is not None:
        if message.offer_id is None or message.answer.type != "answer":
            raise ProtocolViolation("an answer names the offer_id that it answers")
        to_peer_id = _binary(message.to_peer_id, "to_peer_id")
        return Reply(info_hash, peer_id, to_peer_id, message.offer_id, message.answer)
    left, numwant = message.left, message.numwant
    offers = message.offers or []
    if any(each.offer.type != "offer" for each in offers):
        raise ProtocolViolation("an offer must be of type offer")
    announce = Announce(
        info_hash,
        peer_id,
        left=None if left is None or left < 0 else int(min(left, MAX_COUNT)),
        event=_EVENTS.get(message.event or "", Event.NONE),
        numwant=None if numwant is None or numwant < 0 else int(min(numwant, MAX_COUNT)),
    )
    return WebRtcAnnounce(announce, offers[:MAX_OFFERS])


def encode_announce(info_hash: bytes, answer: AnnounceAnswer) -> bytes:
    """Return the answer to an announce. Peers are not in it: they come by their offers."""
    return _encode(
        {
            "action": "announce",
            "info_hash": info_hash.decode("latin-1"),
            "interval": WEBRTC_INTERVAL,
            "min_interval": MIN_INTERVAL,
            "complete": answer.complete,
            "incomplete": answer.incomplete,
        }
    )


def encode_offer(info_hash: bytes, peer_id: bytes, offer: Offer) -> bytes:
    """Return an offer of `peer_id`, for another peer of the swarm."""
    return _encode(
        {
            "action": "announce",
            "info_hash": info_hash.decode("latin-1"),
            "peer_id": peer_id.decode("latin-1"),
            "offer_id": offer.offer_id,
            "offer": offer.offer,
        }
    )


def encode_reply(reply: Reply) -> bytes:
    """Return an answer, for the peer that made the offer."""
    return _encode(
        {
            "action": "announce",
            "info_hash": reply.info_hash.decode("latin-1"),
            "peer_id": reply.peer_id.decode("latin-1"),
            "offer_id": reply.offer_id,
            "answer": reply.answer,
        }
    )


def encode_scrape(counts: Mapping[bytes, ScrapeCounts]) -> bytes:
    """Return the answer to a scrape."""
    files = {info_hash.decode("latin-1"): each for info_hash, each in counts.items()}
    flags = {"min_request_interval": MIN_INTERVAL}
    return _encode({"action": "scrape", "files": files, "flags": flags})


def encode_failure(text: str, reason: str) -> bytes:
    """Return the refusal of the message `text`, with a reason in words.

    It names the info-hash where there is one, so that the peer knows which torrent is meant: its
    socket carries all of them.
    """
    fields = {"action": "announce", "failure reason": reason}
    try:
        named = _named.decode(text)
    except (msgspec.DecodeError, RecursionError):
        return _encode(fields)
    if named.action == "scrape":
        fields["action"] = "scrape"
    if named.info_hash is not None and len(named.info_hash) == HASH_BYTES:
        fields["info_hash"] = named.info_hash
    return _encode(fields)


def _binary(text: str | None, name: str) -> bytes:
    if text is None:
        raise ProtocolViolation(f"{name} is missing")
    if len(text) != HASH_BYTES:
        raise ProtocolViolation(f"{name} must have {HASH_BYTES} bytes")
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        raise ProtocolViolation(f"{name} is not a binary string") from None


def _scrape(asked: str | list[str] | None) -> Scrape:
    hashes = [asked] if isinstance(asked, str) else asked or []
    if not hashes:
        raise ProtocolViolation("info_hash is missing")
    if len(hashes) > MAX_SCRAPE:
        raise ProtocolViolation(f"more than {MAX_SCRAPE} info_hashes")
    return Scrape(tuple(dict.fromkeys(_binary(each, "info_hash") for each in hashes)))
