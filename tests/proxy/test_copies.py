"""Copies: what many ask for stays, memory is bounded, and what is over is shown to nobody."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from shieldproxy.proxy.copies import OVERHEAD, PART, RENEWED, SWEEP, Copies, copies_for
from shieldproxy.proxy.terms import Terms
from tests.fakes.tallies import CountedTallies

MEMORY = 1 << 20


class Kept:
    """Copies with a clock of the test's."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self.tallies = CountedTallies()
        self.copies = Copies(60.0, MEMORY, clock=lambda: self.now, tallies=self.tallies)

    def keep(self, name: bytes, body: bytes = b"page", left: float = 60.0, age: float = 0.0) -> None:
        """Keep a page."""
        self.copies.keep(name, b"OK", [(b"etag", b"ETag", b'"1"')], body, (age, left))


@pytest.fixture
def kept() -> Kept:
    """No copies yet."""
    return Kept()


def test_a_copy_is_found_until_its_time_is_over(kept: Kept) -> None:
    """With its age, which counts from when the origin made it."""
    kept.keep(b"a", age=5.0)
    kept.now += 59.0
    found = kept.copies.find(b"a")
    assert found is not None
    assert (found.body, kept.copies.age(found)) == (b"page", 64)
    kept.now += 1.0
    assert kept.copies.find(b"a") is None
    assert kept.copies.find(b"b") is None


def test_a_copy_is_renewed_once_a_second(kept: Kept) -> None:
    """However often the page is asked for in it."""
    assert kept.copies.wants(b"a")
    kept.keep(b"a")
    assert not kept.copies.wants(b"a")
    kept.now += RENEWED
    assert kept.copies.wants(b"a")
    kept.keep(b"a", b"new")
    found = kept.copies.find(b"a")
    assert found is not None
    assert found.body == b"new"
    assert kept.tallies.named == {"stale_kept": 2}


def test_fields_of_one_connection_or_one_answer_are_not_kept(kept: Kept) -> None:
    """Framing, age, our ID and what Connection names belong to the answer that went by."""
    lines = [
        (name.lower(), name, value)
        for name, value in (
            (b"Date", b"then"),
            (b"Age", b"5"),
            (b"Content-Length", b"4"),
            (b"Transfer-Encoding", b"chunked"),
            (b"Connection", b"x-hop"),
            (b"X-Hop", b"1"),
            (b"X-Request-Id", b"7"),
            (b"Content-Type", b"text/html"),
        )
    ]
    kept.copies.keep(b"a", b"OK", lines, b"page", (0.0, 60.0))
    found = kept.copies.find(b"a")
    assert found is not None
    assert [name for _, name, _ in found.fields] == [b"Date", b"Content-Type"]


def test_a_flood_of_pages_nobody_asks_for_twice_displaces_itself(kept: Kept) -> None:
    """The pages people come for stay, the memory is never exceeded, and what had to go is counted."""
    for name in (b"home", b"contact"):
        kept.copies.wants(name)
        kept.keep(name)
        for _ in range(5):
            kept.copies.wants(name)
    flood = 5_000
    for number in range(flood):
        name = b"/?%d" % number
        kept.copies.wants(name)
        kept.keep(name, bytes(500))
        assert kept.copies.used <= MEMORY
    assert kept.copies.find(b"home")
    assert kept.copies.find(b"contact")
    assert kept.tallies.named["stale_displaced"] == flood + 2 - len(kept.copies) > 0
    assert len(kept.copies) <= MEMORY // OVERHEAD


def test_a_page_that_would_displace_all_others_is_not_kept(kept: Kept) -> None:
    """Nothing is displaced for it."""
    kept.keep(b"large", bytes(MEMORY // PART))
    assert (len(kept.copies), kept.tallies.named) == (0, {})


def test_what_is_over_makes_room_before_anything_else(kept: Kept) -> None:
    """However often it was asked for while it counted."""
    for number in range(10):
        kept.keep(b"%d" % number, left=1.0)
        for _ in range(5):
            kept.copies.find(b"%d" % number)
    kept.now += SWEEP
    kept.keep(b"new")
    assert len(kept.copies) == 1
    assert kept.tallies.named == {"stale_kept": 11}


def test_a_door_keeps_its_copies_while_nothing_about_them_changes() -> None:
    """A reload during an outage loses none; another origin, time or memory begins anew; without a time there are none."""
    tallies, clock = CountedTallies(), 0.0

    def under(terms: Terms, before: Copies | None = None) -> Copies | None:
        return copies_for(terms, before, clock=lambda: clock, tallies=tallies)

    assert under(Terms()) is None
    terms = Terms(stale_if_error=60.0)
    made = under(terms)
    assert made is not None
    assert made.seconds == 60.0
    assert under(replace(terms, idle=1.0), made) is made
    changes: list[Callable[[], Terms]] = [
        lambda: replace(terms, stale_if_error=61.0),
        lambda: replace(terms, stale_memory=1 << 20),
        lambda: replace(terms, nameless=b"other:80"),
    ]
    for change in changes:
        assert under(change(), made) not in (None, made)
    assert under(Terms(), made) is None
