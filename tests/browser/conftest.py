"""A real browser, and what is open in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, ConsoleMessage, Dialog, Page
from tests.browser.app import Town, a_town
from tests.chromium import chromium
from tests.web.fakes import FakeNode
from tests.web.serving import served

PATIENCE = 40_000  # milliseconds; the machine may have other work
# What the browser itself writes to the console when an answer is an error: tests ask for those.
REFUSED = "Failed to load resource"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The tests of a file share an event loop, since they share a browser."""
    for item in items:
        if item.path.parent == Path(__file__).parent and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="module"), append=False)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium; the tests are skipped where there is none.

    One for the tests of a file: to start it takes longer than most of them. What is open, stored or
    allowed in it belongs to a context, and each test has one of its own.
    """
    async with chromium() as launched:
        yield launched


class Faults(list[str]):
    """What must not happen on a page: its scripts throw or complain, or it opens a dialog."""

    def watch(self, page: Page) -> None:
        page.on("pageerror", lambda error: self.append(str(error)))
        page.on("console", self._console)
        page.on("dialog", self._dialog)

    def _console(self, message: ConsoleMessage) -> None:
        # The browser reports what broke the Content-Security-Policy here, too.
        if message.type in {"error", "warning"} and REFUSED not in message.text:
            self.append(message.text)

    async def _dialog(self, dialog: Dialog) -> None:
        if dialog.type != "beforeunload":
            self.append(f"{dialog.type}: {dialog.message}")
        await dialog.dismiss()


@pytest.fixture
def faults() -> Faults:
    """What went wrong on the `page` so far; the test fails where anything is left in it."""
    return Faults()


@pytest_asyncio.fixture(loop_scope="module")
async def page(browser: Browser, faults: Faults) -> AsyncIterator[Page]:
    """An empty page of a desktop's size."""
    context = await browser.new_context(viewport={"width": 1280, "height": 800})
    context.set_default_timeout(PATIENCE)
    await context.grant_permissions(["clipboard-read", "clipboard-write"])
    opened = await context.new_page()
    faults.watch(opened)
    yield opened
    await context.close()
    assert faults == []


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    """Two real nodes, Alice's and Bob's. Tests share them: they add what they remove."""
    with a_town(tmp_path_factory.mktemp("town")) as found:
        yield found


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[FakeNode, str]]:
    """A node without a network and the URL of its page."""
    with served(tmp_path) as found:
        yield found
