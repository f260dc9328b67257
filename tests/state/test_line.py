"""What workers count of the line is one line for all of them, in memory that does not grow."""

from __future__ import annotations

from shieldproxy.core.line import LONGEST, SECOND, Front, Heard
from shieldproxy.state.line import NodeLine, bytes_for

START = 1_800_000_000 * SECOND


def lines(workers: int = 2) -> list[NodeLine]:
    """Return the same line as each of ``workers`` sees it."""
    buffer = bytearray(bytes_for(workers))
    return [NodeLine(buffer, index) for index in range(workers)]


def test_workers_see_one_line() -> None:
    """Who joined at one is counted at the other, second by second."""
    first, second = lines()
    assert not second.opened
    first.join(START)
    second.join(START + 10)
    second.join(START + SECOND)
    assert first.opened
    assert (
        first.joined(START + 2 * SECOND)
        == second.fresh(START + 2 * SECOND)
        == ((START // SECOND, 2), (START // SECOND + 1, 1))
    )


def test_a_worker_counts_its_own_at_once() -> None:
    """What was asked in the same second is brought up to date by those who join here."""
    first, _ = lines()
    assert first.joined(START) == ()
    first.join(START)
    assert first.joined(START + 1) == ((START // SECOND, 1),)


def test_what_is_before_the_front_or_an_hour_old_is_not_counted() -> None:
    """The ring is used again, and what stood in it does not count for another second."""
    first, _ = lines()
    first.join(START)
    assert first.fresh(START + LONGEST * SECOND) == ()
    first.join(START + LONGEST * SECOND)
    assert first.fresh(START + LONGEST * SECOND) == ((START // SECOND + LONGEST, 1),)
    first.move(Front(START + (LONGEST + 1) * SECOND), 1.0, opened=True)
    assert first.fresh(START + (LONGEST + 2) * SECOND) == ()


def test_room_and_who_came_are_added_up() -> None:
    """The supervisor hears all workers; less than no room is none."""
    first, second = lines()
    first.tell(7)
    second.tell(5)
    second.tell(-3)
    first.come()
    second.come()
    assert first.heard() == Heard(7, 2)


def test_how_the_line_stands_is_read_by_all() -> None:
    """Front, rate and whether anybody waits; a worker that finds the site full again says so."""
    first, second = lines()
    first.move(Front(START), 2.5, opened=False)
    assert (second.front.moment, second.rate, second.opened) == (START, 2.5, False)
    second.reopen()
    assert first.opened
