"""Learning: from old logs a node knows on its first day what is usual, at each hour of the week."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from itertools import compress
from typing import TYPE_CHECKING

from shieldproxy.app.replay.callers import kind_of, place_of
from shieldproxy.app.replay.taping import START
from shieldproxy.core.facts import PageKind
from shieldproxy.core.seasons import HOUR, SITE, Seasons
from shieldproxy.core.traits import Kind, path_template, trait
from shieldproxy.core.verdict import Action

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shieldproxy.app.replay.blocks import Ask, Block
    from shieldproxy.app.replay.callers import Caller

# Parts follow pages and say nothing new of who asks.
PARTS = frozenset((PageKind.ASSET,))


class Learner:
    """Learns seasons from the blocks of a log that began at ``first`` (unix seconds).

    ``storms`` are the times in which the site was not calm, on the clock of the log; they grow as blocks are judged.
    What was asked in them, or was not let in, is nobody's habit.
    """

    def __init__(self, first: float, storms: Sequence[tuple[float, float]]) -> None:
        self.seasons = Seasons()
        self._first = first
        self._storms = storms
        self._counts: Counter[str] = Counter()
        self._hour = int(first // HOUR)
        self._since = first

    def hear(self, block: Block, callers: Sequence[Caller], actions: bytes | bytearray) -> None:
        """Learn from a block that was just judged."""
        offset = self._first - START
        habits = [habits_of(caller) for caller in callers]
        places = [place_habit(ask) for ask in block.asks]
        calm = self._calm(block, actions)
        numbers = Counter(
            zip(
                compress([int((moment + offset) // HOUR) for moment in block.moments], calm),
                compress(block.who, calm),
                compress(block.what, calm),
                strict=True,
            )
        )
        for (hour, who, what), times in sorted(numbers.items()):
            page = places[what]
            if page is None:
                continue
            if hour > self._hour:
                self._turn(hour)
            for key in (SITE, *habits[who], *page):
                self._counts[key] += times

    def finish(self, last: float) -> Seasons:
        """Return what was learned of a log that ended at ``last``."""
        self._turn(int(last // HOUR))
        self._live(last)
        self.seasons.fold()
        return self.seasons

    def _calm(self, block: Block, actions: bytes | bytearray) -> list[bool]:
        """Tell of each request whether it was let in while the site was calm."""
        storms, begins = self._storms, [begin for begin, _ in self._storms]
        if not storms or storms[-1][1] <= block.moments[0]:
            return [action == Action.ADMIT for action in actions]
        ends = [0.0, *[end for _, end in storms]]
        return [
            action == Action.ADMIT and moment >= ends[bisect_right(begins, moment)]
            for moment, action in zip(block.moments, actions, strict=True)
        ]

    def _turn(self, hour: int) -> None:
        """End hours until ``hour`` begins."""
        while self._hour < hour:
            self._live((self._hour + 1) * HOUR)
            self._hour += 1

    def _live(self, until: float) -> None:
        """Learn what was counted since the last time; the site was calm for so long of it."""
        offset = self._first - START
        stormy = sum(
            max(0.0, min(end + offset, until) - max(begin + offset, self._since)) for begin, end in self._storms
        )
        self.seasons.learn(self._counts, self._since, max(0.0, until - self._since - stormy))
        self._counts.clear()
        self._since = until


def habits_of(caller: Caller) -> tuple[str, ...]:
    """Return the keys of where a caller comes from."""
    label = caller.visitor.label
    return (*((f"asn {label.asn}",) if label.asn else ()), *((f"country {label.country}",) if label.country else ()))


def place_habit(ask: Ask) -> tuple[str, ...] | None:
    """Return the keys of what is asked for: those of a page tell where it leads; None for parts of pages."""
    kind = kind_of(ask.method, ask.path)
    if kind in PARTS:
        return None
    return (trait(Kind.PATH, path_template(place_of(ask.path), queried=False)),) if kind is PageKind.PAGE else ()
