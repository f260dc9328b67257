"""Rows that are comparisons with peers: pass, deny, the challenge page, wrong answers, and one worker against two."""

from __future__ import annotations

from dataclasses import replace
from statistics import median
from typing import TYPE_CHECKING

from benchmarks.comparison import Bench, Outcome, compare
from benchmarks.cores import assign, available_cores
from benchmarks.floors import SUBJECT, capacity_ratio, rate_ratio
from benchmarks.rows.finding import Finding, Result, at_least, left_out
from benchmarks.scenarios import SCENARIOS

if TYPE_CHECKING:
    from collections.abc import Sequence

REFUSED_A_SECOND = 20_000
TWO_AGAINST_ONE = 1.8
BY = "by processor time of one request"


def against_peers(name: str, peers: Sequence[str], bench: Bench) -> Result:
    """The scenario of that name beside `peers`: a line for each of its targets."""
    outcome = compare(SCENARIOS[name], peers, bench)
    return Result([_ratio(name, outcome, peer.peer, peer.ratio) for peer in SCENARIOS[name].targets], [outcome])


def wrong_answers(bench: Bench) -> Result:
    """How many wrong answers one core refuses in a second, of two kinds."""
    outcomes = [compare(SCENARIOS[name], (SUBJECT,), bench) for name in ("forged", "foreign")]
    return Result([_refusals(outcome) for outcome in outcomes], outcomes)


def two_workers(bench: Bench) -> Result:
    """What two workers on two cores do against one on one, while both answer from the same memory.

    With fewer than three cores load and origin share the second worker's core, and requests a second then measure that
    sharing: so the line that is judged multiplies the workers by what one request costs each of them.
    """
    available = available_cores()
    asked = "two workers, x one"
    if len(available) < 2:
        return Result([left_out("workers", asked, f">= {TWO_AGAINST_ONE}", "this machine has one core")])
    rounds = {}
    outcomes = []
    for workers in (1, 2):
        named = f"{workers} worker{'s' * (workers > 1)}"
        scenario = replace(SCENARIOS["pass"], name=named, workers=workers, title=f"pass, {named}", floors=())
        placed = replace(bench, cores=assign(available, server_cores=workers))
        outcomes.append(compare(scenario, (SUBJECT,), placed))
        rounds[workers] = outcomes[-1].rounds.get(SUBJECT, [])
    scale = capacity_ratio(rounds[2], rounds[1])
    rate = rate_ratio(rounds[2], rounds[1])
    shared = "; load and origin on the second worker's core" if len(available) < 3 else ""
    note = f"{BY}; by requests/s {rate:.2f}{shared}" if rate else "; ".join(outcomes[-1].left_out.values())
    return Result([at_least("workers", asked, scale and 2 * scale, TWO_AGAINST_ONE, note=note)], outcomes)


def _ratio(row: str, outcome: Outcome, peer: str, wanted: float) -> Finding:
    ours, theirs = outcome.rounds.get(SUBJECT, ()), outcome.rounds.get(peer, ())
    by_rate = rate_ratio(ours, theirs)
    note = f"{BY}; by requests/s {by_rate:.2f}" if by_rate else outcome.left_out.get(peer, "")
    return at_least(row, f"{row}, x {peer}", capacity_ratio(ours, theirs), wanted, note=note)


def _refusals(outcome: Outcome) -> Finding:
    rounds = outcome.rounds.get(SUBJECT, [])
    asked = f"wrong answers refused a second, {outcome.scenario.name}"
    if not rounds:
        return left_out("answers", asked, f">= {REFUSED_A_SECOND:,}", outcome.left_out.get(SUBJECT, ""))
    a_second = median(one.capacity for one in rounds)
    return at_least("answers", asked, a_second, REFUSED_A_SECOND, form="{:,.0f}", note=f"one core, {BY}")
