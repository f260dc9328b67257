"""Whoever came first is called first, nobody is lost, and no more are called than there is room for."""

from __future__ import annotations

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.line import (
    LATEST,
    LONGEST,
    MISSED,
    SECOND,
    SOONEST,
    UNKNOWN,
    Front,
    Heard,
    Line,
    advance,
    ahead,
    expected,
    forward,
    pause,
)

START = 1_800_000_000 * SECOND
MOMENTS = st.lists(st.integers(0, 60 * SECOND - 1).map(lambda after: START + after), max_size=200)
NOW = START + 60 * SECOND


def joined(moments: list[int]) -> tuple[tuple[int, int], ...]:
    """Return how many joined in each second."""
    return tuple(sorted(Counter(moment // SECOND for moment in moments).items()))


@given(MOMENTS, st.lists(st.tuples(st.integers(0, 40), st.integers(0, 40)), max_size=40))
def test_the_front_only_goes_forward_and_never_beyond_now(moments: list[int], seconds: list[tuple[int, int]]) -> None:
    """Who was called stays called, whatever room and visitors do, and who comes now is never called before."""
    line, counted = Line(Front(START)), joined(moments)
    for after, (room, came) in enumerate(seconds):
        now = NOW + after * SECOND
        found = advance(line, counted, Heard(room, came), now)
        assert line.front.moment <= found.front.moment <= now
        assert len(found.calls) <= MISSED
        assert len(found.came) <= MISSED
        line = found


@given(MOMENTS, st.integers(0, 300))
def test_as_many_are_called_as_there_is_room_for(moments: list[int], number: int) -> None:
    """Those who came first, and no more than the number: but for how people came within the one second at the front."""
    counted = joined(moments)
    front = forward(counted, Front(START - 1), number, NOW)
    called = sum(moment <= front.moment for moment in moments)
    within = max((count for _, count in counted), default=0)
    assert abs(called - min(number, len(moments))) <= within


@given(MOMENTS, st.integers(0, 300), st.integers(0, 300))
def test_who_came_earlier_has_no_later_place(moments: list[int], first: int, second: int) -> None:
    """Places grow with the moment of coming, and are 0 at the front."""
    early, late = sorted((START + first * SECOND // 5, START + second * SECOND // 5))
    counted = joined(moments)
    assert ahead(counted, Front(START - 1), early, NOW) <= ahead(counted, Front(START - 1), late, NOW) <= len(moments)
    assert ahead(counted, Front(early), early, NOW) == 0


@given(MOMENTS, st.integers(1, 300))
def test_calling_some_brings_the_others_as_many_places_forward(moments: list[int], number: int) -> None:
    """Who called ten has ten fewer before everybody else, not one more or less."""
    counted = joined(moments)
    before = ahead(counted, Front(START - 1), NOW, NOW)
    front = forward(counted, Front(START - 1), number, NOW)
    assert ahead(counted, front, NOW, NOW) == max(0, before - number)


@given(MOMENTS, st.integers(0, 50))
def test_everybody_is_called_in_the_end(moments: list[int], missing: int) -> None:
    """With room for one a second nobody waits for ever, though some who were called never come."""
    line, counted = Line(Front(START - 1)), joined(moments)
    for after in range(len(moments) * (MISSED + 1) + 2):
        line = advance(line, counted, Heard(1, int(after % 50 >= missing)), NOW + after * SECOND)
    assert ahead(counted, line.front, NOW, NOW) == 0


def test_who_was_called_and_is_awaited_takes_the_room() -> None:
    """With room for ten, ten are called; while nine of them are awaited only one more is, and all when they gave up."""
    counted = ((START // SECOND, 100),)
    line = advance(Line(Front(START - 1)), counted, Heard(10), NOW)
    assert line.calls[-1] == 10
    line = advance(line, counted, Heard(10, came=1), NOW + SECOND)
    assert line.calls[-1] == 1
    for after in range(2, MISSED + 2):
        line = advance(line, counted, Heard(10), NOW + after * SECOND)
    assert sum(line.calls) > 5


def test_room_for_all_ends_the_line() -> None:
    """The front is now, so that whoever comes next does not wait."""
    counted = ((START // SECOND, 5),)
    assert advance(Line(Front(START)), counted, Heard(5), NOW).front.moment == NOW
    assert advance(Line(Front(START)), (), Heard(0), NOW).front.moment == NOW
    assert advance(Line(Front(START)), counted, Heard(4), NOW).front.moment < NOW


def test_nobody_waits_longer_than_an_hour() -> None:
    """Without any room the front follows an hour behind."""
    now = START + 2 * LONGEST * SECOND
    counted = (((now // SECOND) - 10, 5),)
    assert advance(Line(Front(START)), counted, Heard(0), now).front.moment == now - LONGEST * SECOND


def test_those_of_the_second_that_is_not_over_are_all_counted() -> None:
    """They came in what has passed of it, not in all of it."""
    counted = ((START // SECOND, 10),)
    assert ahead(counted, Front(START - 1), START + SECOND // 10, START + SECOND // 10) == 10


def test_a_page_asks_often_near_the_front_and_seldom_far_behind() -> None:
    """A quarter of the time that is left, within bounds; where nobody can say, the first ask often, others seldom."""
    assert (pause(1, 10.0), pause(200, 10.0), pause(10_000, 10.0)) == (SOONEST, 5, LATEST)
    assert (pause(5, 0.0), pause(500, 0.0), expected(5, 0.0)) == (SOONEST, UNKNOWN, 0)
    assert expected(200, 10.0) == 20


@given(MOMENTS, st.lists(st.integers(0, 30), max_size=30))
def test_no_more_are_called_than_there_is_room_for(moments: list[int], rooms: list[int]) -> None:
    """Counted by the second, over as many seconds as it takes, while more of them come."""
    line, called = Line(Front(START - 1)), 0
    for after, room in enumerate(rooms):
        now = START + (2 * after + 1) * SECOND // 2
        found = advance(line, joined([moment for moment in moments if moment <= now]), Heard(room, room), now)
        assert found.calls[-1] <= room
        called += found.calls[-1]
        line = found
    assert called <= min(len(moments), sum(rooms))
