"""Nodes that know each other through a tracker only: real processes, all of them."""

from __future__ import annotations

import contextlib
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.clips import make_clip
from tests.node.checks import downloaded, swarm_address
from tests.nodes import NodeProcess, Start
from tests.tracker_process import TrackerProcess

LIMIT = 150_000  # bytes/s that a holder sends


class Tracker(TrackerProcess):
    """And what its index knows."""

    @property
    def url(self) -> str:
        return self.at("http")

    def search(self, text: str) -> list[dict[str, Any]]:
        answer = httpx.get(f"{self.origin}/search", params={"q": text})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()
        return found

    def holders(self, text: str) -> set[str]:
        """The peer ids of all holders of what is found."""
        return {holder["peer"] for found in self.search(text) for holder in found["holders"]}


@pytest.fixture
def tracker(tmp_path: Path) -> Iterator[Tracker]:
    with Tracker(tmp_path / "tracker") as running:
        yield running


@pytest.fixture(scope="module")
def fox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clips") / "red fox.mp4"
    return make_clip(path, seconds=4, size=(320, 180), bit_rate=1_500_000, faststart=True)


def until_listed(tracker: Tracker, text: str, *holders: NodeProcess) -> None:
    wanted = {node.peer_id for node in holders}
    NodeProcess.until(lambda: tracker.holders(text), lambda seen: seen == wanted)


def until_state(node: NodeProcess, state: str, url: str) -> dict[str, Any]:
    def look() -> dict[str, Any]:
        (view,) = (view for view in node.get("trackers") if view["url"] == url)
        return dict(view)

    view: dict[str, Any] = node.until(look, lambda view: view["state"] == state)
    return view


def test_a_fetch_from_three_holders_known_by_the_tracker(
    tmp_path: Path, tracker: Tracker, start: Start, fox: Path
) -> None:
    holders = [
        start(tmp_path / name, "--tracker", tracker.url, upload_limit=LIMIT) for name in "abc"
    ]
    videos = [node.add(fox) for node in holders]
    until_listed(tracker, "fox", *holders)
    viewer = start(tmp_path / "viewer", "--tracker", tracker.url)
    found = viewer.find("fox")
    assert found["id"] == videos[0]["id"]
    assert {holder["peer"] for holder in found["holders"]} == {node.peer_id for node in holders}
    assert viewer.get("peers") == []
    viewer.post(f"videos/{found['id']}/fetch")
    complete = viewer.complete(found["id"])
    assert Path(complete["path"]).read_bytes() == fox.read_bytes()
    # From all at once: none of them sent most of it.
    came = downloaded(viewer, found["id"])
    shares = [came[swarm_address(node)] / fox.stat().st_size for node in holders]
    assert min(shares) > 0.1
    assert max(shares) < 0.7
    until_listed(tracker, "fox", *holders, viewer)


def test_a_restarted_tracker_forgets_nothing_and_gone_nodes_leave(
    tmp_path: Path, tracker: Tracker, start: Start, fox: Path
) -> None:
    crashed, leaving = (start(tmp_path / name, "--tracker", tracker.url) for name in "ab")
    for node in (crashed, leaving):
        node.add(fox)
    until_listed(tracker, "fox", crashed, leaving)
    leaving.stop()
    until_listed(tracker, "fox", crashed)
    crashed.kill()
    tracker.kill()
    tracker.start()
    assert tracker.holders("fox") == {crashed.peer_id}
    late = start(tmp_path / "late", "--tracker", tracker.url)
    found = late.find("fox")
    assert [holder["peer"] for holder in found["holders"]] == [crashed.peer_id]


def test_edited_unlisted_and_deleted(
    tmp_path: Path, tracker: Tracker, start: Start, fox: Path
) -> None:
    publisher, holder = (start(tmp_path / name, "--tracker", tracker.url) for name in "ab")
    path = f"videos/{publisher.add(fox)['id']}"
    until_listed(tracker, "fox", publisher)
    holder.find("fox")
    holder.post(f"{path}/fetch")
    until_listed(tracker, "fox", publisher, holder)
    publisher.patch(path, {"title": "Vulpes"})
    until_listed(tracker, "vulpes", publisher, holder)
    # Out of the index, though the other node still holds it and knows nothing of that.
    publisher.patch(path, {"visibility": "unlisted"})
    until_listed(tracker, "")
    publisher.patch(path, {"visibility": "public"})
    NodeProcess.until(lambda: tracker.holders("vulpes"), lambda seen: publisher.peer_id in seen)
    publisher.patch(path, {"visibility": "private"})
    NodeProcess.until(lambda: tracker.holders(""), lambda seen: publisher.peer_id not in seen)
    publisher.patch(path, {"visibility": "public"})
    NodeProcess.until(lambda: tracker.holders(""), lambda seen: publisher.peer_id in seen)
    publisher.delete(path)
    NodeProcess.until(lambda: tracker.holders(""), lambda seen: publisher.peer_id not in seen)


@contextlib.contextmanager
def silent() -> Iterator[str]:
    """A tracker that takes connections and never answers."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}/announce"


def test_dead_trackers_beside_a_working_one(
    tmp_path: Path, tracker: Tracker, start: Start, fox: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        gone = f"http://127.0.0.1:{server.getsockname()[1]}/announce"
    with silent() as mute:
        flags = [flag for url in (gone, mute, tracker.url) for flag in ("--tracker", url)]
        one, other = (start(tmp_path / name, *flags) for name in "ab")
        one.add(fox)
        found = other.find("fox")
        # While it is not yet known that the silent tracker is dead, its answer is not waited for.
        with other.api.stream(
            "GET",
            "search",
            params={"q": "fox", "timeout": 30},
            headers={"accept": "text/event-stream"},
        ) as events:
            names = (line for line in events.iter_lines() if line.startswith("event:"))
            assert next(names) == "event: result"
        other.post(f"videos/{found['id']}/fetch")
        other.complete(found["id"])
        assert until_state(one, "failing", gone)["error"]
        assert until_state(one, "failing", mute)["error"]
        assert until_state(other, "working", tracker.url)["index"] is True


def test_trackers_change_while_the_node_runs(
    tmp_path: Path, tracker: Tracker, start: Start, fox: Path
) -> None:
    one, other = (start(tmp_path / name) for name in "ab")
    video = one.add(fox)
    assert one.get("trackers") == []
    assert "tr=" not in video["magnet"]
    for node in (one, other):
        view = node.patch("settings", {"tracker": [tracker.url]})
        assert view["settings"]["tracker"] == [tracker.url]
        assert "tracker" not in view["restart"]
    found = other.find("fox")
    other.post(f"videos/{found['id']}/fetch")
    other.complete(found["id"])
    until_listed(tracker, "fox", one, other)
    view = until_state(one, "working", tracker.url)
    assert (view["index"], view["listed"], view["error"]) == (True, 1, "")
    # Its magnet link and its descriptor name the tracker by now.
    path = f"videos/{video['id']}"
    one.until(lambda: one.get(path)["magnet"], lambda magnet: "tr=http" in magnet)
    with one.api.stream("GET", "events") as events:
        lines = events.iter_lines()
        next(lines)
        one.patch("settings", {"tracker": []})
        # An open page hears of it.
        next(line for line in lines if line == "event: trackers")
        while next(lines) != "data: []":
            pass
    until_listed(tracker, "fox", other)
    assert one.get("trackers") == []
    one.until(lambda: one.get(path)["magnet"], lambda magnet: "tr=" not in magnet)


def test_a_node_is_a_tracker_of_its_own_videos(tmp_path: Path, start: Start, fox: Path) -> None:
    one = start(tmp_path / "a", "--public-port", "0")
    host = f"127.0.0.1:{one.info['ports']['public']}"
    video = one.add(fox)
    for url in (f"http://{host}/announce", f"ws://{host}/announce"):
        assert url.replace(":", "%3A").replace("/", "%2F") in video["magnet"]
        assert until_state(one, "working", url)["own"] is True
    # Who has nothing but that link gets the video.
    other = start(tmp_path / "b")
    job = other.post("videos", {"url": video["magnet"]})
    other.until(lambda: other.get(f"jobs/{job['id']}")["state"], lambda state: state == "done")
    other.complete(video["id"])
    assert downloaded(other, video["id"])[swarm_address(one)] > 0
    # And who has its tracker finds it.
    third = start(tmp_path / "c", "--tracker", f"http://{host}/announce")
    found = third.find("fox")
    assert one.peer_id in {holder["peer"] for holder in found["holders"]}
    assert found["title"] == video["title"]
