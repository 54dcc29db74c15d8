"""What a peer is told at its start."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..network import Blocked, Proxy


@dataclass(frozen=True)
class PeerSettings:
    """Settings of one overlay peer. Times in seconds; port 0 means any free port."""

    host: str = "127.0.0.1"
    port: int = 0
    name: str = ""
    key: bytes = bytes(32)  # the node's Ed25519 public key
    swarm_port: int = 0
    public_url: str = ""
    max_peers: int = 50
    hops: int = 3
    stabilize_interval: float = 5.0
    idle_timeout: float = 30.0  # an exchange in which nothing moves for so long is closed
    connect_timeout: float = 5.0
    probe_timeout: float = 5.0  # an answer to NAME, LIST, JOIN, HELO, PING, QUIT
    find_hop_timeout: float = 2.5  # a FIND may take this, once more for every hop that is left
    max_failures: int = 2  # consecutive failed pings after which a peer is dropped
    max_connections: int = 512  # exchanges served at a time
    max_connections_per_address: int = 256
    max_relays: int = 64  # searches passed on at a time; beyond, only local matches are answered
    max_responses: int = 20  # RESP messages sent for one QUER
    blocked: Blocked = field(default_factory=Blocked)
    proxy: Proxy | None = None  # all connections to others go through it
    anonymous: bool = False

    @property
    def unreachable(self) -> bool:
        """Whether nobody is told our address: it would be one around the proxy."""
        return self.proxy is not None

    @property
    def nameless(self) -> bool:
        """Whether others are not told our name and key."""
        return self.anonymous or self.proxy is not None
