"""Viewers of one video: what they give each other, counted on both sides."""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, expect
from tests.browser.viewers import (
    SECONDS,
    Cinema,
    Counting,
    a_cinema,
    a_viewer,
    ended,
    film,
    share_of,
    shared,
    until,
)
from tests.nodes import nodes

pytestmark = pytest.mark.browser

# A player that stands still with no more than so much in hand has run out of video.
LITTLE_SECONDS = 0.5


def sent(cinema: Cinema) -> int:
    """What the node's swarm sent to viewers, in payload bytes."""
    peers: list[dict[str, Any]] = cinema.swarm()["peers"]
    return sum(peer["uploaded"] for peer in peers if peer["transport"] == "webrtc")


async def test_four_viewers_cost_the_node_less_than_two(browser: Browser, tmp_path: Path) -> None:
    size = film(tmp_path / "measure.mp4").stat().st_size
    with nodes() as start:
        cinema = await asyncio.to_thread(
            a_cinema, start, tmp_path, upload_limit=int(1.5 * size / SECONDS)
        )
        async with Counting(cinema.origin) as counting, contextlib.AsyncExitStack() as stack:
            pages = [await stack.enter_async_context(a_viewer(browser, "yes")) for _ in range(4)]
            address = f"{counting.origin}/watch/{cinema.film['id']}"
            await asyncio.gather(*[page.goto(address) for page in pages])
            await asyncio.gather(*[ended(page) for page in pages])
            told = [await shared(page) for page in pages]
            dry = [moment for page in pages for moment in await page.evaluate("window.dry")]
            total = await asyncio.to_thread(sent, cinema) + counting.streamed
    # With more in hand it is the machine that halts it.
    assert not [ahead for _, ahead in dry if ahead < LITTLE_SECONDS], (dry, told)
    assert total < 2 * size, (total / size, told)
    assert sum(share_of(line, "viewer") for line in told) > 100, told


async def test_the_node_dies_and_the_viewers_finish(browser: Browser, tmp_path: Path) -> None:
    size = film(tmp_path / "measure.mp4").stat().st_size
    with nodes() as start:
        cinema = await asyncio.to_thread(
            a_cinema, start, tmp_path, upload_limit=int(1.5 * size / SECONDS)
        )
        async with a_viewer(browser, "yes") as first, a_viewer(browser, "yes") as second:
            pages = (first, second)
            await asyncio.gather(*[page.goto(cinema.page) for page in pages])
            await asyncio.to_thread(cinema.node.until, cinema.swarm, somebody_has_it_all)
            cinema.node.kill()
            assert not any([await page.evaluate(f"({ENDED})()") for page in pages])
            await asyncio.gather(*[ended(page) for page in pages])
            told = [await shared(page) for page in pages]
    assert all(share_of(line, "viewer") > 0 for line in told), told


ENDED = "() => document.querySelector('video').ended"


def somebody_has_it_all(swarm: dict[str, Any]) -> bool:
    """Whether one of the viewers has every piece, as the node sees it."""
    return any(peer["progress"] == 1.0 for peer in swarm["peers"])


HAS_IT_ALL = "video.buffered.length && video.buffered.end(0) >= video.duration - 0.2"


async def test_bytes_go_each_way(browser: Browser, tmp_path: Path) -> None:
    with nodes() as start:
        # Knows nothing of the film; its tracker outlives the cinema.
        other = await asyncio.to_thread(start, tmp_path / "other", "--public-port", "0")
        tracker = f"ws://127.0.0.1:{other.info['ports']['public']}/announce"
        size = film(tmp_path / "measure.mp4").stat().st_size
        # Not all of it from the server before the two have found each other.
        cinema = await asyncio.to_thread(
            a_cinema,
            start,
            tmp_path,
            *("--tracker", tracker),
            upload_limit=int(3 * size / SECONDS),
        )
        async with a_viewer(browser, "yes") as first, a_viewer(browser, "yes") as second:
            await first.goto(cinema.page)
            await until(first, HAS_IT_ALL)
            assert await asyncio.to_thread(sent, cinema) > 0  # node to browser
            await second.goto(cinema.page)
            await until(second, HAS_IT_ALL)
            # Browser to browser, as both of them say.
            await expect(second.locator(".shares")).to_contain_text("from 1 viewer")
            passed_on = first.locator("dd").filter(has_text="so far")
            await expect(passed_on).not_to_contain_text(", 0 B so far")

            cinema.node.kill()
            job = await asyncio.to_thread(other.post, "videos", {"url": cinema.film["magnet"]})
            await asyncio.to_thread(
                other.until, lambda: other.get(f"jobs/{job['id']}"), lambda job: job["video"]
            )
            await asyncio.to_thread(other.complete, cinema.film["id"])
            swarm = await asyncio.to_thread(other.get, f"videos/{cinema.film['id']}/swarm")
    given = [peer["downloaded"] for peer in swarm["peers"] if peer["transport"] == "webrtc"]
    assert sum(given) > 0, swarm["peers"]  # browser to node
