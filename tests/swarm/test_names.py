"""Addresses of holders as endpoints."""

from __future__ import annotations

import pytest

from p2ptube.models import PeerAddress
from p2ptube.swarm.names import resolve


@pytest.mark.parametrize(
    ("written", "dialled"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("2001:DB8:0:0:0:0:0:01", "2001:db8::1"),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.1"),
        ("0:0:0:0:0:FFFF:C000:0201", "::ffff:192.0.2.1"),
    ],
)
async def test_an_address_is_known_by_one_text(written: str, dialled: str) -> None:
    assert await resolve(PeerAddress(written, 5), only_numeric=True) == [(dialled, 5)]


@pytest.mark.parametrize("port", [0, 65536])
async def test_a_port_that_cannot_be_is_not_dialled(port: int) -> None:
    assert await resolve(PeerAddress("127.0.0.1", port), only_numeric=True) == []


async def test_behind_a_proxy_no_name_is_looked_up() -> None:
    assert await resolve(PeerAddress("localhost", 5), only_numeric=True) == []
    assert ("127.0.0.1", 5) in await resolve(PeerAddress("localhost", 5), only_numeric=False)
