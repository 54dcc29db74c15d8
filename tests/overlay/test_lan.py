"""Discovery by multicast DNS, on the loopback interface only."""

from __future__ import annotations

import asyncio
import logging

import pytest
from tests.overlay.network import TIMEOUT, until

from p2ptube.models import PeerAddress
from p2ptube.overlay import lan
from p2ptube.overlay.lan import LanDiscovery

LOOPBACK = ["127.0.0.1"]


async def test_two_peers_find_each_other_and_not_themselves() -> None:
    a, b = PeerAddress("127.0.0.1", 41001), PeerAddress("127.0.0.1", 41002)
    found_by_a: set[PeerAddress] = set()
    found_by_b: set[PeerAddress] = set()
    changed = asyncio.Event()

    def note(where: set[PeerAddress], address: PeerAddress) -> None:
        where.add(address)
        changed.set()

    first = LanDiscovery(a, bytes(32), lambda p: note(found_by_a, p), interfaces=LOOPBACK)
    second = LanDiscovery(b, bytes(32), lambda p: note(found_by_b, p), interfaces=LOOPBACK)
    try:
        started = await asyncio.wait_for(asyncio.gather(first.start(), second.start()), TIMEOUT)
        assert all(started)
        await until(lambda: b in found_by_a and a in found_by_b, changed)
        assert a not in found_by_a
        assert b not in found_by_b
    finally:
        await first.stop()
        await second.stop()


async def test_without_multicast_a_warning_is_logged_and_nothing_else_happens(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(**_: object) -> None:
        raise OSError("no multicast here")

    monkeypatch.setattr(lan, "AsyncZeroconf", refuse)
    discovery = LanDiscovery(PeerAddress("127.0.0.1", 1), bytes(32), lambda _: None)
    with caplog.at_level(logging.WARNING):
        assert not await discovery.start()
    assert "no multicast here" in caplog.text
    await discovery.stop()
