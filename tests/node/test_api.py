"""The HTTP API of a real node, route by route: what it does, and what it refuses."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
from tests.node.checks import problem
from tests.nodes import NodeProcess, nodes

UNKNOWN = "0" * 40


def test_the_node_tells_of_itself(a: NodeProcess) -> None:
    node = a.get("node")
    assert (node["name"], node["peer_id"]) == ("Alice", a.peer_id)
    assert node["ports"] == a.info["ports"]
    assert len(bytes.fromhex(node["key"])) == 32
    assert node["storage_free"] > 0
    stranger = httpx.Client(base_url=a.info["api"])
    assert "token" in problem(stranger.get("/node"), 401)
    wrong = {"Authorization": "Bearer wrong"}
    problem(stranger.get("/node", headers=wrong), 401)
    problem(a.api.get("node", headers={"Host": "evil.example"}), 421)
    problem(a.api.get("node", headers={"Origin": "http://evil.example"}), 403)
    problem(a.api.get("nothing"), 404)
    problem(a.api.put("node"), 405)
    problem(stranger.get(f"{a.url}/stream/{UNKNOWN}"), 401)


def test_bodies_that_are_wrong_are_refused(a: NodeProcess) -> None:
    as_json = {"Content-Type": "application/json"}
    problem(a.api.post("videos", content=b"{", headers=as_json), 400)
    problem(a.api.post("videos", content=b'{"path": 5}', headers=as_json), 422)
    problem(a.api.post("videos", content=b"x", headers={"Content-Type": "text/plain"}), 415)
    problem(a.api.post("videos", content=b" " * 70_000, headers=as_json), 413)
    problem(a.api.post("videos", json={}), 400)
    problem(a.api.post("videos", json={"path": "/x", "url": "http://x/"}), 400)
    problem(a.api.post("videos", json={"url": "ftp://x/y"}), 400)
    problem(a.api.post("videos", files={"other": b"x"}), 400)


def test_peers(a: NodeProcess, b: NodeProcess, folder: Path) -> None:
    b.until(lambda: b.get("peers"), bool)
    with nodes() as start:
        c = start(folder / "c", "--name", "Carol")
        added = c.api.post("peers", json={"address": a.peer_id})
        assert (added.status_code, added.json()["id"]) == (201, a.peer_id)
        assert (added.json()["kind"], added.json()["name"]) == ("p2ptube", "Alice")
        assert [peer["id"] for peer in c.get("peers")] == [a.peer_id]
        a.until(lambda: {p["id"] for p in a.get("peers")}, lambda ids: c.peer_id in ids)
        assert [peer["id"] for peer in c.post("peers/refresh")] == [a.peer_id]
        both = {a.peer_id, b.peer_id}
        assert {peer["id"] for peer in c.post("peers/rebuild")} == both
        assert {p["id"] for p in c.post("peers/rebuild", {"address": b.peer_id})} == both
        assert c.api.delete(f"peers/{a.peer_id}").status_code == 204
        assert [peer["id"] for peer in c.get("peers")] == [b.peer_id]
        a.until(lambda: {p["id"] for p in a.get("peers")}, lambda ids: c.peer_id not in ids)
        problem(c.api.delete(f"peers/{a.peer_id}"), 404)
        problem(c.api.post("peers", json={"address": "nonsense:x"}), 400)
        problem(c.api.post("peers", json={"address": c.peer_id}), 409)
        problem(c.api.post("peers", json={"address": "127.0.0.1:1"}), 504)
        problem(c.api.post("peers/rebuild", json={"address": "127.0.0.1:1"}), 504)
        assert [peer["id"] for peer in c.get("peers")] == [b.peer_id]

        # What was known survives a crash, and so does the session of an open page.
        page = httpx.Client(base_url=c.url, headers={"Sec-Fetch-Site": "same-origin"})
        assert page.get("/").status_code == 200
        assert page.get("/api/v1/node").json()["name"] == "Carol"
        c.restart_flags()
        c.until(lambda: saved_peers(c), lambda count: count == 1)
        c.kill()
        c.start()
        assert {peer["id"] for peer in c.get("peers")} >= {b.peer_id}
        assert page.get("/api/v1/node").json()["name"] == "Carol"


def saved_peers(node: NodeProcess) -> int:
    """How many peers the library holds, as another reader of its file sees it."""
    with sqlite3.connect(f"file:{node.data_dir}/library.sqlite?mode=ro", uri=True) as db:
        (count,) = db.execute("SELECT count(*) FROM peers").fetchone()
    db.close()
    return int(count)


# --- one video ---------------------------------------------------------------------------------


def test_edit(a: NodeProcess, b: NodeProcess, fox: Path) -> None:
    video = a.add(fox)
    path = f"videos/{video['id']}"
    changed = a.api.patch(path, json={"title": "Vulpes vulpes", "language": "la"}).json()
    assert (changed["title"], changed["language"]) == ("Vulpes vulpes", "la")
    assert changed["id"] == video["id"]
    found = b.find("vulpes")
    assert (found["id"], found["title"]) == (video["id"], "Vulpes vulpes")
    a.api.patch(path, json={"title": "Red Fox", "description": "It hunts mice."})
    found = b.until(lambda: b.search("mice"), bool)[0]
    assert (found["title"], found["description"]) == ("Red Fox", "It hunts mice.")
    assert a.get(path)["language"] == "la"
    problem(a.api.patch(path, json={"title": "x" * 600}), 400)
    problem(a.api.patch(path, json={"name": "x"}), 422)
    problem(a.api.patch(f"videos/{UNKNOWN}", json={"title": "x"}), 404)
    b.post(f"{path}/fetch")
    b.complete(video["id"])
    problem(b.api.patch(path, json={"title": "Mine"}), 409)
    b.delete(path, delete_file=True)


def test_unknown_videos(a: NodeProcess) -> None:
    for video_id in (UNKNOWN, "nonsense"):
        path = f"videos/{video_id}"
        problem(a.api.get(path), 404)
        problem(a.api.delete(path), 404)
        problem(a.api.get(f"{path}/swarm"), 404)
        problem(a.api.post(f"{path}/fetch", json={}), 404)
        problem(a.api.delete(f"{path}/fetch"), 404)
        problem(a.stream(video_id), 404)
        problem(a.api.get(f"{a.url}/poster/{video_id}"), 404)
    problem(a.api.post("videos/resolve", json={"target": UNKNOWN}), 404)
    problem(a.api.post("videos/resolve", json={"target": "magnet:?xt=urn:btih:zz"}), 400)
    problem(a.api.post("videos/resolve", json={"target": "/no/such.torrent"}), 400)


def test_stream_has_exact_ranges(a: NodeProcess, fox: Path) -> None:
    video, data = a.add(fox), fox.read_bytes()
    whole = a.stream(video["id"])
    assert (whole.status_code, whole.content) == (200, data)
    assert whole.headers["accept-ranges"] == "bytes"
    assert whole.headers["content-type"] == "video/mp4"
    size = len(data)
    for wanted, start, end in (
        ("bytes=-500", size - 500, size),
        ("bytes=100-", 100, size),
        ("bytes=7-7", 7, 8),
        (f"bytes=10-{size * 2}", 10, size),
    ):
        part = a.stream(video["id"], Range=wanted)
        assert (part.status_code, part.content) == (206, data[start:end])
        assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{size}"
    beyond = a.stream(video["id"], Range=f"bytes={size}-")
    assert beyond.status_code == 416
    assert beyond.headers["content-range"] == f"bytes */{size}"
    matching = {"Range": "bytes=0-9", "If-Range": whole.headers["etag"]}
    assert a.stream(video["id"], **matching).status_code == 206
    assert a.stream(video["id"], **(matching | {"If-Range": '"other"'})).content == data
    head = a.api.head(f"{a.url}/stream/{video['id']}")
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["content-length"] == str(size)


# --- search, events ----------------------------------------------------------------------------


def test_search_as_a_list_and_as_it_arrives(a: NodeProcess, b: NodeProcess, fox: Path) -> None:
    video_id = a.add(fox)["id"]
    assert b.find("RED FO")["id"] == video_id
    assert b.search("no such thing") == []
    problem(b.api.get("search", params={"q": "x" * 501}), 400)
    problem(b.api.get("search", params={"q": "fox", "timeout": "soon"}), 400)
    headers = {"Accept": "text/event-stream"}
    answer = b.api.get("search", params={"q": "red fox"}, headers=headers)
    assert answer.headers["content-type"].startswith("text/event-stream")
    events = list(parse_events(answer.text.splitlines()))
    assert events[-1] == ("done", {"count": 1})
    assert {name for name, _ in events[:-1]} == {"result"}
    assert events[0][1]["id"] == video_id


def test_events(a: NodeProcess, fox: Path, folder: Path) -> None:
    path = folder / "evening.mp4"
    shutil.copy(fox, path)
    with a.api.stream("GET", "events") as answer:
        events = parse_events(answer.iter_lines())
        assert next(events)[0] == "ready"
        job = a.post("videos", {"path": str(path)})
        seen: list[tuple[str, Any]] = []
        for event in events:
            seen.append(event)
            if event[0] == "job" and event[1]["state"] == "done":
                break
    jobs = [data for name, data in seen if name == "job"]
    assert {each["id"] for each in jobs} == {job["id"]}
    assert [each["progress"] for each in jobs] == sorted(each["progress"] for each in jobs)
    assert jobs[-1]["video"] in {data["id"] for name, data in seen if name == "video"}


def parse_events(lines: Any) -> Iterator[tuple[str, Any]]:
    """Server-sent events as their names and data."""
    name = ""
    for line in lines:
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))
