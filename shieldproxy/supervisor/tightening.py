"""Tightening: what newcomers of each network do is read each second, and networks in excess are marked for workers."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from shieldproxy.core.baselines import Baselines
from shieldproxy.core.cohorts import Calm, Cohort, Cohorts
from shieldproxy.core.excess import Excess, ExcessPolicy
from shieldproxy.core.facts import Posture
from shieldproxy.core.health import Health, felt
from shieldproxy.core.seasons import SITE, Seasons
from shieldproxy.core.traits import Kind, kind_of
from shieldproxy.guard.looks import ASKED, COHORT
from shieldproxy.guard.visits import EXCESS
from shieldproxy.intel.tables import read_classes
from shieldproxy.state.buckets import BucketTable
from shieldproxy.state.memory import NodeMemory, Region
from shieldproxy.state.newcomers import NodeNewcomers
from shieldproxy.state.situation import NodeSituation
from shieldproxy.state.slots import SlotTable
from shieldproxy.state.traits import NodeTraits

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shieldproxy.core.excess import Counted, Mark
    from shieldproxy.core.posture import Detected, Second
    from shieldproxy.oplog import Log
    from shieldproxy.state.learned import Usual
    from shieldproxy.state.tallies import Totals

# Seasons count from the second day on: before, what was usual lately says as much.
DAY = 86_400.0
# Below so many requests a second a network has the floor of a limit with rate = "auto" anyway.
TOLD_RATE = 0.05
# Names of marks that are remembered: all that are renewed each second find room.
SLOTS = 16_384
# Networks whose marks are told singly in one second; a flood from thousands must not fill the log.
TOLD = 10
# Marked networks that are named to people; all of them are in the count.
NAMED = 20


class Change(NamedTuple):
    """Networks that were marked and released in one second, and cohorts that began and ended, for the log."""

    marked: tuple[str, ...] = ()
    released: tuple[int, ...] = ()
    everybody: bool | None = None
    cohorts: tuple[str, ...] = ()
    ended: tuple[str, ...] = ()


class Tightening:
    """Decides each second who is part of the excess, and tells the workers."""

    def __init__(  # noqa: PLR0913 - collaborators
        self,
        newcomers: NodeNewcomers,
        traits: NodeTraits,
        situation: NodeSituation,
        policy: ExcessPolicy,
        *,
        slot: Callable[[str, str], int],
        class_of: Callable[[int], str],
        sample: float,
        usual: Usual,
        seasons: Seasons | None = None,
    ) -> None:
        self._newcomers = newcomers
        self._traits = traits
        self._situation = situation
        self._slot = lru_cache(SLOTS)(slot)
        self._cohorts = Cohorts()
        self._told_rates: frozenset[int] = frozenset()
        self._sample = sample
        self._health = Health()
        self._everybody = False
        self._counts: Mapping[int, Counted] = {}
        self._memory = policy.memory
        self._asked: Mapping[str, int] = {}
        self._wall = 0.0
        self.excess = Excess(policy, self._baselines(usual), class_of)
        self.seasons = seasons or Seasons()

    def _baselines(self, usual: Usual) -> Baselines:
        found = Baselines(self._memory, usual.age, usual.networks)
        found.season = lambda asn: self.seasons.usual(f"asn {asn}", self._wall) if self.seasons.lived > DAY else 0.0
        return found

    def learn(self, posture: Posture, wall: float) -> None:
        """Learn what newcomers asked for in the last second, in which the site stood so; ``wall`` is unix seconds."""
        self._wall = wall
        if posture is not Posture.CALM:
            return
        counts: dict[str, float] = {f"asn {asn}": c.pages + c.others for asn, c in self._counts.items() if asn}
        counts[SITE] = sum(counted.pages + counted.others for counted in self._counts.values())
        counts |= {text: count for text, count in self._asked.items() if kind_of(text) == Kind.PATH}
        self.seasons.learn(counts, wall)

    def know(self, calm: Calm) -> None:
        """Take what pages had in common in calm before this node started."""
        self._cohorts.know(calm)

    def calm(self) -> Calm:
        """Return what pages have in common in calm, for keeping."""
        return self._cohorts.calm()

    def replace(self, usual: Usual, seasons: Seasons) -> None:
        """Take what was learned elsewhere in place of what was learned here."""
        self.excess.baselines = self._baselines(usual)
        self.seasons = seasons

    def count(self, second: Second, before: Totals, after: Totals, posture: Posture, now: float) -> Second:
        """Return ``second`` with what newcomers did in it, and how the origin fared."""
        self._counts = self._newcomers.news()
        self.excess.count(self._counts, now)
        answers = sum(after.origin_duration.counts) - sum(before.origin_duration.counts)
        seconds = after.origin_duration.seconds - before.origin_duration.seconds
        failures = int(after.counters["origin_errors"] - before.counters["origin_errors"])
        learning = posture is Posture.CALM
        self._health = felt(self._health, answers, seconds, failures, learning=learning)
        return second._replace(
            pages=sum(counted.pages for counted in self._counts.values()),
            parts=sum(counted.parts for counted in self._counts.values()),
            suffering=self._health.suffering,
            alone=self.excess.alone(self._counts, now),
        )

    def adopt(self, policy: ExcessPolicy, sample: float) -> None:
        """Decide by ``policy`` from now on; what was learned stays."""
        self.excess.adopt(policy)
        self._sample = sample

    def act(self, detected: Detected, now: float) -> Change:
        """Mark and release networks as ``detected`` asks; return what changed."""
        before = frozenset(self.excess.marks)
        usual = max(0.0, detected.flow.usual_pages)
        self.excess.step(self._counts, detected.posture, usual, now, suffering=self._health.suffering)
        marks, everybody = self.excess.marks, self.excess.everybody(now)
        began, ended = self._point(detected.posture, now)
        calm = detected.posture is Posture.CALM
        elevated = detected.posture is Posture.ELEVATED
        self._situation.tighten(
            (self._slot(EXCESS, str(asn)) for asn in marks),
            now,
            everybody=everybody,
            sample=self._sample if elevated else 0.0,
        )
        released = tuple(before - marks.keys())
        for asn in released:
            self._situation.release(self._slot(EXCESS, str(asn)))
        turned = everybody if everybody is not self._everybody else None
        self._everybody = everybody
        marked = tuple(marks[asn].words(asn) for asn in marks.keys() - before)
        return Change(marked, () if calm else released, turned, began, ended)

    def _point(self, posture: Posture, now: float) -> tuple[tuple[str, ...], tuple[str, ...]]:
        """Look for cohorts and paths in excess, and tell the workers; return in words which began and which ended."""
        found = self._cohorts
        before = {text: cohort.applied for text, cohort in found.cohorts.items()}
        self._asked = self._traits.news()
        found.step(self._asked, posture, now, suffering=self._health.suffering)
        self._situation.point(
            [self._slot(COHORT, text) for text in found.applied()],
            [self._slot(ASKED, text) for text in found.paths],
            now,
            narrow=found.narrow,
        )
        for text in before.keys() - found.cohorts.keys():
            self._situation.release(self._slot(COHORT, text))
        began = tuple(
            cohort.words() for text, cohort in found.cohorts.items() if before.get(text) is not cohort.applied
        )
        return began, tuple(before.keys() - found.cohorts.keys())

    def cohorts(self) -> tuple[Cohort, ...]:
        """Return the cohorts of the excess, the greatest first."""
        return tuple(sorted(self._cohorts.cohorts.values(), key=lambda cohort: -cohort.part))

    def revoke(self, text: str) -> bool:
        """End a cohort at once, until the site has been calm again; False when there is none of that trait."""
        if not self._cohorts.revoke(text):
            return False
        self._situation.release(self._slot(COHORT, text))
        return True

    def tell_usual(self) -> None:
        """Write down for the workers what networks usually ask for, those that ask often enough to be sized by it."""
        rates = {asn: rate for asn, rate in self.excess.baselines.rates().items() if rate >= TOLD_RATE}
        for asn in self._told_rates - rates.keys():
            self._situation.tell_usual(self._slot(EXCESS, str(asn)), 0.0)
        for asn, rate in rates.items():
            self._situation.tell_usual(self._slot(EXCESS, str(asn)), rate)
        self._told_rates = frozenset(rates)

    def words(self, now: float) -> tuple[str, ...]:
        """Return who is part of the excess, the heaviest first, in words for people."""
        heaviest = sorted(self.excess.marks.items(), key=lambda item: -item[1].rate)
        named = tuple(mark.words(asn) for asn, mark in heaviest[:NAMED])
        more = len(heaviest) - len(named)
        shared = tuple(cohort.words() for cohort in self.cohorts())
        everybody = (
            ("everybody: too much comes from networks that are not marked",) if self.excess.everybody(now) else ()
        )
        return (*everybody, *named, *((f"and {more} more networks",) if more else ()), *shared)

    @property
    def marks(self) -> Mapping[int, Mark]:
        """Networks in excess."""
        return self.excess.marks


def tightening_for(  # noqa: PLR0913, PLR0917 - what a node knows of itself
    memory: NodeMemory,
    writer: int,
    policy: ExcessPolicy,
    sample: float,
    usual: Usual,
    seasons: Seasons | None = None,
) -> Tightening:
    """Return the tightening of a node over its ``memory``; ``writer`` is the supervisor's own number there."""
    buckets = BucketTable(SlotTable(memory.region(Region.BUCKETS), writer), memory.secret)
    marks, rates = (SlotTable(memory.region(region), writer) for region in (Region.MARKS, Region.RATES))
    situation = NodeSituation(memory.region(Region.SITUATION), marks, rates)
    classes = read_classes()
    return Tightening(
        NodeNewcomers(memory.region(Region.NEWCOMERS)),
        NodeTraits(memory.region(Region.TRAITS)),
        situation,
        policy,
        slot=buckets.slot,
        class_of=lambda asn: classes.get(asn, "other"),
        sample=sample,
        usual=usual,
        seasons=seasons,
    )


def say_posture(log: Log, detected: Detected) -> None:
    """Say in the operational log that the posture changed, and why."""
    log.warning("posture", posture=detected.posture.value, reason=detected.reason)


def say_change(log: Log, change: Change | None) -> None:
    """Say in the operational log who became part of the excess, and who no longer is."""
    if change is None:
        return
    for words in change.marked[:TOLD]:
        log.warning("network in excess", network=words)
    if len(change.marked) > TOLD:
        log.warning("networks in excess", more=len(change.marked) - TOLD)
    for words in change.cohorts:
        log.warning("cohort of the excess", cohort=words)
    for text in change.ended:
        log.info("no longer a cohort", trait=text)
    if change.released:
        log.info("no longer in excess", networks=[f"AS{asn}" for asn in change.released[:NAMED]])
    if change.everybody is not None:
        log.warning("all newcomers are challenged" if change.everybody else "newcomers are no longer all challenged")
