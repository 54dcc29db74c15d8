"""Strangers' torrents of several files: one is chosen, with its subtitles, then another."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
from tests.clips import make_clip
from tests.node.torrents import stranger
from tests.nodes import NodeProcess, nodes
from tests.subtitles import ass, srt
from tests.tracker_process import TrackerProcess

from p2ptube.media.webvtt import decode


@pytest.fixture(scope="module")
def show(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A series: two episodes, subtitles beside and below them, and a text."""
    folder = tmp_path_factory.mktemp("show") / "Show"
    (folder / "Subs" / "Show.E01").mkdir(parents=True)
    make_clip(folder / "Show.E01.mp4", seconds=4, size=(320, 180), faststart=True)
    make_clip(folder / "Show.E02.mp4", seconds=2, size=(320, 180), faststart=True)
    (folder / "Show.E01.en.srt").write_text(srt("Hello", "<i>you</i>"))
    (folder / "Subs" / "Show.E01" / "2_German.ass").write_text(ass("Grüße"))
    (folder / "Show.E02.fr.srt").write_text(srt("Bonjour"))
    (folder / "readme.txt").write_text("read me " * 9000)
    return folder


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeProcess]:
    with nodes() as start:
        yield start(tmp_path_factory.mktemp("node"))


def refused(node: NodeProcess, path: str, body: Any) -> str:
    answer = node.api.post(path, json=body)
    assert answer.status_code in {400, 422}, answer.text
    return str(answer.json()["detail"])


def captions_of(node: NodeProcess, video_id: str, languages: set[str]) -> dict[str, list[str]]:
    """What is said in each language, once there are captions in these."""
    path = f"videos/{video_id}"
    video = node.until(lambda: node.get(path), lambda v: set(v["captions"]) >= languages)
    found = {}
    for language in video["captions"]:
        answer = node.api.get(f"{node.url}/captions/{video_id}/{language}")
        assert answer.headers["content-type"] == "text/vtt; charset=utf-8"
        found[language] = [cue.text for cue in decode(answer.content)]
    return found


def test_an_episode_after_the_other(show: Path, tmp_path: Path) -> None:
    with stranger(show) as shared, nodes() as start:
        a = start(tmp_path / "a")
        path = f"videos/{shared.id}"
        assert a.post("videos/resolve", {"target": shared.magnet})["files"] == []
        assert a.get(path)["files"] == []  # nobody has told yet
        files = a.get(f"{path}/files")
        assert [(file["kind"], file["language"]) for file in files] == [
            ("subtitles", "en"),
            ("video", ""),
            ("subtitles", "fr"),
            ("video", ""),
            ("subtitles", "de"),
            ("other", ""),
        ]
        assert [file["chosen"] for file in files] == [False] * 6
        assert [file["title"] for file in files if file["kind"] == "video"] == [
            *("Show E01", "Show E02"),
        ]
        assert {file["progress"] for file in files} == {0}
        assert a.get("videos") == []  # looking is not fetching

        begun = a.post(f"{path}/fetch")
        assert (begun["title"], begun["file_name"]) == ("Show E01", "Show.E01.mp4")
        a.complete(shared.id)
        said = captions_of(a, shared.id, {"en", "de"})
        assert said == {"de": ["Grüße"], "en": ["Hello", "you"]}
        video = a.until(lambda: a.get(path), lambda v: v["duration"] > 0)
        assert 3.9 < video["duration"] < 4.2
        assert (video["width"], video["height"], video["video_codec"]) == (320, 180, "h264")
        first = a.stream(shared.id)
        assert first.content == (show / "Show.E01.mp4").read_bytes()
        chosen = [file["path"] for file in a.get(path)["files"] if file["chosen"]]
        assert chosen == [
            *("Show/Show.E01.en.srt", "Show/Show.E01.mp4", "Show/Subs/Show.E01/2_German.ass"),
        ]

        a.post(f"{path}/fetch", {"file": "E02"})
        assert a.complete(shared.id)["title"] == "Show E02"
        assert captions_of(a, shared.id, {"fr"}) == {"fr": ["Bonjour"]}
        a.until(lambda: a.get(path), lambda v: 1.9 < v["duration"] < 2.2)
        second = a.stream(shared.id)
        assert second.content == (show / "Show.E02.mp4").read_bytes()
        assert second.headers["etag"] != first.headers["etag"]
        # What is here of the first one stays, and is told.
        seen = a.get(path)
        assert (seen["file"], seen["files"][seen["file"]]["path"]) == (3, "Show/Show.E02.mp4")
        here = {file["path"]: file["progress"] for file in seen["files"]}
        assert [here[f"Show/{name}"] for name in ("Show.E01.mp4", "Show.E02.mp4")] == [1, 1]
        assert here["Show/readme.txt"] < 1

        # After a restart, with nobody to ask: what was here of the first one still is.
        a.restart_flags()
        a.stop()
    with nodes() as start:
        a = start(tmp_path / "a")
        assert a.stream(shared.id).content == (show / "Show.E02.mp4").read_bytes()
        a.post(f"{path}/fetch", {"file": "E01"})
        a.until(lambda: a.get(path), lambda video: video["progress"] > 0.9)
        kept = Path(a.get(path)["path"])
        assert kept.stat().st_size == (show / "Show.E01.mp4").stat().st_size
        assert kept.with_name("Show.E02.mp4").is_file()


def test_another_one_is_chosen_while_the_first_still_comes(show: Path, tmp_path: Path) -> None:
    with stranger(show, rate=250_000) as shared, nodes() as start:
        a = start(tmp_path / "a")
        path = f"videos/{shared.id}"
        a.post("videos/resolve", {"target": shared.magnet})
        a.post(f"{path}/fetch", {"file": "E01"})
        a.until(lambda: a.get(path), lambda video: video["progress"] > 0.1)
        a.post(f"{path}/fetch", {"file": "E02"})
        a.complete(shared.id)
        assert a.stream(shared.id).content == (show / "Show.E02.mp4").read_bytes()
        back = a.post(f"{path}/fetch", {"file": "E01"})
        assert back["state"] == "fetching"
        a.until(lambda: a.get(path), lambda video: video["progress"] > 0.1)
        a.complete(shared.id)
        assert a.stream(shared.id).content == (show / "Show.E01.mp4").read_bytes()
        assert a.api.delete(path, params={"delete_file": False}).status_code == 204
        kept = {file.name for file in (tmp_path / "a" / "kept" / "Show").rglob("*.*")}
        assert kept >= {"Show.E01.mp4", "Show.E02.mp4", "Show.E01.en.srt"}


@pytest.mark.parametrize(
    ("file", "words"),
    [
        (77, "no such file: the torrent has 6"),
        (-1, "no such file"),
        ("nonsense", "no file 'nonsense'.*Show.E01.mp4"),
        ("Show.E", "several files"),
        ("E01.en", "is a file of subtitles"),
        (1.5, "int"),
    ],
)
def test_what_names_no_file(node: NodeProcess, show: Path, file: object, words: str) -> None:
    with stranger(show) as shared:
        node.post("videos/resolve", {"target": str(shared.torrent)})
        detail = refused(node, f"videos/{shared.id}/fetch", {"file": file})
    assert re.search(words, detail), detail
    assert node.get("videos") == []


def test_nothing_to_play(node: NodeProcess, tmp_path: Path) -> None:
    folder = tmp_path / "Disc"
    folder.mkdir()
    (folder / "image.iso").write_bytes(bytes(50_000))
    (folder / "notes.txt").write_text("notes")
    with stranger(folder) as shared:
        path = f"videos/{shared.id}"
        node.post("videos/resolve", {"target": shared.magnet})
        # Found out while it is fetched, since a magnet link does not say it ...
        node.post(f"{path}/fetch")
        video = node.until(lambda: node.get(path), lambda v: v["state"] == "error")
        assert "neither video nor sound" in video["detail"]
        assert "image.iso" in video["detail"]
        node.delete(path, delete_file=True)
        # ... and at once, where it is known.
        node.post("videos/resolve", {"target": str(shared.torrent)})
        assert "neither video nor sound" in refused(node, f"{path}/fetch", {})
        # Who says which one gets it.
        node.post("videos/resolve", {"target": shared.magnet})
        node.post(f"{path}/fetch", {"file": "image.iso"})
        node.complete(shared.id)
        node.delete(path, delete_file=True)


def test_v1_and_v2_at_once_is_played_and_v2_alone_refused(
    node: NodeProcess, show: Path, tmp_path: Path
) -> None:
    with stranger(show, version="hybrid") as shared:
        video = node.post("videos/resolve", {"target": shared.magnet})
        node.post(f"videos/{video['id']}/fetch", {"file": "E02"})
        node.complete(video["id"])
        assert node.stream(video["id"]).content == (show / "Show.E02.mp4").read_bytes()
        node.delete(f"videos/{video['id']}", delete_file=True)
    with stranger(show, version="v2") as shared:
        detail = refused(node, "videos/resolve", {"target": str(shared.torrent)})
        assert "BitTorrent v2" in detail
    detail = refused(node, "videos/resolve", {"target": "magnet:?xt=urn:btmh:1220" + "ab" * 32})
    assert "BitTorrent v2" in detail


def test_an_info_hash_that_no_peer_of_ours_knows(show: Path, tmp_path: Path) -> None:
    with (
        TrackerProcess(tmp_path / "tracker") as tracker,
        stranger(show, tracker.at("http")) as shared,
        nodes() as start,
    ):
        a = start(tmp_path / "a", "--tracker", tracker.at("http"))
        stats = f"{tracker.origin}/stats"
        a.until(lambda: httpx.get(stats).json(), lambda told: told["peers"] == 1)
        video = a.post("videos/resolve", {"target": shared.id})
        assert video["title"] == "Show"
        assert len(video["files"] or a.get(f"videos/{shared.id}")["files"]) == 6
        a.post(f"videos/{shared.id}/fetch", {"file": "E02"})
        a.complete(shared.id)


def test_another_link_leads_to_somebody(show: Path, tmp_path: Path) -> None:
    with (
        TrackerProcess(tmp_path / "tracker") as tracker,
        stranger(show, tracker.at("http")) as shared,
        nodes() as start,
    ):
        path = f"videos/{shared.id}"
        nowhere = f"magnet:?xt=urn:btih:{shared.id}"
        stats = f"{tracker.origin}/stats"
        links = (
            f"{nowhere}&tr={quote(tracker.at('http'))}",
            f"{nowhere}&x.pe={shared.address}",
            str(shared.torrent),
        )
        for number, link in enumerate(links):
            a = start(tmp_path / str(number))
            a.post("videos/resolve", {"target": nowhere})
            a.post(f"{path}/fetch")
            a.until(partial(a.get, path), lambda video: "no holder" in video["detail"])
            a.until(lambda: httpx.get(stats).json(), lambda told: told["peers"] >= 1)
            a.post("videos/resolve", {"target": link})
            a.complete(shared.id)
            a.stop()  # a stranger takes one connection from an address


def test_an_unlisted_link_stays_so_once_its_files_are_known(node: NodeProcess, show: Path) -> None:
    with stranger(show) as shared:
        node.post("videos/resolve", {"target": f"{shared.magnet}&x.unlisted=1"})
        node.get(f"videos/{shared.id}/files")
        assert node.get(f"videos/{shared.id}")["visibility"] == "unlisted"


def test_nobody_answers(node: NodeProcess) -> None:
    unknown = "ab" * 20
    answer = node.api.post("videos/resolve", json={"target": unknown})
    assert answer.status_code == 404  # at once: there is no way to find a stranger
    assert node.api.get(f"videos/{unknown}/files").status_code == 404
