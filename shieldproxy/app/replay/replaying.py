"""Replaying: past requests judged by a new configuration, beside what was done or what another one would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from shieldproxy.app.replay.callers import Callers, cleared
from shieldproxy.app.replay.changes import DIMENSIONS, Changes, hurt
from shieldproxy.app.replay.lane import Lane, summed
from shieldproxy.core.record import rfc3339
from shieldproxy.core.verdict import ACTIONS, Action
from shieldproxy.intel.crawlers import crawler
from shieldproxy.intel.databases import Databases
from shieldproxy.intel.networks import Networks
from shieldproxy.intel.tables import read_classes, read_robots
from shieldproxy.settings.compiling import compile_policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shieldproxy.app.replay.past import Past
    from shieldproxy.journal.foreign import Logged
    from shieldproxy.settings.schema import Settings

# Where the clock of a log begins: a bucket that is full at 0 was never used.
START = 1_000.0
# Rows of each listing.
ROWS = 10


class Replayed(NamedTuple):
    """What came of a replay; ``as_fields`` is what a program gets."""

    requests: int
    skipped: int
    first: float
    last: float
    changes: Changes
    callers: Callers
    new: Lane
    old: Lane | None

    def as_fields(self, rows: int = ROWS) -> dict[str, Any]:
        """Return the whole as one object, each listing with ``rows`` rows."""
        sessions = self.callers.sessions.values()
        return {
            "requests": self.requests,
            "skipped": self.skipped,
            "from": rfc3339(self.first) if self.requests else "",
            "until": rfc3339(self.last) if self.requests else "",
            "policy": self.new.policy.digest,
            "against": self.old.policy.digest if self.old is not None else "what the log says",
            "before": summed(self.changes.before),
            "after": summed(self.changes.after),
            "changes": self.changes.by_kind(sessions),
            "causes": self.changes.causes()[:rows],
            "hurt": hurt(sessions),
            "by": {dimension: self.changes.heaviest(dimension, rows) for dimension in DIMENSIONS},
            "bans": self.new.bans,
            "rules_not_asked": list(self.new.unasked),
            "sessions_left_out": self.callers.overflow,
            "faults": self.new.faults + (self.old.faults if self.old is not None else 0),
        }


def replay(past: Past, settings: Settings, against: Settings | None = None) -> Replayed:
    """Judge ``past`` by ``settings``, and by ``against`` or by what the log says was done. Reads the log twice.

    The same log, configurations and databases give the same result. Raises UnreadableLogError.
    """
    databases = Databases(asn=settings.geo.asn, country=settings.geo.country)
    classes = read_classes()
    networks = Networks(databases, classes, read_robots())
    callers = Callers(networks, crawler)
    meet(past, callers)
    new = lane_of(settings, 0, classes, acting=True)
    old = lane_of(against, 1, classes, acting=False) if against is not None else None
    changes = Changes()
    own = settings.server.own_path.rstrip("/") + "/"
    requests = skipped = 0
    first = last = 0.0
    for logged in past.requests():
        caller = callers.find(logged)
        if caller is None or logged.path.startswith(own):
            skipped += 1
            continue
        if requests == 0:
            first = last = logged.time
        requests += 1
        last = max(last, logged.time)
        now = last - first + START
        held = logged.fields is not None and cleared(logged.fields)
        after = new.judge(caller, logged, now, cleared=held)
        before = done(logged) if old is None else old.judge(caller, logged, now, cleared=held).action
        changes.count(caller, logged, before, after.action, after.rule or after.stage)
    return Replayed(requests, skipped, first, last, changes, callers, new, old)


def meet(past: Past, callers: Callers) -> None:
    """Read ``past`` once to see who is a person: a person who is challenged answers, in the log or not."""
    for logged in past.requests():
        caller = callers.find(logged)
        if caller is not None:
            caller.session.note(logged)
    for session in callers.sessions.values():
        session.passes = session.person
    callers.strangers = 0


def lane_of(settings: Settings, number: int, classes: Mapping[int, str], *, acting: bool) -> Lane:
    """Return the lane of a configuration; ``classes`` of networks by their ASN, ``acting`` as the lane means it."""
    return Lane(
        compile_policy(settings),
        settings.posture,
        own_path=settings.server.own_path,
        recognise=crawler,
        class_of=lambda asn: classes.get(asn, "other"),
        slots=settings.state.buckets,
        number=number,
        acting=acting,
    )


def done(logged: Logged) -> Action:
    """Return what the log says was done with a request; logs of other servers let all pass."""
    fields = logged.fields or {}
    if fields.get("enforced") is False:
        return Action.ADMIT
    return ACTIONS.get(fields["action"], Action.ADMIT) if isinstance(fields.get("action"), str) else Action.ADMIT
