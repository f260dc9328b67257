"""Repeats: a client that was told to wait and asks again at once is told again at a tenth of the cost.

Most of a flood from one address is refused by that client's own limit, with the same headers each time. What the
judge said the first time holds as long as nothing it asked has changed: the policy, the labels, the ban list, the
bucket. All of that is asked each time; only what follows from equal headers is not worked out anew.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from shieldproxy.core.buckets import Reading
from shieldproxy.core.facts import Crawler
from shieldproxy.core.record import Record
from shieldproxy.core.verdict import Action
from shieldproxy.guard.recording import Draft, record_of
from shieldproxy.guard.visits import Charge, Visit


class Repeatable(NamedTuple):
    """A refusal that may be given again.

    ``charge`` is the limit whose bucket is overdrawn; ``seconds`` what the client was told to wait; ``alike`` what its
    records are summed by.
    """

    draft: Draft
    visit: Visit
    charge: Charge
    seconds: int
    alike: tuple[object, ...]


class Repeated(NamedTuple):
    """The draft of a refusal given again: the first one, and what is different. Fits the port ``Draft``."""

    first: Repeatable
    id: str
    target: bytes
    ended: float
    wait: float
    duration_us: int
    weight: int = 1

    def alike(self) -> tuple[object, ...]:
        """Return what its records are summed by."""
        return self.first.alike

    def line(self, seq: int, lost_before: int) -> tuple[str, bytes] | None:  # noqa: ARG002 - the port's
        """Return None: nearly all are summed, the few that are not are made like any record."""
        return None

    def record(self) -> Record:
        """Return the finished record."""
        decision, outcome = self.first.draft.decision, self.first.draft.outcome
        path, _, query = self.target.decode("latin-1").partition("?")
        request = decision.facts.request._replace(path=path, query=query)
        again = decision._replace(
            id=self.id,
            facts=decision.facts._replace(request=request, readings=(Reading(self.first.charge.limit, -self.wait),)),
            verdict=decision.verdict._replace(wait=self.wait),
        )
        draft = self.first.draft._replace(
            decision=again, outcome=outcome._replace(duration_us=self.duration_us), ended=self.ended
        )
        return record_of(draft)


def repeatable(draft: Draft) -> Repeatable | None:
    """Return the refusal of ``draft`` as one that may be given again, or None when the next may be judged otherwise.

    Only a newcomer's own limit, where no rule and no limit asks for path, host or method.
    """
    decision = draft.decision
    verdict, facts, visit = decision.verdict, decision.facts, decision.visit
    if verdict.stage != "over_own_limit" or verdict.action is not Action.THROTTLE or not decision.enforced:
        return None
    if facts.clearance is not None or facts.crawler is not Crawler.NONE or decision.own or visit.habits.asks_place:
        return None
    if any(charge.limit.match is not None for charge in visit.newcomer if not charge.shared):
        return None
    for charge in visit.own:
        if charge.limit.name == verdict.rule:
            alike = draft.alike()
            return Repeatable(draft, visit, charge, math.ceil(verdict.wait), alike) if alike else None
    return None
