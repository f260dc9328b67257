"""A newcomer with a real browser: challenged by a real node, and through to the site without doing anything."""

from __future__ import annotations

import pytest
from playwright.sync_api import sync_playwright

from tests.e2e.conftest import Start
from tests.e2e.nodes import until
from tests.e2e.origins import Nginx
from tests.guard.chromium import ARGUMENTS, CHROMIUM

# Every newcomer is challenged; the work is little, for what is asked here is not how long it takes.
ALL = "[challenge]\nsuspicion = 0\ncost = 20\n"


@pytest.mark.skipif(not CHROMIUM.exists(), reason="chromium")
def test_a_browser_answers_and_reaches_the_site(start: Start, nginx: Nginx) -> None:
    """The page it wanted appears, and its next one is not challenged, on any worker; a feed never is."""
    node = start(nginx.url, ALL, workers=2)
    assert node.get("/feed.xml", "192.0.2.9", Accept="application/rss+xml").status == 404
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            page = browser.new_page()
            page.goto(f"http://localhost:{node.port}/list/", wait_until="commit")
            page.get_by_role("link", name="a file.html").wait_for(timeout=60_000)
            page.get_by_role("link", name="a file.html").click()
            page.get_by_text("one", exact=True).wait_for(timeout=60_000)
        finally:
            browser.close()
    records = until(
        lambda: (
            (found := node.logged("--action", "any", "--client", "127.0.0.1"))
            and any(record["path"] == "/list/a%20file.html" for record in found)
            and found
        ),
        "records",
    )
    told = [(record["path"].rpartition("/")[2], record["status"], record["stage"]) for record in records]
    assert told[0] == ("", 503, "suspicious")
    assert ("answer", 200, "admit") in told
    assert ("", 200, "cleared") in told
    assert ("a%20file.html", 200, "cleared") in told
    assert {record["challenge"] for record in records} == {"issued", "passed", ""}
