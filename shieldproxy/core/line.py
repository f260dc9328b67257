"""The line: who waits for the site when even people are too many, and who is called next. Pure.

A place in the line is a moment: when somebody first found the site full. Whoever came by the *front* is called, whoever
came after it waits, and the front never goes back. So nobody overtakes, whichever worker they meet, nobody has to be
kept in a list, and a place outlives the node that gave it. What is counted is only how many came in each second, to
know how far the front may go and how many are ahead of somebody. Moments are whole microseconds of unix time.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    # Seconds of unix time and how many joined in each, in their order.
    Joined = Sequence[tuple[int, int]]

SECOND = 1_000_000
# The front is at most so many seconds behind: who has waited an hour is called whatever the room, and finds their
# place kept if the site is full even so. It also bounds what is counted.
LONGEST = 3_600
# Who was called and did not come for so long (seconds) is not waited for; they are let in whenever they come. The page
# of somebody near the front asks every SOONEST seconds, so this is two tries and some.
MISSED = 8
# A page asks again after so many seconds, and no sooner or later than these.
SOONEST, LATEST, UNKNOWN = 3, 30, 10
# Where nobody can say how long it takes, so many of the first ask as often as those near the front.
NEAR = 50
# The rate at which people are called is a mean over some ten seconds; below the least nothing is foretold.
SMOOTHING, LEAST_RATE = 0.1, 0.02
# Sums of shares are whole numbers but for this much.
ROUNDING = 1e-6


class Heard(NamedTuple):
    """What all workers say of one second: ``room`` for so many more just now, and how many called ones came."""

    room: int = 0
    came: int = 0


class Front(NamedTuple):
    """Whoever came by ``moment`` is called; ``passed`` is how many of its second those are."""

    moment: int = 0
    passed: int = 0


class Line(NamedTuple):
    """The keeper's whole memory. ``calls`` and ``came`` are those of the last MISSED seconds, ``rate`` a second."""

    front: Front = Front()
    calls: tuple[int, ...] = ()
    came: tuple[int, ...] = ()
    rate: float = 0.0

    @property
    def awaited(self) -> int:
        """How many were called, have not come yet, and are still waited for."""
        return max(0, sum(self.calls) - sum(self.came))


def advance(line: Line, joined: Joined, heard: Heard, now: int) -> Line:
    """Return the line after one more second: as many are called as there is room for beyond those awaited.

    When there is room for all, the front is ``now``, and nobody waits.
    """
    came = (*line.came, heard.came)[-MISSED:]
    calls = (*line.calls, 0)[-MISSED:]
    free = max(0, heard.room - Line(calls=calls, came=came).awaited)
    front = max(line.front, Front(now - LONGEST * SECOND))
    waiting = ahead(joined, front, now, now)
    called = min(free, waiting)
    if called == waiting:
        front = max(front, Front(now, sum(count for second, count in joined if second == now // SECOND)))
    else:
        front = forward(joined, front, called, now)
    rate = line.rate + (called - line.rate) * SMOOTHING
    return Line(front, (*calls[:-1], called), came, rate)


def ahead(joined: Joined, front: Front, arrived: int, now: int) -> int:
    """Return how many joined after ``front`` and no later than ``arrived``, rounded up."""
    found = 0.0
    for start, end, count in spans(joined, front, now):
        if arrived > start:
            found += count * min(1.0, (arrived - start) / (end - start))
    return math.ceil(found - ROUNDING)


def forward(joined: Joined, front: Front, number: int, now: int) -> Front:
    """Return the front when ``number`` more of those who joined are called."""
    for start, end, count in spans(joined, front, now):
        if not number:
            break
        if count > number:
            passed = front.passed if start == front.moment else 0
            return Front(start + (end - start) * number // count, passed + number)
        front, number = Front(end, count if end % SECOND else 0), number - count
    return front


def spans(joined: Joined, front: Front, now: int) -> Iterator[tuple[int, int, int]]:
    """Yield from when to when how many joined after ``front``, second by second.

    They are taken to be spread evenly over the second, or over as much of it as is behind the front and has passed.
    """
    for second, count in joined:
        start, end = second * SECOND, min((second + 1) * SECOND, max(now, second * SECOND + 1))
        inside = start <= front.moment < end
        left = count - front.passed if inside else count
        if left > 0 and (inside or start > front.moment):
            yield max(start, front.moment), end, left


def expected(place: int, rate: float) -> int:
    """Return in how many seconds somebody will be called who has that place; 0: nobody can say."""
    return math.ceil(place / rate) if rate >= LEAST_RATE else 0


def pause(place: int, rate: float) -> int:
    """Return after how many seconds the page shall ask again: often near the front, seldom far behind."""
    seconds = expected(place, rate)
    if not seconds:
        return SOONEST if place <= NEAR else UNKNOWN
    return min(LATEST, max(SOONEST, seconds // 4))
