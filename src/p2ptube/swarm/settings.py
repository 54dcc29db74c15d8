"""The settings of the libtorrent session, each with the reason why it is not the default."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import libtorrent as lt

from .. import __version__
from ..network import Blocked, Proxy, ProxyKind
from . import slots


@dataclass(frozen=True, kw_only=True)
class SwarmSettings:
    """What a node decides about its session. Rates in bytes per second, 0 = unlimited."""

    host: str
    port: int
    dht: bool
    lan: bool
    upload_limit: int = 0
    download_limit: int = 0
    limit_lan: bool = False
    yielding: bool = False  # whether uploads yield to what else the line carries
    connections_per_address: int = 50  # beyond, the newest that came to us are ended
    blocked: Blocked = field(default_factory=Blocked)
    stun_server: str = ""  # host:port, asked for our address as WebRTC peers see it; "": none is
    proxy: Proxy | None = None
    anonymous: bool = False

    @property
    def discreet(self) -> bool:
        """Whether nothing may show who or where we are; no WebRTC then, no DHT, no STUN."""
        return self.anonymous or self.proxy is not None


ALERTS = (
    lt.alert_category.error
    | lt.alert_category.status
    | lt.alert_category.storage
    | lt.alert_category.piece_progress
    | lt.alert_category.connect
    | lt.alert_category.peer  # who has connected to us, before he says what he wants
    | lt.alert_category.tracker
)
# Two for every block of 16 KiB: 50,000 a second in a fast fetch.
BLOCK_ALERTS = lt.alert_category.block_progress
ALERT_QUEUE = 20_000


def pack(settings: SwarmSettings) -> dict[str, Any]:
    """Return the settings pack for libtorrent."""
    internet = settings.dht and not settings.discreet
    return {
        "listen_interfaces": _listen(settings.host, settings.port),
        "user_agent": f"p2ptube/{__version__} libtorrent/{lt.__version__}",
        "alert_mask": ALERTS,
        "alert_queue_size": ALERT_QUEUE,
        "enable_dht": internet,
        # Asking a router for port mappings is of use only to who wants to be reached from outside.
        "enable_upnp": internet,
        "enable_natpmp": internet,
        "enable_lsd": settings.lan and not settings.discreet,
        "webtorrent_stun_server": "" if settings.discreet else settings.stun_server,
        "anonymous_mode": settings.discreet,
        **_proxy(settings.proxy),
        **_TUNING,
        **_SWARM_LIMITS,
    }


# While uploads yield they are sent in small portions, see limits.py. Else a connection has ready
# what it sends in 0.2 s: who asks for something else meanwhile gets that behind it.
SEND_BUFFER = {
    "send_buffer_watermark": 4 * 1024 * 1024,
    "send_buffer_low_watermark": 64 * 1024,
}
# How many blocks are asked of a peer in advance at most. As a rule as many as come in a second;
# but of who had nobody else to serve that was a lot, and once he has, it lasts for many.
REQUESTS = {"max_out_request_queue": 500}
CROWD_REQUESTS = {"max_out_request_queue": 16}
TICK = {"tick_interval": 50}
SHORT_TICK = {"tick_interval": 10}
# Measured: see docs/architecture.md, "Settings of the data plane".
_TUNING: dict[str, Any] = {
    # uTP is tried first where both are allowed, and moves a tenth of what TCP does on a fast path.
    "enable_outgoing_utp": False,
    "mixed_mode_algorithm": 0,
    # Dial all we know at once: a viewer is waiting.
    "smooth_connects": False,
    "connection_speed": 200,
    "torrent_connect_boost": 100,
    "request_queue_time": 1,
    **REQUESTS,
    **SEND_BUFFER,
    "send_buffer_watermark_factor": 20,
    # Else the first pieces are picked at random, whatever their deadlines.
    "initial_picker_threshold": 0,
    "allowed_fast_set_size": 0,
    # Peers are dialled, and quota of the rate limiter is handed out, once per tick: with the
    # default of 500 ms, the first byte comes after 0.5 s, and from a limited holder after 1.5 s.
    **TICK,
    # A quick peer would be asked for a run of pieces that follow each other, as many as it brings
    # in 20 s, whatever their priorities: all of a crowd got the same ones, and played none of them.
    "whole_pieces_threshold": 0,
    # In a crowd each has a lane of its own at the seed, see lanes.py: nobody's may be choked long.
    "unchoke_slots_limit": slots.USUAL,
    # With the default of 15 s, half of a crowd waits that long for its first turn at the origin.
    "unchoke_interval": 3,
    # Limits are for what is uploaded. Otherwise the confirmations of a fast download, of which each
    # counts 40 bytes, would use up a low limit of uploads, and requests would wait behind them.
    "rate_limit_ip_overhead": False,
    # What waits for the disk. The default of 100 MiB took the node over 250 MB in a fast fetch, and
    # halved its rate: blocks that leave the processor's caches before they are hashed cost more.
    "max_queued_disk_bytes": 16 * 1024 * 1024,
}

_SWARM_LIMITS: dict[str, Any] = {
    # Several viewers behind one address are several peers. Only safe as a pair: with the first
    # alone, libtorrent 2.1 crashes when two connections of one peer meet.
    "allow_multiple_connections_per_ip": True,
    "close_redundant_connections": False,
    # A holder that was restarted is dialled again soon.
    "min_reconnect_time": 2,
    "max_failcount": 20,
    "peer_connect_timeout": 7,
    # With the default of 5, of many viewers who come at once most have to try again a second later.
    "listen_queue_size": 128,
    # A node seeds everything it has; the queueing of other clients would pause most of it.
    "active_downloads": -1,
    "active_seeds": -1,
    "active_limit": -1,
    "announce_to_all_trackers": True,
    "announce_to_all_tiers": True,
    "stop_tracker_timeout": 1,
    # All connections; how many of them may be of one address is up to us, see guard.py.
    "connections_limit": 500,
    # An offer that nobody answers keeps a socket and a thread's attention that long. A stranger
    # who knows a tracker of ours can send us many of them.
    "webtorrent_connection_timeout": 30,
}


def _proxy(proxy: Proxy | None) -> dict[str, Any]:
    """Everything goes through the proxy, or nowhere; it also resolves the names."""
    if proxy is None:
        return {"proxy_type": lt.proxy_type_t.none}
    kinds = {
        (ProxyKind.SOCKS5, False): lt.proxy_type_t.socks5,
        (ProxyKind.SOCKS5, True): lt.proxy_type_t.socks5_pw,
        (ProxyKind.HTTP, False): lt.proxy_type_t.http,
        (ProxyKind.HTTP, True): lt.proxy_type_t.http_pw,
    }
    return {
        "proxy_type": kinds[proxy.kind, bool(proxy.user)],
        "proxy_hostname": proxy.host,
        "proxy_port": proxy.port,
        "proxy_username": proxy.user,
        "proxy_password": proxy.password,
        "proxy_hostnames": True,
        "proxy_peer_connections": True,
        "proxy_tracker_connections": True,
    }


def _listen(host: str, port: int) -> str:
    if host in {"0.0.0.0", "::", ""}:  # noqa: S104  asked for by the configuration
        return f"0.0.0.0:{port},[::]:{port}"
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
