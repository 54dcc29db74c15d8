"""Rate limits that can be changed while peers are connected."""

from __future__ import annotations

from typing import Any, cast

import libtorrent as lt

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


class Limits:
    """Moves the limits between two of libtorrent's peer classes.

    A connection keeps the classes that it got when it was made. So all are in the global class,
    those of the internet in one of ours as well, and the limits are set for either of the two.
    """

    def __init__(self, session: lt.session) -> None:
        self._session = session
        self._internet = session.create_peer_class("internet")

    def apply(self, *, upload: int, download: int, limit_lan: bool) -> None:
        """Limit the rates, in bytes/s; 0 = unlimited. All connections together share them.

        Peers of private networks are exempt unless `limit_lan`. They are then never choked,
        either; that part holds for new connections only.
        """
        limits = {"upload_limit": upload, "download_limit": download}
        everybody = limits if limit_lan else dict.fromkeys(limits, 0)
        self._change(self._session.global_peer_class_id, everybody)
        self._change(self._internet, limits)
        self._session.set_peer_class_filter(self._filter(limit_lan))

    def _change(self, peer_class: int, changes: dict[str, int]) -> None:
        # What is not given would be set to garbage.
        known: dict[str, Any] = dict(self._session.get_peer_class(peer_class))
        self._session.set_peer_class(peer_class, cast(Any, known | changes))

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
