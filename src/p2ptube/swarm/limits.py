"""Rate limits that can be changed while peers are connected."""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv6Address, ip_address, summarize_address_range
from typing import Any, cast

import libtorrent as lt

from .settings import CROWD_REQUESTS, REQUESTS, SEND_BUFFER, SHORT_TICK, TICK
from .slots import USUAL

_EVERYBODY = (
    ("0.0.0.0", "255.255.255.255"),  # noqa: S104  a range, not a bind
    ("::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
)
_PRIVATE = (
    ("10.0.0.0", "10.255.255.255"),
    ("127.0.0.0", "127.255.255.255"),
    ("169.254.0.0", "169.254.255.255"),
    ("172.16.0.0", "172.31.255.255"),
    ("192.168.0.0", "192.168.255.255"),
    ("::1", "::1"),
    ("fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
    ("fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff"),
)
_PRIVATE_NETWORKS = [
    network
    for first, last in _PRIVATE
    for network in summarize_address_range(ip_address(first), ip_address(last))
]


@lru_cache(maxsize=1000)
def is_private(host: str) -> bool:
    """Whether an address is one of a local network, where limits hold only if asked for."""
    address = ip_address(host.partition("%")[0])
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        address = address.ipv4_mapped
    return any(address in network for network in _PRIVATE_NETWORKS)


def lower(limit: int, other: int) -> int:
    """The lower one of two limits, of which 0 is none."""
    return min(limit, other) if limit and other else limit or other


class Limits:
    """Moves the limits between two of libtorrent's peer classes.

    A connection keeps the classes that it got when it was made. So all are in the global class,
    those of the internet in one of ours as well, and the limits are set for either of the two.
    """

    def __init__(self, session: lt.session) -> None:
        self._session = session
        self._internet = session.create_peer_class("internet")
        # What is not given when a class is changed would be set to garbage.
        self._known: dict[int, dict[str, Any]] = {
            peer_class: dict(session.get_peer_class(peer_class))
            for peer_class in (session.global_peer_class_id, self._internet)
        }
        self._upload = self._download = self._automatic = 0
        self._slots = USUAL
        self._in_crowd = False
        self.limit_lan = False

    def apply(self, *, upload: int, download: int, limit_lan: bool) -> None:
        """Limit the rates, in bytes/s; 0 = unlimited. All connections together share them.

        Peers of private networks are exempt unless `limit_lan`. They are then never choked,
        either; that part holds for new connections only.
        """
        self._upload, self._download, self.limit_lan = upload, download, limit_lan
        self._change()
        self._session.set_peer_class_filter(self._filter(limit_lan))

    def yield_to(self, automatic: int) -> None:
        """Upload no more than `automatic` bytes/s, either; 0 = what `apply` says, alone."""
        self._automatic = automatic
        self._change()

    def have_ready(self, portion: int) -> None:
        """Let each connection have so many bytes ready to be sent; 0 = as many as usual."""
        portions = dict.fromkeys(SEND_BUFFER, portion) | SHORT_TICK
        settings = portions if portion else SEND_BUFFER | TICK
        self._session.apply_settings(cast(Any, settings))

    def serve(self, slots: int) -> None:
        """Upload to so many peers at the same time."""
        if slots != self._slots:
            self._slots = slots
            self._session.apply_settings(cast(Any, {"unchoke_slots_limit": slots}))

    def ask(self, *, in_crowd: bool) -> None:
        """Ask each peer for fewer blocks in advance where many come and go."""
        if in_crowd != self._in_crowd:
            self._in_crowd = in_crowd
            settings = CROWD_REQUESTS if in_crowd else REQUESTS
            self._session.apply_settings(cast(Any, settings))

    @property
    def upload(self) -> int:
        """The limit of uploads that holds, in bytes/s; 0 = unlimited."""
        return lower(self._upload, self._automatic)

    @property
    def download(self) -> int:
        """The limit of downloads, in bytes/s; 0 = unlimited."""
        return self._download

    def _change(self) -> None:
        limits = {"upload_limit": self.upload, "download_limit": self._download}
        everybody = limits if self.limit_lan else dict.fromkeys(limits, 0)
        changes = {self._session.global_peer_class_id: everybody, self._internet: limits}
        for peer_class, change in changes.items():
            known = self._known[peer_class]
            if known.items() >= change.items():
                continue
            known |= change
            self._session.set_peer_class(peer_class, cast(Any, known))

    def _filter(self, limit_lan: bool) -> lt.ip_filter:
        everybody = 1 << self._session.global_peer_class_id
        internet = everybody | 1 << self._internet
        # libtorrent's class of local peers is the one that is never choked.
        local = everybody if limit_lan else everybody | 1 << self._session.local_peer_class_id
        result = lt.ip_filter()
        for start, end in _EVERYBODY:
            result.add_rule(start, end, internet)
        for start, end in _PRIVATE:
            result.add_rule(start, end, local)
        return result
