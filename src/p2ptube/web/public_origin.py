"""Pure: under which address strangers see this node, and from which one they come.

`Host` and `X-Forwarded-For` are what a stranger writes: neither is believed without a reason.
"""

from __future__ import annotations

import re

from ..tracker.addresses import Scope, household, pack, scope_of, unpack

_HOST = re.compile(
    r"(?:[a-z0-9_-]{1,63}(?:\.[a-z0-9_-]{1,63})*\.?|\[[0-9a-f:.]{2,45}\])(?::[0-9]{1,5})?",
    re.IGNORECASE,
)
_SOCKET_ORIGIN = re.compile(rf"(wss?://{_HOST.pattern})/\S*", re.IGNORECASE)
MAX_HOST = 260


def origin(scheme: str, host: str, server: tuple[str, int], public_url: str = "") -> str:
    """Return the origin for absolute links, such as `https://tube.example:5681`.

    `public_url` where it is set, else what the request calls us in `host` (its Host header), as
    long as that has the form of a host and port, else the address `server` that was connected to.
    """
    if public_url:
        return public_url
    if len(host) <= MAX_HOST and _HOST.fullmatch(host):
        return f"{scheme}://{host.lower()}"
    address, port = server
    return f"{scheme}://[{address}]:{port}" if ":" in address else f"{scheme}://{address}:{port}"


def socket_origin(web: str) -> str:
    """Return the same origin for WebSockets: ws for http, wss for https."""
    return "ws" + web.removeprefix("http")


def tracker_origin(url: str) -> str | None:
    """Return the origin of a WebSocket tracker; None for any other URL.

    The URL may come from a stranger's descriptor; the origin is safe to stand in a header.
    """
    found = _SOCKET_ORIGIN.fullmatch(url)
    return found[1].lower() if found else None


def client_address(peer: str, forwarded_for: str, *, behind_proxy: bool) -> str:
    """Return the address that a request comes from, for limits and for the tracker.

    `peer` is the other end of the connection, `forwarded_for` its X-Forwarded-For (empty: none).
    Only a reverse proxy is asked for the address of its client: where there is one
    (`behind_proxy`), on this machine or in a private network. Its word is the last entry, as what
    is before that may be what the client wrote.
    """
    if not behind_proxy or not forwarded_for or not is_near(peer):
        return peer
    last = pack(forwarded_for.rpartition(",")[2].strip().removeprefix("[").removesuffix("]"))
    return unpack(last) if last else peer


def is_near(address: str) -> bool:
    """Whether an IP address is of this machine or of a private network."""
    packed = pack(address)
    return packed is not None and scope_of(packed) is not Scope.GLOBAL


def is_loopback(address: str) -> bool:
    """Whether an IP address is of this machine."""
    packed = pack(address)
    return packed is not None and scope_of(packed) is Scope.MACHINE


def owner_of(address: str) -> bytes:
    """Whom limits per address count by; empty for what is no IP address."""
    packed = pack(address)
    return household(packed) if packed else b""
