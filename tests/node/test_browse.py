"""Browsing (a search for nothing in particular), and what an open page is told of swarms."""

from __future__ import annotations

import contextlib
import json
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.clips import make_clip
from tests.interop.classic_client import ClassicPeer
from tests.node.checks import swarm_address
from tests.nodes import NodeProcess, acquainted, nodes
from tests.overlay.network import MemoryContent, found, network, title_of

EVENT_SECONDS = 20.0


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[NodeProcess, NodeProcess]]:
    """Two nodes that know each other, with two videos each."""
    folder = tmp_path_factory.mktemp("pair")
    with nodes() as start:
        a = start(folder / "a", "--name", "Alice", upload_limit=600_000)
        b = start(folder / "b", "--name", "Bob", join=a.peer_id)
        acquainted(a, b)
        for node, names in ((a, ("ant", "ape")), (b, ("bat", "bee"))):
            for name in names:
                long = name == "ape"
                node.add(
                    make_clip(
                        folder / f"{name}.mp4",
                        seconds=12 if long else 2,
                        bit_rate=2_000_000 if long else 300_000,
                        faststart=True,
                    )
                )
        yield a, b


def titles(videos: list[dict[str, Any]]) -> list[str]:
    return [video["file_name"].removesuffix(".mp4") for video in videos]


def test_browsing_gives_ours_newest_first_then_the_network(
    pair: tuple[NodeProcess, NodeProcess],
) -> None:
    a, b = pair
    found = titles(b.get("search", q="", timeout=5))
    assert found[:2] == ["bee", "bat"]
    assert sorted(found[2:]) == ["ant", "ape"]
    assert sorted(titles(a.get("search"))) == sorted(found)


def test_classic_peers_are_not_asked_for_nothing(
    pair: tuple[NodeProcess, NodeProcess], tmp_path: Path
) -> None:
    a, b = pair
    (tmp_path / "zebra.mp4").write_bytes(b"1")
    classic = ClassicPeer(tmp_path)
    try:
        a.post("peers", {"address": classic.id})
        for node in (a, b):
            assert "zebra" not in titles(node.get("search", q="", timeout=5))
        assert "zebra" in titles(a.get("search", q="zebra", timeout=5))
        asked = [payload.split()[1] for kind, payload in classic.log if kind == "QUER"]
        assert set(asked) == {"zebra"}
        a.delete(f"peers/{classic.id}")
    finally:
        classic.close()


# --- events ---------------------------------------------------------------------------------


def swarm_events(node: NodeProcess, video: str) -> Generator[dict[str, Any], None, None]:
    """What an open page is told of a video's swarm. The caller closes it."""
    deadline = time.monotonic() + EVENT_SECONDS
    with node.api.stream("GET", "events", timeout=EVENT_SECONDS) as answer:
        name = ""
        for line in answer.iter_lines():
            assert time.monotonic() < deadline, "no such event"
            if line.startswith("event:"):
                name = line.partition(":")[2].strip()
            elif line.startswith("data:"):
                data = json.loads(line[5:])
                if name == "ready":
                    yield {}
                elif name == "swarm" and data["id"] == video:
                    yield data


def test_pages_of_holder_and_viewer_see_the_swarm(pair: tuple[NodeProcess, NodeProcess]) -> None:
    a, b = pair
    video = next(v["id"] for v in a.get("videos") if v["file_name"] == "ape.mp4")
    b.find("ape")
    with (
        contextlib.closing(swarm_events(a, video)) as seen_by_a,
        contextlib.closing(swarm_events(b, video)) as seen_by_b,
    ):
        next(seen_by_a), next(seen_by_b)  # both listen
        b.post(f"videos/{video}/fetch")
        uploading = next(data for data in seen_by_a if data and data["upload_rate"] > 0)
        assert [peer["progress"] <= 1 for peer in uploading["peers"]] == [True]
        assert set(uploading["pieces"]) == {"1"}
        assert set(uploading["sources"]) == {-1}  # they were here before
        came = next(data for data in seen_by_b if max(data["sources"], default=-1) >= 0)
    assert len(came["sources"]) == len(came["pieces"])
    senders = {came["peers"][index]["address"] for index in came["sources"] if index >= 0}
    assert senders == {swarm_address(a)}
    b.complete(video)
    assert b.get(f"videos/{video}/swarm")["sources"].count(-1) < len(came["sources"])


# --- one answer must not take all the room --------------------------------------------------


async def test_browsing_takes_some_of_everybody() -> None:
    async with network() as net:
        asker = await net.peer()
        for name in "abc":
            content = MemoryContent()
            holder = await net.peer(content)
            content.videos = [found(f"{name}{n}", str(holder.address)) for n in range(9)]
            await asker.add(holder.address)
        each = [title_of(answer) async for answer in asker.find("", ttl=0, limit=2, most=100)]
        assert sorted(title[0] for title in each) == ["a", "a", "b", "b", "c", "c"]
        bounded = [answer async for answer in asker.find("", ttl=0, limit=2, most=5)]
        assert len(bounded) == 5
