"""What people read while they wait: small, in their language, whole without a script; and as browsers show it."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

import pytest
from playwright.async_api import Browser, Route, expect

from shieldproxy.guard.replies import Reply
from shieldproxy.guard.waiting_pages import Standing, Waiting, WaitingPages
from tests.guard.at_the_gate import BOOK, LOOK, header
from tests.guard.chromium import CHROMIUM, PICTURES

STANDING = Standing(1_234, 400, 30)
WAITING = Waiting(STANDING, "6743a1b2.0.01f3a77", "/forms?a=1&b=<2>", "0a" * 16)


def page(language: str = "en", waiting: Waiting = WAITING) -> Reply:
    """Return the page in a language."""
    return WaitingPages(LOOK, BOOK, "/.shieldproxy").show(language.encode(), waiting)


@pytest.mark.parametrize("language", BOOK.languages)
def test_the_place_and_the_time_are_told_in_every_language(language: str) -> None:
    """With nothing left to fill in, and less than 10 KB in all."""
    reply = page(language)
    body = reply.body.decode()
    assert "1234." in body
    assert BOOK.of(language).time(400) in body
    assert BOOK.of(language).text("line_title") in body
    assert not re.search(r"\{\w+\}", re.sub(r"<script.*?</script>|<style.*?</style>", "", body, flags=re.DOTALL))
    assert len(reply.body) < 10_000


def test_a_wait_that_nobody_can_foretell_is_not_told() -> None:
    """The place alone is honest."""
    body = page(waiting=WAITING._replace(standing=Standing(5, 0, 10))).body
    assert b"Your place in line: 5." in body
    assert b"Expected wait" not in body


def test_programs_read_when_to_come_back() -> None:
    """503 and Retry-After, kept nowhere and found by no search engine."""
    reply = page()
    assert (reply.status, header(reply, b"Retry-After")) == (503, b"30")
    assert (header(reply, b"Cache-Control"), header(reply, b"X-Robots-Tag")) == (b"no-store", b"noindex")


def test_nothing_of_the_address_becomes_markup() -> None:
    """The way back is escaped where it stands."""
    assert b'href="/forms?a=1&amp;b=&lt;2&gt;"' in page().body


def test_a_form_is_kept_in_the_page() -> None:
    """With a sentence that says so, and in place of the link, which would lose it."""
    body = page(waiting=WAITING._replace(kept="sealed")).body
    assert b'name="kept" value="sealed"' in body
    assert b"Your form has not been sent yet." in body
    assert b"<a class" not in body


STATES: dict[str, dict[str, Any]] = {
    "line": {"color_scheme": "light"},
    "line-dark": {"color_scheme": "dark"},
    "line-narrow": {"viewport": {"width": 320, "height": 640}, "locale": "de"},
    "line-arabic": {"locale": "ar", "viewport": {"width": 320, "height": 640}},
    "line-no-script": {"java_script_enabled": False, "locale": "el"},
}


@pytest.mark.skipif(not CHROMIUM.exists(), reason="chromium")
@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize("name", STATES)
async def test_it_fits_every_window(browser: Browser, name: str) -> None:
    """From 320 pixels up nothing has to be scrolled sideways; a picture is kept for people to look at."""
    context = await browser.new_context(**STATES[name])
    try:
        shown = await context.new_page()

        async def answer(route: Route) -> None:
            language = (await route.request.all_headers()).get("accept-language", "en")
            reply = page(language)
            await route.fulfill(status=503, headers=dict(told(reply)), body=reply.body)

        await shown.route("**/*", answer)
        await shown.goto("http://localhost:9/forms")
        PICTURES.mkdir(parents=True, exist_ok=True)
        await shown.screenshot(path=PICTURES / f"{name}.png", full_page=True)
        if STATES[name].get("java_script_enabled", True):
            wide = await shown.evaluate("[document.documentElement.scrollWidth, window.innerWidth]")
            assert wide[0] <= wide[1]
        await expect(shown.get_by_role("heading", level=1)).to_be_visible()
        await expect(shown.get_by_role("link", name=BOOK.speak(language_of(name)).text("again"))).to_be_visible()
    finally:
        await context.close()


@pytest.mark.skipif(not CHROMIUM.exists(), reason="chromium")
@pytest.mark.asyncio(loop_scope="session")
async def test_the_script_tells_the_place_and_opens_the_page_in_turn(browser: Browser) -> None:
    """It asks as often as it is told, shows each new place, and opens the page that was asked for."""
    context = await browser.new_context()
    answers = [
        (429, {}, {"Retry-After": "1"}),
        (200, {"ready": False, "place": 1, "told": "Your place in line: 1."}, {"Retry-After": "1"}),
        (200, {"ready": True}, {}),
    ]
    asked: list[str] = []
    seen = asyncio.Event()
    try:
        shown = await context.new_page()
        await shown.add_init_script("window.setTimeout = ((plain) => (act, ms) => plain(act, ms / 20))(setTimeout)")

        async def answer(route: Route) -> None:
            path = route.request.url.partition("localhost:9")[2]
            asked.append(path)
            if path == "/.shieldproxy/line":
                status, body, headers = answers.pop(0)
                if not answers:
                    await seen.wait()
                await route.fulfill(status=status, headers=headers, body=json.dumps(body))
            elif answers:
                reply = page(waiting=WAITING._replace(standing=Standing(2, 9, 1)))
                await route.fulfill(status=503, headers=dict(told(reply)), body=reply.body)
            else:
                await route.fulfill(status=200, content_type="text/html", body="<h1>The form</h1>")

        await shown.route("**/*", answer)
        await shown.goto("http://localhost:9/forms")
        await expect(shown.get_by_text("Your place in line: 1.")).to_be_visible()
        seen.set()
        await expect(shown.get_by_role("heading", name="The form")).to_be_visible()
        assert asked == ["/forms", *["/.shieldproxy/line"] * 3, "/forms"]
    finally:
        await context.close()


def told(reply: Reply) -> list[tuple[str, str]]:
    """Return the headers of a reply as the driver takes them."""
    return [(name.decode(), value.decode()) for name, value in reply.headers]


def language_of(name: str) -> bytes:
    """Return the language in which a state is shown."""
    return str(STATES[name].get("locale", "en")).encode()
