"""What the session and the overlay's peer are told of the node's configuration."""

from __future__ import annotations

from ..config import Config
from ..network import Blocked, Proxy
from ..overlay.settings import PeerSettings
from ..swarm import SwarmSettings

PROXY_SECONDS = 15.0  # until a proxy has connected us to a peer


def swarm_settings(config: Config, blocked: Blocked) -> SwarmSettings:
    """The settings of the libtorrent session."""
    return SwarmSettings(
        host=config.host,
        port=config.swarm_port,
        dht=config.dht,
        lan=config.lan,
        upload_limit=config.upload_limit,
        download_limit=config.download_limit,
        limit_lan=config.limit_lan,
        yielding=config.yielding,
        connections_per_address=config.connections_per_address,
        blocked=blocked,
        stun_server=config.stun_server,
        proxy=_proxy(config),
        anonymous=config.anonymous,
    )


def peer_settings(config: Config, blocked: Blocked, key: bytes, swarm_port: int) -> PeerSettings:
    """The settings of our peer in the overlay; `key` is the node's public one."""
    return PeerSettings(
        # With a proxy nobody is to find a way around it: only this machine gets in.
        host="127.0.0.1" if config.proxy else config.host,
        port=config.port,
        name=config.name,
        key=key,
        swarm_port=swarm_port,
        max_peers=config.max_peers,
        hops=config.hops,
        stabilize_interval=config.stabilize_interval,
        connect_timeout=PROXY_SECONDS if config.proxy else PeerSettings.connect_timeout,
        blocked=blocked,
        proxy=_proxy(config),
        anonymous=config.anonymous,
    )


def _proxy(config: Config) -> Proxy | None:
    return Proxy.parse(config.proxy) if config.proxy else None
