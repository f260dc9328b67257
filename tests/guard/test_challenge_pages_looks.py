"""How the pages look and how the keyboard reaches them, in a real browser."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from tests.guard.chromium import IN_CHROMIUM, NEVER, PICTURES, visit

pytestmark = IN_CHROMIUM


async def looks(page: Page) -> None:
    """Check what no state of a page may break: it fits its window and its heading is there."""
    wide = await page.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
    assert wide[0] <= wide[1]
    await expect(page.get_by_role("heading", level=1)).to_be_visible()


STATES: list[tuple[str, str, dict[str, Any]]] = [
    ("light", "/forms", {}),
    ("dark", "/forms", {"color_scheme": "dark"}),
    ("narrow", "/forms", {"viewport": {"width": 320, "height": 640}, "locale": "de"}),
    ("arabic", "/forms", {"locale": "ar"}),
    ("greek-narrow", "/forms", {"viewport": {"width": 320, "height": 640}, "locale": "el"}),
    ("reduced-motion", "/forms", {"reduced_motion": "reduce", "locale": "fi"}),
    ("high-contrast", "/forms", {"forced_colors": "active", "locale": "fr"}),
    ("no-script", "/forms", {"java_script_enabled": False, "locale": "pl"}),
    ("throttled", "/throttled", {}),
    ("throttled-narrow", "/throttled", {"viewport": {"width": 320, "height": 640}, "locale": "bg"}),
    ("refused-dark", "/refused", {"color_scheme": "dark", "locale": "ar"}),
]


@pytest.mark.parametrize(("name", "path", "options"), STATES, ids=[state[0] for state in STATES])
async def test_every_state_fits_its_window(browser: Browser, name: str, path: str, options: dict[str, Any]) -> None:
    """From 320 pixels up nothing has to be scrolled sideways; a picture is kept for people to look at."""
    async with visit(browser, NEVER, **{"viewport": {"width": 1024, "height": 768}, **options}) as (site, context):
        page = await context.new_page()
        await page.goto(f"{site.url}{path}")
        PICTURES.mkdir(parents=True, exist_ok=True)
        await page.screenshot(path=PICTURES / f"{name}.png", full_page=True)
        if options.get("java_script_enabled", True):
            await looks(page)
        await expect(page.get_by_text(re.compile("01JD4ZK8Q2M7"))).to_be_visible()


async def test_the_keyboard_reaches_what_can_be_used_in_order(browser: Browser) -> None:
    """Tab goes to the button, then to the contact, with the focus shown."""
    async with visit(browser, NEVER) as (site, context):
        await context.add_init_script("Object.defineProperty(crypto, 'subtle', { value: undefined })")
        page = await context.new_page()
        await page.goto(f"{site.url}/x")
        order = []
        for _ in range(2):
            await page.keyboard.press("Tab")
            order.append(await page.evaluate("document.activeElement.tagName"))
            assert await page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
        assert order == ["INPUT", "A"]


async def test_the_page_stays_small_on_the_wire(browser: Browser) -> None:
    """One request and less than 15 KB bring the whole page."""
    async with visit(browser, NEVER, locale="el") as (site, context):
        page = await context.new_page()
        response = await page.goto(f"{site.url}/x")
        assert response is not None
        assert len(await response.body()) < 15_000
        await page.wait_for_timeout(300)
        assert [asked for _, asked, _ in site.log] == ["/x"]
