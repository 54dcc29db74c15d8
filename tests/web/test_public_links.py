"""A link to a video unfolds, embeds and is safe, whatever its title: of a real node."""

from __future__ import annotations

import pytest
from tests.web.public_town import HOSTILE, UNKNOWN, Page, Town, public_url


def test_the_watch_page_says_what_it_shows(town: Town) -> None:
    video = town.videos["public"]
    answer = town.web.get(f"/watch/{video['id']}")
    page, origin = Page(answer.text), public_url(town.node)
    assert page.meta["og:title"] == "The public one"
    assert page.meta["og:description"] == "First line second <b>line</b>"
    assert page.meta["og:url"] == page.links["canonical"] == f"{origin}/watch/{video['id']}"
    assert page.meta["og:image"] == page.meta["twitter:image"] == f"{origin}/poster/{video['id']}"
    assert page.meta["og:video"] == f"{origin}/stream/{video['id']}"
    assert page.meta["og:video:type"] == "video/mp4"
    assert page.meta["twitter:card"] == "player"
    assert page.meta["twitter:player"] == f"{origin}/embed/{video['id']}"
    assert (page.meta["og:video:width"], page.meta["twitter:player:height"]) == ("320", "180")
    for url in (page.meta["og:image"], page.meta["og:video"], page.meta["twitter:player"]):
        assert town.web.head(url).status_code == 200


def test_the_viewer_script_finds_its_facts(town: Town) -> None:
    video = town.videos["public"]
    page = Page(town.web.get(f"/watch/{video['id']}").text)
    origin = public_url(town.node)
    assert set(page.facts) == {
        *("id", "title", "description", "duration", "width", "height", "size", "file_name", "mime"),
        *("publisher", "published_at", "magnet", "trackers", "torrent", "stream", "poster", "ice"),
        *("embed", "page"),
    }
    assert page.facts["trackers"] == [f"ws{origin.removeprefix('http')}/announce"]
    assert (page.facts["publisher"], page.facts["embed"]) == ("Ada <i>", False)
    tags = [tag for tag, _ in page.elements]
    assert tags.count("video") == 1
    assert ("script", {"type": "module", "src": "/viewer/viewer.js"}) in page.elements
    embedded = Page(town.web.get(f"/embed/{video['id']}").text)
    assert embedded.facts["embed"] is True
    assert "header" not in [tag for tag, _ in embedded.elements]


def test_hostile_texts_are_only_texts(town: Town) -> None:
    video = town.videos["hostile"]
    for path in ("/", f"/watch/{video['id']}", f"/embed/{video['id']}"):
        answer = town.web.get(path)
        page = Page(answer.text)
        assert "onerror" not in {name for _, given in page.elements for name in given}
        assert "<img src=x" not in answer.text
        policy = answer.headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert "default-src 'none'" in policy
    assert Page(town.web.get(f"/watch/{video['id']}").text).facts["title"] == HOSTILE


def test_only_the_embedded_player_may_be_framed(town: Town) -> None:
    video = town.videos["public"]["id"]
    for path, framed in (("/", False), (f"/watch/{video}", False), (f"/embed/{video}", True)):
        headers = town.web.get(path).headers
        ancestors = "frame-ancestors *" if framed else "frame-ancestors 'none'"
        assert ancestors in headers["content-security-policy"]
        assert ("x-frame-options" in headers) != framed


def test_oembed_is_discovered_and_answers(town: Town) -> None:
    video = town.videos["hostile"]
    page = Page(town.web.get(f"/watch/{video['id']}").text)
    answer = town.web.get(page.links["application/json+oembed"])
    assert answer.headers["access-control-allow-origin"] == "*"
    found = answer.json()
    assert (found["type"], found["title"], found["width"]) == ("video", HOSTILE, 320)
    assert (found["thumbnail_width"], found["thumbnail_height"]) == (320, 180)
    (frame,) = [given for tag, given in Page(found["html"]).elements if tag == "iframe"]
    assert frame["src"] == f"{public_url(town.node)}/embed/{video['id']}"
    small = town.web.get(
        "/oembed", params={"url": page.facts["page"], "maxwidth": 100, "maxheight": 50}
    ).json()
    assert (small["width"], small["height"]) == (88, 50)


@pytest.mark.parametrize(
    "url",
    [
        *("", "x", "http://[", "http://other.example/watch/{id}", "{origin}/stream/{id}"),
        *("{origin}/watch/{private}", "{origin}/watch/" + UNKNOWN, "{origin}.example/watch/{id}"),
    ],
)
def test_oembed_speaks_for_this_node_only(town: Town, url: str) -> None:
    filled = url.format(
        origin=public_url(town.node),
        id=town.videos["public"]["id"],
        private=town.videos["private"]["id"],
    )
    assert town.web.get("/oembed", params={"url": filled}).status_code == 404


def test_oembed_refuses_what_it_does_not_know(town: Town) -> None:
    url = f"{public_url(town.node)}/watch/{town.videos['public']['id']}"
    assert town.web.get("/oembed", params={"url": url, "format": "xml"}).status_code == 501
    for width in ("0", "x", "-5", "9" * 30):
        assert town.web.get("/oembed", params={"url": url, "maxwidth": width}).status_code == 400


def test_a_forged_host_gets_into_no_link(town: Town) -> None:
    headers = {"host": 'evil"><script>'}
    answer = town.web.get(f"/watch/{town.videos['public']['id']}", headers=headers)
    assert "evil" not in answer.text
    assert Page(answer.text).meta["og:url"].startswith(public_url(town.node))
    named = town.web.get("/", headers={"host": "tube.example:81"})
    assert 'content="http://tube.example:81/"' in named.text
