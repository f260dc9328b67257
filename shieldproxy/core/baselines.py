"""Baselines: how much each network usually asks for, learned in bounded memory. Pure: time is an argument.

What is usual is what was usual lately, or at this hour of the week (core.seasons) when that is more.

A rate is a mean: over all that was seen while the node is young, over the last ``memory`` seconds later. Networks that
fell silent fade without being touched. Only the busiest are kept; of all others it is known that they are less.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

# 16,384 networks are a fifth of all there are. When there are more, those that ask least are forgotten, some at once.
MOST, KEPT = 16_384, 12_288
# What fades below one request a day is nothing.
LEAST = 1e-5


class Learned(NamedTuple):
    """A rate a second as it was when ``age`` seconds had been observed."""

    rate: float
    age: float


class Baselines:
    """What was learned of each network. ``age`` is how many seconds were observed in all, over restarts too.

    ``season`` tells the usual rate of a network at this hour of the week; 0: nothing is known.
    """

    def __init__(self, memory: float, age: float = 0.0, rates: Mapping[int, float] | None = None) -> None:
        self._memory = memory
        self.age = age
        self._learned = {key: Learned(rate, age) for key, rate in (rates or {}).items()}
        self.season: Callable[[int], float] = unseen
        self._bound()

    def pass_time(self, seconds: float) -> None:
        """Say that so many more seconds were observed; what is learned next happened in them."""
        self.age += seconds

    def usual(self, key: int) -> float:
        """Return the usual rate of a network, 0 for one that was never seen or is long gone."""
        return max(self._lately(key), self.season(key))

    def _lately(self, key: int) -> float:
        learned = self._learned.get(key)
        return 0.0 if learned is None else self._faded(learned)

    def learn(self, key: int, count: float, reluctance: float = 1.0) -> None:
        """Learn that a network asked ``count`` times in the time that passed last.

        With a ``reluctance`` above one it is learned as much slower.
        """
        span = max(1.0, min(self.age, self._memory)) * reluctance
        rate = self._lately(key) + count / span
        if rate > LEAST:
            self._learned[key] = Learned(rate, self.age)
        else:
            self._learned.pop(key, None)
        if len(self._learned) > MOST:
            self._bound()

    def rates(self) -> dict[int, float]:
        """Return what is known, for keeping."""
        return {key: rate for key, learned in self._learned.items() if (rate := self._faded(learned)) > LEAST}

    def __len__(self) -> int:
        """Return how many networks are known."""
        return len(self._learned)

    def _faded(self, learned: Learned) -> float:
        rate, since = learned
        if since < self._memory:
            until = min(self.age, self._memory)
            rate *= max(since, 1.0) / max(until, 1.0)
            since = until
        return rate * math.exp((since - self.age) / self._memory) if self.age > since else rate

    def _bound(self) -> None:
        if len(self._learned) <= MOST:
            return
        by_rate = sorted(self.rates().items(), key=lambda item: -item[1])
        self._learned = {key: Learned(rate, self.age) for key, rate in by_rate[:KEPT]}


def unseen(_key: int) -> float:
    """Say that nothing is known of any hour."""
    return 0.0
