"""The way through a challenge in a real browser: where people land, and what stops them from going round."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext, Page, Playwright, expect

from tests.fakes.gated_site import GatedSite
from tests.guard.chromium import ARGUMENTS, CHROMIUM, IN_CHROMIUM, NEVER, QUICK, visit

pytestmark = IN_CHROMIUM


def welcome(page: Page) -> Any:
    """Return the heading of the site's own pages."""
    return page.get_by_role("heading", name="Welcome")


async def arrives(page: Page, url: str) -> None:
    """Wait for the site's own page and check where it is."""
    await expect(welcome(page)).to_be_visible(timeout=30_000)
    assert page.url == url


async def test_a_first_visit_lands_on_the_page_asked_for(browser: Browser) -> None:
    """Path, query and fragment are kept, in one go, and nothing is fetched but page, answer and check."""
    async with visit(browser) as (site, context):
        page = await context.new_page()
        await page.goto(f"{site.url}/forms/residence?step=2&x=%C3%A9#part-3")
        await arrives(page, f"{site.url}/forms/residence?step=2&x=%C3%A9#part-3")
        assert [entry for entry in site.log if entry[1] != "/favicon.ico"] == [
            ("GET", "/forms/residence", 503),
            ("POST", "/.shieldproxy/answer", 200),
            ("GET", "/.shieldproxy/return", 200),
            ("GET", "/forms/residence", 200),
        ]
        # From now on nothing stands in the way, and "back" leads to pages of the site.
        await page.get_by_role("link", name="next").click()
        await arrives(page, f"{site.url}/next")
        await page.go_back()
        await arrives(page, f"{site.url}/forms/residence?step=2&x=%C3%A9#part-3")
        assert await page.evaluate("fetch('/data').then((answer) => answer.status)") == 200
        assert sum(status == 503 for _, _, status in site.log) == 1


async def test_a_page_that_must_stay_strict_breaks_no_policy_of_its_own(browser: Browser) -> None:
    """The browser reports no script error and no violation of the page's policy."""
    async with visit(browser) as (site, context):
        page = await context.new_page()
        said: list[str] = []
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        await page.goto(f"{site.url}/x")
        await arrives(page, f"{site.url}/x")
        assert [text for text in said if "status of 503" not in text] == []


async def test_ten_tabs_at_once_all_arrive(browser: Browser) -> None:
    """Tabs that are challenged together do not spend each other's puzzles."""
    async with visit(browser) as (site, context):
        pages = [await context.new_page() for _ in range(10)]
        for number, page in enumerate(pages):
            await page.goto(f"{site.url}/tab?n={number}", wait_until="commit")
        for number, page in enumerate(pages):
            await arrives(page, f"{site.url}/tab?n={number}")


async def test_a_form_that_was_challenged_is_sent_on_byte_for_byte(browser: Browser) -> None:
    """A POST is told that it waits, and after the challenge the site gets it as it was."""
    async with visit(browser) as (site, context):
        page = await context.new_page()
        form = f"<form method=post action='{site.url}/apply?x=1'><input name=a value='b &amp; \u00e9'><button>Go</button></form>"
        await page.set_content(form)
        await page.get_by_role("button").click()
        await arrives(page, f"{site.url}/apply?x=1")
        assert site.posted == [b"a=b+%26+%C3%A9"]


SENT = b"name=Ada+%26+%C3%A9&submit=&text=two%0D%0Alines%2C+50%25+%2B+%22more%22&send=yes"


async def test_a_form_of_the_site_is_kept_and_sent_on(browser: Browser) -> None:
    """Challenged while the visitor was typing: the page keeps the form and sends the same bytes on, without a question."""
    async with visit(browser) as (site, context):
        page = await context.new_page()
        await page.goto(f"{site.url}/form")
        await page.get_by_role("button", name="Send").click()
        await arrives(page, f"{site.url}/apply?x=1")
        assert site.posted == [SENT]


async def test_without_javascript_a_form_is_kept_until_it_is_sent_on(browser: Browser) -> None:
    """The button of the check, then the button that sends: the site gets every byte, after too early a press as well."""
    async with visit(browser, QUICK._replace(form_wait=1.0), java_script_enabled=False) as (site, context):
        page = await context.new_page()
        await page.goto(f"{site.url}/form")
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_text("It has been kept")).to_be_visible()
        await page.get_by_role("button", name="Continue").click()
        await page.wait_for_timeout(1_100)
        if await page.get_by_text("a little too soon").is_visible():
            await page.get_by_role("button", name="Continue").click()
        await expect(page.get_by_text("is now being sent on")).to_be_visible()
        await page.get_by_role("button", name="Continue").click()
        await arrives(page, f"{site.url}/apply?x=1")
        assert site.posted == [SENT]


async def test_a_page_behind_a_service_worker_is_challenged_and_opens(browser: Browser) -> None:
    """A worker of the site hands the challenge on as it hands on everything: page, answer and check come through it."""
    async with visit(browser) as (site, context):
        page = await context.new_page()
        await page.goto(f"{site.url}/worked")
        await expect(page.get_by_text("a worker is ready")).to_be_visible(timeout=30_000)
        await context.clear_cookies()
        await page.goto(f"{site.url}/next?step=2")
        await arrives(page, f"{site.url}/next?step=2")
        assert await page.evaluate("Boolean(navigator.serviceWorker.controller)")
        assert site.outcomes == ["passed", "", "passed", ""]


async def test_a_page_with_a_websocket_speaks_after_the_challenge(browser: Browser) -> None:
    """The socket brings the clearance that the page earned."""
    async with visit(browser) as (site, context):
        page = await context.new_page()
        await page.goto(f"{site.url}/socket")
        await expect(page.get_by_text("heard hello")).to_be_visible(timeout=30_000)
        await page.close()
        assert ("GET", "/ws", 200) in site.log


async def test_two_private_windows_are_two_visitors(browser: Browser) -> None:
    """A window of its own shares no cookie: each is challenged once, and passes."""
    async with visit(browser) as (site, context):
        for window in (context, await browser.new_context()):
            page = await window.new_page()
            await page.goto(f"{site.url}/x")
            await arrives(page, f"{site.url}/x")
        await window.close()
        assert site.outcomes == ["passed", ""] * 2


async def test_a_download_link_downloads(browser: Browser) -> None:
    """A challenged download starts after the challenge."""
    async with visit(browser) as (site, context):
        page = await context.new_page()
        async with page.expect_download() as download:
            await page.goto(f"{site.url}/download", wait_until="commit")
        assert (await download.value).suggested_filename == "data.bin"


async def test_an_address_that_changes_on_the_way_is_proved_again(browser: Browser) -> None:
    """Page over one network, answer over another: a second puzzle is solved, without a loop or a question."""
    async with visit(browser) as (site, context):
        site.addresses = ["2001:db8::1", "192.0.2.1"]
        page = await context.new_page()
        await page.goto(f"{site.url}/x")
        await arrives(page, f"{site.url}/x")
        assert site.outcomes == ["foreign", "passed", ""]


async def test_without_javascript_the_button_works(browser: Browser) -> None:
    """Too early is told, later it leads to path and query; the clearance is the form's."""
    async with visit(browser, QUICK._replace(form_wait=2.0), java_script_enabled=False) as (site, context):
        page = await context.new_page()
        await page.goto(f"{site.url}/forms/residence?step=2")
        await page.get_by_role("button", name="Continue").click()
        await expect(page.get_by_text("a little too soon")).to_be_visible()
        await page.wait_for_timeout(2_100)
        await page.get_by_role("button", name="Continue").click()
        await arrives(page, f"{site.url}/forms/residence?step=2")
        assert site.outcomes == ["too_early", "passed", ""]


async def test_without_javascript_a_site_may_send_people_elsewhere(browser: Browser) -> None:
    """A target that redirects to another host (a sign-in) is reached: form-action does not stand in the way."""
    async with (
        GatedSite() as other,
        visit(browser, QUICK._replace(form_wait=0.0), java_script_enabled=False) as (site, context),
    ):
        site.elsewhere = f"http://127.0.0.1:{other.port}/throttled"
        page = await context.new_page()
        await page.goto(f"{site.url}/leave")
        await page.get_by_role("button", name="Continue").click()
        await expect(page.get_by_role("heading", name="Too many requests")).to_be_visible()
        assert page.url == site.elsewhere


async def test_without_webcrypto_the_form_is_there_at_once(browser: Browser) -> None:
    """A browser that cannot do the work is offered the button, not a bar that never moves."""
    async with visit(browser) as (site, context):
        await context.add_init_script("Object.defineProperty(crypto, 'subtle', { value: undefined })")
        page = await context.new_page()
        await page.goto(f"{site.url}/x?y=1")
        await expect(page.get_by_role("progressbar")).to_be_hidden()
        await page.wait_for_timeout(1_100)
        await page.get_by_role("button", name="Continue").click()
        await arrives(page, f"{site.url}/x?y=1")


async def test_over_plain_http_the_form_is_there_at_once(browser: Browser) -> None:
    """An address that is no secure context has no WebCrypto; its visitors get the button."""
    async with visit(browser) as (site, context):
        page = await context.new_page()
        await page.goto(f"http://plain.test:{site.port}/x")
        await expect(page.get_by_role("button", name="Continue")).to_be_visible()
        await page.wait_for_timeout(1_100)
        await page.get_by_role("button", name="Continue").click()
        await arrives(page, f"http://plain.test:{site.port}/x")


async def test_a_slow_device_is_offered_the_form(browser: Browser) -> None:
    """After five seconds of work the button appears beside it."""
    async with visit(browser, NEVER) as (site, context):
        await context.add_init_script(
            "const wait = setTimeout;"
            "window.setTimeout = (run, time) => (time === 5000 ? (window.fiveSecondsLater = run) : wait(run, time))"
        )
        page = await context.new_page()
        await page.goto(f"{site.url}/x")
        await expect(page.get_by_role("progressbar")).to_be_visible()
        await expect(page.get_by_role("button", name="Continue")).to_be_hidden()
        await page.evaluate("fiveSecondsLater()")
        await expect(page.get_by_role("button", name="Continue")).to_be_visible()
        await expect(page.get_by_role("progressbar")).to_be_visible()


@asynccontextmanager
async def without_cookies(playwright: Playwright, profile: Path, **options: Any) -> AsyncIterator[BrowserContext]:
    """A browser whose owner has forbidden all cookies."""
    (profile / "Default").mkdir(parents=True)
    wishes = {"profile": {"default_content_setting_values": {"cookies": 2}}}
    (profile / "Default" / "Preferences").write_text(json.dumps(wishes), encoding="utf-8")
    context = await playwright.chromium.launch_persistent_context(
        profile, executable_path=CHROMIUM, args=ARGUMENTS, **options
    )
    try:
        yield context
    finally:
        await context.close()


async def test_with_cookies_off_the_page_says_so_and_stays(playwright: Playwright, tmp_path: Path) -> None:
    """The script hears from the server that the cookie did not come back, says so and stops."""
    async with GatedSite(QUICK) as site, without_cookies(playwright, tmp_path) as context:
        page = await context.new_page()
        await page.goto(f"{site.url}/x")
        await expect(page.get_by_text("did not keep the cookie")).to_be_visible()
        await expect(page.get_by_role("button", name="Try again")).to_be_visible()
        await page.wait_for_timeout(1_000)
        assert site.outcomes == ["passed", "no_cookie"]
        assert site.asked("/x") == 1


async def test_with_cookies_and_javascript_off_the_page_says_so(playwright: Playwright, tmp_path: Path) -> None:
    """The form leads to the check, the check to a page that explains; nothing goes round."""
    policy = QUICK._replace(form_wait=0.0)
    async with GatedSite(policy) as site, without_cookies(playwright, tmp_path, java_script_enabled=False) as context:
        page = await context.new_page()
        await page.goto(f"{site.url}/x?y=1")
        await page.get_by_role("button", name="Continue").click()
        await expect(page.get_by_text("did not keep the cookie")).to_be_visible()
        link = page.get_by_role("link", name="Try again")
        assert await link.get_attribute("href") == "/x?y=1"
        await page.wait_for_timeout(500)
        assert site.asked("/x") == 1


async def test_a_site_that_challenges_again_and_again_does_not_loop(browser: Browser) -> None:
    """Where no clearance helps, the page stops opening by itself and leaves the button to the visitor."""
    async with visit(browser) as (site, context):
        site.challenge_all = True
        page = await context.new_page()
        await page.goto(f"{site.url}/x")
        await expect(page.get_by_text("The check did not succeed this time")).to_be_visible(timeout=30_000)
        await page.wait_for_timeout(1_000)
        assert site.asked("/x") == 4
