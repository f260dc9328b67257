"""The judge: facts in, verdict out."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from shieldproxy.core.ordinary import ordinary
from shieldproxy.core.stages import ADMITTED, STAGES

if TYPE_CHECKING:
    from shieldproxy.core.facts import Facts
    from shieldproxy.core.policy import Policy
    from shieldproxy.core.stages import Stage
    from shieldproxy.core.verdict import Verdict


class Fault(NamedTuple):
    """A stage that raised: it has no opinion, the request is judged by the others, and somebody is told."""

    stage: str
    error: str


class Judgement(NamedTuple):
    """A verdict and the faults met on the way to it (nearly always none)."""

    verdict: Verdict
    faults: tuple[Fault, ...] = ()


# What a stage raised may hold what a client sent; the operational log needs the beginning.
LONGEST_FAULT = 200


def describe(error: Exception) -> str:
    """Return what ``error`` says of itself, in bounds; its type when it cannot even say that."""
    try:
        return repr(error)[:LONGEST_FAULT]
    except Exception:  # noqa: BLE001 - an error whose repr raises must not take the judge down
        return type(error).__name__


def judge(policy: Policy, facts: Facts, stages: tuple[Stage, ...] = STAGES) -> Judgement:
    """Return the first opinion of ``stages``; a stage that raises has none. Pure, and never raises.

    When no stage has an opinion the request is admitted: a broken shield must not close the site.
    """
    if stages is STAGES:
        verdict = ordinary(policy, facts)
        if verdict is not None:
            return Judgement(verdict)
    faults: tuple[Fault, ...] = ()
    for stage in stages:
        try:
            verdict = stage(policy, facts)
        except Exception as error:  # noqa: BLE001 - whatever a stage raises, it has no opinion; the fault is reported
            faults = (*faults, Fault(getattr(stage, "__name__", "stage"), describe(error)))
            continue
        if verdict is not None:
            return Judgement(verdict, faults)
    return Judgement(ADMITTED, faults)
