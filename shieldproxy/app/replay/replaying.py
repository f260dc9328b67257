"""Replaying: past requests judged by a new configuration, beside what was done or what another one would do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from shieldproxy.app.replay.beside import actions
from shieldproxy.app.replay.blocks import MOST
from shieldproxy.app.replay.callers import Callers
from shieldproxy.app.replay.changes import DIMENSIONS, Changes, hurt
from shieldproxy.app.replay.lane import summed
from shieldproxy.app.replay.learning import Learner
from shieldproxy.app.replay.quick import QuickLane
from shieldproxy.app.replay.taping import Taped, tape
from shieldproxy.core.record import rfc3339
from shieldproxy.core.seasons import LEAST, SITE
from shieldproxy.intel.crawlers import crawler
from shieldproxy.intel.databases import Databases
from shieldproxy.intel.networks import Networks
from shieldproxy.intel.tables import read_classes, read_robots
from shieldproxy.settings.compiling import compile_policy

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shieldproxy.app.replay.past import Past
    from shieldproxy.core.seasons import Seasons
    from shieldproxy.settings.schema import Settings
    from shieldproxy.state.learned import Usual

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
    new: QuickLane
    old: QuickLane | None
    learned: tuple[Usual, Seasons] | None = None

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
            "learned": learned_fields(*self.learned) if self.learned is not None else None,
            "faults": self.new.faults + (self.old.faults if self.old is not None else 0),
        }


def replay(past: Past, settings: Settings, against: Settings | None = None, *, learn: bool = False) -> Replayed:
    """Judge ``past`` by ``settings``, and by ``against`` or by what the log says was done. Reads the log once.

    With ``learn`` it says what is usual, as a node would have learned it.

    The same log, configurations and databases give the same result. Raises UnreadableLogError.
    """
    databases = Databases(asn=settings.geo.asn, country=settings.geo.country)
    classes = read_classes()
    callers = Callers(Networks(databases, classes, read_robots()), crawler)
    new = lane_of(settings, 0, classes, acting=True)
    old = lane_of(against, 1, classes, acting=False) if against is not None else None
    referers = any(lane.asks_referer for lane in (new, old) if lane is not None)
    taped = tape(past, callers, settings.server.own_path, referers=referers)
    learner = Learner(taped.first, new.detector.storms) if learn and taped.requests else None
    try:
        changes = compared(taped, callers, new, old, learner)
    finally:
        taped.tape.close()
    learned = (new.detector.learned(), learner.finish(taped.last)) if learner is not None else None
    return Replayed(taped.requests, taped.skipped, taped.first, taped.last, changes, callers, new, old, learned)


def compared(
    taped: Taped, callers: Callers, new: QuickLane, old: QuickLane | None, learner: Learner | None = None
) -> Changes:
    """Judge what is on tape by one lane or by two, and return what is different; let ``learner`` hear of it."""
    changes = Changes()
    # Worth a process of its own once it has a while to do.
    befores = actions(old, taped.tape, callers, apart=taped.requests > MOST) if old is not None else None
    for block in taped.tape.blocks():
        found = callers.all_of(block.callers)
        after, codes = new.judge_block(block, found)
        if learner is not None:
            learner.hear(block, found, after)
        before = next(befores) if befores is not None else block.done
        changes.compare(block, found, before, after, [new.words[code] for code in codes])
    if befores is not None:
        next(befores, None)
    return changes


def lane_of(settings: Settings, number: int, classes: Mapping[int, str], *, acting: bool) -> QuickLane:
    """Return the lane of a configuration; ``classes`` of networks by their ASN, ``acting`` as the lane means it."""
    return QuickLane(
        compile_policy(settings),
        settings.posture,
        own_path=settings.server.own_path,
        recognise=crawler,
        class_of=lambda asn: classes.get(asn, "other"),
        slots=settings.state.buckets,
        number=number,
        acting=acting,
    )


def learned_fields(usual: Usual, seasons: Seasons) -> dict[str, Any]:
    """Return what was learned as people and programs look at it: rates are requests a second of newcomers."""
    found = {word: seasons.heaviest(word) for word in (SITE, "path", "country", "asn")}
    return {
        "seconds": round(seasons.lived),
        "hours_of_the_week": sum(seconds >= LEAST for seconds in seasons.kept().seconds),
        "requests_per_second": round(usual.requests, 3),
        "newcomers_per_second": round(found[SITE][0][1], 3) if found[SITE] else 0.0,
        "networks": len(usual.networks),
        "kept": {word: len(rows) for word, rows in found.items()},
        "heaviest": {
            word: [{"key": key.partition(" ")[2], "rate": round(rate, 4)} for key, rate in rows[:3]]
            for word, rows in found.items()
            if word != SITE
        },
    }
