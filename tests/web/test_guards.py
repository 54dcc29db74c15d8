"""Who gets in, and who does not."""

from __future__ import annotations

import re

import httpx
import pytest
from tests.web.fakes import REMOTE_ID, TOKEN, VIDEO_ID, FakeNode

from p2ptube.web.admin import create_admin_app
from p2ptube.web.guards import capability

API = "/api/v1/node"
OWN = "http://127.0.0.1:5680"


async def test_without_token_or_cookie_nothing_of_the_api_is_shown(
    stranger: httpx.AsyncClient,
) -> None:
    for path in (API, "/api/v1/no-such", f"/stream/{VIDEO_ID}", f"/poster/{VIDEO_ID}", "/docs"):
        answer = await stranger.get(path)
        assert answer.status_code == 401, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("value", ["Bearer wrong", f"Basic {TOKEN}", "Bearer ", "Bearer \xe4"])
async def test_a_wrong_token_is_refused(stranger: httpx.AsyncClient, value: str) -> None:
    answer = await stranger.get(API, headers={b"authorization": value.encode("latin-1")})
    assert answer.status_code == 401


async def test_the_token_opens_the_api(client: httpx.AsyncClient) -> None:
    assert (await client.get(API)).json()["name"] == "fake"


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:5680", "127.0.0.1", "127.0.0.1:81", "127.0.0.1.x:5680"]
)
async def test_a_foreign_host_name_is_refused_even_with_the_token(
    client: httpx.AsyncClient, host: str
) -> None:
    for path in ("/", API, "/favicon.ico"):
        assert (await client.get(path, headers={"host": host})).status_code == 421


@pytest.mark.parametrize("host", ["localhost:5680", "[::1]:5680"])
async def test_other_names_of_this_machine_are_fine(client: httpx.AsyncClient, host: str) -> None:
    assert (await client.get(API, headers={"host": host})).status_code == 200


async def test_a_client_that_is_not_on_this_machine_is_refused(node: FakeNode) -> None:
    transport = httpx.ASGITransport(create_admin_app(node.as_node()), client=("192.0.2.1", 9))
    async with httpx.AsyncClient(transport=transport, base_url=OWN) as client:
        assert (await client.get("/")).status_code == 421


async def test_typing_the_address_gives_a_cookie_that_opens_the_api(
    stranger: httpx.AsyncClient,
) -> None:
    headers = {"sec-fetch-site": "none", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
    page = await stranger.get("/", headers=headers)
    assert page.status_code == 200
    cookie = page.headers["set-cookie"]
    assert cookie.startswith("p2ptube_5680=")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/" in cookie
    assert TOKEN not in cookie
    assert (await stranger.get(API)).status_code == 200


@pytest.mark.parametrize(
    ("site", "mode", "dest"),
    [
        ("cross-site", "navigate", "document"),
        ("same-site", "navigate", "document"),
        ("same-origin", "cors", "empty"),
    ],
)
async def test_no_cookie_for_links_from_elsewhere_and_for_scripts(
    stranger: httpx.AsyncClient, site: str, mode: str, dest: str
) -> None:
    headers = {"sec-fetch-site": site, "sec-fetch-mode": mode, "sec-fetch-dest": dest}
    page = await stranger.get("/", headers=headers)
    assert page.status_code == 200
    assert "set-cookie" not in page.headers


async def test_the_page_in_a_foreign_frame_is_refused(stranger: httpx.AsyncClient) -> None:
    headers = {
        "sec-fetch-site": "cross-site",
        "sec-fetch-mode": "navigate",
        "sec-fetch-dest": "iframe",
    }
    assert (await stranger.get("/", headers=headers)).status_code == 403


async def test_the_token_in_the_address_gives_the_cookie_and_vanishes(
    stranger: httpx.AsyncClient,
) -> None:
    wrong = await stranger.get("/?token=wrong")
    assert "set-cookie" not in wrong.headers
    right = await stranger.get(f"/?token={TOKEN}")
    assert (right.status_code, right.headers["location"]) == (303, "/")
    assert (await stranger.get(API)).status_code == 200


async def test_a_cookie_of_another_node_or_a_broken_one_is_no_cookie(
    stranger: httpx.AsyncClient,
) -> None:
    await stranger.get("/")
    value = stranger.cookies["p2ptube_5680"]
    stranger.cookies.clear()
    for cookie in (f"p2ptube_5681={value}", "p2ptube_5680=no", "p2ptube_5680=\xe4", "=;;=", "\x00"):
        answer = await stranger.get(API, headers={b"cookie": cookie.encode("latin-1")})
        assert answer.status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "http://127.0.0.1:9999"},
        {"origin": "null"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site", "origin": OWN},
    ],
)
async def test_whatever_comes_from_another_origin_is_refused(
    client: httpx.AsyncClient, headers: dict[str, str]
) -> None:
    await client.get("/")
    for method, path in (("POST", "/api/v1/peers/refresh"), ("GET", API), ("GET", "/stream/x")):
        assert (await client.request(method, path, headers=headers)).status_code == 403


async def test_with_the_cookie_alone_a_change_must_prove_its_origin(
    stranger: httpx.AsyncClient,
) -> None:
    await stranger.get("/")
    path = "/api/v1/peers/refresh"
    assert (await stranger.post(path)).status_code == 403
    assert (await stranger.post(path, headers={"origin": OWN})).status_code == 200
    assert (await stranger.post(path, headers={"sec-fetch-site": "same-origin"})).status_code == 200


async def test_a_capability_opens_one_video_for_players(stranger: httpx.AsyncClient) -> None:
    key = capability(TOKEN, VIDEO_ID)
    assert (await stranger.get(f"/stream/{VIDEO_ID}?token={key}")).status_code == 200
    assert (await stranger.get(f"/poster/{VIDEO_ID}?token={key}")).status_code == 200
    for path in (f"/stream/{REMOTE_ID}", "/api/v1/node", f"/api/v1/videos/{VIDEO_ID}"):
        assert (await stranger.get(f"{path}?token={key}")).status_code == 401
    assert (await stranger.get(f"/stream/{VIDEO_ID}?token={TOKEN}")).status_code == 401


async def test_every_answer_carries_the_security_headers(stranger: httpx.AsyncClient) -> None:
    for path in ("/", "/static/app.js", API):
        headers = (await stranger.get(path)).headers
        policy = headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe-eval" not in policy
        assert headers["x-content-type-options"] == "nosniff"
        assert "referrer-policy" in headers


async def test_the_page_has_no_inline_script_or_style(stranger: httpx.AsyncClient) -> None:
    page = (await stranger.get("/")).text
    assert "<style" not in page
    assert " style=" not in page
    assert " on" + "click=" not in page
    assert page.count("<script") == len(
        re.findall(r'<script [^>]*src="/static/[^"]+"></script>', page)
    )
