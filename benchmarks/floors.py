"""Floors: what ratio to a peer must hold, and whether it did. Never absolute times: machines differ."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from benchmarks.reading import Round

SUBJECT = "shieldproxy"


@dataclass(frozen=True, slots=True)
class Floor:
    """shieldproxy shall reach at least `ratio` times what `peer` does on one core."""

    peer: str
    ratio: float


@dataclass(frozen=True, slots=True)
class Judgement:
    """One floor and what was measured; `measured` is None where a side was not measured."""

    floor: Floor
    measured: float | None

    @property
    def met(self) -> bool | None:
        """Whether the floor holds; None where nobody can say."""
        return None if self.measured is None else self.measured >= self.floor.ratio

    def sentence(self) -> str:
        """For the line under the table."""
        wish = f">= {self.floor.ratio:g} x {self.floor.peer}"
        if self.measured is None:
            return f"{wish}: not measured"
        return f"{wish}: {self.measured:.2f} {'met' if self.met else 'missed'}"


def capacity_ratio(ours: Sequence[Round], theirs: Sequence[Round]) -> float | None:
    """The median over rounds of our requests per processor second divided by theirs in the same round."""
    return _paired([one.capacity for one in ours], [one.capacity for one in theirs])


def rate_ratio(ours: Sequence[Round], theirs: Sequence[Round]) -> float | None:
    """The median over rounds of our requests a second divided by theirs in the same round."""
    return _paired([one.reading.rate for one in ours], [one.reading.rate for one in theirs])


def judge_floors(floors: Sequence[Floor], rounds: Mapping[str, Sequence[Round]]) -> list[Judgement]:
    """Each floor with the measured ratio of processor time; a peer that was not measured misses nothing."""
    ours = rounds.get(SUBJECT, ())
    return [Judgement(floor, capacity_ratio(ours, rounds.get(floor.peer, ()))) for floor in floors]


def _paired(ours: Sequence[float], theirs: Sequence[float]) -> float | None:
    # Rounds are paired because a machine drifts: what slows one server for a minute slows its neighbour too.
    ratios = [mine / other for mine, other in zip(ours, theirs, strict=False) if other > 0]
    return median(ratios) if ratios else None
