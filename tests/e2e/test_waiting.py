"""More people than the site can serve: each waits in line before a real node, and all are served in turn."""

from __future__ import annotations

import threading
import time
from contextlib import closing

import pytest
from playwright.sync_api import sync_playwright

from shieldproxy.core.addresses import binding_prefix, parse_address
from shieldproxy.core.clearance import Clearance, Kind, bind, seal
from shieldproxy.state.keys import load_ring
from tests.e2e.conftest import Start
from tests.e2e.nodes import BROWSER, Node, ask, until
from tests.e2e.origins import Moody
from tests.guard.chromium import ARGUMENTS, CHROMIUM

# Four pages a second, two of them may wait; challenges cost nothing here.
NARROW = "rate = 4\nrate_queue = 2\nrate_wait = '1s'\n[challenge]\ncost = 20\n"
PEOPLE = 24


class Person:
    """Somebody who has answered a challenge before, asks for a page, and waits as the page says."""

    def __init__(self, node: Node, number: int) -> None:
        self.node = node
        self.address = f"192.0.2.{number + 1}"
        self.served = 0.0
        self.statuses: list[int] = []
        self.cookies = {"shieldproxy": clearance(node, self.address)}

    def visit(self) -> None:
        """Ask until the page is there."""
        with closing(self.node.connect()) as connection:
            while 200 not in self.statuses:
                cookie = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
                answer = ask(connection, "/", self.address, Cookie=cookie)
                self.statuses.append(answer.status)
                name, _, value = answer.headers.get("set-cookie", "").partition(";")[0].partition("=")
                if value:
                    self.cookies[name] = value
                if answer.status == 200:
                    self.served = time.monotonic()
                if answer.status == 503:
                    time.sleep(float(answer.headers["retry-after"]))


def clearance(node: Node, address: str) -> str:
    """Return what a visitor at ``address`` would have been given for an answer."""
    parsed = parse_address(address)
    assert parsed is not None
    binding = bind(binding_prefix(parsed), BROWSER["User-Agent"].encode())
    ring = load_ring(node.folder / "var" / "state", lambda _count: b"")
    return seal(ring.current, Clearance("0a" * 8, Kind.WORK, int(time.time()) + 600, 1), binding)


def crowd(start: Start, moody: Moody) -> tuple[Node, list[Person]]:
    """Return a node before which a crowd begins to wait, and the crowd."""
    node = start(moody.url, "", workers=2)
    node.edit("[control]", f"{NARROW}[control]")
    said = node.cli("reload")
    assert said.code == 0, said.err
    return node, [Person(node, number) for number in range(PEOPLE)]


def test_everybody_is_served_in_turn(start: Start, moody: Moody) -> None:
    """Nobody is lost, nobody reads an error, and who came first is let in first, over two workers."""
    node, people = crowd(start, moody)
    threads = [threading.Thread(target=person.visit) for person in people]
    for thread in threads:
        thread.start()
        time.sleep(0.02)
    waiting = until(lambda: node.metric("shieldproxy_line_waiting"), "people wait")
    assert waiting > 3
    for thread in threads:
        thread.join(60)
    assert all(person.statuses[-1] == 200 for person in people)
    assert {status for person in people for status in person.statuses} == {200, 303, 503}
    served = [person.served for person in people]
    # Each looks every few seconds whether it is their turn, so of two neighbours either may be in first.
    assert sum(served[: PEOPLE // 2]) < sum(served[PEOPLE // 2 :])
    assert any("wait in line" in event["event"] for event in node.events)
    until(lambda: node.metric("shieldproxy_line_waiting") == 0, "nobody waits")


@pytest.mark.skipif(not CHROMIUM.exists(), reason="chromium")
def test_a_browser_waits_and_the_page_opens_by_itself(start: Start, moody: Moody) -> None:
    """A real browser in the middle of a crowd: challenged, then in line, then at the site, without doing anything."""
    node, people = crowd(start, moody)
    threads = [threading.Thread(target=person.visit) for person in people]
    for thread in threads:
        thread.start()
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            page = browser.new_page()
            page.goto(f"http://localhost:{node.port}/", wait_until="commit")
            page.get_by_text("Your place in line").wait_for(timeout=60_000)
            page.get_by_text("ok", exact=True).wait_for(timeout=60_000)
        finally:
            browser.close()
    for thread in threads:
        thread.join(60)
    words = until(
        lambda: {line["challenge"] for line in node.logged("--action", "any", "--client", "127.0.0.1")} & {"let_in"},
        "records",
    )
    assert words == {"let_in"}
