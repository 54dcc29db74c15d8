"""Searches over several peers."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
from contextlib import aclosing

import pytest
from tests.overlay.network import (
    TIMEOUT,
    MemoryContent,
    Network,
    forged,
    found,
    network,
    title_of,
    until,
)

from p2ptube.errors import InvalidInput, PeerRefused
from p2ptube.models import Found, PeerAddress
from p2ptube.overlay import messages as m
from p2ptube.overlay import wire
from p2ptube.overlay.peer import Peer


async def search(peer: Peer, text: str, ttl: int = 3, limit: int = 100) -> list[Found]:
    async with asyncio.timeout(TIMEOUT), aclosing(peer.find(text, ttl=ttl, limit=limit)) as answers:
        return [answer async for answer in answers]


async def make(net: Network, titles: list[str]) -> list[tuple[Peer, MemoryContent]]:
    """Peers that each hold one video of the title, themselves its holder; "" holds none."""
    made = []
    for title in titles:
        content = MemoryContent()
        peer = await net.peer(content)
        if title:
            content.videos.append(found(title, str(peer.address)))
            content.files[f"{title}.mp4"] = title.encode()
        made.append((peer, content))
    return made


def titles(answers: list[Found]) -> list[str]:
    return sorted(title_of(a) for a in answers)


async def test_a_ring_answers_each_once_and_ends() -> None:
    async with network() as net:
        peers = await make(net, ["", "cat b", "cat c", "cat d", "cat e"])
        for (near, _), (far, _) in zip(peers, peers[1:] + peers[:1], strict=True):
            await near.add(far.address)
        answers = await search(peers[0][0], "cat")
        assert titles(answers) == ["cat b", "cat c", "cat d", "cat e"]
        assert all(len(content.finds) == 1 for _, content in peers[1:])
        assert peers[0][1].finds == []


async def test_ttl_bounds_how_far_a_search_goes() -> None:
    async with network() as net:
        peers = await make(net, ["", "cat b", "cat c", "cat d"])
        for (near, _), (far, _) in itertools.pairwise(peers):
            await near.add(far.address)
        assert titles(await search(peers[0][0], "cat", ttl=0)) == ["cat b"]
        assert titles(await search(peers[0][0], "cat", ttl=1)) == ["cat b", "cat c"]
        assert titles(await search(peers[0][0], "cat", ttl=10**9)) == ["cat b", "cat c", "cat d"]


async def test_holders_are_merged_and_come_with_an_address() -> None:
    async with network() as net:
        a, b, c = [await net.peer(content) for content in (MemoryContent() for _ in range(3))]
        contents = [MemoryContent(), MemoryContent()]
        b = await net.peer(contents[0], swarm_port=7001)
        c = await net.peer(contents[1], swarm_port=7002)
        contents[0].videos = [found("cat", str(b.address))]
        contents[1].videos = [found("cat", str(c.address), str(b.address))]
        await a.add(b.address)
        await a.add(c.address)
        answers = await search(a, "cat")
        holders = {h.peer: h.swarm for answer in answers for h in answer.holders}
        assert set(holders) == {str(b.address), str(c.address)}
        assert sum(len(answer.holders) for answer in answers) == 2
        assert holders[str(c.address)] == ("127.0.0.1:7002",)


async def test_limit_bounds_the_videos() -> None:
    async with network() as net:
        content = MemoryContent()
        a, b = await net.peer(), await net.peer(content)
        content.videos = [found(f"cat {n}", str(b.address)) for n in range(20)]
        await a.add(b.address)
        assert len(await search(a, "cat", limit=5)) == 5
        assert await search(a, "cat", limit=0) == []


class SilentPeer:
    """Takes FIND and says nothing; anything else is closed, as by a classic peer."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.left = asyncio.Event()  # the asker closed

    async def start(self, net: Network) -> PeerAddress:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        net.server(server)
        return PeerAddress("127.0.0.1", server.sockets[0].getsockname()[1])

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            if (await reader.readexactly(8))[:4] == b"FIND":
                self.asked.set()
                await reader.read()
                self.left.set()
        writer.close()


async def test_an_answer_comes_while_others_are_still_awaited() -> None:
    async with network() as net:
        (a, _), (b, _) = await make(net, ["", "cat b"])
        silent = SilentPeer()
        await a.add(b.address)
        a.restore([await silent.start(net)])
        async with aclosing(a.find("cat")) as answers:
            first = await asyncio.wait_for(anext(answers), TIMEOUT)
            assert title_of(first) == "cat b"
            await asyncio.wait_for(silent.asked.wait(), TIMEOUT)
            assert not silent.left.is_set()
        # Closing the search closes its connections.
        await asyncio.wait_for(silent.left.wait(), TIMEOUT)


async def test_a_peer_that_never_answers_does_not_hold_the_search_up() -> None:
    async with network() as net:
        content = MemoryContent()
        b = await net.peer(content)
        content.videos = [found("cat", str(b.address))]
        a = await net.peer(find_hop_timeout=0.5)
        await a.add(b.address)
        a.restore([await SilentPeer().start(net)])
        assert titles(await search(a, "cat", ttl=1)) == ["cat"]


async def test_a_query_id_is_answered_once() -> None:
    async with network() as net:
        (a, _), (b, _) = await make(net, ["", "cat"])
        payload = m.encode_json(m.Find(id="same", text="cat", ttl=1, limit=10))
        assert len(await a.connect_and_send(b.address, "FIND", payload)) == 1
        with pytest.raises(PeerRefused, match="Find: duplicate query"):
            await a.connect_and_send(b.address, "FIND", payload)


async def test_a_forged_descriptor_is_neither_shown_nor_passed_on() -> None:
    async with network() as net:
        (a, _), (b, _), (evil, evil_content) = await make(net, ["", "", ""])
        evil_content.videos = [forged("cat", "x:1"), found("cat behind it", "x:1")]
        await a.add(b.address)
        await b.add(evil.address)
        assert await search(a, "cat") == []
        assert await search(b, "cat") == []
        assert evil_content.finds == ["cat", "cat"]


async def test_a_peer_that_answers_without_end_is_cut_off() -> None:
    frame = wire.encode("REPL", m.encode_json(found("cat", "x:1")))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            if (await reader.readexactly(8))[:4] == b"FIND":
                while True:
                    writer.write(frame)
                    await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    async with network() as net:
        a = await net.peer()
        server = await asyncio.start_server(serve, "127.0.0.1", 0)
        net.server(server)
        a.restore([PeerAddress("127.0.0.1", server.sockets[0].getsockname()[1])])
        assert titles(await search(a, "cat", limit=10)) == ["cat"]


async def test_what_cannot_be_searched_for_is_said() -> None:
    async with network() as net:
        a = await net.peer()
        with pytest.raises(InvalidInput):
            await search(a, "x" * 501)
        with pytest.raises(InvalidInput):
            await a.search_classic("")
        assert await search(a, "") == []


async def test_the_asker_that_leaves_ends_the_relaying() -> None:
    async with network() as net:
        (b, _), (a, _) = await make(net, ["", ""])
        silent = SilentPeer()
        b.restore([await silent.start(net)])
        await a.add(b.address)
        searching = asyncio.create_task(search(a, "cat"))
        await asyncio.wait_for(silent.asked.wait(), TIMEOUT)
        searching.cancel()
        await asyncio.wait_for(silent.left.wait(), TIMEOUT)


async def test_a_classic_search_is_answered_by_resp() -> None:
    async with network() as net:
        (a, mine), (b, _) = await make(net, ["", "My Cat"])
        payload = m.encode_query(str(a.address), "cat", 0)
        assert await a.connect_and_send(b.address, "QUER", payload) == [b"Query ACK: cat"]
        await until(lambda: bool(mine.responses), mine.arrived)
        assert [(f.file_name, f.holder) for f in mine.responses] == [("My Cat.mp4", b.address)]


async def test_a_classic_flood_in_a_cycle_reaches_each_once_or_a_little_more() -> None:
    async with network() as net:
        peers = await make(net, ["", "", "", "", "Cat"])
        for near, _ in peers:
            for far, _ in peers:
                if near is not far:
                    await near.add(far.address)
        (a, mine), (b, _) = peers[0], peers[1]
        await a.connect_and_send(b.address, "QUER", m.encode_query(str(a.address), "cat", 5))
        await until(lambda: bool(mine.responses), mine.arrived)
        assert len(mine.responses) == 1
        assert peers[4][1].queries == ["cat"]
        assert mine.queries == []


async def test_responses_are_bounded() -> None:
    async with network() as net:
        (a, mine), _ = await make(net, ["", ""])
        names = {f"cat{n}.mp4": b"" for n in range(50)}
        b = await net.peer(MemoryContent(files=names), max_responses=7)
        await a.connect_and_send(b.address, "QUER", m.encode_query(str(a.address), "cat", 0))
        await until(lambda: len(mine.responses) == 7, mine.arrived)
        await b.stop()
        assert len(mine.responses) == 7


def test_find_is_small_on_the_wire() -> None:
    find = m.Find(id="a", text="cat", ttl=3, limit=100)
    assert json.loads(m.encode_json(find)) == {"id": "a", "text": "cat", "ttl": 3, "limit": 100}
