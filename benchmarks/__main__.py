"""``python -m benchmarks``: the table of targets and the comparison behind it, from one command."""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console

from benchmarks import report
from benchmarks.chart import draw, write_png
from benchmarks.comparison import Bench, Outcome, Pace, choose_space, compare
from benchmarks.cores import assign, available_cores
from benchmarks.floors import SUBJECT, judge_floors
from benchmarks.peers import ALL, DEFAULT
from benchmarks.rows.catalogue import ROWS, measure_row
from benchmarks.rows.finding import Result
from benchmarks.scenarios import SCENARIOS
from benchmarks.table import WIDTH, as_dict, render, verdicts

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from benchmarks.rows.finding import Finding

RESULTS = Path(__file__).with_name("results")
QUICK = Pace(rounds=2, seconds=1.0, warm_up=1.0)


@click.command()
@click.option("--row", "rows", multiple=True, type=click.Choice(ROWS), help="Repeatable; default: the whole table.")
@click.option(
    "--scenario", "scenarios", multiple=True, type=click.Choice(list(SCENARIOS)), help="Only compare; repeatable."
)
@click.option(
    "--peer", "peers", multiple=True, type=click.Choice(list(ALL)), help="Repeatable; default: the usual five."
)
@click.option("--rounds", default=3, show_default=True, type=click.IntRange(1, 50))
@click.option("--seconds", default=4.0, show_default=True, type=click.FloatRange(1, 300), help="Measured, a round.")
@click.option(
    "--space",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where servers write their logs; default: memory where it has the room.",
)
@click.option("--patience", default=0.0, type=click.FloatRange(0, 3600), help="Seconds to wait for quiet, a round.")
@click.option("--quick", is_flag=True, help="Two rounds of one second. A first look only.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables.")
@click.option("--guard", is_flag=True, help="Exit 1 when a ratio is below its floor.")
def main(  # noqa: PLR0913  # click hands over one argument an option
    *,
    rows: tuple[str, ...],
    scenarios: tuple[str, ...],
    peers: tuple[str, ...],
    rounds: int,
    seconds: float,
    space: Path | None,
    patience: float,
    quick: bool,
    as_json: bool,
    guard: bool,
) -> None:
    """Measures shieldproxy against its targets and beside its peers, on loopback and in networks of its own."""
    pace = replace(QUICK if quick else Pace(rounds, seconds, warm_up=1.0), patience=patience)
    cores = assign(available_cores())
    console = Console(width=WIDTH, highlight=False, quiet=as_json)
    progress = Console(stderr=True, highlight=False)
    console.print(_heading(cores.describe(), pace))
    with progress.status("") as status:
        bench = Bench(pace, cores, space or choose_space(pace), status.update)
        chosen = peers or DEFAULT
        results: list[Result] = []
        for name in scenarios:
            results.append(Result([], [compare(SCENARIOS[name], chosen, bench)]))
            _print(console, results[-1])
        for name in rows or (() if scenarios else ROWS):
            results.append(measure_row(name, chosen, bench))
            _print(console, results[-1])
    findings = [finding for result in results for finding in result.findings]
    outcomes = [outcome for result in results for outcome in result.outcomes]
    document = _document(findings, outcomes, pace, cores.describe())
    kept = _keep(document, findings, outcomes)
    if as_json:
        click.echo(json.dumps(document, indent=1))
    else:
        click.echo(f"\n{_caption()}\n\n{_tables(findings, outcomes)}\n\nkept in {', '.join(kept)}")
    if guard and any(_misses(outcome) for outcome in outcomes):
        sys.exit(1)


def _print(console: Console, result: Result) -> None:
    """What one row found, as soon as it is known."""
    for outcome in result.outcomes:
        console.print(render(outcome))
        for line in verdicts(outcome):
            console.print(f"  {line}", markup=False)
    for one in result.findings:
        line = f"  {one.row}: {one.asked}: {one.found}, wanted {one.wanted or 'nothing'}: {one.distance}; {one.note}"
        console.print(line, markup=False, soft_wrap=True)
    console.file.flush()  # who reads it through a pipe sees each row when it is done, too


def _tables(findings: Sequence[Finding], outcomes: Sequence[Outcome]) -> str:
    """Everything once more, to be pasted."""
    parts: list[tuple[bool, Callable[[], str]]] = [
        (bool(findings), lambda: report.targets(findings)),
        (bool(outcomes), lambda: report.servers(outcomes)),
        (bool(outcomes), lambda: report.noise(outcomes)),
    ]
    return "\n\n".join(made() for there, made in parts if there)


def _misses(outcome: Outcome) -> bool:
    """Whether a floor is missed, or nobody can say because shieldproxy itself was left out."""
    judged = judge_floors(outcome.scenario.floors, outcome.rounds)
    return SUBJECT not in outcome.rounds or any(judgement.met is False for judgement in judged)


def _heading(cores: str, pace: Pace) -> str:
    return (
        f"{cores}; {pace.rounds} alternating rounds of {pace.seconds:g} s, medians.\n"
        "Ratios: by processor time of one request, then by requests a second."
    )


def _caption() -> str:
    day = time.strftime("%Y-%m-%d", time.gmtime())
    return (
        f"{day}, {os.cpu_count()} cores, Python {platform.python_version()}, {platform.system()} {platform.release()}."
    )


def _document(findings: Sequence[Finding], outcomes: Sequence[Outcome], pace: Pace, cores: str) -> dict[str, object]:
    machine = {
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg(),
    }
    return {
        "machine": machine,
        "cores": cores,
        "pace": asdict(pace),
        "findings": [one.as_dict() for one in findings],
        "scenarios": [as_dict(outcome) for outcome in outcomes],
    }


def _keep(document: dict[str, object], findings: Sequence[Finding], outcomes: Sequence[Outcome]) -> list[str]:
    """Write the result as JSON, and as a picture where there is something to see; the names of what was written."""
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.json"
    path.write_text(json.dumps(document, indent=1) + "\n")
    written = [path]
    if any(one.share is not None for one in findings):
        svg = path.with_suffix(".svg")
        svg.write_text(draw(findings, outcomes, f"shieldproxy, {_caption()}"), encoding="utf-8")
        png = write_png(svg)
        written.append(png or svg)
    return [str(one.relative_to(RESULTS.parents[1])) for one in written]


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers we started end with us
    main()
