"""Observing: limits and rules that have an opinion and do not decide; what they would have done is a reason.

Asked only where a policy has such limits or rules. Each opinion is judged alone, beside all that decides: so a word
such as ``would throttle: limits.search`` is what this request would have met had only that one acted.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shieldproxy.core.judge import Judgement, judge

if TYPE_CHECKING:
    from shieldproxy.core.facts import Facts
    from shieldproxy.core.policy import Policy
    from shieldproxy.core.verdict import Verdict

# What a reason of one that only observes begins with; no rule can have a name with a space.
WOULD = "would "


def watches(policy: Policy) -> bool:
    """Tell whether anything of ``policy`` may have an opinion without deciding."""
    return any(limit.observed for limit in policy.limits) or any(
        rule.observed or rule.enforce_share < 1.0 for rule in policy.rules
    )


def consider(policy: Policy, facts: Facts) -> Judgement:
    """Return the judgement of what decides, with what the others would have done among its reasons. Pure."""
    client = facts.visitor.client
    acting = tuple(rule for rule in facts.matched if rule.acts_on(client))
    readings = tuple(reading for reading in facts.readings if not reading.limit.observed)
    decisive = facts._replace(matched=acting, readings=readings)
    judgement = judge(policy, decisive)
    words: list[str] = []
    for rule in facts.matched:
        if rule not in acting:
            # In the order of the policy: the strictest is asked first.
            joined = tuple(other for other in facts.matched if other in acting or other is rule)
            words += opinion(policy, decisive._replace(matched=joined), judgement.verdict, f"rules.{rule.name}")
    for reading in facts.readings:
        if reading.limit.observed and reading.over:
            seen = decisive._replace(readings=(*readings, reading))
            words += opinion(policy, seen, judgement.verdict, f"limits.{reading.limit.name}")
    if not words:
        return judgement
    verdict = judgement.verdict
    return judgement._replace(verdict=verdict._replace(reasons=(*verdict.reasons, *words)))


def opinion(policy: Policy, facts: Facts, decided: Verdict, name: str) -> tuple[str, ...]:
    """Return what would be done with ``facts`` on account of ``name``; nothing where it is what is done anyway."""
    action = judge(policy, facts).verdict.action
    return () if action is decided.action else (f"{WOULD}{action.word}: {name}",)
