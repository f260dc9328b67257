"""The browser that tests of the pages share."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio
from playwright.async_api import Browser, Playwright, async_playwright

from tests.guard.chromium import ARGUMENTS, CHROMIUM


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def playwright() -> AsyncIterator[Playwright]:
    """The driver, started once: each test has a browser profile of its own."""
    async with async_playwright() as driver:
        yield driver


@pytest_asyncio.fixture(loop_scope="session", scope="session")
async def browser(playwright: Playwright) -> AsyncIterator[Browser]:
    """A browser that knows plain.test as a host of this machine, to meet a page that is no secure context."""
    mapped = [*ARGUMENTS, "--host-resolver-rules=MAP plain.test 127.0.0.1"]
    browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=mapped)
    yield browser
    await browser.close()
