"""The queue before accept: long for a burst, short while a flood stands in it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.backlog import LONGEST, SHORTEST, backlog

COUNTS = st.integers(0, 100_000)


@given(COUNTS, COUNTS, st.integers(SHORTEST, LONGEST))
def test_it_is_bounded(queued: int, accepted: int, before: int) -> None:
    """Whatever is counted."""
    assert SHORTEST <= backlog(queued, accepted, before) <= LONGEST


@given(COUNTS, st.integers(SHORTEST, LONGEST))
def test_calm_has_the_long_queue(accepted: int, before: int) -> None:
    """Nobody waits: the next burst finds all of the room."""
    assert backlog(0, accepted, before) == LONGEST


def test_a_flood_finds_a_queue_of_a_second() -> None:
    """4,096 before 350 a second would be eleven seconds; it stays short while it stands, and then is long again."""
    assert backlog(4_096, 350, LONGEST) == 350
    assert backlog(350, 350, 350) == 350
    assert backlog(340, 500, 350) == 500
    assert backlog(20, 500, 500) == LONGEST


def test_a_burst_that_is_accepted_in_time_is_left_alone() -> None:
    """A thousand at once before a worker that accepts three thousand a second."""
    assert backlog(1_000, 3_000, LONGEST) == LONGEST


def test_a_worker_that_hardly_accepts_keeps_a_handful() -> None:
    """A pause turns away nobody who is one of few."""
    assert backlog(100, 0, LONGEST) == LONGEST
    assert backlog(2_000, 3, LONGEST) == SHORTEST
