"""Nodes that fetch the same video at the same time learn of each other: real nodes."""

from __future__ import annotations

import socket
from functools import partial
from pathlib import Path

from tests.clips import make_large_mp4
from tests.node.in_process import running, until
from tests.nodes import NodeProcess, acquainted, nodes
from tests.swarm.swarming import make_film, peer

from p2ptube.models import Holder
from p2ptube.node.catalog import Remote
from p2ptube.overlay import messages as m
from p2ptube.overlay import wire

SIZE = 6_000_000
SLOW = 100_000  # bytes/s: for as long as it is looked who fetches


def announce(node: NodeProcess, payload: bytes) -> wire.Frame:
    """What a node answers to ANNO."""
    host, port = node.peer_id.rsplit(":", 1)
    decoder = wire.FrameDecoder()
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(wire.encode(m.ANNOUNCE, payload))
        while (frame := decoder.next_frame()) is None:
            data = connection.recv(65536)
            assert data, "closed without an answer"
            decoder.feed(data)
    return frame


STRANGER = "192.0.2.9:5678"


def stranger(video_id: str, *, stopped: bool = True, lane: bool = True) -> bytes:
    """Of one who leaves at once, and only asks so who is there."""
    message = m.Announce(info_hash=video_id, peer=STRANGER, port=9, stopped=stopped, lane=lane)
    return m.encode_json(message)


def leechers(node: NodeProcess, video_id: str) -> set[str]:
    answer = m.decode_announced(announce(node, stranger(video_id)).payload)
    return {leecher.peer for leecher in answer.leechers}


def test_who_fetches_at_the_same_time_knows_of_each_other(tmp_path: Path) -> None:
    with nodes() as start:
        origin = start(tmp_path / "A")
        join = ("--join", origin.peer_id)
        viewers = [start(tmp_path / name, *join, upload_limit=None) for name in "BC"]
        for viewer in viewers:
            viewer.patch("settings", {"download_limit": SLOW, "limit_lan": True})
        acquainted(origin, *viewers)
        added = origin.add(make_large_mp4(tmp_path / "film.mp4", SIZE))
        video_id = added["id"]
        for viewer in viewers:
            viewer.find("film")
            viewer.post(f"videos/{video_id}/fetch", {})
        both = {viewer.peer_id for viewer in viewers}

        origin.until(lambda: leechers(origin, video_id), lambda known: known == both)
        for viewer in viewers:
            look = partial(leechers, viewer, video_id)
            origin.until(look, lambda known: known == both)

        answer = m.decode_announced(announce(origin, stranger(video_id)).payload)
        assert answer.complete
        assert len(answer.ages) == len(answer.leechers)
        assert answer.lanes == (True, True)
        for viewer in viewers:
            viewer.patch("settings", {"download_limit": 0})
        for viewer in viewers:
            viewer.complete(video_id)
        origin.until(lambda: leechers(origin, video_id), lambda known: known == set())


async def test_who_leaves_his_lane_tells_all(tmp_path: Path) -> None:
    film = make_film(tmp_path / "film.mp4", SIZE)
    async with (
        peer(upload_limit=SLOW) as origin,
        running(tmp_path / "A") as one,
        running(tmp_path / "B") as other,
    ):
        origin.session.seed(film.hashed.info, film.path)
        ids = [node.view().peer_id for node in (one, other)]
        for node, known in ((one, ids[1]), (other, ids[0])):
            holder = Holder(peer=known, swarm=(str(origin.address),))
            node._catalog.learn(Remote(film.id, holders={known: holder}, info=film.hashed.info))
            await node.fetch(film.id)

        def lanes() -> tuple[bool, ...]:
            asks = m.decode_announce(stranger(film.id))
            return other._announcing.take(asks, "127.0.0.1").lanes

        await until(lambda: lanes() == (True, True))
        torrent = one._session.get(film.id)
        assert torrent is not None
        torrent.scheduling.on_behind()
        await until(lambda: sorted(lanes()) == [False, True])
        told = one._announcing._fetches[film.id].tasks
        await until(lambda: not told)
        torrent.scheduling.on_behind()
        assert not told  # once is enough


def test_bad_announces_are_refused(tmp_path: Path) -> None:
    with nodes() as start:
        node = start(tmp_path / "A")

        for payload in (b"", b"{}", stranger("0" * 40).replace(b'"port":9', b'"port":0')):
            answer = announce(node, payload)
            assert (answer.type, answer.payload.decode()) == (wire.ERROR, m.ANNOUNCE_MALFORMED)
        answer = announce(node, stranger("0" * 40))
        assert (answer.type, answer.payload.decode()) == (wire.ERROR, m.ANNOUNCE_UNKNOWN)
