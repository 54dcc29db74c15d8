"""From the address of a holder, which may be a name, to endpoints that can be dialled."""

from __future__ import annotations

import asyncio
import ipaddress
import socket

from ..models import PeerAddress

MOST_ENDPOINTS = 4  # of one name


async def resolve(address: PeerAddress, *, only_numeric: bool) -> list[tuple[str, int]]:
    """Look the address up; nothing where that fails.

    `only_numeric`: names are not looked up, since with a proxy that would be asked around it.
    """
    if not 0 < address.port < 65536:
        return []
    numeric = _numeric(address.host)
    if numeric is not None:
        return [(numeric, address.port)]  # without the detour over a thread
    flags = socket.AI_NUMERICHOST if only_numeric else 0
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=flags
        )
    except (OSError, UnicodeError):
        return []
    return [(str(entry[4][0]), address.port) for entry in found][:MOST_ENDPOINTS]


def _numeric(host: str) -> str | None:
    """An address as libtorrent writes it, since it is compared with what that tells of peers."""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    return None if "%" in host else socket.inet_ntop(family, address.packed)
