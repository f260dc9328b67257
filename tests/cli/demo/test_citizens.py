"""Citizens against a stand-in for the shield: what they ask, how they answer challenges, and what hurts them."""

from __future__ import annotations

import time
from random import Random

import pytest

from shieldproxy.cli.demo import browsers, citizens, site
from shieldproxy.cli.demo.citizens import Account, Citizen
from shieldproxy.cli.demo.people import Habit, Person, Role
from tests.cli.demo.shield import Shield


@pytest.fixture(autouse=True)
def _hurry(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let nobody think long."""
    monkeypatch.setattr(citizens, "FORM_WAIT", 0.0)


def person(habit: Habit = Habit.BROWSER) -> Person:
    """Return somebody of this habit."""
    program = {
        Habit.BROWSER: browsers.FIREFOX,
        Habit.TEXT: browsers.W3M,
        Habit.FEED: browsers.FEED_READER,
        Habit.APP: browsers.APP,
        Habit.ROBOT: browsers.GOOGLEBOT,
    }[habit]
    return Person(Role("somebody", 64500, program, "de", 0.0, habit), "192.0.2.1", 64500)


async def live(shield: Shield, habit: Habit = Habit.BROWSER) -> Account:
    """Let a citizen take one step at ``shield`` and return the account."""
    async with shield.open() as target:
        citizen = Citizen(person(habit), target, clock=time.monotonic, chance=Random(1))
        await citizen.live(time.monotonic() + 0.01)
    return citizen.account


async def test_a_page_and_its_parts_are_fetched_once() -> None:
    """A browser fetches the page, then each part of it once, over two connections of one address."""
    shield = Shield()
    account = await live(shield)
    assert sorted(asked.path for asked in shield.heard) == sorted(["/", *site.PARTS])
    assert shield.claimed == ["192.0.2.1"] * 2
    assert (account.requests, account.served, account.hurts) == (7, 7, [])


async def test_a_browser_works_and_goes_on() -> None:
    """A challenge is solved, answered once, and the page comes with the cookie it earned."""
    shield = Shield(challenging=True)
    account = await live(shield)
    assert [asked.path for asked in shield.heard][:4] == ["/", "/.shieldproxy/answer", "/.shieldproxy/return", "/"]
    assert (account.challenged, account.passed, account.hurts) == (1, 1, [])
    assert len(account.waits) == 1
    assert all(b"cookie" in asked.headers for asked in shield.heard[3:])


async def test_a_text_browser_presses_the_button() -> None:
    """Without a script the form leads to the page."""
    shield = Shield(challenging=True)
    account = await live(shield, Habit.TEXT)
    paths = [asked.path for asked in shield.heard]
    assert paths == ["/", "/.shieldproxy/continue", "/.shieldproxy/return", "/"]
    assert (account.challenged, account.passed, account.hurts) == (1, 1, [])


@pytest.mark.parametrize("status", [403, 429, 502])
async def test_a_refused_page_hurts(status: int) -> None:
    """Whoever does not get the page is hurt, whatever the reason."""
    account = await live(Shield(says={"/": status}))
    assert account.hurts == [f"/: answered {status} instead of the page"]


async def test_a_missing_part_hurts() -> None:
    """A page without its style is a broken page."""
    account = await live(Shield(says={"/static/site.css": 429}))
    assert account.hurts == ["/static/site.css: answered 429 instead of the page"]


async def test_a_closed_connection_hurts() -> None:
    """Silence is no answer."""
    account = await live(Shield(hang_up=True))
    assert len(account.hurts) >= 1
    assert "connection closed" in account.hurts[0]


@pytest.mark.parametrize(
    ("habit", "path"), [(Habit.FEED, "/feed.xml"), (Habit.APP, "/api/opening-hours.json"), (Habit.ROBOT, "/robots.txt")]
)
async def test_programs_ask_for_what_is_theirs(habit: Habit, path: str) -> None:
    """Feed readers, apps and robots are no browsers and answer no challenge."""
    shield = Shield(challenging=True)
    account = await live(shield, habit)
    assert [asked.path for asked in shield.heard] == [path]
    assert account.challenged == 0
