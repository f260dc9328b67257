"""Tuning: which limits a log would bear, step by step, and how many people each step would touch.

Each step is asked alone, with the buckets of the judge on the clock of the log. What is charged is what the guard
charges: all requests to the client; to strangers' buckets only what is no part of a page that was let in. Holders of a
clearance and verified robots have limits of their own and are left out.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from shieldproxy.app.replay.callers import PAGE_SPAN, PEOPLE, Callers, cleared, kind_of
from shieldproxy.app.replay.taping import START
from shieldproxy.core.buckets import Scope, take
from shieldproxy.core.facts import PageKind
from shieldproxy.core.policy import visitor_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shieldproxy.app.replay.callers import Session
    from shieldproxy.app.replay.past import Past
    from shieldproxy.core.buckets import Limit

# Rates that are tried, requests a second, and how many seconds of the rate are let through at once: a page with its
# pictures comes at once, a neighbourhood or an operator of networks is a crowd that comes in waves.
RATES = (0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)
BURST_SECONDS = {Scope.CLIENT: 5.0, Scope.NETWORK: 10.0, Scope.ASN: 12.0}
LEAST_BURST = 10.0
# Buckets of one scope that are told apart; beyond it full ones are forgotten, and then newcomers are not counted.
MOST_KEYS = 200_000
# What a step may touch and still be proposed: own limits refuse, so hardly anybody; shared ones ask for one challenge.
BEARABLE = {Scope.CLIENT: 0.001, Scope.NETWORK: 0.005, Scope.ASN: 0.005}


class Step(NamedTuple):
    """One limit that is tried; ``name`` when it is one of the configuration."""

    scope: Scope
    rate: float
    burst: float
    name: str = ""


class Tuned(NamedTuple):
    """What came of it: a row for each step, the proposed ones marked, and who was looked at."""

    requests: int
    people: int
    overflow: int
    rows: list[dict[str, Any]]

    def proposed(self) -> list[dict[str, Any]]:
        """Return the rows that are proposed, one for each scope at most."""
        return [row for row in self.rows if row["proposed"]]


class Trial:
    """All steps of one scope: a list of moments for each key, in the order of the steps."""

    def __init__(self, scope: Scope, steps: Sequence[Step]) -> None:
        self.scope = scope
        self.steps = tuple(steps)
        self.overflow = 0
        self._times = tuple((1.0 / step.rate, step.burst / step.rate) for step in self.steps)
        self._full_at: dict[str, list[float]] = {}
        self._over: dict[Session, list[int]] = {}

    def charge(self, key: str, session: Session, now: float) -> None:
        """Charge one request to the bucket of ``key`` under each step."""
        moments = self._full_at.get(key)
        if moments is None:
            moments = self._begin(key, now)
        for number, (interval, span) in enumerate(self._times):
            moments[number], slack = take(moments[number], now, interval, span)
            if slack < 0.0:
                self._over.setdefault(session, [0] * len(self.steps))[number] += 1

    def _begin(self, key: str, now: float) -> list[float]:
        if len(self._full_at) >= MOST_KEYS:
            self._full_at = {name: moments for name, moments in self._full_at.items() if max(moments) > now}
        moments = [0.0] * len(self.steps)
        if len(self._full_at) < MOST_KEYS:
            self._full_at[key] = moments
        else:
            self.overflow += 1
        return moments

    def rows(self, requests: int, people: int, bearable: float) -> list[dict[str, Any]]:
        """Return a row for each step, the tightest that is bearable marked as proposed."""
        found = [self._row(number, step, requests, people) for number, step in enumerate(self.steps)]
        found.sort(key=lambda row: (row["rate"], row["burst"]))
        good = [row for row in found if row["people_share"] <= bearable]
        if good:
            good[0]["proposed"] = True
        return found

    def _row(self, number: int, step: Step, requests: int, people: int) -> dict[str, Any]:
        touched = [(session, counts[number]) for session, counts in self._over.items() if counts[number]]
        hit = sum(session.person for session, _ in touched)
        over = sum(count for _, count in touched)
        return {
            "scope": step.scope.value,
            "rate": step.rate,
            "burst": step.burst,
            "limit": step.name,
            "requests": over,
            "share": over / requests if requests else 0.0,
            "strangers": len(touched) - hit,
            "people": hit,
            "people_share": hit / people if people else 0.0,
            "proposed": False,
        }


def steps_of(limits: Iterable[Limit]) -> list[Step]:
    """Return what is tried: the usual rates, and the limits in force that bind everybody of a scope."""
    found = [
        Step(scope, rate, max(LEAST_BURST, seconds * rate))
        for scope, seconds in BURST_SECONDS.items()
        for rate in RATES
    ]
    found += [
        Step(limit.scope, limit.rate, limit.burst, limit.name)
        for limit in limits
        if limit.match is None and limit.scope in BURST_SECONDS
    ]
    return found


def tune(past: Past, callers: Callers, steps: Sequence[Step], own_path: str) -> Tuned:
    """Try ``steps`` on ``past``. Reads the log once. Raises UnreadableLogError.

    ``callers`` is empty; ``own_path`` is where our own pages live.
    """
    trials = [Trial(scope, [step for step in steps if step.scope is scope]) for scope in BURST_SECONDS]
    own = own_path.rstrip("/") + "/"
    requests, first, last = 0, 0.0, 0.0
    for logged in past.requests():
        caller = callers.find(logged)
        if caller is None:
            continue
        session = caller.session
        kind = kind_of(logged.method, logged.path)
        part = kind is not PageKind.PAGE and logged.time - session.last_page <= PAGE_SPAN
        session.note(logged)
        if logged.path.startswith(own):
            continue
        first = first or logged.time
        last = max(last, logged.time)
        requests += 1
        now = last - first + START
        if session.robot or (logged.fields is not None and cleared(logged.fields)):
            continue
        for trial in trials:
            if trial.scope.collective and part:
                continue
            key = visitor_key(trial.scope, caller.visitor)
            if key:
                trial.charge(key, session, now)
    people = sum(session.person for session in callers.sessions.values())
    rows = [row for trial in trials for row in trial.rows(requests, people, BEARABLE[trial.scope])]
    return Tuned(requests, people, sum(trial.overflow for trial in trials), rows)


def definition() -> str:
    """Return what the shares mean, in words for people."""
    return (
        f"{PEOPLE}; touched is a person of which at least one request would go beyond that limit. A limit of scope "
        "client throttles; one of scope network or asn has newcomers answer one challenge"
    )


def as_toml(rows: Iterable[dict[str, Any]]) -> str:
    """Return the limits of ``rows`` as config.toml takes them."""
    return "\n".join(
        f'[limits.{row["scope"]}]\nscope = "{row["scope"]}"\nrate = {row["rate"]:g}\nburst = {row["burst"]:g}\n'
        for row in rows
    )
