"""What a row of the table found: one figure beside what is wanted of it."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from benchmarks.comparison import Outcome


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the table."""

    row: str
    asked: str
    """What is measured, in a few words."""
    wanted: str
    """The target as it is written; empty where there is none."""
    found: str
    share: float | None = None
    """How much of the target is reached: 1.0 and above is met. None where there is no target or no measurement."""
    note: str = ""
    """What the figure does not say by itself."""

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where nobody can say."""
        return None if self.share is None else self.share >= 1.0

    @property
    def distance(self) -> str:
        """Met, or how much of the target is reached."""
        if self.share is None:
            return "not measured" if self.wanted else "-"
        return "met" if self.share >= 1.0 else f"{self.share:.0%} of it"

    def as_dict(self) -> dict[str, object]:
        """For JSON."""
        return {**asdict(self), "met": self.met, "distance": self.distance}


def at_least(  # noqa: PLR0913 - the parts of a line
    row: str, asked: str, found: float | None, wanted: float, *, form: str = "{:,.2f}", note: str = ""
) -> Finding:
    """A figure that shall reach `wanted`; None was not measured. `form` writes both."""
    return _finding(row, asked, f">= {form.format(wanted)}", found, form, note, (found or 0.0) / wanted)


def at_most(  # noqa: PLR0913 - the parts of a line
    row: str, asked: str, found: float | None, wanted: float, *, form: str = "{:,.2f}", note: str = ""
) -> Finding:
    """A figure that shall stay within `wanted`; None was not measured. `form` writes both."""
    share = wanted / found if found and found > 0 else float("inf")
    return _finding(row, asked, f"<= {form.format(wanted)}", found, form, note, min(share, 1000.0))


def holds(  # noqa: PLR0913 - the parts of a line
    row: str, asked: str, found: str, *, true: bool, wanted: str, note: str = ""
) -> Finding:
    """Something that is so or not."""
    return Finding(row, asked, wanted, found, 1.0 if true else 0.0, note)


def told(row: str, asked: str, found: str, note: str = "") -> Finding:
    """A figure without a target."""
    return Finding(row, asked, "", found, None, note)


def left_out(row: str, asked: str, wanted: str, why: str) -> Finding:
    """A row that this machine cannot measure, with a word."""
    return Finding(row, asked, wanted, "-", None, why)


@dataclass(frozen=True, slots=True)
class Result:
    """What measuring a row gave: its lines, and the comparisons with peers behind them."""

    findings: list[Finding]
    outcomes: list[Outcome] = field(default_factory=list)


def _finding(  # noqa: PLR0913, PLR0917 - the parts of a line
    row: str, asked: str, wanted: str, found: float | None, form: str, note: str, share: float
) -> Finding:
    if found is None:
        return left_out(row, asked, wanted, note)
    return Finding(row, asked, wanted, form.format(found), share, note)
