"""The comparison as a table of at most 100 columns, and as plain data."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from rich.table import Table

from benchmarks.floors import SUBJECT, capacity_ratio, judge_floors, rate_ratio
from benchmarks.quiet import QUIET

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.comparison import Outcome
    from benchmarks.reading import Round

WIDTH = 100
FULL = 0.9
"""A server that used less of its core than this was not the bottleneck: its requests a second say little."""


def render(outcome: Outcome) -> Table:
    """One scenario as a table."""
    table = Table(title=outcome.scenario.title, title_justify="left", width=WIDTH)
    table.add_column("server", no_wrap=True)
    for heading in ("req/s", "+-%", "us CPU/req", "busy", "p50 us", "p99 us", "x nginx", "x caddy"):
        table.add_column(heading, justify="right")
    best_first = sorted(outcome.rounds, key=lambda name: -_median(outcome.rounds[name], "capacity"))
    for name in best_first:
        table.add_row(*_row(name, outcome), style="bold" if name == SUBJECT else "")
    return table


def verdicts(outcome: Outcome) -> list[str]:
    """The lines under the table: floors, then who was left out."""
    judged = judge_floors(outcome.scenario.floors, outcome.rounds)
    lines = [f"floor {judgement.sentence()}" for judgement in judged]
    idle = [
        name for name, rounds in outcome.rounds.items() if _median(rounds, "busy") < FULL * outcome.scenario.workers
    ]
    if idle:
        lines.append(f"core not full with {', '.join(sorted(idle))}: read CPU per request, not req/s")
    noise = median([one.noise for rounds in outcome.rounds.values() for one in rounds] or [0.0])
    if noise > QUIET:
        lines.append(f"the machine was not quiet: others kept {noise:.1f} cores busy; measure again")
    return lines + [f"left out {name}: {reason}" for name, reason in outcome.left_out.items()]


def as_dict(outcome: Outcome) -> dict[str, object]:
    """One scenario for JSON: every round, the ratios, the floors."""
    ours = outcome.rounds.get(SUBJECT, [])
    return {
        "scenario": outcome.scenario.name,
        "title": outcome.scenario.title,
        "rounds": {name: [one.as_dict() for one in rounds] for name, rounds in outcome.rounds.items()},
        "ready_s": {name: median(seconds) for name, seconds in outcome.ready_s.items()},
        "ratios": {
            name: {"by_cpu": capacity_ratio(ours, rounds), "by_rate": rate_ratio(ours, rounds)}
            for name, rounds in outcome.rounds.items()
            if name != SUBJECT
        },
        "floors": [
            {"peer": one.floor.peer, "floor": one.floor.ratio, "measured": one.measured, "met": one.met}
            for one in judge_floors(outcome.scenario.floors, outcome.rounds)
        ],
        "left_out": outcome.left_out,
    }


def _row(name: str, outcome: Outcome) -> list[str]:
    rounds = outcome.rounds[name]
    rates = [one.reading.rate for one in rounds]
    spread = (max(rates) - min(rates)) / 2 / median(rates) if median(rates) else 0.0
    return [
        name,
        f"{median(rates):,.0f}",
        f"{spread:.0%}".rstrip("%"),
        f"{_median(rounds, 'cpu_us'):.1f}",
        f"{_median(rounds, 'busy'):.0%}",
        f"{median(one.reading.p50_us for one in rounds):,.0f}",
        f"{median(one.reading.p99_us for one in rounds):,.0f}",
        *(_ratios(rounds, outcome.rounds.get(peer, ())) for peer in ("nginx", "caddy")),
    ]


def _ratios(ours: Sequence[Round], theirs: Sequence[Round]) -> str:
    by_cpu, by_rate = capacity_ratio(ours, theirs), rate_ratio(ours, theirs)
    return "-" if by_cpu is None or by_rate is None else f"{by_cpu:.2f} / {by_rate:.2f}"


def _median(rounds: Sequence[Round], name: str) -> float:
    return median(float(getattr(one, name)) for one in rounds)
