"""Nodes and files that the tests of the HTTP API share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.clips import make_clip
from tests.nodes import NodeProcess, nodes
from tests.static_web import served


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("api")


@pytest.fixture(scope="module")
def a(folder: Path) -> Iterator[NodeProcess]:
    with nodes() as start:
        yield start(folder / "a", "--name", "Alice")


@pytest.fixture(scope="module")
def b(folder: Path, a: NodeProcess) -> Iterator[NodeProcess]:
    with nodes() as start:
        yield start(folder / "b", join=a.peer_id, P2PTUBE_DOWNLOAD_LIMIT="250000")


@pytest.fixture(scope="module")
def fox(folder: Path) -> Path:
    """A clip that is shared in place."""
    path = folder / "red fox.mp4"
    return make_clip(path, seconds=4, size=(320, 180), title="Red Fox", faststart=True)


@pytest.fixture(scope="module")
def large(folder: Path) -> Path:
    """A clip that takes seconds to fetch."""
    path = folder / "large.mp4"
    return make_clip(path, seconds=15, size=(480, 270), bit_rate=500_000, faststart=True)


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A directory that an HTTP server of this machine serves, and its URL."""
    with served(tmp_path) as url:
        yield tmp_path, url
