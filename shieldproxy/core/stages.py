"""Stages: the questions of the judge, each a pure function from policy and facts to an opinion or None."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shieldproxy.core.facts import Crawler, PageKind, Tightening
from shieldproxy.core.verdict import Action, Verdict

if TYPE_CHECKING:
    from collections.abc import Callable

    from shieldproxy.core.buckets import Reading
    from shieldproxy.core.facts import Facts
    from shieldproxy.core.policy import Policy

    Stage = Callable[[Policy, Facts], Verdict | None]

# Too many (RFC 6585), try later (RFC 9110, 15.6.4: a challenge is a temporary state of the site), forbidden.
STATUS = {Action.CHALLENGE: 503, Action.THROTTLE: 429, Action.REFUSE: 403, Action.DROP: 403}

# What a client that is no browser page is told when the crowd's bucket is overdrawn: soon, but not at once.
RETRY_SOON = 10.0

WHY_TIGHTENED = {
    Tightening.NETWORK: "{network} asks for far more than it usually does",
    Tightening.EVERYBODY: "too much comes from everywhere",
    Tightening.COHORT: "shares with the attack what hardly any visitor has: {cohort}",
    Tightening.SAMPLE: "one of a few who show whether the crowd is people",
    Tightening.AUDIT: "one of a few chosen by chance, who show how many programs nobody suspects",
}

EXEMPT = Verdict(Action.ADMIT, "exempt")
CLEARED = Verdict(Action.ADMIT, "cleared", "clearance")
CRAWLER = Verdict(Action.ADMIT, "cleared", "crawler")
ADMITTED = Verdict(Action.ADMIT, "admit")


def exempt(policy: Policy, facts: Facts) -> Verdict | None:
    """An operator's exemption, or a rule that admits, beats everything that follows, bans too.

    It does not make a broken message readable: what no two parsers read alike never reaches the origin.
    """
    name = facts.exempt
    for rule in facts.matched:
        if rule.action is Action.ADMIT:
            name = name or rule.name
    if not name:
        return None
    return malformed(policy, facts) or EXEMPT._replace(rule=name)


def banned(policy: Policy, facts: Facts) -> Verdict | None:
    """A ban in force drops."""
    ban = facts.ban
    if ban is None or ban.until <= facts.now:
        return None
    return Verdict(Action.DROP, "banned", "bans", ban.until - facts.now, 403, (ban.cause,))


def malformed(policy: Policy, facts: Facts) -> Verdict | None:
    """A message that no two parsers would read alike is refused with the status the door chose."""
    if facts.malformed is None:
        return None
    return Verdict(Action.REFUSE, "malformed", "", 0.0, facts.malformed.status, (facts.malformed.reason,))


def denied(policy: Policy, facts: Facts) -> Verdict | None:
    """The strictest matching rule that throttles, refuses or drops."""
    found: Verdict | None = None
    for rule in facts.matched:
        if rule.action is None or rule.action <= Action.CHALLENGE:
            continue
        if found is None or rule.action > found.action:
            wait = 60.0 if rule.action is Action.THROTTLE else 0.0
            found = Verdict(rule.action, "denied", rule.name, wait, STATUS[rule.action], (rule.why or rule.name,))
    return found


def over_own_limit(policy: Policy, facts: Facts) -> Verdict | None:
    """A bucket of the client alone is overdrawn: what the strictest such limit asks for.

    A challenge asks nothing of who has answered one; a confirmed robot is told to come later, it cannot answer.
    """
    worst = strictest_overdrawn(facts, collective=False)
    if worst is None or worst.limit.action is Action.ADMIT:
        return None
    limit = worst.limit
    if limit.action is Action.CHALLENGE:
        if facts.clearance is not None:
            return None
        return challenge(facts, "over_own_limit", limit.name, worst.wait)
    reason = f"more than {limit.rate:g} requests a second"
    return Verdict(limit.action, "over_own_limit", limit.name, worst.wait, STATUS[limit.action], (reason,))


def cleared(policy: Policy, facts: Facts) -> Verdict | None:
    """Who holds a clearance, or is a robot whose address confirms it, passes; the crowd's buckets are not asked."""
    if facts.crawler is Crawler.VERIFIED:
        return CRAWLER
    if facts.clearance is not None:
        return CLEARED
    return None


def tightened(policy: Policy, facts: Facts) -> Verdict | None:
    """A page for a newcomer that is part of an excess, by its network, or because everybody's is: it is challenged."""
    if facts.tightening is Tightening.NONE or facts.part or not may_challenge(facts):
        return None
    audited = facts.tightening is Tightening.AUDIT
    if audited and (facts.saturated or suspicion(facts) >= policy.challenge.threshold(facts.posture)):
        return None  # not one whom nobody suspects: it is challenged for that
    words = WHY_TIGHTENED[facts.tightening]
    reason = words.format(network=f"AS{facts.visitor.label.asn}", cohort=facts.cohort)
    rule = "cohort" if facts.cohort else "audit" if audited else ""
    return Verdict(Action.CHALLENGE, "tightened", rule, 0.0, 503, (reason, *weighty(facts)), suspicion(facts))


def over_shared_limit(policy: Policy, facts: Facts) -> Verdict | None:
    """A bucket that strangers share is overdrawn: newcomers are challenged, never refused."""
    worst = strictest_overdrawn(facts, collective=True)
    if worst is None:
        return None
    return challenge(facts, "over_shared_limit", worst.limit.name, worst.wait)


def suspicious(policy: Policy, facts: Facts) -> Verdict | None:
    """Weights of matching rules reach the threshold of the posture, or a rule challenges by itself: pages only."""
    if not may_challenge(facts):
        return None
    for rule in facts.matched:
        if rule.action is Action.CHALLENGE:
            return challenge(facts, "suspicious", rule.name, 0.0)
    if suspicion(facts) < policy.challenge.threshold(facts.posture):
        return None
    reasons = weighty(facts)
    return challenge(facts, "suspicious", reasons[0] if reasons else "", 0.0)


def saturated(policy: Policy, facts: Facts) -> Verdict | None:
    """The table cannot vouch for newcomers, or the origin has no room for them: they show that they are people."""
    if not facts.saturated or not may_challenge(facts):
        return None
    reason = "more newcomers than there is room for"
    return Verdict(Action.CHALLENGE, "saturated", "", 0.0, 503, (reason, *weighty(facts)), suspicion(facts))


def admit(policy: Policy, facts: Facts) -> Verdict | None:
    """Nobody objects."""
    if not facts.matched:
        return ADMITTED
    return ADMITTED._replace(suspicion=suspicion(facts))


def suspicion(facts: Facts) -> int:
    """Return the sum of weights of the rules that match, never below zero."""
    if not facts.matched:
        return 0
    return max(0, sum(rule.weight for rule in facts.matched))


def strictest_overdrawn(facts: Facts, *, collective: bool) -> Reading | None:
    """Return the overdrawn reading with the strictest action, of two alike the one with the longer wait."""
    worst: Reading | None = None
    for reading in facts.readings:
        # Written out, not reading.over: this loop runs twice for every request.
        if reading.slack < 0.0 and reading.limit.scope.collective is collective:  # noqa: SIM102 - read in two steps
            if worst is None or (reading.limit.action, reading.wait) > (worst.limit.action, worst.wait):
                worst = reading
    return worst


def weighty(facts: Facts) -> tuple[str, ...]:
    """Return the names of the rules that made the client suspicious, the weightiest first."""
    rules = sorted((rule for rule in facts.matched if rule.weight > 0), key=lambda rule: -rule.weight)
    return tuple(rule.name for rule in rules)


def may_challenge(facts: Facts) -> bool:
    """Tell whether a challenge page can be answered: by a person who looks at a page, never by a confirmed robot."""
    return facts.page is PageKind.PAGE and facts.crawler is not Crawler.VERIFIED


def challenge(facts: Facts, stage: str, rule: str, wait: float) -> Verdict:
    """Return a challenge where a person would see it, else a plain "later": feeds and programs cannot solve pages."""
    reasons = weighty(facts)
    if may_challenge(facts):
        return Verdict(Action.CHALLENGE, stage, rule, wait, 503, reasons, suspicion(facts))
    return Verdict(Action.THROTTLE, stage, rule, max(wait, RETRY_SOON), 429, reasons, suspicion(facts))


# The order is the policy of the house: read it from the top, the first opinion wins.
STAGES: tuple[Stage, ...] = (
    exempt,
    banned,
    malformed,
    denied,
    over_own_limit,
    cleared,
    tightened,
    over_shared_limit,
    suspicious,
    saturated,
    admit,
)
STAGE_NAMES: tuple[str, ...] = tuple(stage.__name__ for stage in STAGES)
