"""Pressure: in a flood, refusals that are alike are summed into one record that says how many it stands for."""

from __future__ import annotations

from collections.abc import Sequence

from shieldproxy.core.ports import Draft
from shieldproxy.core.record import Record


class Open:
    """Refusals that are alike, within one window: how many were written singly, and the sum of the rest."""

    __slots__ = ("first", "since", "singly", "weight")

    def __init__(self, since: float) -> None:
        self.since = since
        self.singly = 0
        self.first: Draft | None = None
        self.weight = 0

    def summed(self) -> list[Record]:
        """Return the one record that stands for the sum: the first of it with the exact weight; none for no sum."""
        if self.first is None:
            return []
        record = self.first.record()
        return [record if self.weight == record.weight else record._replace(weight=self.weight)]


class Sums:
    """Refusals that wait to be written as one record, for at most ``window`` seconds.

    At most ``capacity`` kinds of them are told apart (a botnet may bring any number of clients); more are written
    singly.
    """

    def __init__(self, window: float = 10.0, capacity: int = 20_000) -> None:
        self.window = window
        self.capacity = capacity
        # In order of the first one's arrival, so what is due stands in front.
        self._open: dict[tuple[object, ...], Open] = {}

    def __len__(self) -> int:
        """Return how many records wait here."""
        return sum(kind.first is not None for kind in self._open.values())

    @property
    def weight(self) -> int:
        """How many requests wait here."""
        return sum(kind.weight for kind in self._open.values())

    def fold(self, drafts: Sequence[Draft], now: float, singly: int = 0) -> list[Draft]:
        """Take in what can be summed and return the rest, in order: what was admitted and what found no room.

        The first ``singly`` of each kind in a window come back too: a person who is refused and asks again finds
        each refusal under its own ID, a flood is summed all the same.
        """
        rest = []
        for draft in drafts:
            key = draft.alike()
            if key is None:
                rest.append(draft)
                continue
            kind = self._open.get(key)
            if kind is None:
                if len(self._open) >= self.capacity:
                    rest.append(draft)
                    continue
                kind = self._open[key] = Open(now)
            if kind.singly < singly:
                kind.singly += 1
                rest.append(draft)
                continue
            if kind.first is None:
                kind.first = draft
            kind.weight += draft.weight
        return rest

    def due(self, now: float) -> list[Record]:
        """Return the sums whose window is over at ``now``."""
        over = []
        for key, kind in self._open.items():
            if kind.since > now - self.window:
                break
            over.append(key)
        return [record for key in over for record in self._open.pop(key).summed()]

    def all(self) -> list[Record]:
        """Return all sums, whatever their age, and forget them."""
        found = [record for kind in self._open.values() for record in kind.summed()]
        self._open.clear()
        return found
