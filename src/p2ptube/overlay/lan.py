"""Peers of the local network find each other by DNS-SD over multicast DNS (RFC 6762, 6763)."""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence

from zeroconf import (
    Error,
    InterfaceChoice,
    IPVersion,
    NonUniqueNameException,
    ServiceStateChange,
    Zeroconf,
)
from zeroconf.asyncio import AsyncServiceBrowser, AsyncServiceInfo, AsyncZeroconf

from ..errors import InvalidInput
from ..models import PeerAddress
from ..tasks import cancel_all

log = logging.getLogger(__name__)

SERVICE = "_p2ptube._tcp.local."
RESOLVE_TIMEOUT = 3.0  # seconds


class LanDiscovery:
    """Announces our overlay port and key, and calls `on_found` with other peers' addresses.

    `on_found` runs in the event loop, and may get the same address again. `interfaces` are the
    addresses of the interfaces to use, all by default.
    """

    def __init__(
        self,
        address: PeerAddress,
        key: bytes,
        on_found: Callable[[PeerAddress], None],
        *,
        interfaces: Sequence[str] | None = None,
    ) -> None:
        self._address = address
        self._on_found = on_found
        self._interfaces = list(interfaces) if interfaces is not None else InterfaceChoice.All
        # The key is public; the random part tells two runs of one node apart.
        self._name = f"{key.hex()[:16]}-{secrets.token_hex(4)}.{SERVICE}"
        self._properties = {"key": key.hex(), "version": "1"}
        self._zeroconf: AsyncZeroconf | None = None
        self._browser: AsyncServiceBrowser | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> bool:
        """Announce and browse; return whether that works. Never raises for want of multicast."""
        try:
            self._zeroconf = AsyncZeroconf(interfaces=self._interfaces, ip_version=IPVersion.V4Only)
            await self._zeroconf.async_register_service(self._info())
            self._browser = AsyncServiceBrowser(
                self._zeroconf.zeroconf, [SERVICE], handlers=[self._changed]
            )
        except (OSError, Error, NonUniqueNameException, ValueError, RuntimeError) as error:
            log.warning("peers of the local network will not be found: %s", error)
            await self.stop()
            return False
        return True

    async def stop(self) -> None:
        """Take back the announcement and close the sockets."""
        await cancel_all(*self._tasks)
        browser, self._browser = self._browser, None
        zeroconf, self._zeroconf = self._zeroconf, None
        try:
            if browser is not None:
                await browser.async_cancel()
            if zeroconf is not None:
                await zeroconf.async_unregister_all_services()
                await zeroconf.async_close()
        except (OSError, Error, TimeoutError) as error:
            log.debug("multicast DNS did not end well: %s", error)

    def _info(self) -> AsyncServiceInfo:
        # The host name of mDNS is our own instance's, so that it clashes with nobody's.
        return AsyncServiceInfo(
            SERVICE,
            self._name,
            parsed_addresses=[self._address.host],
            port=self._address.port,
            properties=self._properties,
            server=f"{self._name.split('.')[0]}.local.",
        )

    def _changed(
        self,
        zeroconf: Zeroconf,
        service_type: str,
        name: str,
        state_change: ServiceStateChange,
    ) -> None:
        if state_change is ServiceStateChange.Removed or name == self._name:
            return
        task = asyncio.get_running_loop().create_task(self._resolve(zeroconf, name))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _resolve(self, zeroconf: Zeroconf, name: str) -> None:
        try:
            info = AsyncServiceInfo(SERVICE, name)
            if not await info.async_request(zeroconf, RESOLVE_TIMEOUT * 1000):
                return
            hosts = info.parsed_addresses(IPVersion.V4Only)
            if not hosts or not info.port:
                return
            # What multicast says is untrusted, like everything that comes from outside.
            address = PeerAddress.parse(f"{hosts[0]}:{info.port}")
        except (OSError, Error, InvalidInput, ValueError) as error:
            log.debug("cannot resolve %s: %s", name, error)
            return
        if address != self._address:
            self._on_found(address)
