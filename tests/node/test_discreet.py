"""A whole node behind a proxy, and one that stays away from others."""

from __future__ import annotations

import asyncio
import socket
import struct
from pathlib import Path

import httpx
import pytest
from tests.clips import make_clip
from tests.node.checks import swarm_address
from tests.nodes import nodes
from tests.swarm import proxies

from p2ptube.models import PeerAddress


def answers_udp(port: int, seconds: float = 20) -> bool:
    """Whether the tracker at a port of this machine answers a connect (BEP 15) in time."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.settimeout(seconds)
        sock.connect(("127.0.0.1", port))
        sock.send(struct.pack("!QLL", 0x41727101980, 0, 7))
        try:
            return len(sock.recv(2000)) == 16
        except TimeoutError:
            return False


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    return make_clip(path, seconds=3, bit_rate=2_000_000, faststart=True)


async def test_a_node_behind_a_proxy_watches_and_is_not_seen(film: Path, tmp_path: Path) -> None:
    async with proxies.socks5("anna", "p@ss") as proxy:
        url = f"socks5://anna:p%40ss@127.0.0.1:{proxy.port}"

        def watch() -> None:
            with nodes() as start:
                holder = start(tmp_path / "holder", "--public-port", "0")
                tracker = f"127.0.0.1:{holder.info['ports']['public']}"
                video_id = holder.add(film)["id"]
                # The defaults: the DHT and the local network are asked for, and not used.
                viewer = start(
                    tmp_path / "viewer",
                    *("--name", "Anna", "--dht", "--lan", "--proxy", url),
                    *("--tracker", f"http://{tracker}/announce"),
                    join=holder.peer_id,
                )
                assert viewer.info["ports"]["swarm"] == 0
                assert viewer.peer_id.startswith("127.0.0.1:")
                found = viewer.find("film")
                assert found["id"] == video_id
                viewer.post(f"videos/{video_id}/fetch")
                viewer.complete(video_id)
                assert viewer.stream(video_id).content == film.read_bytes()
                assert holder.get("peers") == []
                # Its tracker's index is asked through the proxy, too.
                viewer.until(lambda: viewer.get("trackers"), lambda known: known[0]["index"])
                swarm = holder.get(f"videos/{video_id}/swarm")
                gave = [peer for peer in swarm["peers"] if peer["uploaded"]]
                for peer in gave:
                    assert PeerAddress.parse(peer["address"]).port in proxy.ports
                    assert "p2ptube" not in peer["client"]
                wanted = {holder.peer_id, swarm_address(holder), tracker}
                assert wanted <= {f"{host}:{port}" for host, port in proxy.targets}
                for started in (viewer, holder):
                    started.stop()

        await asyncio.to_thread(watch)


def test_blocked_addresses_are_a_setting_that_holds_at_once(tmp_path: Path) -> None:
    with nodes() as start:
        one = start(tmp_path / "one", "--public-port", "0")
        public = f"http://127.0.0.1:{one.info['ports']['public']}/"
        assert httpx.get(public).is_success
        other = start(tmp_path / "other", join=one.peer_id)
        one.until(lambda: one.get("peers"), bool)
        settings = one.patch("settings", {"blocked": ["127.0.0.1/8", "2001:db8::1"]})
        assert settings["settings"]["blocked"] == ["127.0.0.0/8", "2001:db8::1"]
        assert settings["restart"] == []
        one.until(lambda: one.get("peers"), lambda peers: not peers)
        with pytest.raises(httpx.TransportError):
            httpx.get(public)
        assert not answers_udp(one.info["ports"]["public"], seconds=1)
        refused = one.api.post("peers", json={"address": other.peer_id})
        assert refused.status_code == 504
        assert "blocked" in refused.json()["detail"]
        one.patch("settings", {"blocked": [], "connections_per_address": 7})
        one.post("peers", {"address": other.peer_id})
        assert httpx.get(public).is_success
        assert answers_udp(one.info["ports"]["public"])
        wrong = one.api.patch("settings", json={"proxy": "socks5://anna:secret@host"})
        assert wrong.status_code == 400
        assert wrong.json()["detail"].startswith("setting proxy: ")
        assert "secret" not in wrong.text
