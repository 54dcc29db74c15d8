"""webtorrent in a bare page of Chromium, and our nodes: they meet by the tracker's WebSocket."""

from __future__ import annotations

import asyncio
import hashlib
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Page
from tests.chromium import chromium
from tests.clips import ROOT
from tests.interop.meeting import Meeting, film
from tests.static_web import served

pytestmark = pytest.mark.browser

PATIENCE = 60_000  # milliseconds
WEBTORRENT = ROOT / "webui" / "node_modules" / "webtorrent" / "dist" / "webtorrent.min.js"

# `fetched` gives the SHA-256 of what it fetches, `seeded` a magnet link of what it seeds.
PAGE = """<!doctype html><title>webtorrent</title><script type="module">
import WebTorrent from "/webtorrent.js";
const client = new WebTorrent({tracker: {rtcConfig: {iceServers: []}}});
window.faults = [];
client.on("error", (error) => faults.push(String(error)));
window.fetched = (link) => new Promise((resolve) => client.add(link, (torrent) => {
    const hash = async () => {
        const data = await (await torrent.files[0].blob()).arrayBuffer();
        const digest = new Uint8Array(await crypto.subtle.digest("SHA-256", data));
        resolve(Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join(""));
    };
    if (torrent.done) hash();
    else torrent.on("done", hash);
}));
window.seeded = async (tracker) => {
    const file = new File([await (await fetch("film.mp4")).blob()], "from the page.mp4");
    return await new Promise((resolve) =>
        client.seed(file, {announce: [tracker]}, (torrent) => resolve(torrent.magnetURI)));
};
window.ready = true;
</script>"""


@pytest.fixture
def web(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """What a web server of this machine serves, and its URL."""
    folder = tmp_path / "web"
    folder.mkdir()
    shutil.copy(WEBTORRENT, folder / "webtorrent.js")
    (folder / "index.html").write_text(PAGE)
    with served(folder) as url:
        yield folder, url


@pytest.fixture
async def page(web: tuple[Path, str]) -> AsyncIterator[Page]:
    """The page, with webtorrent at hand."""
    async with chromium() as browser:
        opened = await browser.new_page()
        opened.set_default_timeout(PATIENCE)
        await opened.goto(web[1])
        await opened.wait_for_function("() => window.ready")
        yield opened
        assert await opened.evaluate("faults") == []


async def test_it_fetches_from_a_node_and_a_node_from_it(
    page: Page, web: tuple[Path, str], meeting: Meeting, reel: Path, tmp_path: Path
) -> None:
    shared = film(reel, tmp_path / "for the page.mp4")
    await asyncio.to_thread(meeting.sharer.add, shared.path)
    digest = await page.evaluate("fetched", shared.magnet(meeting.alone.ws))
    assert digest == hashlib.sha256(shared.path.read_bytes()).hexdigest()

    seeded = film(reel, web[0] / "film.mp4").path
    link = await page.evaluate("seeded", meeting.node.ws)
    video = await asyncio.to_thread(meeting.fetcher.post, "videos/resolve", {"target": link})
    await asyncio.to_thread(meeting.fetcher.post, f"videos/{video['id']}/fetch")
    fetched = await asyncio.to_thread(meeting.fetcher.complete, video["id"])
    assert Path(fetched["path"]).read_bytes() == seeded.read_bytes()
