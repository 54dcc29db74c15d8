"""The index of a tracker over HTTP: publications, searches, and the page."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator

import httpx
import msgspec
import pytest
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from tests.tracker.publishing import FAR, Clock, Teller, video_id

from p2ptube.errors import P2PTubeError, StorageError
from p2ptube.swarm import parse_magnet
from p2ptube.tracker.index import MAX_BODY, IndexInfo, Receipt, parse_results
from p2ptube.tracker.index_store import Index
from p2ptube.web import routes_index
from p2ptube.web.problems import HANDLERS
from p2ptube.web.public_site import PublicHeaders, PublicSite
from p2ptube.web.routes_index import IndexRoutes

JSON = {"content-type": "application/json"}


@pytest.fixture
def app(index: Index) -> PublicHeaders:
    site = PublicSite(lambda: "a <tracker>")
    errors = {**HANDLERS, P2PTubeError: site.expected, HTTPException: site.refused}
    return PublicHeaders(
        Starlette(routes=IndexRoutes(index, site).routes(), exception_handlers=errors)
    )


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
async def test_strangers_are_told_no_paths(
    app: PublicHeaders, index: Index, monkeypatch: pytest.MonkeyPatch, accept: str
) -> None:
    async def search(_: object) -> None:
        raise StorageError("the disk is full; the index /home/ada/index.sqlite was not changed")

    monkeypatch.setattr(index, "search", search)
    async with at(app, FAR) as web:
        answer = await web.get("/search?q=fox", headers={"accept": accept})
    assert answer.status_code == 507
    assert "the log tells more" in answer.text
    assert "ada" not in answer.text


def at(app: PublicHeaders, address: str) -> httpx.AsyncClient:
    transport = httpx.ASGITransport(app, client=(address, 40000))
    return httpx.AsyncClient(transport=transport, base_url="http://tracker.example:5681")


@pytest.fixture
async def web(app: PublicHeaders) -> AsyncIterator[httpx.AsyncClient]:
    async with at(app, FAR) as client:
        yield client


@pytest.fixture
def one(index: Index, clock: Clock) -> Teller:
    return Teller(index, clock)


async def post(web: httpx.AsyncClient, body: bytes) -> httpx.Response:
    return await web.post("/index", content=body, headers=JSON)


async def test_published_and_found(web: httpx.AsyncClient, one: Teller) -> None:
    answer = await post(web, one.body(hold=[one.hold("fox")]))
    assert answer.status_code == 200
    receipt = msgspec.json.decode(answer.content, type=Receipt)
    assert receipt.wanted == (video_id("fox"),)
    # What it says of its address is not believed: it is where it sent from.
    await post(web, one.body(describe=[one.describe("fox")], peer="10.0.0.1:7", swarm="a.b:8"))
    answer = await web.get("/search", params={"q": "fox"})
    assert answer.headers["access-control-allow-origin"] == "*"
    (found,) = parse_results(answer.content)
    assert found.descriptor == one.describe("fox")
    assert [(h.peer, h.swarm) for h in found.holders] == [(f"{FAR}:7", (f"{FAR}:8",))]
    assert (await web.get("/search", params={"q": "whale"})).json() == []


async def test_about_itself(web: httpx.AsyncClient, index: Index, clock: Clock) -> None:
    info = msgspec.json.decode((await web.get("/index.json")).content, type=IndexInfo)
    assert (info.id, info.now) == (index.id, clock.now * 1000)


async def test_bad_publications(web: httpx.AsyncClient, one: Teller) -> None:
    body = one.body(hold=[one.hold("fox")])
    other_type = await web.post("/index", content=body, headers={"content-type": "text/plain"})
    assert other_type.status_code == 415
    assert (await post(web, bytes(MAX_BODY + 1))).status_code == 413
    for garbage in (b"", b"{}", b"null", b"\xff", b"[" * 10_000):
        assert (await post(web, garbage)).status_code == 400, garbage
    sealed = msgspec.json.decode(body)
    sealed["sig"] = sealed["sig"][::-1]
    assert (await post(web, msgspec.json.encode(sealed))).status_code in {400, 403}
    assert (await post(web, one.body(peer="nowhere"))).status_code == 400
    assert (await post(web, body)).status_code == 200
    replay = await post(web, body)
    assert (replay.status_code, replay.json()["title"]) == (409, "Conflict")


@pytest.mark.parametrize("limit", ["0", "201", "-1", "x", "1e3", "٣", "9" * 400])
async def test_bad_limits(web: httpx.AsyncClient, limit: str) -> None:
    answer = await web.get("/search", params={"q": "fox", "limit": limit})
    assert answer.status_code == 400
    assert "limit" in answer.json()["detail"]


async def test_too_often(
    app: PublicHeaders, web: httpx.AsyncClient, one: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [await web.get("/search") for _ in range(150)]
    late = next(answer for answer in answers if answer.status_code == 429)
    assert int(late.headers["retry-after"]) >= 1
    assert (await web.get("/index")).status_code == 429
    # Neither publishing nor others are held up by that.
    assert (await post(web, one.body())).status_code == 200
    async with at(app, "203.0.113.9") as other:
        assert (await other.get("/search")).status_code == 200


async def test_loopback_holders_are_for_neighbours(app: PublicHeaders, one: Teller) -> None:
    one.source = "127.0.0.1"
    async with at(app, "127.0.0.1") as near, at(app, FAR) as far:
        await post(near, one.body(describe=[one.describe("fox")]))
        for client, holders in ((near, 1), (far, 0)):
            (found,) = parse_results((await client.get("/search?q=fox")).content)
            assert len(found.holders) == holders


# --- the page -------------------------------------------------------------------------------


async def test_the_page(web: httpx.AsyncClient, one: Teller) -> None:
    evil = '<script>alert("x")</script>'
    await post(
        web,
        one.body(
            describe=[
                one.describe("fox", title=evil, publisher=evil, public_url="http://a.example"),
                one.describe("whale", description="deep sea", public_url="javascript:alert(1)"),
            ]
        ),
    )
    answer = await web.get("/index")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "<script" not in answer.text
    assert html.escape(evil, quote=False) in answer.text.replace("&#34;", '"')
    assert "javascript:" not in answer.text
    assert f'href="http://a.example/watch/{video_id("fox")}"' in answer.text
    links = [html.unescape(link) for link in re.findall(r'href="(magnet:[^"]+)"', answer.text)]
    magnets = {parse_magnet(link).info_hash: parse_magnet(link) for link in links}
    assert set(magnets) == {video_id("fox"), video_id("whale")}
    tracker = "tracker.example:5681/announce"
    assert magnets[video_id("fox")].trackers == (f"http://{tracker}", f"ws://{tracker}")
    found = await web.get("/index", params={"q": "deep"})
    assert "whale" in found.text
    assert video_id("fox") not in found.text
    assert "No video here has these words" in (await web.get("/index?q=unknown")).text


async def test_page_by_page(
    web: httpx.AsyncClient, one: Teller, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(routes_index, "PER_PAGE", 2)
    await post(web, one.body(describe=[one.describe(f"film {number}") for number in range(5)]))
    seen: list[str] = []
    path = "/index?q=film"
    for _ in range(3):
        text = (await web.get(path)).text
        seen += re.findall(r"<code>([0-9a-f]{40})</code>", text)
        links = re.findall(r'rel="next" href="([^"]+)"', text)
        path = html.unescape(links[0]) if links else ""
    assert path == ""
    assert sorted(seen) == sorted(video_id(f"film {number}") for number in range(5))
    assert (await web.get("/index?page=0")).status_code == 400
    assert "No video is listed" not in (await web.get("/index")).text
