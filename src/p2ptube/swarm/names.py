"""From the address of a holder, which may be a name, to endpoints that can be dialled."""

from __future__ import annotations

import asyncio
import socket

from ..models import PeerAddress

MOST_ENDPOINTS = 4  # of one name


async def resolve(address: PeerAddress, *, only_numeric: bool) -> list[tuple[str, int]]:
    """Look the address up; nothing where that fails.

    `only_numeric`: names are not looked up, since with a proxy that would be asked around it.
    """
    if not 0 < address.port < 65536:
        return []
    flags = socket.AI_NUMERICHOST if only_numeric else 0
    try:
        found = await asyncio.get_running_loop().getaddrinfo(
            address.host, address.port, type=socket.SOCK_STREAM, flags=flags
        )
    except (OSError, UnicodeError):
        return []
    return [(str(entry[4][0]), address.port) for entry in found][:MOST_ENDPOINTS]
