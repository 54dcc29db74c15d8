"""The admin app, called without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from tests.tracker.indexing import clock, index
from tests.web.fakes import TOKEN, FakeNode, a_video
from tests.web.public_town import Town, a_town
from tests.web.tracking import Port, tracker_port

from p2ptube.web.admin import create_admin_app

__all__ = ["clock", "index"]


@pytest.fixture
def node(tmp_path: Path) -> FakeNode:
    fake = FakeNode(tmp_path)
    video = a_video()
    fake.known[video.id] = video
    return fake


@pytest.fixture
async def stranger(node: FakeNode) -> AsyncIterator[httpx.AsyncClient]:
    """A client with neither token nor cookie."""
    transport = httpx.ASGITransport(create_admin_app(node.as_node()))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:5680") as client:
        yield client


@pytest.fixture
async def client(stranger: httpx.AsyncClient) -> httpx.AsyncClient:
    """A client with the token."""
    stranger.headers["authorization"] = f"Bearer {TOKEN}"
    return stranger


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """A real node with a public web, and videos of every kind of visibility."""
    with a_town(tmp_path_factory.mktemp("public")) as found:
        yield found


@pytest.fixture
async def port() -> AsyncIterator[Port]:
    """A tracker at a public port."""
    async with tracker_port() as made:
        yield made
