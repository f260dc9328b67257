"""Callers: a session tells a person's browser from a program."""

from __future__ import annotations

import pytest

from shieldproxy.app.replay import callers as module
from shieldproxy.app.replay.callers import Callers, Session, kind_of
from shieldproxy.core.facts import Crawler, PageKind
from shieldproxy.journal.foreign import Logged
from tests.fakes.networks import TableNetworks


def find(callers: Callers, address: str, agent: str = "Firefox") -> module.Caller | None:
    return callers.find(Logged(0.0, address, "GET", "/", user_agent=agent))


def make() -> Callers:
    return Callers(TableNetworks({}), lambda _label, agent: Crawler.VERIFIED if agent == "good" else Crawler.NONE)


@pytest.mark.parametrize(
    ("requests", "person"),
    [
        ([(PageKind.PAGE, 200, 0.0), (PageKind.ASSET, 200, 1.0)], True),
        ([(PageKind.PAGE, 304, 0.0), (PageKind.ASSET, 304, 60.0)], True),
        ([(PageKind.PAGE, 200, 0.0), (PageKind.ASSET, 200, 61.0)], False),
        ([(PageKind.PAGE, 200, 0.0), (PageKind.ASSET, 404, 1.0)], False),
        ([(PageKind.ASSET, 200, 0.0), (PageKind.PAGE, 200, 1.0)], False),
        ([(PageKind.PAGE, 200, 0.0)] * 9, False),
    ],
)
def test_a_page_with_its_parts_makes_a_person(requests: list[tuple[PageKind, int, float]], *, person: bool) -> None:
    """A program that asks for pages alone is none, nor is one that is answered with errors."""
    session = Session(robot=False, tame=False)
    for kind, status, now in requests:
        session.browse(kind, status, now)
    assert session.person is person


def test_robots_are_no_people_however_they_browse() -> None:
    """A verified robot counts by itself; one that calls itself a robot counts as nobody."""
    callers = make()
    for agent, robot in (("good", True), ("PictureBot/1 (+http://example.org)", False)):
        caller = find(callers, "192.0.2.1", agent)
        assert caller is not None
        caller.session.browse(PageKind.PAGE, 200, 0.0)
        caller.session.browse(PageKind.ASSET, 200, 1.0)
        assert (caller.session.robot, caller.session.person) == (robot, False)


def test_addresses_of_one_client_share_a_session() -> None:
    """A household's /64 is one client, as it is for the judge."""
    callers = make()
    first, second = find(callers, "2001:db8::1"), find(callers, "2001:db8::2")
    assert first is not None
    assert second is not None
    assert first.session is second.session
    assert find(callers, "unix:") is None
    assert (callers.strangers, len(callers.sessions)) == (1, 1)


def test_tables_are_bounded_and_say_what_was_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """A flood of addresses fills no memory; sessions beyond the bound are counted."""
    monkeypatch.setattr(module, "MOST_SESSIONS", 5)
    monkeypatch.setattr(module, "MOST_CALLERS", 5)
    callers = make()
    for number in range(20):
        find(callers, f"192.0.2.{number}")
    assert (len(callers.sessions), callers.overflow) == (5, 15)
    assert len(callers._known) <= 5


def test_kinds_are_told_by_the_path() -> None:
    """A log holds no Accept header; the path says enough."""
    assert (kind_of("GET", "/"), kind_of("GET", "/a.css")) == (PageKind.PAGE, PageKind.ASSET)


@pytest.mark.parametrize(
    ("fields", "person"),
    [
        ({"challenge": "passed"}, True),
        ({"stage": "cleared", "rule": "clearance"}, True),
        ({"stage": "cleared", "rule": "crawler"}, False),
        ({"challenge": "issued"}, False),
    ],
)
def test_who_passed_a_challenge_is_a_person(fields: dict[str, str], *, person: bool) -> None:
    """In a journal of ours, by the answer itself or by the clearance it gave."""
    session = Session(robot=False, tame=False)
    session.note(Logged(0.0, "192.0.2.1", "GET", "/", fields=fields))
    assert session.person is person
