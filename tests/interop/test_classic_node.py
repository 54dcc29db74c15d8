"""Whole nodes and peers of the original kind, in both directions."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from tests.clips import make_clip
from tests.interop.classic_client import (
    TIMEOUT,
    ClassicPeer,
    connect_and_send,
    message,
    receive,
)
from tests.node.checks import assert_is_nothing, assert_plays, entries, problem, progress
from tests.nodes import NodeProcess, nodes

Classic = Callable[..., ClassicPeer]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("classic")


@pytest.fixture(scope="module")
def holder(folder: Path) -> Iterator[NodeProcess]:
    """A node with a video, whose name needs encoding; it sends slowly to other nodes."""
    with nodes() as start:
        node = start(folder / "holder", upload_limit=250_000)
        add(node, folder / "100% wild life.mp4", size=(320, 180), seconds=4)
        yield node


@pytest.fixture(scope="module")
def relay(folder: Path, holder: NodeProcess) -> Iterator[NodeProcess]:
    """A node that has nothing, and knows the holder."""
    with nodes() as start:
        yield start(folder / "relay", join=holder.peer_id)


@pytest.fixture
def classic(tmp_path: Path) -> Iterator[Classic]:
    """Starts classic peers that share the given files, by name."""
    with ExitStack() as stack:

        def start(**files: Path) -> ClassicPeer:
            directory = tmp_path / str(len(list(tmp_path.iterdir())))
            directory.mkdir()
            for name, path in files.items():
                (directory / f"{name}.mp4").write_bytes(path.read_bytes())
            return stack.enter_context(closing(ClassicPeer(directory)))

        yield start


@pytest.fixture(scope="module")
def clip(folder: Path) -> Path:
    return make_clip(folder / "clip.mp4", seconds=3, size=(320, 180))


def add(node: NodeProcess, path: Path, **options: Any) -> dict[str, Any]:
    return node.add(make_clip(path, faststart=True, **options))


def join(peer: ClassicPeer, node: NodeProcess, hops: int = 1) -> None:
    host, port = node.peer_id.split(":")
    peer.build_peers(host, int(port), hops)
    assert node.peer_id in peer.peers


def kinds(node: NodeProcess) -> dict[str, str]:
    return {peer["id"]: peer["kind"] for peer in node.get("peers")}


def until_classic(node: NodeProcess, peer: ClassicPeer) -> None:
    """Wait until the node has found out what the peer is."""
    node.until(lambda: kinds(node), lambda known: known.get(peer.id) == "classic")


# --- the classic peer as the caller ------------------------------------------------------------


def test_it_joins_lists_probes_and_quits(
    holder: NodeProcess, relay: NodeProcess, classic: Classic
) -> None:
    relay.until(lambda: kinds(relay), lambda known: holder.peer_id in known)
    peer = classic()
    assert peer.ask(relay.peer_id, "NAME") == [("REPL", relay.peer_id.encode())]
    join(peer, relay, hops=3)
    assert set(peer.peers) == {relay.peer_id, holder.peer_id}
    for node in (relay, holder):
        until_classic(node, peer)
        lines = [payload.decode() for _, payload in peer.ask(node.peer_id, "LIST")]
        assert int(lines[0]) == len(lines) - 1
        assert f"{peer.id} {peer.host} {peer.port}" in lines
    peer.ping_all()
    assert len(peer.peers) == 2
    again = peer.ask(relay.peer_id, "JOIN", f"{peer.id} {peer.host} {peer.port}")
    assert again == [("ERRO", f"Join: peer already inserted {peer.id}".encode())]
    for node in (relay, holder):
        removed = peer.ask(node.peer_id, "QUIT", peer.id)
        assert removed == [("REPL", f"Quit: peer removed: {peer.id}".encode())]
        assert peer.id not in kinds(node)
    again = peer.ask(relay.peer_id, "QUIT", peer.id)
    assert again == [("ERRO", f"Quit: peer not found: {peer.id}".encode())]


@pytest.mark.parametrize("key", ["wild", "WILD", "100%", "100%25%20wild", "life.mp4"])
def test_it_finds_a_video_and_fetches_it(
    key: str, holder: NodeProcess, classic: Classic, folder: Path
) -> None:
    data = (folder / "100% wild life.mp4").read_bytes()
    peer = classic()
    join(peer, holder)
    assert peer.ask(holder.peer_id, "QUER", f"{peer.id} {key} 0") == [
        ("REPL", f"Query ACK: {key}".encode())
    ]
    name = "100%25%20wild%20life.mp4"
    assert peer.wait_for(name) == holder.peer_id
    assert peer.fetch(holder.peer_id, name) == data
    assert peer.fetch(holder.peer_id, "100% wild life.mp4") == data


def test_it_searches_through_a_node_as_far_as_the_ttl_goes(
    holder: NodeProcess, relay: NodeProcess, classic: Classic, clip: Path
) -> None:
    near, far = classic(), classic(snow=clip, sunset=clip)
    join(near, relay)
    join(far, relay)
    near.search("snow", 0)
    near.search("wild", 1)
    near.search("sunset", 1)
    assert near.wait_for("100%25%20wild%20life.mp4") == holder.peer_id
    assert near.wait_for("sunset.mp4") == far.id
    assert "snow.mp4" not in near.found
    assert near.fetch(far.id, "sunset.mp4") == clip.read_bytes()


def test_wrong_messages_get_the_classic_answers(holder: NodeProcess, classic: Classic) -> None:
    peer = classic()
    for kind, payload, answer in (
        ("JOIN", "nonsense", "Join: incorrect arguments"),
        ("QUER", "nonsense", "Query: incorrect arguments"),
        ("QUER", f"{peer.id} key many", "Query: incorrect arguments"),
        ("FGET", "missing.mp4", "File not found"),
        ("FGET", "../library.sqlite", "File not found"),
        ("FGET", "..%2Flibrary.sqlite", "File not found"),
    ):
        assert peer.ask(holder.peer_id, kind, payload) == [("ERRO", answer.encode())]
    assert peer.ask(holder.peer_id, "PING") == []


def test_it_fetches_what_the_node_itself_is_fetching(
    holder: NodeProcess, relay: NodeProcess, classic: Classic, folder: Path
) -> None:
    path = folder / "long.mp4"
    video = add(holder, path, seconds=20, size=(480, 270), bit_rate=500_000)
    relay.find("long")
    relay.post(f"videos/{video['id']}/fetch")
    peer = classic()
    join(peer, relay)
    # The relay is a holder from the moment at which it fetches.
    relay.until(lambda: progress(relay, video["id"]), lambda now: now > 0)
    peer.search("long", 0)
    assert peer.wait_for("long.mp4") == relay.peer_id
    host, port = relay.peer_id.split(":")
    with socket.create_connection((host, int(port)), timeout=TIMEOUT) as sock:
        sock.sendall(message("FGET", "long.mp4"))
        first = receive(sock)
        assert first is not None
        assert first[0] == "REPL"
        assert progress(relay, video["id"]) < 0.7
        received = [first[1]]
        while (reply := receive(sock)) is not None:
            received.append(reply[1])
    assert b"".join(received) == path.read_bytes()
    relay.complete(video["id"])
    assert connect_and_send(host, int(port), "FGET", "long.mp4")[0][0] == "REPL"


# --- our node as the caller --------------------------------------------------------------------


def test_we_join_it_and_leave_it(folder: Path, classic: Classic) -> None:
    first, second = classic(), classic()
    second.build_peers(first.host, first.port, 1)
    with nodes() as start:
        node = start(folder / "joining", join=first.id)
        for peer in (first, second):
            until_classic(node, peer)
            assert node.peer_id in peer.peers
        second.close()
        node.until(lambda: kinds(node), lambda known: set(known) == {first.id})
        assert node.api.delete(f"peers/{first.id}").status_code == 204
        assert node.peer_id not in first.peers
        assert node.post("peers", {"address": first.id})["kind"] == "classic"
        assert node.peer_id in first.peers
        node.stop()
    assert node.peer_id not in first.peers


def test_we_find_fetch_and_play_its_file(relay: NodeProcess, classic: Classic, clip: Path) -> None:
    peer = classic(**{"aurora_100%": clip})
    assert relay.post("peers", {"address": peer.id})["kind"] == "classic"
    found = relay.find("aurora")
    assert (found["title"], found["state"]) == ("aurora_100%.mp4", "remote")
    assert (found["classic"], found["magnet"]) == (True, "")
    assert [holder["peer"] for holder in found["holders"]] == [peer.id]
    assert "fetch" in problem(relay.stream(found["id"]), 409)

    assert relay.post(f"videos/{found['id']}/fetch")["state"] == "fetching"
    video = relay.complete(found["id"])
    assert (video["file_name"], video["classic"]) == ("aurora_100%.mp4", False)
    assert video["id"] != found["id"]
    assert_plays(Path(video["path"]), 3)
    assert_is_nothing(relay.data_dir / "incoming")
    jobs = [job for job in relay.get("jobs") if job["video"] == video["id"]]
    assert [(job["kind"], job["state"]) for job in jobs] == [("add", "done")]
    assert relay.stream(video["id"]).content == Path(video["path"]).read_bytes()
    # Now it is a video like any other, and classic peers get it from us.
    other = classic()
    join(other, relay)
    other.search("aurora", 0)
    assert other.wait_for("aurora_100%25.mp4") == relay.peer_id


def test_we_find_it_behind_another_node(
    holder: NodeProcess, relay: NodeProcess, classic: Classic, clip: Path
) -> None:
    """The relay knows the classic peer; the holder asks, and fetches from it directly."""
    relay.until(lambda: kinds(relay), lambda known: known.get(holder.peer_id) == "p2ptube")
    peer = classic(glacier=clip)
    join(peer, relay)
    until_classic(relay, peer)
    assert peer.id not in kinds(holder)
    found = holder.find("glacier")
    assert (found["title"], found["classic"]) == ("glacier.mp4", True)
    holder.post(f"videos/{found['id']}/fetch")
    assert_plays(Path(holder.complete(found["id"])["path"]), 3)


def test_what_goes_wrong_with_its_file_is_said(relay: NodeProcess, classic: Classic) -> None:
    peer = classic(rainbow=Path(__file__), thunder=Path(__file__))
    relay.post("peers", {"address": peer.id})
    found = relay.find("thunder")
    (peer.folder / "thunder.mp4").unlink()
    assert "File not found" in failure(relay, found["id"])
    assert "video" in failure(relay, relay.find("rainbow")["id"])


def failure(node: NodeProcess, video_id: str) -> str:
    """Fetch what cannot be fetched; nothing is left, and it is said why."""
    path = f"videos/{video_id}"
    node.post(f"{path}/fetch")
    video = node.until(lambda: node.get(path), lambda v: v["state"] != "fetching")
    assert video["state"] == "error"
    assert_is_nothing(node.data_dir / "incoming")
    return str(video["detail"])


class Hesitant(ClassicPeer):
    """Sends the first half of a file, and goes on when it is told to."""

    def __init__(self, folder: Path) -> None:
        self.go_on = threading.Event()
        super().__init__(folder)

    def _on_fget(self, name: str) -> Iterator[bytes]:  # type: ignore[override]
        data = (self.folder / name).read_bytes()
        yield message("REPL", data[: len(data) // 2])
        self.go_on.wait(TIMEOUT)
        yield message("REPL", data[len(data) // 2 :])


def test_a_fetch_from_it_that_is_stopped_leaves_nothing(
    relay: NodeProcess, clip: Path, tmp_path: Path
) -> None:
    (tmp_path / "tundra.mp4").write_bytes(clip.read_bytes())
    with closing(Hesitant(tmp_path)) as peer:
        relay.post("peers", {"address": peer.id})
        path = f"videos/{relay.find('tundra')['id']}"
        relay.post(f"{path}/fetch")
        incoming = relay.data_dir / "incoming"
        relay.until(lambda: entries(incoming), lambda names: "tundra.mp4" in names)
        assert relay.get(path)["state"] == "fetching"
        relay.delete(f"{path}/fetch")
        relay.until(lambda: relay.get(path), lambda video: video["state"] == "remote")
        assert_is_nothing(incoming)
        peer.go_on.set()
        relay.post(f"{path}/fetch")
        relay.complete(path.partition("/")[2])
