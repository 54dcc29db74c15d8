"""The admin app, called without a socket."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from tests.web.fakes import TOKEN, FakeNode, a_video

from p2ptube.web.admin import create_admin_app


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
