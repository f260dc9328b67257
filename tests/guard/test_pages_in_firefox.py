"""The way through a challenge in Debian's Firefox, the second engine: what only Chromium does is found here."""

from __future__ import annotations

from pathlib import Path

from tests.fakes.gated_site import GatedSite
from tests.guard.chromium import NEVER, QUICK
from tests.guard.firefox import IN_FIREFOX, firefox

pytestmark = IN_FIREFOX

SENT = b"name=Ada+%26+%C3%A9&submit=&text=two%0D%0Alines%2C+50%25+%2B+%22more%22&send=yes"
BUTTON = "input[type=submit]"


async def test_a_first_visit_lands_on_the_page_asked_for(tmp_path: Path) -> None:
    """Path, query and fragment are kept; nothing stands in the way of the next page, nor of "back"."""
    async with GatedSite(QUICK) as site, firefox(tmp_path) as browser:
        await browser.open(f"{site.url}/forms/residence?step=2&x=%C3%A9#part-3")
        assert await browser.shows("Welcome") == f"{site.url}/forms/residence?step=2&x=%C3%A9#part-3"
        assert [entry for entry in site.log if entry[1] != "/favicon.ico"] == [
            ("GET", "/forms/residence", 503),
            ("POST", "/.shieldproxy/answer", 200),
            ("GET", "/.shieldproxy/return", 200),
            ("GET", "/forms/residence", 200),
        ]
        await browser.press("a")
        await browser.shows("Welcome", f"{site.url}/next")
        await browser.back()
        await browser.shows("Welcome", f"{site.url}/forms/residence?step=2&x=%C3%A9#part-3")
        assert sum(status == 503 for _, _, status in site.log) == 1


async def test_a_form_of_the_site_is_kept_and_sent_on(tmp_path: Path) -> None:
    """No dialogue asks whether to send it again, which a reload would bring up here; the bytes are the same."""
    async with GatedSite(QUICK) as site, firefox(tmp_path) as browser:
        await browser.open(f"{site.url}/form")
        await browser.press("button")
        assert await browser.shows("Welcome") == f"{site.url}/apply?x=1"
        assert site.posted == [SENT]


async def test_a_challenged_upload_is_sent_again_when_the_visitor_says_so(tmp_path: Path) -> None:
    """Firefox asks whether to send a form with a file again; who agrees has sent every byte of it, and once."""
    plan = bytes(range(256)) * 800
    (tmp_path / "plan.pdf").write_bytes(plan)
    agreed = {"dom__confirm_repost__testing__always_accept": True}
    async with GatedSite(QUICK) as site, firefox(tmp_path / "profile", **agreed) as browser:
        await browser.open(f"{site.url}/upload")
        await browser.choose("input[type=file]", tmp_path / "plan.pdf")
        await browser.press("button")
        assert await browser.shows("Welcome") == f"{site.url}/apply?x=1"
        assert [body.count(plan) for body in site.posted] == [1]


async def test_without_javascript_the_button_works(tmp_path: Path) -> None:
    """The form leads to path and query, and the clearance is the form's."""
    policy = QUICK._replace(form_wait=0.0)
    async with GatedSite(policy) as site, firefox(tmp_path, javascript__enabled=False) as browser:
        await browser.open(f"{site.url}/forms/residence?step=2")
        await browser.shows("One moment, please")
        await browser.press(BUTTON)
        assert await browser.shows("Welcome") == f"{site.url}/forms/residence?step=2"
        assert site.outcomes == ["passed", ""]


async def test_without_javascript_a_form_is_kept_until_it_is_sent_on(tmp_path: Path) -> None:
    """Two presses, and the site gets every byte."""
    policy = QUICK._replace(form_wait=0.0)
    async with GatedSite(policy) as site, firefox(tmp_path, javascript__enabled=False) as browser:
        await browser.open(f"{site.url}/form")
        await browser.press("button")
        await browser.shows("It has been kept")
        await browser.press(BUTTON)
        await browser.shows("is now being sent on")
        await browser.press(BUTTON)
        assert await browser.shows("Welcome") == f"{site.url}/apply?x=1"
        assert site.posted == [SENT]


async def test_with_cookies_off_the_page_says_so_and_stays(tmp_path: Path) -> None:
    """The server says that the cookie did not come back; the page stops there."""
    async with GatedSite(QUICK) as site, firefox(tmp_path, network__cookie__cookieBehavior=2) as browser:
        await browser.open(f"{site.url}/x")
        await browser.shows("did not keep the cookie")
        assert site.outcomes == ["passed", "no_cookie"]
        assert site.asked("/x") == 1


async def test_in_a_private_window_it_works_as_anywhere(tmp_path: Path) -> None:
    """Where nothing is kept beyond the window, the cookie lives as long as it does."""
    async with GatedSite(QUICK) as site, firefox(tmp_path, browser__privatebrowsing__autostart=True) as browser:
        await browser.open(f"{site.url}/x?y=1")
        assert await browser.shows("Welcome") == f"{site.url}/x?y=1"


async def test_the_page_breaks_no_policy_of_its_own(tmp_path: Path) -> None:
    """The worker of the page runs under the policy that the page states: work is under way, the button hidden."""
    async with GatedSite(NEVER) as site, firefox(tmp_path) as browser:
        await browser.open(f"{site.url}/x")
        await browser.shows("This happens by itself")
        assert await browser.evaluate("document.getElementById('bar').getAttribute('role')") == "progressbar"
        assert await browser.evaluate("document.getElementById('form').hidden") is True
