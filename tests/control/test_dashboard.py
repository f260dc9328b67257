"""The dashboard: whole in itself, read-only, and safe against what names hold."""

from __future__ import annotations

import re
import shutil
from collections.abc import AsyncIterator

import aiohttp
import pytest
from playwright.async_api import Browser, Page, async_playwright

from shieldproxy.control.node import BanEntry, BusyNetwork
from shieldproxy.control.server import ControlServer
from tests.fakes.node import FakeNode

TOKEN = "f" * 64
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


async def test_the_page_loads_nothing_from_elsewhere(anybody: aiohttp.ClientSession) -> None:
    """The page names no address but its own API, and its policy allows its own two inline parts and nothing else."""
    async with anybody.get("/") as answer:
        page = await answer.text()
        policy = answer.headers["Content-Security-Policy"]
    assert re.findall(r"""(?:src|href)=["']([^"']*)""", page) == ["data:,"]
    assert set(re.findall(r"https?://[^\s\"'`]*", page)) == {"http://www.w3.org/2000/svg"}
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert "/* style */" not in page
    assert "/* script */" not in page


async def test_the_page_holds_no_data(anybody: aiohttp.ClientSession, node: FakeNode) -> None:
    """Asked without a token, the page shows nothing of the node."""
    async with anybody.get("/") as answer:
        assert node.state.node not in await answer.text()
        assert answer.headers["X-Frame-Options"] == "DENY"


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine: the dashboard is not looked at in a browser")
    async with async_playwright() as playwright:
        started = await playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield started
        await started.close()


async def opened(browser: Browser, server: ControlServer, *, width: int = 1_000) -> tuple[Page, list[str]]:
    page = await browser.new_page(viewport={"width": width, "height": 900})
    complaints: list[str] = []
    page.on("pageerror", lambda fault: complaints.append(str(fault)))
    page.on("console", lambda line: complaints.append(line.text) if line.type == "error" else None)
    await page.goto(f"http://{server.listen}/")
    await page.fill("#token", TOKEN)
    await page.click("button")
    await page.wait_for_selector("#view:not([hidden])")
    return page, complaints


async def test_an_operator_sees_the_node(browser: Browser, server: ControlServer, node: FakeNode) -> None:
    """With the token the page shows posture, counts, networks, bans and alarms, also 320 pixels wide."""
    node.ban("192.0.2.0/24", 600, "flood of POST")
    node.state = node.state._replace(degraded=("no ASN is known: the database is broken",))
    page, complaints = await opened(browser, server, width=320)
    assert await page.inner_text("#posture") == "elevated"
    assert await page.inner_text("#minute") == "60"
    assert await page.inner_text("#stopped") == "25 %"
    assert "EXAMPLE-HOSTING" in await page.inner_text("#networks")
    assert "flood of POST" in await page.inner_text("#bans")
    assert "no ASN is known" in await page.inner_text("#alarms")
    assert await page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    assert complaints == []


async def test_a_name_is_text_and_never_markup(browser: Browser, server: ControlServer, node: FakeNode) -> None:
    """A network's name or a ban's reason that holds markup is shown as it is written, and nothing of it runs."""
    evil = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>"
    node.busiest = node.busiest._replace(networks=(BusyNetwork(64500, evil, "hosting", "", 5, {"admit": 5}),))
    node.banned["192.0.2.1"] = (2_000.0, evil)
    page, complaints = await opened(browser, server)
    assert evil in await page.inner_text("#networks")
    assert await page.locator("#view img, #view script").count() == 0
    assert "owned" not in await page.title()
    assert complaints == []
    assert BanEntry(*node.bans()[0]).cause == evil


async def test_a_wrong_token_asks_again(browser: Browser, server: ControlServer) -> None:
    """A token that is not the node's brings the field back with a word about it, and is not kept."""
    page = await browser.new_page()
    await page.goto(f"http://{server.listen}/")
    await page.fill("#token", "wrong")
    await page.click("button")
    await page.wait_for_function("document.getElementById('refused').textContent !== ''")
    assert "not the node's" in await page.inner_text("#refused")
    assert await page.evaluate("sessionStorage.length") == 0
