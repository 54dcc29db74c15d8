"""The picture of the network."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from tests.clips import make_clip
from tests.nodes import acquainted, nodes
from tests.overlay.network import MemoryContent, found

from p2ptube.library import Library
from p2ptube.models import PeerAddress
from p2ptube.node import graph
from p2ptube.node.catalog import Catalog
from p2ptube.node.graph import Graph
from p2ptube.overlay.peer import Peer
from p2ptube.overlay.settings import PeerSettings


@pytest.fixture
async def catalog(tmp_path: Path) -> AsyncIterator[Catalog]:
    library = await Library.open(tmp_path / "library.sqlite")
    yield Catalog(library)
    await library.close()


@contextlib.asynccontextmanager
async def peers(count: int, max_peers: int = 50) -> AsyncIterator[list[Peer]]:
    """Peers that do not know each other."""
    async with contextlib.AsyncExitStack() as stack:
        started = []
        for number in range(count):
            settings = PeerSettings(
                name=f"peer {number}", max_peers=max_peers, stabilize_interval=1000
            )
            peer = Peer(settings, MemoryContent())
            await peer.start()
            stack.push_async_callback(peer.stop)
            started.append(peer)
        yield started


def graph_of(peer: Peer, catalog: Catalog) -> Graph:
    return Graph(peer, catalog, own_name=lambda: "me", own_videos=lambda: 7)


@pytest.fixture
def deaf() -> Iterator[PeerAddress]:
    """A port that accepts and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield PeerAddress("127.0.0.1", server.getsockname()[1])


async def test_alone(catalog: Catalog) -> None:
    async with peers(1) as (peer,):
        view = await graph_of(peer, catalog).view()
    (own,) = view.nodes
    assert (own.id, own.name, own.kind, own.videos) == (own.id, "me", "self", 7)
    assert view.links == ()


async def test_whom_our_peers_know_is_in_it(catalog: Catalog) -> None:
    async with peers(4) as (us, near, nearer, far):
        await us.add(near.address)
        await us.add(nearer.address)
        await near.add(nearer.address)
        await near.add(far.address)
        ids = [str(peer.address) for peer in (us, near, nearer, far)]
        catalog.heard(found("one", ids[1], ids[3]))
        catalog.heard(found("two", ids[1]))
        view = await graph_of(us, catalog).view()
    nodes = {node.id: node for node in view.nodes}
    assert set(nodes) == set(ids)
    assert [nodes[i].kind for i in ids] == ["self", "p2ptube", "p2ptube", "unknown"]
    assert [nodes[i].name for i in ids] == ["me", "peer 1", "peer 2", ""]
    assert [nodes[i].videos for i in ids] == [7, 2, 0, 1]
    expected = {frozenset(ids[i] for i in pair) for pair in ((0, 1), (0, 2), (1, 2), (1, 3))}
    assert {frozenset(link) for link in view.links} == expected
    assert len(view.links) == len(expected)


async def test_an_answer_is_reused_until_our_peers_change(
    catalog: Catalog, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph, "FRESH_SECONDS", 1000)
    async with peers(4) as (us, near, far, late):
        await us.add(near.address)
        asked = []
        ask = us.neighbours_of

        async def counted(address: PeerAddress) -> object:
            asked.append(address)
            return await ask(address)

        monkeypatch.setattr(us, "neighbours_of", counted)
        picture = graph_of(us, catalog)
        views = await asyncio.gather(*(picture.view() for _ in range(5)))
        assert len(asked) == 1
        assert all(view == views[0] for view in views)
        await near.add(far.address)
        assert str(far.address) not in {node.id for node in (await picture.view()).nodes}
        await us.add(late.address)
        assert str(far.address) in {node.id for node in (await picture.view()).nodes}


async def test_who_does_not_answer_holds_nobody_up(
    catalog: Catalog, deaf: PeerAddress, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(graph, "ASK_SECONDS", 0.3)
    async with peers(3) as (us, near, far):
        await us.add(near.address)
        await near.add(far.address)
        us.restore([deaf])
        view = await graph_of(us, catalog).view()
        expected = {str(deaf), str(near.address), str(far.address)}
    assert expected <= {node.id for node in view.nodes}


async def test_its_size_is_bounded(catalog: Catalog, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(graph, "MOST_NODES", 12)
    monkeypatch.setattr(graph, "MOST_LINKS", 15)
    async with peers(3, max_peers=100) as (us, near, nearer):
        await us.add(near.address)
        await us.add(nearer.address)
        for peer in (near, nearer):
            peer.restore(PeerAddress("192.0.2.1", port) for port in range(1, 60))
        view = await graph_of(us, catalog).view()
    assert len(view.nodes) == 12
    assert len(view.links) == 15
    assert {end for link in view.links for end in link} <= {node.id for node in view.nodes}


def test_over_http(tmp_path: Path) -> None:
    with nodes() as start:
        a = start(tmp_path / "a", "--name", "Alice")
        b = start(tmp_path / "b", "--name", "Bob", join=a.peer_id)
        acquainted(a, b)
        b.add(make_clip(tmp_path / "owl.mp4", seconds=2, faststart=True))
        a.find("owl")
        view = a.until(
            lambda: a.get("peers/graph"), lambda v: {n["name"] for n in v["nodes"]} >= {"Bob"}
        )
        kinds = {node["name"]: (node["kind"], node["videos"]) for node in view["nodes"]}
        assert kinds == {"Alice": ("self", 0), "Bob": ("p2ptube", 1)}
        assert view["links"] == [[a.peer_id, b.peer_id]]
