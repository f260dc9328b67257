"""``python -m benchmarks``: the comparison from one command."""

from __future__ import annotations

import json
import os
import platform
import signal
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import click
from rich.console import Console

from benchmarks.comparison import Bench, Outcome, Pace, choose_space, compare
from benchmarks.cores import assign, available_cores
from benchmarks.floors import SUBJECT, judge_floors
from benchmarks.peers import ALL, DEFAULT
from benchmarks.scenarios import SCENARIOS
from benchmarks.table import WIDTH, as_dict, render, verdicts

RESULTS = Path(__file__).with_name("results")
QUICK = Pace(rounds=2, seconds=1.0, warm_up=1.0)


@click.command()
@click.option(
    "--scenario", "scenarios", multiple=True, type=click.Choice(list(SCENARIOS)), help="Repeatable; default: all."
)
@click.option(
    "--peer", "peers", multiple=True, type=click.Choice(list(ALL)), help="Repeatable; default: the usual five."
)
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 50))
@click.option("--seconds", default=5.0, show_default=True, type=click.FloatRange(1, 300), help="Measured, a round.")
@click.option(
    "--space",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Where servers write their logs; default: memory where it has the room.",
)
@click.option("--patience", default=0.0, type=click.FloatRange(0, 3600), help="Seconds to wait for quiet, a round.")
@click.option("--quick", is_flag=True, help="About half a minute: two rounds of one second. A first look only.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of tables.")
@click.option("--guard", is_flag=True, help="Exit 1 when a ratio is below its floor.")
def main(  # noqa: PLR0913  # click hands over one argument an option
    *,
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
    """Compares shieldproxy with its peers on loopback, each on one pinned core, in alternating rounds."""
    pace = replace(QUICK if quick else Pace(rounds, seconds, warm_up=2.0), patience=patience)
    console = Console(width=WIDTH, highlight=False)
    progress = Console(stderr=True, highlight=False)
    cores = assign(available_cores())
    where = space or choose_space(pace)
    outcomes = []
    if not as_json:
        console.print(_heading(cores.describe(), pace))
    for name in scenarios or tuple(SCENARIOS):
        with progress.status("") as status:
            placed = assign(available_cores(), server_cores=SCENARIOS[name].workers)
            outcome = compare(SCENARIOS[name], peers or DEFAULT, Bench(pace, placed, where, status.update))
        outcomes.append(outcome)
        if not as_json:
            console.print(render(outcome))
            for line in verdicts(outcome):
                console.print(f"  {line}", markup=False)
    result = {"machine": _machine(), "cores": cores.describe(), "pace": asdict(pace)}
    text = json.dumps({**result, "scenarios": [as_dict(outcome) for outcome in outcomes]}, indent=1)
    kept = _keep(text)
    console.print(text if as_json else f"kept in {kept}", markup=False, soft_wrap=True)
    if guard and any(_misses(outcome) for outcome in outcomes):
        sys.exit(1)


def _misses(outcome: Outcome) -> bool:
    """Whether a floor is missed, or nobody can say because shieldproxy itself was left out."""
    judged = judge_floors(outcome.scenario.floors, outcome.rounds)
    return SUBJECT not in outcome.rounds or any(judgement.met is False for judgement in judged)


def _heading(cores: str, pace: Pace) -> str:
    return (
        f"{cores}; {pace.rounds} alternating rounds of {pace.seconds:g} s, medians.\n"
        "Ratios: by processor time of one request, then by requests a second."
    )


def _machine() -> dict[str, object]:
    return {
        "system": platform.platform(),
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "load_average": os.getloadavg(),
    }


def _keep(text: str) -> str:
    RESULTS.mkdir(parents=True, exist_ok=True)
    path = RESULTS / f"{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.json"
    path.write_text(text + "\n")
    return str(path.relative_to(RESULTS.parents[1]))


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the servers we started end with us
    main()
