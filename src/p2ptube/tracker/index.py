"""Pure: what a tracker's index takes in. It keeps who holds which video, apart from the videos.

A node signs each publication with the key of its descriptors. The publication names the index that
it is for and the time by that index's clock, which grows from one to the next: none can be used
twice, nor elsewhere.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import msgspec

from ..errors import BadSignature, Conflict, InvalidInput, ProtocolViolation
from ..identity import Identity, verify
from ..models import (
    Count,
    Descriptor,
    Found,
    Hex40,
    Model,
    PeerAddress,
    ShortText,
    SignedDescriptor,
)
from .addresses import Scope, is_public_host, pack, scope_of, unpack

MAX_BODY = 1024 * 1024  # bytes of a publication as it is sent
MAX_HELD = 1000  # videos named in one publication
MAX_DESCRIBED = 100  # descriptors in one publication
MAX_RESULTS = 200  # videos in one answer to a search
MAX_HOLDERS = 50  # holders told of one video

RENEW = 15 * 60  # seconds between two renewals
EXPIRY = 3 * RENEW  # a holder that misses two renewals in a row is still listed
TAKEN_OUT = 30 * 24 * 3600  # seconds for which an unlisted video is kept out, at least
WINDOW = 5 * 60  # seconds that a publication may be off the index's clock

# So that a signature of something else, such as a descriptor, is none of a publication.
_SIGNED = b"p2ptube index publication\n"
_UNLISTED = "its publisher took it out of the index"

Hex32 = Annotated[str, msgspec.Meta(pattern=r"^[0-9a-f]{32}\Z")]
Key = Annotated[bytes, msgspec.Meta(min_length=32, max_length=32)]


class Limits(Model, frozen=True, kw_only=True):
    """How much an index keeps. A node is a key; an address is an IPv4 one, or an IPv6 /64."""

    held_per_node: int = 10_000
    held_per_address: int = 20_000
    held_in_all: int = 2_000_000
    nodes_per_address: int = 256
    bytes_per_address: int = 64 * 2**20  # of descriptors
    bytes_in_all: int = 2 * 2**30


class Held(Model, frozen=True, kw_only=True):
    """A video that a node holds, and which version of its descriptor it has."""

    id: Hex40
    key: Key
    sequence: Count


class Publication(Model, frozen=True, kw_only=True):
    """What a node tells an index. `at` is in Unix milliseconds by the clock of the index.

    `peer` and `swarm` are where the node listens, `host:port`. `hold` renews, or adds where the
    index knows the video; `describe` adds others; `withdraw` takes back, and `leave` everything.
    """

    version: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1
    index: Hex32
    at: Count
    peer: ShortText
    swarm: ShortText
    hold: Annotated[tuple[Held, ...], msgspec.Meta(max_length=MAX_HELD)] = ()
    describe: Annotated[tuple[SignedDescriptor, ...], msgspec.Meta(max_length=MAX_DESCRIBED)] = ()
    withdraw: Annotated[tuple[Hex40, ...], msgspec.Meta(max_length=MAX_HELD)] = ()
    leave: bool = False


class SignedPublication(Model, frozen=True, kw_only=True):
    """The envelope of a publication; as JSON its three parts are base64."""

    payload: Annotated[bytes, msgspec.Meta(max_length=MAX_BODY)]
    key: Key
    sig: Annotated[bytes, msgspec.Meta(min_length=64, max_length=64)]


class Receipt(Model, frozen=True, kw_only=True):
    """The answer to a publication. `wanted`: descriptors that the index lacks, to be sent.

    `refused` says in words why a video is not in the index.
    """

    wanted: Annotated[tuple[Hex40, ...], msgspec.Meta(max_length=MAX_HELD)] = ()
    refused: Annotated[dict[Hex40, ShortText], msgspec.Meta(max_length=2 * MAX_HELD)] = (
        msgspec.field(default_factory=dict)
    )


class IndexInfo(Model, frozen=True, kw_only=True):
    """What an index says of itself. `now` is its clock in Unix milliseconds; others are seconds."""

    version: Annotated[int, msgspec.Meta(ge=1, le=1)] = 1
    id: Hex32
    now: Count
    renew: Annotated[float, msgspec.Meta(ge=1, le=24 * 3600)] = RENEW
    videos: Count = 0
    holders: Count = 0


class Verdict(Enum):
    """What an index does with a descriptor."""

    ADD = "add"
    REPLACE = "replace"
    KEEP = "keep"  # the one that it has
    TAKE_OUT = "take out"


class Known(Model, frozen=True, kw_only=True):
    """The version of a descriptor that the index has. `unlisted`: only that it was taken out."""

    key: Key
    sequence: Count
    unlisted: bool


_RESULTS: msgspec.json.Decoder[tuple[Found, ...]] = msgspec.json.Decoder(
    Annotated[tuple[Found, ...], msgspec.Meta(max_length=MAX_RESULTS)]
)


def seal_publication(publication: Publication, identity: Identity) -> bytes:
    """The signed body to send."""
    payload = msgspec.json.encode(publication)
    signed = SignedPublication(
        payload=payload, key=identity.public_key, sig=identity.sign(_SIGNED + payload)
    )
    return msgspec.json.encode(signed)


def open_publication(body: bytes) -> tuple[bytes, Publication]:
    """Return who signed a publication, and what it says.

    Raises BadSignature, or ProtocolViolation where it is none. The signatures of the descriptors in
    it are still to be verified.
    """
    if len(body) > MAX_BODY:
        raise ProtocolViolation(f"a publication has at most {MAX_BODY} bytes")
    try:
        signed = msgspec.json.decode(body, type=SignedPublication)
        if not verify(signed.key, _SIGNED + signed.payload, signed.sig):
            raise BadSignature("the publication's signature does not match its key")
        return signed.key, msgspec.json.decode(signed.payload, type=Publication)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ProtocolViolation(f"not a publication: {error}") from error


def check_fresh(publication: Publication, index: str, before: int | None, now: float) -> None:
    """Refuse what was meant for another index or time. `before`: the node's last publication.

    Raises Conflict; who asks the index for its id and clock can mend it.
    """
    if publication.index != index:
        raise Conflict("the publication is for another index")
    if abs(publication.at / 1000 - now) > WINDOW:
        raise Conflict(f"the publication is more than {WINDOW} seconds off this index's clock")
    if before is not None and publication.at <= before:
        raise Conflict("the publication is not newer than the last one of its node")


def judge(descriptor: Descriptor, key: bytes, known: Known | None) -> Verdict:
    """What to do with a descriptor whose signature by `key` was verified.

    The first who describes a video keeps it: others who hold it are listed with his description,
    which changes with a higher sequence number of the same key. Raises InvalidInput where the video
    is not to be in the index.
    """
    newer = known is not None and key == known.key and descriptor.sequence > known.sequence
    if descriptor.unlisted:
        if newer:
            return Verdict.TAKE_OUT
        raise InvalidInput("an unlisted video is not for the index")
    if known is None:
        return Verdict.ADD
    if newer or (known.unlisted and key != known.key):
        return Verdict.REPLACE
    if known.unlisted:
        raise InvalidInput(_UNLISTED)
    return Verdict.KEEP


def wants(held: Held, known: Known | None) -> bool:
    """Whether the index asks for the descriptor that the holder has.

    Raises InvalidInput where the video is not to be in the index.
    """
    if known is None:
        return True
    if held.key != known.key:
        return known.unlisted
    if known.unlisted and held.sequence <= known.sequence:
        raise InvalidInput(_UNLISTED)
    return held.sequence > known.sequence


def holder_addresses(publication: Publication, source: bytes) -> tuple[str, tuple[str, ...]]:
    """Where the node that sent this from `source` is reached: its peer id, its swarm addresses.

    The host is where it sent from, whatever it says; save that a neighbour of the tracker, seen
    with a private address, may know better. From others, that would let them direct everybody who
    searches at a victim. Raises InvalidInput where it listens nowhere.
    """
    peer, swarm = _claimed(publication.peer, source), _claimed(publication.swarm, source)
    if peer is None:
        raise InvalidInput("peer: not an address of the form host:port")
    return str(peer), (str(swarm),) if swarm is not None else ()


def _claimed(text: str, source: bytes) -> PeerAddress | None:
    try:
        claim = PeerAddress.parse(text)
    except InvalidInput:
        return None
    if claim.port == 0:
        return None
    said = pack(claim.host)
    near = scope_of(source)
    if said is not None and near is not Scope.GLOBAL and is_host(said) and scope_of(said) <= near:
        return PeerAddress(unpack(said), claim.port)
    return PeerAddress(unpack(source), claim.port)


def is_host(address: bytes) -> bool:
    """Whether a host can have the address: it is no multicast address, nor a reserved one."""
    return is_public_host(address) or scope_of(address) is not Scope.GLOBAL


def leads_somewhere(address: str, *, neighbour: bool) -> bool:
    """Whether `host:port` is a number that is worth telling, or dialling.

    One that holds for its own machine alone is of use to a `neighbour` there only. From others, it
    would make us talk to services of our own machine.
    """
    try:
        host = pack(PeerAddress.parse(address).host)
    except InvalidInput:
        return False
    return host is not None and (neighbour or scope_of(host) is not Scope.MACHINE)


def parse_results(body: bytes) -> tuple[Found, ...]:
    """Parse an index's answer to a search; its signatures are still to be verified.

    Raises ProtocolViolation.
    """
    try:
        return _RESULTS.decode(body)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ProtocolViolation(f"not an answer to a search: {error}") from error
