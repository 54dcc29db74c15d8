"""The key of the node: Ed25519 (RFC 8032). It signs descriptors; it never leaves the machine."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from .errors import StorageError

SEED_BYTES = 32


class Identity:
    """A private key and what it can do."""

    def __init__(self, seed: bytes) -> None:
        self._private = Ed25519PrivateKey.from_private_bytes(seed)
        self.public_key: bytes = self._private.public_key().public_bytes_raw()

    @classmethod
    def load_or_create(cls, path: Path) -> Identity:
        """Read the 32-byte seed from `path`, or create it there with mode 0600.

        Raises StorageError where the file cannot be read or written, or is not a seed.
        """
        try:
            if path.exists():
                seed = path.read_bytes()
            else:
                seed = os.urandom(SEED_BYTES)
                _write_private(path, seed)
            return cls(seed)
        except (OSError, ValueError) as error:
            raise StorageError(f"cannot use the key file {path}: {error}") from error

    def sign(self, message: bytes) -> bytes:
        """Return the 64-byte signature of `message`."""
        return self._private.sign(message)


def verify(key: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` (64 bytes) over `message` was made with public `key` (32 bytes)."""
    try:
        Ed25519PublicKey.from_public_bytes(key).verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _write_private(path: Path, data: bytes) -> None:
    # Written aside and renamed, so that a crash leaves either no key or a whole one.
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".new")
    aside.unlink(missing_ok=True)
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(path)
