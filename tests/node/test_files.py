"""Files on the disk: what fetches leave, what is deleted, what changes behind the node's back."""

from __future__ import annotations

import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.clips import make_clip
from tests.interop.classic_client import connect_and_send
from tests.node.checks import (
    assert_is_nothing,
    begin_fetch,
    downloaded,
    problem,
    progress,
    sha256,
    swarm_address,
    until_alone,
    until_arrived,
)
from tests.nodes import NodeProcess, Start, nodes


class Pair:
    """A node that shares slowly, one that fetches, and a file for each."""

    def __init__(self, start: Start, folder: Path) -> None:
        self.folder = folder
        self.a = start(folder / "a", upload_limit=300_000)
        self.b = start(folder / "b", join=self.a.peer_id)
        self.videos = folder / "b" / "videos"


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    with nodes() as start:
        yield Pair(start, tmp_path_factory.mktemp("pair"))


@pytest.fixture
def shared(pair: Pair, request: pytest.FixtureRequest) -> Iterator[dict[str, Any]]:
    """A video that A shares in place, with a name of its own; gone after the test."""
    path = pair.folder / f"{request.node.name}.mp4"
    make_clip(path, seconds=15, size=(480, 270), bit_rate=600_000, faststart=True)
    video = pair.a.add(path)
    assert (video["in_place"], video["path"]) == (True, str(path))
    yield video
    pair.a.delete(f"videos/{video['id']}")


def test_a_stopped_fetch_leaves_nothing(pair: Pair, shared: dict[str, Any]) -> None:
    b, video_id = pair.b, shared["id"]
    begin_fetch(b, shared["title"], 1)
    until_arrived(b, video_id, 0.1)
    assert list((pair.videos / video_id).iterdir())
    stopped = b.delete(f"videos/{video_id}/fetch")
    assert stopped["state"] == "remote"
    assert_is_nothing(pair.videos / video_id)
    assert video_id not in {video["id"] for video in b.get("videos")}
    problem(b.api.get(f"videos/{video_id}/swarm"), 404)
    # It can be fetched again, from the start.
    b.post(f"videos/{video_id}/fetch")
    assert b.complete(video_id)["sha256"] == shared["sha256"]
    problem(b.api.delete(f"videos/{video_id}/fetch"), 409)
    b.delete(f"videos/{video_id}", delete_file=True)
    assert_is_nothing(pair.videos / video_id)


def test_a_fetch_deleted_while_it_is_watched(pair: Pair, shared: dict[str, Any]) -> None:
    b, video_id = pair.b, shared["id"]
    b.find(shared["title"])
    received = 0
    with b.api.stream("GET", f"{b.url}/stream/{video_id}") as response:
        chunks = response.iter_bytes()
        received += len(next(chunks))
        b.delete(f"videos/{video_id}", delete_file=True)
        with pytest.raises(Exception, match="peer closed"):
            received += sum(map(len, chunks))
    assert received < shared["size"]
    assert_is_nothing(pair.videos / video_id)


def test_delete_the_listing_or_the_file(pair: Pair, shared: dict[str, Any]) -> None:
    a, b, video_id = pair.a, pair.b, shared["id"]
    begin_fetch(b, shared["title"], 1)
    fetched = Path(b.complete(video_id)["path"])
    data = fetched.read_bytes()
    # Only the listing of a fetched video: its file is kept for the user.
    b.delete(f"videos/{video_id}", delete_file=False)
    assert not fetched.exists()
    (kept,) = [path for path in (pair.folder / "b").rglob("*.mp4") if path.name == fetched.name]
    assert kept.read_bytes() == data
    problem(b.api.delete(f"videos/{video_id}"), 404)
    # Only the listing of a file of the user's: it stays where it is, and can be added again.
    path = Path(shared["path"])
    a.delete(f"videos/{video_id}", delete_file=False)
    assert path.read_bytes() == data
    problem(a.stream(video_id), 404)
    assert a.add(path)["id"] == video_id
    # The file, too.
    a.delete(f"videos/{video_id}", delete_file=True)
    assert not path.exists()
    path.write_bytes(data)
    assert a.add(path)["id"] == video_id


def test_a_fetched_file_that_was_damaged_is_fetched_anew(
    pair: Pair, shared: dict[str, Any], start: Start
) -> None:
    node, video_id = start(pair.folder / "c", join=pair.a.peer_id), shared["id"]
    begin_fetch(node, shared["title"], 1)
    until_arrived(node, video_id, 0.4)
    node.stop()  # which notes what has arrived so far
    node.start()
    # Nothing is known until the files have been looked at; then at once all that was here.
    assert node.until(lambda: progress(node, video_id), bool) >= 0.4
    path = Path(node.complete(video_id)["path"])
    becomes_another(path)
    changed = node.until(lambda: node.get(f"videos/{video_id}"), lambda v: v["state"] == "error")
    assert "fetch it again" in changed["detail"]
    problem(node.stream(video_id), 409)
    node.post(f"videos/{video_id}/fetch")
    assert sha256(node.stream(video_id).content) == shared["sha256"]
    assert node.complete(video_id)["detail"] == ""
    assert sha256(path.read_bytes()) == shared["sha256"]


def test_a_file_that_is_added_while_it_is_fetched(pair: Pair, shared: dict[str, Any]) -> None:
    a, b, video_id, path = pair.a, pair.b, shared["id"], Path(shared["path"])
    begin_fetch(b, shared["title"], 1)
    until_arrived(b, video_id, 0.05)
    a.delete(f"videos/{video_id}", delete_file=False)
    until_alone(b, video_id)
    assert b.add(path)["path"] == str(path)
    video = b.get(f"videos/{video_id}")
    assert (video["state"], video["in_place"], video["mine"]) == ("complete", True, True)
    assert_is_nothing(pair.videos / video_id)
    assert sha256(b.stream(video_id).content) == shared["sha256"]
    assert b.get(f"videos/{video_id}/swarm")["pieces"].strip("1") == ""
    # It is shared, too: A gets back what it gave away.
    begin_fetch(a, shared["title"], 1)
    a.complete(video_id)
    assert downloaded(a, video_id)[swarm_address(b)] > 0
    b.delete(f"videos/{video_id}", delete_file=False)
    assert path.exists()


def test_a_file_that_is_moved_and_added_at_its_new_place(
    pair: Pair, shared: dict[str, Any], tmp_path: Path
) -> None:
    a, path = pair.a, Path(shared["path"])
    moved = path.rename(tmp_path / path.name)
    assert a.add(moved)["id"] == shared["id"]
    video = a.get(f"videos/{shared['id']}")
    assert (video["state"], video["path"]) == ("complete", str(moved))
    begin_fetch(pair.b, shared["title"], 1)
    pair.b.complete(shared["id"])
    pair.b.delete(f"videos/{shared['id']}", delete_file=True)


def becomes_another(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(1000)
        file.write(os.urandom(5000))


def moves(path: Path) -> None:
    path.rename(path.with_suffix(".moved"))


def is_replaced(path: Path) -> None:
    other = path.with_suffix(".other")
    other.write_bytes(os.urandom(path.stat().st_size))
    other.replace(path)


def becomes_a_directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


@pytest.mark.parametrize(
    ("happen", "words"),
    [
        (becomes_another, "changed"),
        (moves, "no longer there"),
        (is_replaced, "changed"),
        (becomes_a_directory, "changed"),
    ],
)
def test_a_shared_file_that_changes_is_not_served(
    happen: Callable[[Path], None], words: str, pair: Pair, shared: dict[str, Any]
) -> None:
    a, b, video_id = pair.a, pair.b, shared["id"]
    path = Path(shared["path"])
    backup = path.with_suffix(".backup")
    shutil.copy2(path, backup)
    begin_fetch(b, shared["title"], 1)
    until_arrived(b, video_id, 0.1)

    happen(path)
    problem(a.stream(video_id), 409)  # at once: before anything has swept over the files
    video = a.until(lambda: a.get(f"videos/{video_id}"), lambda v: v["state"] == "error")
    assert words in video["detail"]
    assert_not_served(a, video_id, path.name)
    until_alone(b, video_id)
    had = progress(b, video_id)

    if path.is_dir():
        path.rmdir()
    backup.replace(path)
    a.until(lambda: a.get(f"videos/{video_id}"), lambda v: v["state"] == "complete")
    assert a.get(f"videos/{video_id}")["detail"] == ""
    assert sha256(a.stream(video_id).content) == shared["sha256"]
    assert had < 1
    assert b.complete(video_id)["sha256"] == shared["sha256"]
    b.delete(f"videos/{video_id}", delete_file=True)


def assert_not_served(a: NodeProcess, video_id: str, name: str) -> None:
    problem(a.stream(video_id), 409)
    host, port = a.peer_id.split(":")
    assert connect_and_send(host, int(port), "FGET", name) == [("ERRO", b"File not found")]
    find = {"id": secrets.token_hex(16), "text": video_id, "ttl": 0, "limit": 5}
    assert connect_and_send(host, int(port), "FIND", json.dumps(find)) == []
    swarm = a.get(f"videos/{video_id}/swarm")
    assert (swarm["pieces"], swarm["peers"]) == ("", [])
