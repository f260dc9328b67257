"""Forms that were being filled in when something changed: a real browser, a real guard, and a clock in our hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import Browser, Page, expect

from shieldproxy.core.facts import Posture
from shieldproxy.core.policy import Policy
from shieldproxy.middleware import shield_middleware
from tests.guard.chromium import IN_CHROMIUM, QUICK
from tests.guard.guarded_site import GuardedSite

pytestmark = IN_CHROMIUM

FORM = """<!doctype html><title>A form</title><h1>Application</h1>
<form method="post" action="/apply?x=1" enctype="multipart/form-data"><input name="name" value="Ada &amp; \u00e9">
<input type="file" name="plan"><button>Send</button></form>"""
# A plan of a house, as scanners make it; every byte there is, so nothing is left as it was by luck.
PLAN = bytes(range(256)) * 800
# From calm to challenging everybody: by the posture alone, as it is in an attack.
ATTACKED = ((Posture.CALM, 100), (Posture.UNDER_ATTACK, 0))


class Office:
    """A site with one form behind a guard. ``sent`` are the bodies it got, each with its Content-Type."""

    def __init__(self) -> None:
        self.guarded = GuardedSite(Policy(challenge=QUICK._replace(suspicion=ATTACKED)))
        self.sent: list[tuple[str, bytes]] = []
        self.url = ""

    async def answer(self, asked: web.Request) -> web.Response:
        """Show the form, or take it."""
        if asked.method == "GET":
            return web.Response(text=FORM, content_type="text/html")
        self.sent.append((asked.headers["Content-Type"], await asked.read()))
        return web.Response(text="<!doctype html><title>Thanks</title><h1>Received</h1>", content_type="text/html")

    @property
    def told(self) -> list[tuple[str, str, int]]:
        """What the journal says of pages: method, stage and status, in order."""
        seen = [record for record in self.guarded.records if record.path in {"/form", "/apply"}]
        return [(record.method, record.stage, record.status) for record in seen]


@asynccontextmanager
async def office() -> AsyncIterator[Office]:
    """The site on a port of its own."""
    here = Office()
    application = web.Application(middlewares=[shield_middleware(here.guarded.guard)], client_max_size=8 * len(PLAN))
    application.router.add_route("*", "/{path:.*}", here.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=1.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        here.url = f"http://localhost:{runner.addresses[0][1]}"
        yield here
    finally:
        await runner.cleanup()


async def fill_in(page: Page, folder: Path) -> None:
    """Choose a file of 200 KiB, as an applicant does."""
    await expect(page.get_by_role("heading", name="Application")).to_be_visible(timeout=30_000)
    (folder / "plan.pdf").write_bytes(PLAN)
    await page.set_input_files("input[type=file]", folder / "plan.pdf")


def whole(kind: str, body: bytes) -> bool:
    """Tell whether a body is the form as the browser wrote it: its boundary, every field, every byte of the file."""
    boundary = kind.partition("boundary=")[2].encode()
    parts = body.split(b"--" + boundary)
    return (
        len(parts) == 4
        and parts[1].endswith("\r\n\r\nAda & \u00e9\r\n".encode())
        and parts[2].endswith(b"\r\n\r\n" + PLAN + b"\r\n")
        and parts[3] == b"--\r\n"
    )


async def test_an_upload_whose_clearance_ended_meanwhile_goes_through(browser: Browser, tmp_path: Path) -> None:
    """Who was let in and typed for longer than the clearance lasts sends 200 KiB with a file, and meets nothing."""
    async with office() as site:
        site.guarded.situation.posture = Posture.UNDER_ATTACK
        page = await browser.new_page()
        await page.goto(f"{site.url}/form")
        await fill_in(page, tmp_path)
        site.guarded.wall.advance(QUICK.clearance_validity + QUICK.late_forms - 1.0)
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_role("heading", name="Received")).to_be_visible()
        await page.context.close()
        assert site.told == [("GET", "suspicious", 503), ("GET", "cleared", 200), ("POST", "cleared", 200)]
        assert [whole(*sent) for sent in site.sent] == [True]


@pytest.mark.parametrize("late", [False, True], ids=["an attack began", "the clearance ended long ago"])
async def test_an_upload_that_is_challenged_after_all_is_sent_by_the_browser_again(
    browser: Browser, tmp_path: Path, *, late: bool
) -> None:
    """The page says that the form was not sent yet; after the work the browser sends the same bytes, unasked."""
    async with office() as site:
        page = await browser.new_page()
        if late:
            site.guarded.situation.posture = Posture.UNDER_ATTACK
        await page.goto(f"{site.url}/form")
        await fill_in(page, tmp_path)
        site.guarded.situation.posture = Posture.UNDER_ATTACK
        site.guarded.wall.advance(QUICK.clearance_validity + QUICK.late_forms + 1.0)
        await page.get_by_role("button", name="Send").click()
        await expect(page.get_by_role("heading", name="Received")).to_be_visible(timeout=30_000)
        await page.context.close()
        assert site.told[-2:] == [("POST", "suspicious", 503), ("POST", "cleared", 200)]
        assert [whole(*sent) for sent in site.sent] == [True]
