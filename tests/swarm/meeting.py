"""A tracker of ours on loopback, by which the sessions of the tests meet; also over WebRTC."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import ifaddr
import pytest

from p2ptube.config import load_config
from p2ptube.web.tracker_alone import running_tracker


@dataclass(frozen=True)
class Meeting:
    """Where the tracker is."""

    port: int

    @property
    def websocket(self) -> str:
        """The announce URL that brings WebRTC peers."""
        return f"ws://127.0.0.1:{self.port}/announce"

    @property
    def http(self) -> str:
        """The announce URL that brings addresses."""
        return f"http://127.0.0.1:{self.port}/announce"

    @property
    def udp(self) -> str:
        """The same by UDP."""
        return f"udp://127.0.0.1:{self.port}/announce"

    async def stats(self) -> dict[str, int]:
        """What the tracker counts."""
        async with httpx.AsyncClient() as client:
            answer = await client.get(f"http://127.0.0.1:{self.port}/stats")
        numbers: dict[str, int] = answer.json()
        return numbers


@contextlib.asynccontextmanager
async def meeting(directory: Path) -> AsyncIterator[Meeting]:
    """Run a tracker meanwhile."""
    async with running_tracker(load_config(data_dir=directory, host="127.0.0.1"), 0) as port:
        yield Meeting(port)


def own_addresses() -> set[str]:
    """This machine's addresses but loopback: WebRTC peers see each other by these."""
    ips = (ip.ip for adapter in ifaddr.get_adapters() for ip in adapter.ips)
    texts = {ip if isinstance(ip, str) else ip[0] for ip in ips}
    return {t for t in texts if not t.startswith(("127.", "fe80:", "169.254.")) and t != "::1"}


needs_a_network = pytest.mark.skipif(
    not own_addresses(), reason="WebRTC does not use loopback, and there is no other interface"
)
