"""The public web of a real node: what strangers see of it, and what they do not."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

import httpx
import libtorrent as lt
import pytest
from tests.clips import make_clip
from tests.nodes import nodes
from tests.web.public_town import (
    HOSTILE,
    PAGE,
    UNKNOWN,
    Page,
    Town,
    change,
    public_url,
    stranger,
)

# --- who sees what ------------------------------------------------------------------------


def test_the_home_page_lists_what_is_public_newest_first(town: Town) -> None:
    text = town.web.get("/").text
    listed = re.findall(r'href="/watch/(\w+)"', text)
    assert listed == [town.videos["hostile"]["id"], town.videos["public"]["id"]]
    assert "Ada &lt;i&gt;" in text


def test_the_home_page_is_searched(town: Town) -> None:
    found = town.web.get("/", params={"q": "publ ONE"}).text
    assert re.findall(r'href="/watch/(\w+)"', found) == [town.videos["public"]["id"]]
    for text in (
        "private",
        "unlisted",
        town.videos["unlisted"]["id"],
        town.videos["private"]["id"],
    ):
        assert "/watch/" not in town.web.get("/", params={"q": text}).text
    assert HOSTILE not in town.web.get("/", params={"q": HOSTILE}).text


def test_pages_of_the_list_end(town: Town) -> None:
    assert town.web.get("/", params={"page": "1"}).status_code == 200
    assert town.web.get("/", params={"page": "2"}).status_code == 404
    for page in ("0", "-1", "x", "1" * 400):
        assert town.web.get("/", params={"page": page}).status_code == 400


PATHS = ("/watch/{}", "/embed/{}", "/stream/{}", "/poster/{}", "/torrent/{}")


@pytest.mark.parametrize("path", PATHS)
def test_a_private_video_looks_like_none_at_all(town: Town, path: str) -> None:
    private, unknown = (
        town.web.get(path.format(video), headers=PAGE)
        for video in (town.videos["private"]["id"], UNKNOWN)
    )
    assert private.status_code == unknown.status_code == 404
    assert private.text == unknown.text
    assert list(private.headers) == list(unknown.headers)
    plain = town.web.get(path.format(town.videos["private"]["id"]))
    assert (plain.status_code, plain.json()["status"]) == (404, 404)


@pytest.mark.parametrize("path", PATHS)
def test_an_unlisted_video_is_there_for_who_has_the_link(town: Town, path: str) -> None:
    assert town.web.get(path.format(town.videos["unlisted"]["id"])).status_code == 200


def test_search_engines_are_told_not_to_list_it(town: Town) -> None:
    unlisted = town.web.get(f"/watch/{town.videos['unlisted']['id']}")
    assert unlisted.headers["x-robots-tag"] == "noindex"
    assert Page(unlisted.text).meta["robots"] == "noindex"
    public = town.web.get(f"/watch/{town.videos['public']['id']}")
    assert "x-robots-tag" not in public.headers
    assert "robots" not in Page(public.text).meta


def test_visibility_changes_at_once(town: Town) -> None:
    video = town.videos["public"]
    try:
        change(town.node, video, visibility="private")
        assert town.web.get(f"/watch/{video['id']}").status_code == 404
        assert video["id"] not in town.web.get("/").text
    finally:
        change(town.node, video, visibility="public")
    assert video["id"] in town.web.get("/").text


def test_there_is_no_way_to_the_users_interface(town: Town) -> None:
    token = {"authorization": f"Bearer {town.node.info['token']}"}
    for path in (
        *("/api/v1/node", "/api/v1/videos", "/api/v1/settings", "/static/index.html"),
        *("/viewer/../index.html", "/viewer/%2e%2e/index.html", "/viewer/..%2f..%2fguards.py"),
        *("/watch/../api/v1/node", "/watch/%00", "/watch/x", "//api/v1/node"),
    ):
        answer = town.web.get(path, headers=token)
        assert answer.status_code == 404, path
        assert "set-cookie" not in answer.headers
    assert town.web.post("/", headers=token).status_code == 405
    assert town.web.delete(f"/watch/{town.videos['public']['id']}").status_code == 405


# --- files --------------------------------------------------------------------------------


def test_a_stream_is_the_file(town: Town) -> None:
    path = f"/stream/{town.videos['public']['id']}"
    whole = town.file.read_bytes()
    answer = town.web.get(path)
    assert answer.content == whole
    assert answer.headers["access-control-allow-origin"] == "*"
    part = town.web.get(path, headers={"range": "bytes=100-299"})
    assert (part.status_code, part.content) == (206, whole[100:300])
    assert part.headers["content-range"] == f"bytes 100-299/{len(whole)}"
    assert town.web.get(path, headers={"range": f"bytes={len(whole)}-"}).status_code == 416
    known = town.web.get(path, headers={"if-none-match": answer.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    head = town.web.head(path)
    assert (head.headers["content-length"], head.content) == (str(len(whole)), b"")


def test_answers_are_kept_by_their_etag(town: Town) -> None:
    video = town.videos["public"]["id"]
    for path in ("/", f"/watch/{video}", f"/poster/{video}", f"/torrent/{video}", "/public.css"):
        answer = town.web.get(path)
        assert answer.status_code == 200
        if path != "/public.css":
            again = town.web.get(path, headers={"if-none-match": answer.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
            assert town.web.get(path, headers={"if-none-match": '"other"'}).status_code == 200
        assert town.web.head(path).status_code == 200
    (style,) = re.findall(r'href="(/public.css\?v=\w+)"', town.web.get("/").text)
    assert "immutable" in town.web.get(style).headers["cache-control"]


def test_posters_are_pictures(town: Town) -> None:
    answer = town.web.get(f"/poster/{town.videos['public']['id']}")
    assert answer.headers["content-type"] == "image/jpeg"
    assert answer.content.startswith(b"\xff\xd8")
    assert "max-age" in answer.headers["cache-control"]


def test_the_torrent_file_names_this_node(town: Town) -> None:
    video = town.videos["public"]
    answer = town.web.get(f"/torrent/{video['id']}")
    assert answer.headers["content-type"] == "application/x-bittorrent"
    assert 'attachment; filename="public.mp4.torrent"' in answer.headers["content-disposition"]
    params = lt.load_torrent_buffer(answer.content)
    origin = public_url(town.node)
    assert params.trackers[0] == f"{origin}/announce"
    assert f"ws{origin.removeprefix('http')}/announce" in params.trackers
    assert params.url_seeds == [f"{origin}/stream/{video['id']}"]
    assert params.ti is not None
    assert hashlib.sha1(params.ti.info_section()).hexdigest() == video["id"]


def test_the_rest_of_a_web_site_is_there(town: Town) -> None:
    robots = town.web.get("/robots.txt").text
    assert "Disallow: /stream/" in robots
    assert town.web.get("/favicon.ico").headers["content-type"] == "image/svg+xml"
    missing = town.web.get("/nothing", headers=PAGE)
    assert missing.status_code == 404
    assert "There is nothing at this address." in missing.text
    assert "nosniff" in missing.headers["x-content-type-options"]


def test_the_user_is_told_where_strangers_look(town: Town) -> None:
    assert town.node.get("node")["public_url"] == public_url(town.node)


def test_bad_requests_are_answered(town: Town) -> None:
    with httpx.Client() as plain:
        long = plain.get(f"{public_url(town.node)}/watch/{'x' * 5000}")
        assert long.status_code == 404
    assert town.web.request("PROPFIND", "/").status_code == 405


# --- behind a reverse proxy, without a public port, and what is only heard of -----------------


def test_behind_a_proxy_links_bear_its_name(tmp_path: Path) -> None:
    with nodes() as start:
        node = start(
            *(tmp_path / "n", "--public-port", "0", "--public-url", "https://Tube.example/")
        )
        video = node.add(make_clip(tmp_path / "a.mp4", seconds=2, size=(320, 180), faststart=True))
        assert node.get("node")["public_url"] == "https://tube.example"
        with stranger(node) as web:
            page = Page(web.get(f"/watch/{video['id']}").text)
            assert page.meta["og:video:secure_url"] == f"https://tube.example/stream/{video['id']}"
            assert page.facts["trackers"] == ["wss://tube.example/announce"]
            url = {"url": f"https://tube.example/watch/{video['id']}"}
            assert web.get("/oembed", params=url).status_code == 200


def test_without_a_public_port_there_is_no_public_url(tmp_path: Path) -> None:
    with nodes() as start:
        assert start(tmp_path / "n").get("node")["public_url"] == ""


def test_what_is_only_heard_of_is_not_shown(town: Town, tmp_path: Path) -> None:
    with nodes() as start:
        other = start(tmp_path / "n", "--public-port", "0", join=town.node.peer_id)
        video = other.find("public")
        with stranger(other) as web:
            assert web.get(f"/watch/{video['id']}").status_code == 404
            assert "/watch/" not in web.get("/", params={"q": "public"}).text
            other.post(f"videos/{video['id']}/fetch")
            other.complete(video["id"])
            assert Page(web.get(f"/watch/{video['id']}").text).facts["publisher"] == "Ada <i>"
            assert web.get(f"/stream/{video['id']}").content == town.file.read_bytes()
