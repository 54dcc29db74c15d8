"""The pages of the peers and of the settings, on real nodes."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest
from playwright.async_api import Page, expect
from tests.browser.app import Town, record, recorded, toast
from tests.nodes import nodes

pytestmark = pytest.mark.browser


async def test_add_rebuild_refresh_and_remove_peers(page: Page, town: Town, tmp_path: Path) -> None:
    a = town.a
    with nodes() as start:
        c = await asyncio.to_thread(start, tmp_path / "c", "--name", "Carol")
        await page.goto(f"{c.url}/#/peers")
        await expect(page.get_by_role("heading", name="You have no peers yet")).to_be_visible()
        mine = page.get_by_role("region", name="My address")
        await expect(mine.get_by_role("code")).to_have_text(c.peer_id)
        await expect(
            mine.get_by_role("img", name=f"QR code of my address, {c.peer_id}")
        ).to_be_visible()
        await mine.get_by_role("button", name="Copy my address").click()
        await expect(mine.get_by_role("button", name="Copied my address")).to_be_visible()
        assert await page.evaluate("navigator.clipboard.readText()") == c.peer_id

        address = page.get_by_label("Address of a friend")
        add = page.get_by_role("button", name="Add", exact=True)
        await address.fill("not an address")
        await add.click()
        await expect(page.get_by_text("not an address of the form host:port")).to_be_visible()
        await address.fill(a.peer_id)
        await add.click()
        await expect(toast(page, "Alice is now one of your peers.")).to_be_visible()
        rows = page.get_by_role("region", name="All peers").locator("tbody tr")
        alice = rows.filter(has_text="Alice")
        await expect(alice).to_contain_text(a.peer_id)
        await expect(alice).to_contain_text("p2ptube")
        network = page.get_by_role("region", name="The network")
        await expect(network.locator("canvas").first).to_be_visible()
        # The picture by keyboard: us first, then the peers.
        picture = network.get_by_role("listbox")
        await picture.press("End")
        await expect(network.get_by_role("option")).not_to_contain_text(c.peer_id)

        await page.get_by_role("button", name="Rebuild").click()
        dialog = page.get_by_role("dialog", name="Rebuild the network")
        await dialog.get_by_label("Begin at this address").fill(a.peer_id)
        await dialog.get_by_label("How far to go").fill("2")
        await expect(dialog.get_by_text("2 hops", exact=True)).to_be_visible()
        await dialog.get_by_role("button", name="Rebuild").click()
        await expect(toast(page, "The network was rebuilt:")).to_be_visible()
        await expect(rows.filter(has_text="Bob")).to_have_count(1)
        await expect(alice).to_have_count(1)

        await record(page, ".answer")
        await page.get_by_role("button", name="Refresh").click()
        await expect(alice.get_by_text("Alive")).to_have_count(1)
        assert {"Asking…", "Alive"} <= set(await recorded(page))

        await alice.get_by_role("button", name="Remove Alice").click()
        question = page.get_by_role("group", name="Remove Alice?")
        await expect(question.get_by_role("button", name="Remove")).to_be_focused()
        await question.get_by_role("button", name="Remove").click()
        await expect(alice).to_have_count(0)
        await asyncio.to_thread(
            a.until, lambda: {p["id"] for p in a.get("peers")}, lambda ids: c.peer_id not in ids
        )
        # Nobody needs to reload the page: who joins and leaves appears and goes by itself.
        d = await asyncio.to_thread(start, tmp_path / "d", "--name", "Dan", join=c.peer_id)
        await expect(rows.filter(has_text="Dan")).to_have_count(1)
        await asyncio.to_thread(d.stop)
        await expect(rows.filter(has_text="Dan")).to_have_count(0)


async def test_settings_are_saved_and_tell_what_needs_a_restart(page: Page, tmp_path: Path) -> None:
    with nodes() as start:
        node = await asyncio.to_thread(start, tmp_path / "n", upload_limit=None)
        await page.goto(f"{node.url}/#/settings")
        save = page.get_by_role("button", name="Save")
        await expect(save).to_be_disabled()
        # What the command line decides is shown, and not to be changed.
        port = page.get_by_label("Overlay port")
        await expect(port).to_be_disabled()
        await expect(port).to_have_accessible_description(re.compile("^Decided by a flag"))

        await page.get_by_label("Name", exact=True).fill("Zoë's node")
        await page.get_by_label("Upload limit: unlimited or limited").select_option("limited")
        limit = page.get_by_label("Upload limit", exact=True)
        await limit.fill("a lot")
        await save.click()
        await expect(limit).to_be_focused()
        await expect(limit).to_have_accessible_description("A number above 0, or choose unlimited.")
        await limit.fill("250")
        await page.get_by_label("Upload limit: unit").select_option("kB/s")
        await page.get_by_label("Most peers").fill("77")
        await save.click()
        await expect(toast(page, "The settings are saved.")).to_be_visible()
        await expect(page.get_by_text("Restart the node")).to_contain_text("Restart the node")
        await expect(page.get_by_text("to use what you have changed: Most peers.")).to_be_visible()

        await page.reload()
        await expect(limit).to_have_value("250")
        await expect(page.get_by_label("Name", exact=True)).to_have_value("Zoë's node")
        await expect(page.get_by_label("Most peers")).to_have_value("77")
        await expect(page.get_by_text("Takes effect after a restart", exact=True)).to_have_count(1)
        view = await asyncio.to_thread(node.get, "settings")
        assert view["settings"]["upload_limit"] == 250_000
        assert (await asyncio.to_thread(node.get, "node"))["name"] == "Zoë's node"


async def test_the_theme_is_switched_and_stays(page: Page, town: Town) -> None:
    await page.goto(f"{town.a.url}/#/settings")
    root = page.locator("html")
    await expect(root).to_have_attribute("data-theme", "light")
    await page.get_by_role("radio", name="Dark").check()
    await expect(root).to_have_attribute("data-theme", "dark")
    await page.reload()
    await expect(root).to_have_attribute("data-theme", "dark")
    await page.get_by_role("button", name="Light theme").click()
    await expect(root).to_have_attribute("data-theme", "light")
    await expect(page.get_by_role("radio", name="Light")).to_be_checked()
