"""A real browser: Debian's Chromium, driven by Playwright."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Page, async_playwright
from tests.web.fakes import FakeNode, served

CANDIDATES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def find_chromium() -> str | None:
    return next((path for name in CANDIDATES if (path := shutil.which(name))), None)


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    """A headless Chromium; the test is skipped where there is none."""
    program = find_chromium()
    if program is None:
        pytest.skip("Chromium is not installed (scripts/install-test-tools.sh)")
    arguments = ["--autoplay-policy=no-user-gesture-required", "--disable-dev-shm-usage"]
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        arguments.append("--no-sandbox")  # Chromium's sandbox refuses to run as root
    async with async_playwright() as playwright:
        launched = await playwright.chromium.launch(executable_path=program, args=arguments)
        yield launched
        await launched.close()


@pytest.fixture
async def page(browser: Browser) -> AsyncIterator[Page]:
    """An empty page. The test fails where a script of it threw, or broke the page's policy."""
    context = await browser.new_context()
    opened = await context.new_page()
    faults: list[str] = []
    opened.on("pageerror", lambda error: faults.append(str(error)))
    opened.on(
        "console",
        lambda message: (
            faults.append(message.text) if "Content Security Policy" in message.text else None
        ),
    )
    opened.set_default_timeout(15_000)
    yield opened
    await context.close()
    assert faults == []


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[FakeNode, str]]:
    """A node without a network and the URL of its page."""
    with served(tmp_path) as found:
        yield found
