"""The main job: a video added at A is found and played at B while it arrives, and goes on to C."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from tests.clips import camera_clip, make_clip
from tests.node.checks import assert_plays, progress, sha256, uploaded
from tests.nodes import NodeProcess, nodes

FIRST = 64 * 1024
LIMIT = 150_000  # bytes/s that A and B send


class Case(NamedTuple):
    """A file to share: how to make it in a directory, what to search for, how long it plays."""

    make: Callable[[Path], Path]
    text: str
    seconds: float


def made(name: str, seconds: float, **codecs: Any) -> Callable[[Path], Path]:
    size, bit_rate = (320, 180), int(5_000_000 / seconds)

    def make(folder: Path) -> Path:
        return make_clip(folder / name, seconds=seconds, size=size, bit_rate=bit_rate, **codecs)

    return make


def from_camera(name: str) -> Callable[[Path], Path]:
    def get(_: Path) -> Path:
        try:
            return camera_clip(name)
        except (OSError, subprocess.CalledProcessError) as error:
            pytest.skip(f"the camera clip cannot be fetched: {error}")

    return get


CASES = {
    "moov-at-the-end": Case(made("holiday at sea.mp4", 20), "at sea", 20),
    "hevc-opus": Case(made("modern.mkv", 10, video="libx265", audio="libopus"), "odern", 10),
    "vp9-opus": Case(made("web film.mkv", 10, video="libvpx-vp9", audio="libopus"), "WEB", 10),
    "mpeg4-mp3": Case(made("old disc.avi", 10, video="mpeg4", audio="libmp3lame"), "disc", 10),
    "non-ascii": Case(made("Žluťoučký kůň 馬 - část 1.mp4", 10), "kůň 馬", 10),
    "bigbuckbunny": Case(from_camera("bigbuckbunny.mp4"), "buck", 5.31),
    "bikes": Case(from_camera("bikes.mp4"), "bikes", 10),
}


class Line(NamedTuple):
    """C knows B only, B knows A only; A and B send slowly."""

    a: NodeProcess
    b: NodeProcess
    c: NodeProcess


@pytest.fixture(scope="module")
def line(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Line]:
    folder = tmp_path_factory.mktemp("line")
    with nodes() as start:
        a = start(folder / "a", upload_limit=LIMIT)
        b = start(folder / "b", "--max-peers", "2", join=a.peer_id, upload_limit=LIMIT)
        c = start(folder / "c", "--max-peers", "1", join=b.peer_id)
        yield Line(a, b, c)


@pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())
def test_share_find_watch_and_share_on(case: Case, line: Line, tmp_path: Path) -> None:
    a, b, c = line
    added = a.add(case.make(tmp_path))
    original = Path(added["path"]).read_bytes()
    assert sha256(original) == added["sha256"]

    found = b.find(case.text)
    assert (found["id"], found["state"]) == (added["id"], "remote")
    assert [holder["peer"] for holder in found["holders"]] == [a.peer_id]
    assert a.api.get(f"{a.url}/poster/{found['id']}").content == poster(b, found["id"])

    watch_while_it_arrives(b, found["id"], original)
    at_b = b.complete(found["id"])
    assert sha256(Path(at_b["path"]).read_bytes()) == added["sha256"] == at_b["sha256"]
    assert at_b["duration"] == pytest.approx(case.seconds, abs=0.5)
    assert_plays(Path(at_b["path"]), case.seconds)
    assert poster(b, found["id"]) == poster(a, found["id"])

    fetch_from_both(c, (a, b), case.text, added)


def poster(node: NodeProcess, video_id: str) -> bytes:
    answer = node.api.get(f"{node.url}/poster/{video_id}")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content[:2] == b"\xff\xd8"
    return answer.content


def watch_while_it_arrives(b: NodeProcess, video_id: str, original: bytes) -> None:
    """The first bytes come while the most is missing; then any range, then the whole."""
    with b.api.stream("GET", f"{b.url}/stream/{video_id}") as response:
        assert response.status_code == 200
        assert int(response.headers["content-length"]) == len(original)
        chunks = response.iter_bytes(FIRST)
        first = next(chunks)
        assert progress(b, video_id) < 0.5
        assert first == original[:FIRST]
        dice = random.Random(2)
        for _ in range(4):
            start = dice.randrange(len(original) - 5_000)
            end = min(len(original), start + dice.randrange(1, 5_000))
            assert_range(b, video_id, original, start, end)
        assert sha256(b"".join([first, *chunks])) == sha256(original)
    assert_range(b, video_id, original, len(original) - 100, len(original))


def assert_range(b: NodeProcess, video_id: str, original: bytes, start: int, end: int) -> None:
    part = b.stream(video_id, Range=f"bytes={start}-{end - 1}")
    assert part.status_code == 206
    assert part.headers["content-range"] == f"bytes {start}-{end - 1}/{len(original)}"
    assert part.content == original[start:end]


def fetch_from_both(
    c: NodeProcess, holders: tuple[NodeProcess, NodeProcess], text: str, added: dict[str, Any]
) -> None:
    """C hears of both through the one that it knows, and gets bytes of each."""
    assert [peer["id"] for peer in c.get("peers")] == [holders[1].peer_id]
    found = c.find(text)
    assert {holder["peer"] for holder in found["holders"]} == {h.peer_id for h in holders}
    # At the holders: one that knows the other dials C itself, from whatever port.
    before = [uploaded(holder, found["id"]) for holder in holders]
    c.post(f"videos/{found['id']}/fetch")
    c.complete(found["id"])
    assert sha256(c.stream(found["id"]).content) == added["sha256"]
    for holder, earlier in zip(holders, before, strict=True):
        holder.until(partial(uploaded, holder, found["id"]), earlier.__lt__)
    assert c.get(f"videos/{found['id']}/swarm")["pieces"].strip("1") == ""
