"""Settings, the picture of the network, browsing, players, titles and caching over HTTP."""

from __future__ import annotations

import os
import signal
import threading
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.routing import Mount
from tests.web.fakes import REMOTE_ID, TOKEN, VIDEO_ID, FakeNode, a_video

from p2ptube.models import VideoState
from p2ptube.web.guards import capability
from p2ptube.web.routes_page import FOR_EVER, PageFiles
from p2ptube.web.uploads import FileField

V1 = "/api/v1"
MULTIPART = {"content-type": "multipart/form-data; boundary=X"}


# --- settings, peers ------------------------------------------------------------------------


async def test_settings_are_shown_and_changed(client: httpx.AsyncClient) -> None:
    shown = (await client.get(f"{V1}/settings")).json()
    assert shown == {"settings": {"name": "fake", "port": 1}, "restart": [], "fixed": ["dht"]}
    changed = await client.patch(f"{V1}/settings", json={"name": "Ada", "port": 7})
    assert changed.json()["settings"] == {"name": "Ada", "port": 7}
    assert changed.json()["restart"] == ["port"]
    refused = await client.patch(f"{V1}/settings", json={"speed": 1})
    assert (refused.status_code, refused.json()["title"]) == (400, "Invalid input")
    assert "speed" in refused.json()["detail"]
    assert (await client.patch(f"{V1}/settings", json=[1])).status_code == 422


async def test_the_graph_is_no_peer(client: httpx.AsyncClient) -> None:
    await client.post(f"{V1}/peers", json={"address": "127.0.0.1:9"})
    graph = (await client.get(f"{V1}/peers/graph")).json()
    assert [node["kind"] for node in graph["nodes"]] == ["self", "p2ptube"]
    assert set(graph["nodes"][0]) == {"id", "name", "kind", "videos"}
    assert graph["links"] == [["127.0.0.1:1", "127.0.0.1:9"]]


# --- browsing -------------------------------------------------------------------------------


@pytest.mark.parametrize("query", ["", "?q=", "?q=%20"])
async def test_an_empty_search_browses(
    client: httpx.AsyncClient, node: FakeNode, query: str
) -> None:
    node.found.append(a_video(REMOTE_ID, state=VideoState.REMOTE))
    found = (await client.get(f"{V1}/search{query}")).json()
    assert [video["id"] for video in found] == [VIDEO_ID, REMOTE_ID]


# --- titles of uploads ----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "title"),
    [("Holiday, Ünal ✓", "Holiday, Ünal ✓"), (" ", None), ("", None), (None, None)],
)
async def test_a_title_in_front_of_the_file(
    client: httpx.AsyncClient, node: FakeNode, sent: str | None, title: str | None
) -> None:
    fields = {} if sent is None else {"title": sent}
    answer = await client.post(f"{V1}/videos", data=fields, files={"file": ("a.mp4", b"1")})
    assert answer.status_code == 202
    assert node.known[answer.json()["video"]].title == (title or "a.mp4")


async def test_a_title_that_is_too_long_is_refused(
    client: httpx.AsyncClient, node: FakeNode
) -> None:
    files = {"file": ("a.mp4", b"1")}
    answer = await client.post(f"{V1}/videos", data={"title": "x" * 2001}, files=files)
    assert answer.status_code == 400
    assert "title" in answer.json()["detail"]
    assert node.uploads == {}


async def test_a_title_alone_is_no_upload(client: httpx.AsyncClient) -> None:
    body = b'--X\r\nContent-Disposition: form-data; name="title"\r\n\r\nT\r\n--X--\r\n'
    answer = await client.post(f"{V1}/videos", content=body, headers=MULTIPART)
    assert answer.status_code == 400


@given(st.text(max_size=60), st.integers(1, 40))
def test_a_title_survives_any_cutting_of_the_body(title: str, step: int) -> None:
    body = (
        b'--=_b_=\r\nContent-Disposition: form-data; name="title"\r\n\r\n'
        + title.encode("utf-8", "replace")
        + b'\r\n--=_b_=\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nDATA'
        + b"\r\n--=_b_=--\r\n"
    )
    field = FileField(b"=_b_=")
    data = b"".join(field.feed(body[i : i + step]) for i in range(0, len(body), step))
    expected = title.encode("utf-8", "replace").decode().strip() or None
    assert (data, field.name, field.title) == (b"DATA", "a", expected)


# --- who may see what is added --------------------------------------------------------------


@pytest.mark.parametrize(
    ("sent", "shown"), [({}, "public"), ({"visibility": " private"}, "private")]
)
async def test_the_visibility_of_an_upload(
    client: httpx.AsyncClient, node: FakeNode, sent: dict[str, str], shown: str
) -> None:
    answer = await client.post(f"{V1}/videos", data=sent, files={"file": ("a.mp4", b"1")})
    assert node.known[answer.json()["video"]].visibility == shown


async def test_a_visibility_that_there_is_not(client: httpx.AsyncClient, node: FakeNode) -> None:
    files = {"file": ("a.mp4", b"1")}
    answer = await client.post(f"{V1}/videos", data={"visibility": "nobody"}, files=files)
    assert answer.status_code == 400
    assert "unlisted" in answer.json()["detail"]
    answer = await client.post(f"{V1}/videos", json={"path": "/a.mp4", "visibility": "nobody"})
    assert answer.status_code == 422
    assert node.uploads == {}


async def test_a_visibility_that_comes_too_late_is_an_error(
    client: httpx.AsyncClient, node: FakeNode
) -> None:
    """What was meant to be private must not be public because of the order of a form's parts."""
    head = b"--X\r\nContent-Disposition: form-data; name="
    body = head + b'"file"; filename="a.mp4"\r\n\r\nDATA\r\n'
    body += head + b'"visibility"\r\n\r\nprivate\r\n--X--\r\n'
    answer = await client.post(f"{V1}/videos", content=body, headers=MULTIPART)
    assert answer.status_code == 400
    assert "in front" in answer.json()["detail"]
    assert node.uploads == {}
    assert node.work == {}


async def test_who_may_see_a_video_is_changed(client: httpx.AsyncClient, node: FakeNode) -> None:
    path = f"{V1}/videos/{VIDEO_ID}"
    answer = await client.patch(path, json={"visibility": "unlisted"})
    assert answer.json()["visibility"] == "unlisted"
    assert (await client.patch(path, json={"title": "x"})).json()["visibility"] == "unlisted"
    assert (await client.patch(path, json={"visibility": ""})).status_code == 422


# --- players --------------------------------------------------------------------------------


class Mpv:
    """A program called mpv that tells its arguments and its process, and stays until killed."""

    def __init__(self, directory: Path) -> None:
        self._pipe = directory / "told"
        os.mkfifo(self._pipe)
        program = directory / "mpv"
        program.write_text(
            f'#!/bin/sh\nprintf "%s\\n" "$$" "$@" > {self._pipe}.part\n'
            f"cat {self._pipe}.part > {self._pipe}\nexec sleep 60\n"
        )
        program.chmod(0o755)

    def told(self) -> list[str]:
        """Wait until it runs: its process id and its arguments."""
        return self._pipe.read_text().splitlines()


@pytest.fixture
def mpv(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mpv:
    directory = tmp_path / "bin"
    directory.mkdir()
    monkeypatch.setenv("PATH", f"{directory}:{os.environ['PATH']}")
    monkeypatch.setenv("DISPLAY", ":77")
    return Mpv(directory)


async def test_a_player_opens_and_leaves_nothing_behind(
    client: httpx.AsyncClient, node: FakeNode, mpv: Mpv
) -> None:
    node.known[VIDEO_ID] = a_video(title="--title of a clip")
    answer = await client.post(f"{V1}/videos/{VIDEO_ID}/open", json={"player": "mpv"})
    assert (answer.status_code, answer.content) == (204, b"")
    process, *arguments = mpv.told()
    url = urlsplit(arguments[-1])
    assert f"{url.scheme}://{url.netloc}{url.path}" == f"http://127.0.0.1:5680/stream/{VIDEO_ID}"
    assert parse_qs(url.query) == {"token": [capability(TOKEN, VIDEO_ID)]}
    assert "--force-media-title=--title of a clip" in arguments
    (waiting,) = [thread for thread in threading.enumerate() if thread.name == "player mpv"]
    os.kill(int(process), signal.SIGTERM)  # the user closes the window
    waiting.join(20)  # which ends once the process was waited for: no zombie
    assert not waiting.is_alive()


async def test_a_player_that_is_missing_is_told_of(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setenv("DISPLAY", ":77")
    answer = await client.post(f"{V1}/videos/{VIDEO_ID}/open", json={"player": "mpv"})
    assert answer.status_code == 400
    assert answer.json()["detail"] == "mpv is not installed (package mpv)"


async def test_vlc_that_is_missing_is_told_of(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "vlc.py").write_text("raise ModuleNotFoundError('vlc')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.setenv("DISPLAY", ":77")
    answer = await client.post(f"{V1}/videos/{VIDEO_ID}/open", json={"player": "vlc"})
    assert answer.status_code == 400
    assert "p2ptube[vlc]" in answer.json()["detail"]


async def test_without_a_screen_nothing_opens(
    client: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    answer = await client.post(f"{V1}/videos/{VIDEO_ID}/open", json={"player": "mpv"})
    assert answer.status_code == 400
    assert "no screen" in answer.json()["detail"]


async def test_what_cannot_be_opened(client: httpx.AsyncClient, node: FakeNode) -> None:
    node.found.append(a_video(REMOTE_ID, state=VideoState.REMOTE, classic=True))
    for video, player, status in (
        ("c" * 40, "mpv", 404),
        (REMOTE_ID, "mpv", 409),
        (VIDEO_ID, "realplayer", 422),
        (VIDEO_ID, None, 422),
    ):
        answer = await client.post(f"{V1}/videos/{video}/open", json={"player": player})
        assert answer.status_code == status, answer.text


# --- caching and policy ---------------------------------------------------------------------


async def test_hashed_files_are_kept_for_ever_and_others_not(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "assets/app-1a2b.js").write_text("1")
    (tmp_path / "icon.svg").write_text("<svg/>")
    app = Starlette(routes=[Mount("/static", PageFiles(directory=tmp_path))])
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        first = await client.get("/static/assets/app-1a2b.js")
        assert first.headers["cache-control"] == FOR_EVER
        again = {"if-none-match": first.headers["etag"]}
        unchanged = await client.get("/static/assets/app-1a2b.js", headers=again)
        assert (unchanged.status_code, unchanged.headers["cache-control"]) == (304, FOR_EVER)
        missing = await client.get("/static/assets/nothing.js")
        assert (missing.status_code, missing.headers.get("cache-control")) == (404, None)
        assert "cache-control" not in (await client.get("/static/icon.svg")).headers


async def test_the_page_itself_is_not_kept(stranger: httpx.AsyncClient) -> None:
    assert (await stranger.get("/")).headers["cache-control"] == "no-store"
    answer = await stranger.get("/static/assets/nothing.js")
    assert (answer.status_code, answer.headers["cache-control"]) == (404, "no-store")


async def test_the_policy_lets_the_player_in_and_no_inline_script(
    stranger: httpx.AsyncClient,
) -> None:
    policy = (await stranger.get("/")).headers["content-security-policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["script-src"] == "'self'"
    assert rules["style-src"] == "'self' 'unsafe-inline'"
    assert rules["img-src"] == "'self' blob: data:"
    assert rules["media-src"] == "'self' blob:"
    assert rules["connect-src"] == "'self'"
    assert rules["frame-ancestors"] == "'none'"
