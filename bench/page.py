"""What a viewer waits for in the app, in Chromium: the first paint, the start, a seek."""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from bench.media import add
from bench.table import Table
from bench.transfer import forget
from playwright.sync_api import Browser, Page, sync_playwright
from tests.chromium import find_chromium
from tests.clips import make_clip
from tests.nodes import NodeProcess, nodes

RUNS = 5
SECONDS = 180
BIT_RATE = 1_200_000  # of the pictures, bits/s; the sound has 128,000
SEEK_TO = 0.8  # of the duration
WATCHED_SECONDS = 5.0  # after the start, before the seek
PATIENCE = 60_000  # milliseconds

# Runs before any script of a page: when the last click was.
_NOTE_CLICKS = "addEventListener('click', () => { window.clicked = performance.now(); }, true);"
_UNTIL_PICTURE = """(video) => new Promise((resolve) =>
    video.requestVideoFrameCallback(() => resolve(performance.now() - window.clicked)))"""
_SEEK = """(video, to) => new Promise((resolve) => {
    const begin = performance.now();
    video.addEventListener("playing", () => video.requestVideoFrameCallback(
        () => resolve(performance.now() - begin)), {once: true});
    video.currentTime = to * video.duration;
})"""
_PLAYED = "([video, to]) => video.currentTime >= to"
_PAINT = """() => new Promise((resolve) => new PerformanceObserver((list) => {
    for (const entry of list.getEntriesByName("first-contentful-paint")) resolve(entry.startTime);
}).observe({type: "paint", buffered: true}))"""


class Waits(NamedTuple):
    """What one viewer waited for, in milliseconds; and how often the video stood still."""

    paint: float
    start: float
    seek: float
    stalls: int


def tables(directory: Path) -> list[Table]:
    """All that is measured of the app."""
    table = Table(
        "The app in Chromium",
        ("a viewer waits for", "median", "slowest", "aim"),
        f"{RUNS} runs with an empty cache and nothing of the video at the viewer's node. The only "
        f"holder is limited to twice the bit rate ({2 * BIT_RATE / 1e6:.1f} Mbit/s and the "
        "sound). The two nodes and the browser, which decodes in software, share the cores.",
    )
    if find_chromium() is None:
        table.add("needs Chromium", "", "", "")
        return [table]
    clip = directory / "a long walk.mp4"
    make_clip(clip, seconds=SECONDS, size=(854, 480), bit_rate=BIT_RATE, faststart=True)
    limit = 2 * clip.stat().st_size // SECONDS
    with nodes() as start, chromium() as browser:
        holder = start(directory / "holder", upload_limit=limit)
        video_id = add(holder, clip)
        viewer = start(directory / "viewer", join=holder.peer_id)
        waits = []
        for _ in range(RUNS):
            forget(viewer, video_id, "long walk")
            waits.append(one_visit(browser, viewer))
    for name, times, aim in (
        ("the first paint of the app", [each.paint for each in waits], "300 ms"),
        ("the first picture, after the click", [each.start for each in waits], "2 s"),
        (f"a seek to {SEEK_TO:.0%}", [each.seek for each in waits], "2 s"),
    ):
        table.add(name, *(f"{time:.0f} ms" for time in (statistics.median(times), max(times))), aim)
    stalls = [each.stalls for each in waits]
    table.add(
        "stalls before the seek", *map(str, (round(statistics.median(stalls)), max(stalls))), "0"
    )
    return [table]


@contextmanager
def chromium() -> Iterator[Browser]:
    arguments = ["--autoplay-policy=no-user-gesture-required", "--disable-dev-shm-usage"]
    if os.geteuid() == 0:
        arguments.append("--no-sandbox")  # its sandbox refuses to run as root
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=find_chromium(), args=arguments)
        yield browser
        browser.close()


def one_visit(browser: Browser, node: NodeProcess) -> Waits:
    """Open the app, click the video, watch it for a while, seek."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, bypass_csp=True)
    context.set_default_timeout(PATIENCE)
    context.add_init_script(_NOTE_CLICKS)
    page = context.new_page()
    page.goto(node.url)
    paint = page.evaluate(_PAINT)
    page.get_by_role("link", name="a long walk").click()
    video = page.locator("video").element_handle()
    start = video.evaluate(_UNTIL_PICTURE)
    page.wait_for_function(_PLAYED, arg=[video, WATCHED_SECONDS])
    stalls = stalls_of(page)
    seek = video.evaluate(_SEEK, SEEK_TO)
    context.close()
    return Waits(paint, start, seek, stalls)


def stalls_of(page: Page) -> int:
    """How often the video stood still, as the page itself says."""
    words = page.locator(".measured").inner_text().split(" · ")[1]
    return 0 if words.startswith("no ") else int(words.split()[0])
