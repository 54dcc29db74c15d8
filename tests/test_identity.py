from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from p2ptube.errors import StorageError
from p2ptube.identity import SEED_BYTES, Identity, verify

SEEDS = st.binary(min_size=SEED_BYTES, max_size=SEED_BYTES)


def test_a_new_key_is_private_and_stays(tmp_path: Path) -> None:
    path = tmp_path / "new" / "identity.key"
    before = os.umask(0)
    try:
        made = Identity.load_or_create(path)
    finally:
        os.umask(before)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = path.read_bytes()
    again = Identity.load_or_create(path)
    assert again.public_key == made.public_key
    assert path.read_bytes() == content
    assert [entry.name for entry in path.parent.iterdir()] == ["identity.key"]


def test_two_nodes_have_two_keys(tmp_path: Path) -> None:
    keys = {Identity.load_or_create(tmp_path / name).public_key for name in ("a.key", "b.key")}
    assert len(keys) == 2


@pytest.mark.parametrize("content", [b"", b"short", bytes(31), bytes(33)])
def test_a_damaged_key_is_told_and_kept(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "identity.key"
    path.write_bytes(content)
    with pytest.raises(StorageError, match=r"identity\.key"):
        Identity.load_or_create(path)
    assert path.read_bytes() == content


def test_what_cannot_be_a_file_is_told(tmp_path: Path) -> None:
    (tmp_path / "directory").mkdir()
    (tmp_path / "file").touch()
    for path in (tmp_path / "directory", tmp_path / "file" / "identity.key"):
        with pytest.raises(StorageError):
            Identity.load_or_create(path)


def test_a_disk_that_fails_leaves_no_half_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: int) -> None:
        raise OSError(28, "No space left on device")

    path = tmp_path / "identity.key"
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(StorageError, match="No space"):
            Identity.load_or_create(path)
    assert not path.exists()
    # What the failure left aside is no hindrance.
    Identity.load_or_create(path)
    assert len(path.read_bytes()) == SEED_BYTES


@given(SEEDS, st.binary())
def test_a_signature_is_of_this_message_and_key(seed: bytes, message: bytes) -> None:
    identity = Identity(seed)
    signature = identity.sign(message)
    assert verify(identity.public_key, message, signature)
    assert not verify(identity.public_key, message + b"x", signature)
    assert not verify(Identity(bytes(b ^ 1 for b in seed)).public_key, message, signature)


@given(st.binary(max_size=80), st.binary(max_size=80), st.binary(max_size=80))
def test_garbage_verifies_as_false(key: bytes, message: bytes, signature: bytes) -> None:
    assert verify(key, message, signature) is False


def test_the_signatures_are_ed25519() -> None:
    """The first test vector of RFC 8032, section 7.1."""
    seed = "9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60"
    public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"
    identity = Identity(bytes.fromhex(seed))
    assert identity.public_key.hex() == public
    assert identity.sign(b"").hex() == (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e06522490155"
        "5fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
    )
