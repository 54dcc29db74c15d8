"""A peer of the overlay's list, as the library keeps it and as it is shown."""

from __future__ import annotations

from msgspec import structs

from ..library import PeerRecord
from ..models import PeerAddress
from ..overlay.membership import Kind, KnownPeer
from .views import PeerView


def record_of(peer: KnownPeer) -> PeerRecord:
    """What is kept of a known peer for the next run."""
    return PeerRecord(
        id=peer.id,
        host=peer.address.host,
        port=peer.address.port,
        kind=peer.kind.value,
        name=peer.name,
        key=peer.key.hex(),
        swarm_port=peer.swarm_port,
        last_seen=peer.last_seen,
    )


def view_of(peer: KnownPeer) -> PeerView:
    """Show a known peer: what is kept of it, and how it is now."""
    kept = structs.asdict(record_of(peer))
    return PeerView(**kept, latency=peer.latency, alive=peer.failures == 0)


def known_of(record: PeerRecord) -> KnownPeer:
    """A peer of the last run."""
    return KnownPeer(
        id=record.id,
        address=PeerAddress(record.host, record.port),
        kind=Kind(record.kind),
        name=record.name,
        key=bytes.fromhex(record.key),
        swarm_port=record.swarm_port,
        last_seen=record.last_seen,
    )
