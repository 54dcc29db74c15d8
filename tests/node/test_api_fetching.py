"""The HTTP API of a real node: fetching by id, magnet link and torrent; keeping and stopping."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import libtorrent as lt
import pytest
from tests.clips import make_clip
from tests.node.checks import assert_is_nothing, job_over, problem, sha256
from tests.nodes import NodeProcess, nodes


def test_fetch_keep_and_stop(a: NodeProcess, b: NodeProcess, large: Path) -> None:
    video = a.add(large)
    path = f"videos/{video['id']}"
    b.find("large")
    begun = b.post(f"{path}/fetch", {"keep": False})
    assert (begun["state"], begun["keep"]) == ("fetching", False)
    swarm = b.until(lambda: b.get(f"{path}/swarm"), lambda s: "1" in s["pieces"])
    assert {"piece_length", "pieces", "playheads", "download_rate", "peers"} <= set(swarm)
    assert swarm["peers"][0]["transport"] == "tcp"
    kept = b.post(f"{path}/fetch", {"keep": True})
    assert kept["keep"] is True
    problem(b.api.post(f"{path}/fetch", json={"keep": 5}), 422)
    stopped = b.delete(f"{path}/fetch")
    assert stopped["state"] == "remote"
    assert_is_nothing(b.data_dir / "videos" / video["id"])


def test_what_is_not_kept_is_gone_after_a_restart(
    a: NodeProcess, folder: Path, fox: Path, large: Path
) -> None:
    kept, unkept = a.add(fox)["id"], a.add(large)["id"]
    with nodes() as start:
        d = start(folder / "d", join=a.peer_id)
        for video_id, text, keep in ((kept, "fox", True), (unkept, "large", False)):
            assert d.find(text)["id"] == video_id
            d.post(f"videos/{video_id}/fetch", {"keep": keep})
            d.complete(video_id)
        d.stop()
        d.start()
        assert [video["id"] for video in d.get("videos")] == [kept]
        assert sha256(d.stream(kept).content) == sha256(fox.read_bytes())
        assert [entry.name for entry in (d.data_dir / "videos").iterdir()] == [kept]


def test_magnet_link_and_torrent_file(
    a: NodeProcess, folder: Path, web: tuple[Path, str], fox: Path, large: Path
) -> None:
    """From a magnet link or a torrent alone, with the overlay as the only way to holders."""
    directory, url = web
    fox_id, video = a.add(fox)["id"], a.add(large)
    torrent = directory / "large.torrent"
    write_torrent(Path(video["path"]), torrent)
    with nodes() as start:
        e = start(folder / "e", join=a.peer_id)
        resolved = e.post("videos/resolve", {"target": a.get(f"videos/{fox_id}")["magnet"]})
        assert (resolved["id"], resolved["state"]) == (fox_id, "remote")
        assert resolved["duration"] == pytest.approx(4, abs=0.2)  # from the descriptor
        e.post(f"videos/{fox_id}/fetch")
        assert e.complete(fox_id)["sha256"] == sha256(fox.read_bytes())

        for target in (str(torrent), f"{url}/large.torrent", video["id"].upper()):
            assert e.post("videos/resolve", {"target": target})["id"] == video["id"]
        fetched = job_over(e, e.post("videos", {"url": f"{url}/large.torrent"}))
        assert (fetched["kind"], fetched["state"]) == ("fetch", "done")
        assert e.complete(video["id"])["sha256"] == video["sha256"]
        e.delete(f"videos/{video['id']}", delete_file=True)
        magnet = e.post("videos", {"url": video["magnet"]})
        assert job_over(e, magnet)["video"] == video["id"]
        e.complete(video["id"])
        (directory / "no.torrent").write_bytes(b"d4:infoi5ee")
        problem(e.api.post("videos/resolve", json={"target": f"{url}/no.torrent"}), 400)
        problem(e.api.post("videos/resolve", json={"target": f"{url}/missing.torrent"}), 504)


def test_a_torrent_that_nobody_described(
    a: NodeProcess, b: NodeProcess, folder: Path, tmp_path: Path
) -> None:
    """A magnet link with the address of a plain BitTorrent client, which no peer knows."""
    path = make_clip(tmp_path / "plain.mp4", seconds=4, size=(320, 180), faststart=True)
    torrent = write_torrent(path, tmp_path / "plain.torrent")
    settings: Any = {"listen_interfaces": "127.0.0.1:0", "enable_dht": False, "enable_lsd": False}
    seeder = lt.session(settings)
    params = lt.add_torrent_params()
    params.ti, params.save_path = torrent, str(tmp_path)
    seeder.add_torrent(params)
    video_id = str(torrent.info_hashes().v1)
    magnet = f"magnet:?xt=urn:btih:{video_id}&dn=plain&x.pe=127.0.0.1:{seeder.listen_port()}"
    resolved = b.post("videos/resolve", {"target": magnet})
    assert (resolved["id"], resolved["title"], resolved["state"]) == (video_id, "plain", "remote")
    b.post(f"videos/{video_id}/fetch")
    fetched = b.complete(video_id)
    assert (fetched["file_name"], fetched["size"]) == ("plain.mp4", path.stat().st_size)
    assert b.stream(video_id).content == path.read_bytes()
    b.delete(f"videos/{video_id}", delete_file=True)


def write_torrent(path: Path, torrent: Path) -> lt.torrent_info:
    """Write the torrent of a file as any client would, to the same rule for piece lengths."""
    creator = lt.create_torrent(
        [lt.create_file_entry(path.name, path.stat().st_size)], 65536, lt.create_torrent.v1_only
    )
    lt.set_piece_hashes(creator, str(path.parent))
    torrent.write_bytes(lt.bencode(creator.generate()))
    return lt.torrent_info(str(torrent))
