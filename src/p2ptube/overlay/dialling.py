"""One TCP connection to another peer: directly, or through the proxy; to nobody who is blocked."""

from __future__ import annotations

import asyncio
import socket

from python_socks import ProxyError
from python_socks.async_.asyncio import Proxy as SocketProxy

from ..errors import PeerUnreachable
from ..models import PeerAddress
from ..network import Blocked, Proxy

READ_BYTES = 256 * 1024


async def connect(
    address: PeerAddress, *, timeout: float, proxy: Proxy | None, blocked: Blocked
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Connect within `timeout` seconds. Raises PeerUnreachable."""
    try:
        async with asyncio.timeout(timeout):
            if blocked.covers(address.host):
                raise PeerUnreachable(f"{address} is blocked in the settings")
            if proxy is not None:
                return await _through(proxy, address)
            if blocked:
                return await _directly(address, blocked)
            return await asyncio.open_connection(address.host, address.port, limit=READ_BYTES)
    except (OSError, TimeoutError, UnicodeError, ValueError, ProxyError) as error:
        by = f" through {proxy}" if proxy else ""
        reason = str(error) or "no answer in time"
        raise PeerUnreachable(f"cannot connect to {address}{by}: {reason}") from error


async def _through(
    proxy: Proxy, address: PeerAddress
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    # Names are left to the proxy: who asks for an address here would be seen to ask.
    tunnel: socket.socket = await SocketProxy.from_url(proxy.url, rdns=True).connect(
        address.host, address.port
    )
    try:
        return await asyncio.open_connection(sock=tunnel, limit=READ_BYTES)
    except BaseException:
        tunnel.close()
        raise


async def _directly(
    address: PeerAddress, blocked: Blocked
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """Look a name up once: asked again, it could lead to an address that is blocked."""
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(address.host, address.port, type=socket.SOCK_STREAM)
    if any(blocked.covers(str(entry[4][0])) for entry in found):
        raise PeerUnreachable(f"{address} is blocked in the settings")
    problems: list[OSError] = []
    for family, kind, protocol, _, where in found:
        sock = socket.socket(family, kind, protocol)
        try:
            sock.setblocking(False)
            await loop.sock_connect(sock, where)
            return await asyncio.open_connection(sock=sock, limit=READ_BYTES)
        except BaseException as error:
            sock.close()
            if not isinstance(error, OSError):
                raise
            problems.append(error)
    raise problems[0]
