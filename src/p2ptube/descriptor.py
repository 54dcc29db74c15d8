"""Seal a descriptor into its signed envelope, and open an envelope that a peer sent."""

from __future__ import annotations

from typing import Any

import msgspec

from .errors import BadSignature, InvalidInput, ProtocolViolation
from .identity import Identity, verify
from .models import MAX_PAYLOAD, Descriptor, SignedDescriptor

_decode = msgspec.json.Decoder(Descriptor).decode


def seal(descriptor: Descriptor, identity: Identity) -> SignedDescriptor:
    """Sign `descriptor` with the node's key."""
    payload = msgspec.json.encode(descriptor)
    return SignedDescriptor(payload=payload, key=identity.public_key, sig=identity.sign(payload))


def open_envelope(envelope: SignedDescriptor) -> Descriptor:
    """Verify the signature and return the descriptor.

    Raises BadSignature, or ProtocolViolation where the payload is not a descriptor or names a
    file that is no plain file name.
    """
    if not verify(envelope.key, envelope.payload, envelope.sig):
        raise BadSignature("the descriptor's signature does not match its key")
    return parse_payload(envelope.payload)


def parse_payload(payload: bytes) -> Descriptor:
    """Parse a payload whose signature was verified before. Raises ProtocolViolation."""
    try:
        descriptor = _decode(payload)
    except (msgspec.DecodeError, UnicodeError, RecursionError) as error:
        raise ProtocolViolation(f"not a descriptor: {error}") from error
    for source in descriptor.sources:
        if not is_plain_file_name(source.file_name):
            raise ProtocolViolation("a source's file name is no plain file name")
    return descriptor


def amend(descriptor: Descriptor, changes: dict[str, Any]) -> Descriptor:
    """The next version of a descriptor, with some fields changed. Raises InvalidInput."""
    changed = msgspec.structs.replace(descriptor, sequence=descriptor.sequence + 1, **changes)
    try:
        # Built in Python, a struct is not checked against its bounds; from data it is.
        payload = msgspec.json.encode(changed)
        if len(payload) > MAX_PAYLOAD:
            raise InvalidInput("the descriptor is too long")
        return _decode(payload)
    except (msgspec.ValidationError, UnicodeError) as error:
        raise InvalidInput(str(error)) from error


def is_plain_file_name(name: str) -> bool:
    """Whether `name` names a file in a directory and nothing else (no path, no control)."""
    try:
        encoded = name.encode()
    except UnicodeEncodeError:  # lone surrogates: the bytes on the disk are no UTF-8
        return False
    return (
        0 < len(encoded) <= 255
        and name not in {".", ".."}
        and not any(c in "/\\" or ord(c) < 32 or ord(c) == 127 for c in name)
    )


def supersedes(new: SignedDescriptor, old: SignedDescriptor) -> bool:
    """Whether `new` may replace `old`: the same key signed it with a higher sequence number."""
    return (
        new.key == old.key
        and parse_payload(new.payload).sequence > parse_payload(old.payload).sequence
    )
