"""Connections of a swarm as plain data."""

from __future__ import annotations

from dataclasses import dataclass

import libtorrent as lt

# peer_info::utp_socket of libtorrent's C++ interface; its Python binding does not name it.
UTP_SOCKET = 1 << 17


@dataclass(frozen=True)
class PeerSnapshot:
    """A connection as last seen. Rates in bytes/s, totals in payload bytes."""

    address: str
    client: str
    transport: str
    progress: float
    download_rate: int
    upload_rate: int
    downloaded: int
    uploaded: int
    connected: bool = True


def address_text(endpoint: tuple[str, int]) -> str:
    """An endpoint of libtorrent as `host:port`."""
    host, port = endpoint
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def snapshot(info: lt.peer_info) -> PeerSnapshot:
    """What libtorrent tells of a connection, copied."""
    return PeerSnapshot(
        address=address_text(info.remote_endpoint()),
        client=info.client.decode(errors="replace")[:100],
        transport=_transport(info),
        progress=info.progress,
        download_rate=info.payload_down_speed,
        upload_rate=info.payload_up_speed,
        downloaded=info.total_download,
        uploaded=info.total_upload,
    )


def is_webrtc(info: lt.peer_info) -> bool:
    """Whether this is a WebRTC connection, which libtorrent does not say by itself.

    It is the one kind of peer without a source: every other has come to us, or a tracker, another
    peer, the DHT, or `Session.dial` named its address.
    """
    return int(info.source) == 0 and not _is_http(info)


def is_utp(info: lt.peer_info) -> bool:
    """Whether this is a uTP connection."""
    return bool(info.flags & UTP_SOCKET)


def _is_http(info: lt.peer_info) -> bool:
    return info.connection_type in {lt.peer_info.web_seed, lt.peer_info.http_seed}


def _transport(info: lt.peer_info) -> str:
    if _is_http(info):
        return "http"
    if is_webrtc(info):
        return "webrtc"
    return "utp" if is_utp(info) else "tcp"
