"""At which trackers a torrent is announced."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any, cast
from urllib.parse import urlsplit

import libtorrent as lt

from ..network import ProxyKind
from .settings import SwarmSettings

_DEFAULT_PORTS = {"ws": 80, "wss": 443}
_WEBSOCKET = frozenset(_DEFAULT_PORTS)


def usable(urls: Iterable[str], settings: SwarmSettings) -> list[str]:
    """Those trackers that may be asked, each once.

    A WebSocket tracker is what brings WebRTC peers, who see our addresses, past any proxy: where
    we are to stay unseen there are none. UDP does not go through an HTTP proxy.
    """
    barred: frozenset[str] = _WEBSOCKET if settings.discreet else frozenset()
    if settings.proxy is not None and settings.proxy.kind is ProxyKind.HTTP:
        barred |= {"udp"}
    return [url for url in dict.fromkeys(urls) if _scheme(url) not in barred]


def websocket_ports(urls: Iterable[str]) -> set[int]:
    """The TCP ports of the WebSocket trackers among these."""
    ports = set()
    for url in urls:
        if _scheme(url) in _WEBSOCKET:
            with contextlib.suppress(ValueError):
                ports.add(urlsplit(url).port or _DEFAULT_PORTS[_scheme(url)])
    return ports


def announce_at(handle: lt.torrent_handle, urls: list[str]) -> None:
    """Announce a torrent at these trackers from now on, at new ones at once, at no others."""
    known = {str(tracker["url"]) for tracker in handle.trackers()}
    if known <= set(urls):
        # Those that stay are not announced to anew.
        for url in (url for url in urls if url not in known):
            handle.add_tracker({"url": url})
    else:
        handle.replace_trackers(cast(Any, [{"url": url} for url in urls]))


def _scheme(url: str) -> str:
    # Not a URL at all: libtorrent will say so, and WebSocket it is not.
    try:
        return urlsplit(url.strip()).scheme.lower()
    except ValueError:
        return ""
