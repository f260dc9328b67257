"""Every page in every language before axe-core, the checker that accessibility audits use (WCAG 2.2, A and AA)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib import resources
from typing import Any, Literal, cast

import pytest
from playwright.async_api import Browser, Page, Route

from shieldproxy.core.policy import ChallengePolicy
from shieldproxy.core.puzzles import issue_text
from shieldproxy.guard.appearance import Appearance
from shieldproxy.guard.challenge_pages import ChallengePages, Occasion, Shown
from shieldproxy.guard.formats import Format
from shieldproxy.guard.notices import WORDS, Notices
from shieldproxy.guard.phrasebook import Phrasebook
from shieldproxy.guard.proofs import Offer
from shieldproxy.guard.replies import Reply
from shieldproxy.guard.waiting_pages import Standing, Waiting, WaitingPages
from tests.guard.chromium import IN_CHROMIUM, PICTURES

pytestmark = IN_CHROMIUM

# As the package carries it; evaluated by the driver, so the page's own policy stays as strict as it is.
AXE = resources.files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
BOOK = Phrasebook()
LOOK = Appearance(contact="help@example.org", title="Residents' Portal", text="We are sorry.")
# Far more work than is done while axe looks, so that the page with its bar is what it looks at.
PUZZLE = issue_text(b"k" * 32, nonce="0a" * 16, work=10**8, expires=4_000_000_000, binding="0b" * 8)
SHOWN = Shown(Offer(PUZZLE, b"00.1.2.33.44"), "6743a1b2.0.01f3a77", "/forms?step=2", "0a" * 16, 3)
NOTICES = sorted({*WORDS.values(), "malformed", "unavailable", "banned"})
Scheme = Literal["light", "dark"]


def challenges(language: str) -> Iterator[tuple[str, Reply]]:
    """Return the challenge page for each occasion."""
    made = ChallengePages(LOOK, BOOK, ChallengePolicy(), "/.shieldproxy")
    for occasion in Occasion:
        fields = '<input type="hidden" name="a" value="b">' if occasion is Occasion.SEND_ON else ""
        for kept in ("", "sealed") if "form" in occasion.value[2] else ("",):
            reply = made.show(occasion, language.encode(), SHOWN._replace(kept=kept, fields=fields))
            # The pages that lead on at once are looked at as they stand.
            headers = tuple(field for field in reply.headers if field[0] != b"Refresh")
            body = reply.body.replace(b"HTMLFormElement.prototype.submit.call", b"void ")
            yield f"{occasion.name}{' kept' if kept else ''}", reply._replace(headers=headers, body=body)


def notices(language: str) -> Iterator[tuple[str, Reply]]:
    """Return each notice, with a time to wait."""
    writer = Notices(LOOK)
    for word in NOTICES:
        body = writer.write(word, 429, 12, Format.HTML, BOOK.of(language)).fill({"id": b"6743a1b2.0.01f3a77"})
        headers = ((b"Content-Type", Format.HTML.value), (b"Content-Security-Policy", writer.policy))
        yield word, Reply(200, headers, body)


def lines(language: str) -> Iterator[tuple[str, Reply]]:
    """Return the page of who waits in line, with and without a form that is kept."""
    made = WaitingPages(LOOK, BOOK, "/.shieldproxy")
    for kept in ("", "sealed"):
        waiting = Waiting(Standing(1_234, 400, 30), "6743a1b2.0.01f3a77", "/forms?step=2", "0a" * 16, kept)
        yield f"line{' kept' if kept else ''}", made.show(language.encode(), waiting)


async def violations(page: Page, reply: Reply) -> list[str]:
    """Show ``reply`` at a secure address and return what axe-core finds, rule by rule with its element."""

    async def answer(route: Route) -> None:
        if route.request.resource_type != "document":
            await route.abort()
            return
        fields = {name.decode(): value.decode() for name, value in reply.headers}
        await route.fulfill(status=200, headers=fields, body=reply.body)

    await page.unroute_all()
    await page.route("**/*", answer)
    await page.goto("http://localhost:9/page")
    await page.evaluate(AXE)
    return await asked_of_axe(page)


async def asked_of_axe(page: Page) -> list[str]:
    """Return what axe-core finds on what is shown."""
    asked = json.dumps({"runOnly": TAGS, "resultTypes": ["violations"]})
    found: dict[str, Any] = await page.evaluate(f"axe.run(document, {asked})")
    assert found["testEngine"]["name"] == "axe-core"
    return [f"{fault['id']}: {node['html'][:120]}" for fault in found["violations"] for node in fault["nodes"]]


async def look_at(
    browser: Browser, pages: list[tuple[str, Reply]], scheme: Scheme, album: str = "", **options: Any
) -> dict[str, Any]:
    """Return the violations of every page that has some; in an ``album`` pictures are kept for people to look at."""
    context = await browser.new_context(color_scheme=scheme, **options)
    seen: dict[str, list[str]] = {}
    try:
        page = await context.new_page()
        for name, reply in pages:
            seen[name] = await violations(page, reply)
            if album:
                await page.screenshot(path=PICTURES / album / f"{name.replace(' ', '-').lower()}.png", full_page=True)
    finally:
        await context.close()
    return {name: faults for name, faults in seen.items() if faults}


# Put into a document that has axe already: to load it anew for each of some six hundred pages would take minutes.
EXCHANGE = """(source) => {
  const found = new DOMParser().parseFromString(source, "text/html").documentElement;
  const here = document.documentElement;
  for (const name of ["lang", "dir"]) here.setAttribute(name, found.getAttribute(name) || "");
  here.innerHTML = found.innerHTML;
}"""


@pytest.mark.parametrize("language", BOOK.languages)
async def test_axe_finds_nothing_in_any_language(browser: Browser, language: str) -> None:
    """Names, roles, languages, headings, landmarks and contrast of every challenge and notice."""
    pages = [*challenges(language), *notices(language), *lines(language)]
    context = await browser.new_context(bypass_csp=True)
    try:
        page = await context.new_page()
        found = {"at first": await violations(page, pages[0][1])}
        for name, reply in pages:
            await page.evaluate(EXCHANGE, reply.body.decode())
            assert await page.title()
            found[name] = await asked_of_axe(page)
    finally:
        await context.close()
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.parametrize("language", ["en", "ar"])
@pytest.mark.parametrize("scripts", [True, False])
async def test_axe_finds_nothing_in_the_dark_or_without_scripts(
    browser: Browser,
    language: str,
    scripts: bool,  # noqa: FBT001
) -> None:
    """The same in dark colours, on a narrow window, and where no script changes the page."""
    if not scripts:
        # axe is a script itself: the page's own are kept from running by a policy with another nonce.
        pages = [(name, without_scripts(reply)) for name, reply in (*challenges(language), *lines(language))]
    else:
        pages = [*challenges(language), *notices(language), *lines(language)]
    album = f"{language}-dark-{'scripts' if scripts else 'no-scripts'}"
    assert await look_at(browser, pages, "dark", album, viewport={"width": 320, "height": 640}) == {}


def without_scripts(reply: Reply) -> Reply:
    """Return a page of which the browser runs no script."""
    policy = dict(reply.headers)[b"Content-Security-Policy"]
    strict = policy.replace(b"script-src 'nonce-", b"script-src 'nonce-f")
    headers = tuple((name, strict if name == b"Content-Security-Policy" else value) for name, value in reply.headers)
    return reply._replace(headers=headers)


async def test_axe_finds_what_is_wrong(browser: Browser) -> None:
    """A page with faults of every kind above is not passed: the checker runs and its rules are on."""
    name, reply = next(challenges("en"))
    bad = reply.body.replace(b' lang="en"', b"").replace(b"--ink: #1b2733", b"--ink: #e0e0e0")
    bad = bad.replace(b'role="progressbar" aria-label="One moment, please"', b'role="progressbar"')
    found = await look_at(browser, [(name, reply._replace(body=bad))], "light")
    told = {fault.partition(":")[0] for fault in cast("list[str]", found[name])}
    assert {"html-has-lang", "color-contrast", "aria-progressbar-name"} <= told
