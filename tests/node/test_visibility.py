"""Public, unlisted and private videos, as strangers, peers and the user see them."""

from __future__ import annotations

import asyncio
import contextlib
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tests.clips import make_clip
from tests.node import strangers
from tests.node.checks import job_over, problem, sha256, video_of
from tests.nodes import NodeProcess, nodes

from p2ptube.library import Library, PendingImport
from p2ptube.models import Visibility

Make = Callable[..., Path]


@pytest.fixture(scope="module")
def make(tmp_path_factory: pytest.TempPathFactory) -> Make:
    """Makes a small clip of this name, which is shared in place."""
    folder = tmp_path_factory.mktemp("clips")
    number = iter(range(100))

    def clip(name: str) -> Path:
        # Of different sizes, so that they are different torrents.
        size = (160 + 16 * next(number), 96)
        return make_clip(folder / name, seconds=1, size=size, title="", faststart=True)

    return clip


@pytest.fixture(scope="module")
def a(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with nodes() as start:
        node = start(tmp_path_factory.mktemp("visibility") / "a")
        node.restart_flags()
        yield node


@pytest.fixture(scope="module")
def b(tmp_path_factory: pytest.TempPathFactory, a: NodeProcess) -> Iterator[NodeProcess]:
    with nodes() as start:
        yield start(tmp_path_factory.mktemp("visibility") / "b", join=a.peer_id)


def poster_of(node: NodeProcess, video: dict[str, Any]) -> str:
    """The SHA-256 of a video's poster."""
    answer = node.api.get(f"{node.url}/poster/{video['id']}")
    assert answer.status_code == 200
    return sha256(answer.content)


def show(node: NodeProcess, video: dict[str, Any], visibility: str) -> dict[str, Any]:
    changed: dict[str, Any] = node.patch(f"videos/{video['id']}", {"visibility": visibility})
    assert changed["visibility"] == visibility
    return changed


def assert_hidden(node: NodeProcess, video: dict[str, Any], poster: str) -> None:
    """No stranger gets anything of a private video, whatever is known of it."""
    assert strangers.find(node, video["id"]) == []
    assert video["title"] not in strangers.titles(node, "")
    assert video["title"] not in strangers.titles(node, video["title"])
    assert strangers.metadata(node, video["id"]) is None
    assert strangers.blob(node, poster) is None
    assert strangers.file(node, video["file_name"]) is None
    assert not strangers.is_in_swarm(node, video["id"])


def assert_listed(node: NodeProcess, video: dict[str, Any], poster: str) -> None:
    assert video["title"] in strangers.titles(node, "")
    assert video["title"] in strangers.titles(node, video["title"])
    assert strangers.file(node, video["file_name"]) == Path(video["path"]).read_bytes()
    assert_served(node, video, poster)


def assert_served(node: NodeProcess, video: dict[str, Any], poster: str) -> None:
    """Who has the link gets the video."""
    assert [found["sources"][0]["info_hash"] for found in strangers.find(node, video["id"])] == [
        video["id"]
    ]
    assert strangers.metadata(node, video["id"]) is not None
    assert strangers.blob(node, poster) is not None
    assert strangers.is_in_swarm(node, video["id"])


def test_a_private_video_is_for_its_user_alone(a: NodeProcess, make: Make) -> None:
    public = a.add(make("diary-open.mp4"))
    path = make("diary-secret.mp4")
    job = a.post("videos", {"path": str(path), "visibility": "private"})
    # Not for a moment: somebody looks as often as he can while it is added.
    heard: set[str] = set()
    while a.get(f"jobs/{job['id']}")["state"] in {"queued", "running"}:
        heard |= strangers.titles(a, "")
    assert heard <= {public["title"]}
    video = video_of(a, job)
    assert (video["visibility"], video["magnet"]) == ("private", "")
    poster = poster_of(a, video)
    assert_hidden(a, video, poster)
    # The newest is told first.
    assert strangers.names_until(a, "diary", public["file_name"]) == [public["file_name"]]
    for text in ("diary", "", video["id"]):
        assert video["id"] in {found["id"] for found in a.search(text)}
    assert video["id"] in {shown["id"] for shown in a.get("videos")}
    assert a.stream(video["id"]).content == path.read_bytes()
    assert a.get(f"videos/{video['id']}/swarm")["peers"] == []

    a.stop()
    a.start()
    assert_hidden(a, video, poster)
    assert a.get(f"videos/{video['id']}")["visibility"] == "private"
    public_again = show(a, video, "public")
    assert public_again["magnet"].startswith(f"magnet:?xt=urn:btih:{video['id']}")
    assert_listed(a, video, poster)


def test_what_becomes_private_is_cut_off_at_once(
    a: NodeProcess, tmp_path: Path, make: Make
) -> None:
    path = make("long.mp4")
    with path.open("ab") as file:  # more than the buffers on the way hold
        file.write(struct.pack("!I4s", 64_000_000, b"free") + bytes(64_000_000 - 8))
    video = a.add(path)
    poster = poster_of(a, video)
    assert_listed(a, video, poster)
    download = strangers.Download(a, video["file_name"])
    assert download.some() > 0
    connection = strangers.Handshake(a, video["id"])
    assert connection.answered
    show(a, video, "private")
    connection.wait_closed()
    assert download.rest() < video["size"] // 2
    assert_hidden(a, video, poster)
    # The file comes back after it was gone: still for nobody.
    path.rename(tmp_path / "away")
    a.until(lambda: a.get(f"videos/{video['id']}")["state"], lambda state: state == "error")
    (tmp_path / "away").rename(path)
    a.until(lambda: a.get(f"videos/{video['id']}")["state"], lambda state: state == "complete")
    assert_hidden(a, video, poster)
    show(a, video, "public")
    assert_listed(a, video, poster)


def test_an_unlisted_video_is_for_those_with_the_link(
    a: NodeProcess, b: NodeProcess, make: Make
) -> None:
    listed = a.add(make("party-open.mp4"))
    video = a.add(make("party-invited.mp4"), visibility="unlisted")
    poster = poster_of(a, video)
    assert "x.unlisted=1" in video["magnet"]
    assert video["title"] not in strangers.titles(a, "") | strangers.titles(a, "party")
    assert strangers.file(a, video["file_name"]) is None
    assert strangers.names_until(a, "party", listed["file_name"]) == [listed["file_name"]]
    assert_served(a, video, poster)

    b.until(lambda: b.search("party"), bool)
    assert video["id"] not in {found["id"] for found in b.search("party")}
    there = b.post("videos/resolve", {"target": video["magnet"]})
    assert (there["title"], there["visibility"]) == (video["title"], "unlisted")
    b.post(f"videos/{video['id']}/fetch")
    there = b.complete(video["id"])
    assert (there["visibility"], there["widest"]) == ("unlisted", "unlisted")
    assert video["id"] in {found["id"] for found in b.search("party")}
    assert video["title"] not in strangers.titles(b, "") | strangers.titles(b, "party")
    assert strangers.file(b, there["file_name"]) is None
    assert_served(b, there, poster)
    refused = b.api.patch(f"videos/{video['id']}", json={"visibility": "public"})
    assert "link only" in problem(refused, 409)
    show(b, video, "private")
    assert_hidden(b, there, poster)
    show(b, video, "unlisted")

    # Its publisher opens it: who holds it hears of that, and does so, too.
    show(a, video, "public")
    b.until(lambda: (b.search("party"), b.get(f"videos/{video['id']}"))[1], _is("public"))
    assert_listed(b, b.get(f"videos/{video['id']}"), poster)
    show(a, video, "unlisted")
    b.until(lambda: (b.search(video["id"]), b.get(f"videos/{video['id']}"))[1], _is("unlisted"))
    assert video["title"] not in strangers.titles(b, "party")


def _is(visibility: str) -> Callable[[Any], bool]:
    return lambda video: bool(video["visibility"] == visibility)


def test_what_is_added_again_shows_no_more_than_before(a: NodeProcess, make: Make) -> None:
    path = make("again.mp4")
    video = a.add(path, visibility="private")
    assert a.add(path, visibility="public")["visibility"] == "private"
    show(a, video, "public")
    assert a.add(path)["visibility"] == "public"
    assert a.add(path, visibility="unlisted")["visibility"] == "unlisted"
    assert strangers.find(a, video["id"])[0]["unlisted"]


def test_what_cannot_be(a: NodeProcess, b: NodeProcess, make: Make) -> None:
    video = a.add(make("limits.mp4"))
    path = f"videos/{video['id']}"
    problem(a.api.patch(path, json={"visibility": "secret"}), 422)
    problem(a.api.patch("videos/" + "0" * 40, json={"visibility": "private"}), 404)
    magnet = {"url": "magnet:?xt=urn:btih:" + "1" * 40, "visibility": "private"}
    assert "torrent" in problem(a.api.post("videos", json=magnet), 400)
    nobody = b.post("videos/resolve", {"target": "magnet:?xt=urn:btih:" + "2" * 40})
    b.post(f"videos/{nobody['id']}/fetch")
    refused = b.api.patch(f"videos/{nobody['id']}", json={"visibility": "private"})
    assert "fetches" in problem(refused, 409)
    b.delete(f"videos/{nobody['id']}/fetch")


def test_an_upload_says_who_may_see_it(a: NodeProcess, make: Make) -> None:
    data = make("upload.mp4").read_bytes()
    files = {"file": ("upload.mp4", data)}
    sent = a.api.post("videos", data={"visibility": "private"}, files=files)
    assert sent.status_code == 202
    video = video_of(a, sent.json())
    assert video["visibility"] == "private"
    assert_hidden(a, video, poster_of(a, video))
    wrong = a.api.post("videos", data={"visibility": "everybody"}, files=files)
    assert "unlisted" in problem(wrong, 400)


def test_an_import_is_taken_up_with_its_visibility(tmp_path: Path, make: Make) -> None:
    path = make("pending.mp4")
    pending = PendingImport(
        id="1", source=str(path), owned=False, visibility=Visibility.PRIVATE, added_at=1.0
    )

    async def note() -> None:
        library = await Library.open(tmp_path / "n" / "library.sqlite")
        await library.put_pending_import(pending)
        await library.close()

    asyncio.run(note())
    with nodes() as start:
        node = start(tmp_path / "n")
        assert job_over(node, node.get("jobs")[0])["state"] == "done"
        (video,) = node.get("videos")
        assert video["visibility"] == "private"
        assert_hidden(node, video, poster_of(node, video))


def test_the_public_port_and_its_index_follow(tmp_path: Path, make: Make) -> None:
    path = make("square dance.mp4")
    with path.open("ab") as file:
        file.write(struct.pack("!I4s", 64_000_000, b"free") + bytes(64_000_000 - 8))
    with nodes() as start:
        node = start(tmp_path / "n", "--public-port", "0")
        public = f"http://127.0.0.1:{node.info['ports']['public']}"
        with httpx.Client(base_url=public, timeout=60) as stranger:
            video = node.add(path)
            page, name = f"/watch/{video['id']}", quote(bytes.fromhex(video["id"]))

            def indexed() -> list[Any]:
                found: list[Any] = stranger.get("/search", params={"q": "square"}).json()
                return found

            def scraped() -> bytes:
                return stranger.get(f"/scrape?info_hash={name}").content

            node.until(indexed, bool)
            node.until(scraped, lambda answer: b"8:completei0e" not in answer)
            assert "square dance" in stranger.get("/").text
            show(node, video, "unlisted")
            assert "square dance" not in stranger.get("/").text
            assert stranger.get(page).status_code == 200
            assert b"8:completei0e" in scraped()
            node.until(indexed, lambda found: not found)
            with stranger.stream("GET", f"/stream/{video['id']}") as stream:
                chunks = stream.iter_raw()
                received = len(next(chunks))
                show(node, video, "private")
                with contextlib.suppress(httpx.TransportError):
                    received += sum(map(len, chunks))
            assert received < video["size"] // 2
            for gone in (page, f"/torrent/{video['id']}", f"/stream/{video['id']}"):
                assert stranger.get(gone).status_code == 404
            show(node, video, "public")
            node.until(indexed, bool)
