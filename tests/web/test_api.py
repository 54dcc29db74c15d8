"""The HTTP API translates, and nothing else."""

from __future__ import annotations

import asyncio
import hashlib
import math
import tracemalloc
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.web.fakes import REMOTE_ID, VIDEO_ID, FakeNode, a_video

from p2ptube.errors import InvalidInput, P2PTubeError, PeerUnreachable
from p2ptube.models import Holder, VideoState
from p2ptube.web.routes_videos import search_seconds
from p2ptube.web.uploads import FileField, base_name

V1 = "/api/v1"


def assert_problem(answer: httpx.Response, status: int) -> None:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    document = answer.json()
    assert document["status"] == status
    assert document["type"] == "about:blank"
    assert document["title"]


async def test_peers_come_and_go(client: httpx.AsyncClient) -> None:
    added = await client.post(f"{V1}/peers", json={"address": "[::1]:5678"})
    assert (added.status_code, added.json()["id"]) == (201, "[::1]:5678")
    assert_problem(await client.post(f"{V1}/peers", json={"address": "[::1]:5678"}), 409)
    assert len((await client.get(f"{V1}/peers")).json()) == 1
    assert len((await client.post(f"{V1}/peers/refresh")).json()) == 1
    rebuilt = await client.post(f"{V1}/peers/rebuild", json={"address": "127.0.0.1:2", "hops": 1})
    assert len(rebuilt.json()) == 2
    assert (await client.post(f"{V1}/peers/rebuild")).status_code == 200
    assert (await client.delete(f"{V1}/peers/%5B%3A%3A1%5D%3A5678")).status_code == 204
    assert_problem(await client.delete(f"{V1}/peers/%5B%3A%3A1%5D%3A5678"), 404)


async def test_videos_are_listed_changed_and_deleted(client: httpx.AsyncClient) -> None:
    (video,) = (await client.get(f"{V1}/videos")).json()
    stable = "id title duration size width height state progress holders publisher magnet"
    assert set(stable.split()) <= set(video)
    path = f"{V1}/videos/{VIDEO_ID}"
    changed = await client.patch(path, json={"title": "Better"})
    assert (changed.json()["title"], changed.json()["description"]) == ("Better", "")
    assert (await client.get(path)).json()["title"] == "Better"
    assert (await client.get(f"{path}/swarm")).json()["pieces"] == "1"
    assert_problem(await client.delete(f"{path}?delete_file=maybe"), 400)
    assert (await client.delete(f"{path}?delete_file=true")).status_code == 204
    assert_problem(await client.get(path), 404)


async def test_fetching_starts_and_stops(client: httpx.AsyncClient, node: FakeNode) -> None:
    node.manual_fetch = True
    holders = (Holder(peer="127.0.0.1:9"),)
    node.found.append(a_video(REMOTE_ID, state=VideoState.REMOTE, holders=holders))
    resolved = await client.post(f"{V1}/videos/resolve", json={"target": REMOTE_ID})
    assert resolved.json()["state"] == "remote"
    fetching = await client.post(f"{V1}/videos/{REMOTE_ID}/fetch", json={"keep": False})
    assert (fetching.json()["state"], fetching.json()["keep"]) == ("fetching", False)
    stopped = await client.delete(f"{V1}/videos/{REMOTE_ID}/fetch")
    assert stopped.json()["state"] == "remote"
    assert_problem(await client.post(f"{V1}/videos/{VIDEO_ID}/fetch"), 503)


async def test_a_path_or_url_becomes_a_job(client: httpx.AsyncClient, tmp_path: Path) -> None:
    file = tmp_path / "slow.mp4"
    file.write_bytes(b"slow")
    accepted = await client.post(f"{V1}/videos", json={"path": str(file)})
    assert accepted.status_code == 202
    job = await client.get(accepted.headers["location"])
    assert job.json() == accepted.json()
    assert (await client.get(f"{V1}/jobs")).json() == [job.json()]
    cancelled = await client.delete(accepted.headers["location"])
    assert cancelled.json()["state"] == "cancelled"
    assert (await client.post(f"{V1}/videos", json={"url": "http://x/"})).status_code == 202
    assert_problem(await client.post(f"{V1}/videos", json={"url": "http://bad/"}), 400)
    assert_problem(await client.post(f"{V1}/videos", json={"url": "a", "path": "b"}), 400)
    assert_problem(await client.post(f"{V1}/videos", json={}), 400)
    assert_problem(await client.get(f"{V1}/jobs/none"), 404)


@pytest.mark.parametrize(
    ("body", "media_type", "status"),
    [
        (b"{", "application/json", 400),
        (b"\xff", "application/json", 400),
        (b'{"address": 5}', "application/json", 422),
        (b'{"addres": "a:1"}', "application/json", 422),
        (b"", "application/json", 422),
        (b'{"address": "a:1"}', "text/plain", 415),
        (b'{"address": "%s"}' % (b"a" * 70_000), "application/json", 413),
        (b'{"address": "no port"}', "application/json", 400),
    ],
)
async def test_bad_bodies_are_problems(
    client: httpx.AsyncClient, body: bytes, media_type: str, status: int
) -> None:
    headers = {"content-type": media_type}
    assert_problem(await client.post(f"{V1}/peers", content=body, headers=headers), status)


async def test_unknown_paths_and_methods_are_problems(client: httpx.AsyncClient) -> None:
    for path in (f"{V1}/nothing", "/nothing", "/static/nothing", "/static/../admin.py"):
        assert_problem(await client.get(path), 404)
    refused = await client.put(f"{V1}/videos")
    assert_problem(refused, 405)
    assert "GET" in refused.headers["allow"]


async def test_a_crash_tells_nothing_but_is_logged(
    client: httpx.AsyncClient, node: FakeNode, caplog: pytest.LogCaptureFixture
) -> None:
    node.crash = ZeroDivisionError("the secret reason")
    answer = await client.get(f"{V1}/node")
    assert_problem(answer, 500)
    assert "secret" not in answer.text
    assert "the secret reason" in caplog.text


@pytest.mark.parametrize("kind", [InvalidInput, PeerUnreachable])
async def test_errors_carry_their_status(
    client: httpx.AsyncClient, node: FakeNode, kind: type[P2PTubeError]
) -> None:
    node.crash = kind("because")
    answer = await client.get(f"{V1}/node")
    assert_problem(answer, kind.status)
    assert (answer.json()["title"], answer.json()["detail"]) == (kind.title, "because")


async def test_streams_answer_ranges(client: httpx.AsyncClient) -> None:
    url = f"/stream/{VIDEO_ID}"
    whole = await client.get(url)
    assert (whole.status_code, len(whole.content)) == (200, 1024)
    part = await client.get(url, headers={"range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, bytes(range(10, 20)))
    head = await client.head(url)
    assert (head.status_code, head.content, head.headers["content-length"]) == (200, b"", "1024")
    assert (await client.get(url, headers={"range": "bytes=5000-"})).status_code == 416
    assert_problem(await client.get("/stream/none"), 404)


async def test_posters_are_jpegs(client: httpx.AsyncClient) -> None:
    poster = await client.get(f"/poster/{VIDEO_ID}")
    assert poster.headers["content-type"] == "image/jpeg"
    assert_problem(await client.get(f"/poster/{REMOTE_ID}"), 404)


async def test_captions_are_webvtt(client: httpx.AsyncClient) -> None:
    captions = await client.get(f"/captions/{VIDEO_ID}/en")
    assert captions.headers["content-type"] == "text/vtt; charset=utf-8"
    assert_problem(await client.get(f"/captions/{VIDEO_ID}/de"), 404)


# --- search -------------------------------------------------------------------------------


async def test_search_merges_by_id(client: httpx.AsyncClient, node: FakeNode) -> None:
    node.found = [a_video("1" * 40, "red fox"), a_video("2" * 40, "red hen"), a_video("3" * 40)]
    found = (await client.get(f"{V1}/search", params={"q": "red"})).json()
    assert [video["id"][0] for video in found] == ["1", "2"]
    assert [len(video["holders"]) for video in found] == [1, 1]


@pytest.mark.parametrize("query", ["q=" + "x" * 501, "q=a&timeout=soon"])
async def test_a_search_that_cannot_be_is_refused(client: httpx.AsyncClient, query: str) -> None:
    assert_problem(await client.get(f"{V1}/search?{query}"), 400)


@given(st.floats() | st.text())
def test_search_times_are_clamped(value: float | str) -> None:
    try:
        assert 0.1 <= search_seconds(str(value)) <= 30
    except InvalidInput:
        assert isinstance(value, str) or math.isnan(value)


# --- uploads ------------------------------------------------------------------------------


async def test_an_upload_is_handed_on_as_it_arrives(
    client: httpx.AsyncClient, node: FakeNode
) -> None:
    block, count = bytes(range(256)) * 256, 512  # 32 MiB in all

    async def body() -> AsyncIterator[bytes]:
        yield b'--X\r\nContent-Disposition: form-data; name="note"\r\n\r\nignored\r\n'
        yield b'--X\r\nContent-Disposition: form-data; name="file"; filename="C:\\a/b c.mp4"\r\n'
        yield b"Content-Type: video/mp4\r\n\r\n"
        for _ in range(count):
            yield block
        yield b"\r\n--X--\r\n"

    tracemalloc.start()
    answer = await client.post(
        f"{V1}/videos",
        content=body(),
        headers={"content-type": "multipart/form-data; boundary=X"},
    )
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert answer.status_code == 202
    assert node.uploads == {"b c.mp4": hashlib.sha256(block * count).hexdigest()}
    assert node.largest_chunk <= 2 * len(block)
    assert peak < 16_000_000


async def test_what_browsers_and_httpx_send(client: httpx.AsyncClient, node: FakeNode) -> None:
    content = b"\r\n--\r\n-" * 1000
    answer = await client.post(f"{V1}/videos", files={"file": ("Ää ✓.mp4", content)})
    assert answer.status_code == 202
    assert node.uploads == {"Ää ✓.mp4": hashlib.sha256(content).hexdigest()}


@pytest.mark.parametrize(
    ("body", "boundary"),
    [
        (b"", "X"),
        (b"--X--\r\n", "X"),
        (b"garbage", "X"),
        (b"--X\r\n\r\n\r\n--X--", "X"),
        (b'--X\r\nContent-Disposition: form-data; name="file"\r\n\r\na\r\n--X--\r\n', "X"),
        (b'--X\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\ncut', "X"),
        (
            b'--X\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\n1\r\n'
            b'--X\r\nContent-Disposition: form-data; name="file"; filename="b"\r\n\r\n2\r\n--X--',
            "X",
        ),
        (b"--X--", ""),
        (b"--X--", "X" * 5000),
    ],
)
async def test_malformed_uploads_are_problems(
    client: httpx.AsyncClient, node: FakeNode, body: bytes, boundary: str
) -> None:
    headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
    assert_problem(await client.post(f"{V1}/videos", content=body, headers=headers), 400)
    assert node.uploads == {}


@given(st.binary(max_size=400), st.integers(1, 60))
def test_a_file_survives_any_cutting_of_the_body(content: bytes, step: int) -> None:
    boundary = b"=_boundary_that_no_content_has_"
    head = b'Content-Disposition: form-data; name="file"; filename="a.mp4"\r\n\r\n'
    body = b"--" + boundary + b"\r\n" + head + content + b"\r\n--" + boundary + b"--\r\n"
    field = FileField(boundary)
    parts = [field.feed(body[i : i + step]) for i in range(0, len(body), step)]
    assert (b"".join(parts), field.name, field.ended) == (content, "a.mp4", True)


@given(st.lists(st.binary(max_size=100), max_size=8))
def test_garbage_raises_nothing_but_invalid_input(chunks: list[bytes]) -> None:
    field = FileField(b"X")
    try:
        for chunk in [b"--X\r\n", *chunks]:
            field.feed(chunk)
    except InvalidInput:
        pass


@given(st.binary(max_size=80))
def test_base_names_are_plain(raw: bytes) -> None:
    name = base_name(raw)
    assert name
    assert name.isprintable()
    assert "/" not in name
    assert "\\" not in name


async def test_a_search_ends_when_nobody_asks_it_any_more(node: FakeNode) -> None:
    results = node.search("forever", 1)
    waiting = asyncio.ensure_future(anext(results))
    await asyncio.sleep(0)
    waiting.cancel()
    await asyncio.wait({waiting})
    assert node.searching == 0
