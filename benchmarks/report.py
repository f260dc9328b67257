"""The whole result as text: Markdown tables that are read on a terminal and pasted into benchmarks/README.md."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from benchmarks.floors import SUBJECT, capacity_ratio

if TYPE_CHECKING:
    from collections.abc import Sequence

    from benchmarks.comparison import Outcome
    from benchmarks.rows.finding import Finding

HEAD = ("row", "measured", "wanted", "found", "distance", "beside it")


def targets(findings: Sequence[Finding]) -> str:
    """Every line with its target and the distance to it."""
    rows = [(one.row, one.asked, one.wanted or "-", one.found, one.distance, one.note) for one in findings]
    return markdown(HEAD, rows)


def servers(outcomes: Sequence[Outcome]) -> str:
    """Every server of every comparison: what one request cost it, what it did in a second, and the ratio to ours."""
    rows = []
    for outcome in outcomes:
        ours = outcome.rounds.get(SUBJECT, [])
        for name, rounds in sorted(outcome.rounds.items(), key=lambda item: median(one.cpu_us for one in item[1])):
            ratio = capacity_ratio(ours, rounds)
            rows.append(
                (
                    outcome.scenario.name,
                    f"**{name}**" if name == SUBJECT else name,
                    f"{median(one.cpu_us for one in rounds):,.1f}",
                    f"{median(one.reading.rate for one in rounds):,.0f}",
                    f"{median(one.busy for one in rounds):.0%}",
                    "-" if ratio is None or name == SUBJECT else f"{ratio:.2f}",
                )
            )
    return markdown(("what", "server", "us of processor", "requests/s", "core busy", "ours x it"), rows)


def noise(outcomes: Sequence[Outcome]) -> str:
    """How quiet the machine was while servers were compared, in a sentence; empty without comparisons."""
    heard = [one.noise for outcome in outcomes for rounds in outcome.rounds.values() for one in rounds]
    if not heard:
        return ""
    return f"Others kept {median(heard):.2f} cores busy (median of {len(heard)} rounds; most {max(heard):.2f})."


def markdown(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table of Markdown, its columns as wide as they must be so that it is read as text too."""
    cells = [[cell.replace("|", "\\|") for cell in row] for row in (head, *rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines = [
        "| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in cells
    ]
    return "\n".join([lines[0], "|" + "|".join("-" * (width + 2) for width in widths) + "|", *lines[1:]])
