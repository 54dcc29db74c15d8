"""What `p2ptube site` writes, on a web host of its own: it plays magnet links from peers alone."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator

import pytest
from playwright.async_api import Browser, expect
from tests.browser.app import until_it_plays
from tests.browser.conftest import Faults
from tests.browser.viewers import Cinema, a_cinema, a_viewer, ended, made
from tests.nodes import nodes

from p2ptube.cli.site import write_site

pytestmark = pytest.mark.browser


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The page, below a path of a web host that knows nothing of it."""
    root = tmp_path_factory.mktemp("www")
    write_site(root / "some" / "where")
    handler = functools.partial(Quiet, directory=root)
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_address[1]}/some/where/"
        server.shutdown()


@pytest.fixture(scope="module")
def cinema(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cinema]:
    with nodes() as start:
        yield a_cinema(start, tmp_path_factory.mktemp("cinema"))


async def test_it_plays_a_magnet_link_from_peers_alone(
    browser: Browser, cinema: Cinema, site: str, faults: Faults
) -> None:
    async with a_viewer(browser) as page:
        faults.watch(page)
        await page.goto(f"{site}index.html#{cinema.film['magnet']}")
        asked = page.get_by_role("region", name="Sharing")
        await expect(asked).to_contain_text("Sharing shows your internet address")
        assert await made(page) == 0
        await asked.get_by_role("button", name="Play and share").click()
        await until_it_plays(page)
        await expect(page.locator(".shares")).to_have_text("100% from 1 node")
        await ended(page)
    assert faults == []


@pytest.mark.parametrize(
    ("link", "said"),
    [
        ("", "Nothing to play yet"),
        ("#nonsense", "What is behind the # is not a magnet link."),
        ("#magnet:?dn=x", "The magnet link names no video"),
        (f"#magnet:?xt=urn:btih:{'a' * 40}&tr=udp://127.0.0.1:9", "names no tracker that speaks"),
        ("#magnet:?xt=urn:btih:<img src=x onerror=alert(1)>", "The magnet link names no video"),
    ],
    ids=["no link", "no magnet", "no info-hash", "no WebSocket tracker", "hostile"],
)
async def test_it_says_what_a_link_lacks(
    browser: Browser, site: str, faults: Faults, link: str, said: str
) -> None:
    async with a_viewer(browser) as page:
        faults.watch(page)
        await page.goto(f"{site}{link}")
        await expect(page.get_by_text(said)).to_be_visible()
        assert await page.locator("video").count() == 0
    assert faults == []
