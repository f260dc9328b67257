"""Pressure: in a flood, refusals that are alike are summed into one record that says how many it stands for."""

from __future__ import annotations

from collections.abc import Sequence

from shieldproxy.core.ports import Draft
from shieldproxy.core.record import Record


class Sums:
    """Refusals that wait to be written as one record each, for at most ``window`` seconds.

    At most ``capacity`` of them are kept (a botnet may bring any number of clients); more are written singly.
    """

    def __init__(self, window: float = 10.0, capacity: int = 20_000) -> None:
        self.window = window
        self.capacity = capacity
        # In order of the first record's arrival, so what is due stands in front.
        self._open: dict[tuple[object, ...], tuple[Draft, list[int], float]] = {}

    def __len__(self) -> int:
        return len(self._open)

    @property
    def weight(self) -> int:
        """How many requests wait here."""
        return sum(count[0] for _, count, _ in self._open.values())

    def fold(self, drafts: Sequence[Draft], now: float) -> list[Draft]:
        """Take in what can be summed and return the rest, in order: what was admitted and what found no room."""
        rest = []
        for draft in drafts:
            key = draft.alike()
            if key is None:
                rest.append(draft)
                continue
            entry = self._open.get(key)
            if entry is not None:
                entry[1][0] += draft.weight
            elif len(self._open) < self.capacity:
                self._open[key] = (draft, [draft.weight], now)
            else:
                rest.append(draft)
        return rest

    def due(self, now: float) -> list[Record]:
        """Return the sums whose window is over at ``now``: the first record of each with the exact weight."""
        found = []
        for key, (_, _, since) in self._open.items():
            if since > now - self.window:
                break
            found.append(key)
        return [_summed(*self._open.pop(key)[:2]) for key in found]

    def all(self) -> list[Record]:
        """Return all sums, whatever their age, and forget them."""
        found = [_summed(record, count) for record, count, _ in self._open.values()]
        self._open.clear()
        return found


def _summed(draft: Draft, count: list[int]) -> Record:
    record = draft.record()
    return record if count[0] == record.weight else record._replace(weight=count[0])
