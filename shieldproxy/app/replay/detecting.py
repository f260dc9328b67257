"""Detecting: how the site would have stood, second by second of the log: posture, and networks in excess.

The detectors are the node's (core.posture, core.excess); what workers and supervisor do over shared memory is done
here in one place. They begin as a node begins that has learned nothing: what is usual they learn from the log. How the
origin fared is not looked at.
"""

from __future__ import annotations

from collections import Counter
from functools import lru_cache
from typing import TYPE_CHECKING

from shieldproxy.core.baselines import Baselines
from shieldproxy.core.excess import Counted, Deed, Excess
from shieldproxy.core.facts import Crawler, Posture
from shieldproxy.core.posture import Detected, Flow, PosturePolicy, Second, Trial, observe
from shieldproxy.guard.crowd import NEWCOMERS, deed_of
from shieldproxy.guard.visits import EXCESS
from shieldproxy.state.learned import Usual
from shieldproxy.state.situation import MARK_SECONDS, MARK_SLOTS, NodeSituation
from shieldproxy.state.slots import SlotTable, bytes_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from shieldproxy.core.excess import ExcessPolicy
    from shieldproxy.core.facts import Facts
    from shieldproxy.core.verdict import Verdict

# A log may be silent for days: so many seconds of a silence are looked at one by one, those after them all at once.
LOOKED_AT = 20
# Networks told apart in one second, as a node's workers do.
MOST_NETWORKS = 4_096
# Times of unrest that are told apart; a log of months has hundreds.
MOST_STORMS = 10_000
# A deed is written below the number of its network.
DEED_BITS = 3
# Plain numbers: to reckon with members of an enumeration takes ten times as long.
DEEDS, ISSUED, PASSED = len(Deed), int(Deed.ISSUED), int(Deed.PASSED)


class PastDetector:
    """Counts what is judged and decides each second. ``slot`` names buckets, ``class_of`` tells a network's class.

    ``sample`` is the share of newcomers who are tested while elevated. ``noted`` are the requests of this second, each
    as ``noted`` of a network and a deed, in their order; ``storms`` from when to when the site was not calm.
    """

    def __init__(
        self,
        posture: PosturePolicy,
        excess: ExcessPolicy,
        sample: float,
        *,
        slot: Callable[[str, str], int],
        class_of: Callable[[int], str],
    ) -> None:
        self.situation = NodeSituation(bytearray(64), SlotTable(bytearray(bytes_for(MARK_SLOTS))))
        self._policy = posture
        self._sample = sample
        self._excess = Excess(excess, Baselines(excess.memory), class_of)
        self._detected = Detected()
        self._second = 0
        self._renewed = 0.0
        self._silent = 0
        self.noted: list[int] = []
        self.storms: list[tuple[float, float]] = []
        self._marks = lru_cache(MARK_SLOTS)(lambda asn: slot(EXCESS, str(asn)))

    def saw(self, facts: Facts, verdict: Verdict) -> None:
        """Count one judged request."""
        self.noted.append(noted(facts.visitor.label.asn, deed_of(facts) if counts(facts, verdict) else 0))

    def challenged(self, asn: int, *, answered: bool) -> None:
        """Count one challenge page, and whether it was answered."""
        network = asn << DEED_BITS
        self.noted.append(network | ISSUED)
        if answered:
            self.noted.append(network | PASSED)

    def end_seconds(self, now: float) -> None:
        """Decide for the second that ended, and the silent ones after it; at once when none ended."""
        last = int(now)
        if last <= self._second:
            return
        # A node begins with its first second.
        for second in range(self._second or last - 1, last):
            if self._silent >= LOOKED_AT and not self._excess.marks and self._detected.posture is Posture.CALM:
                # Nothing more can change but that what is usual becomes less.
                self._detected = rested(self._policy, self._detected, last - second)
                self._excess.baselines.pass_time(last - second)
                break
            self._silent = 0 if self.noted else self._silent + 1
            self._end_second(second + 1.0)
        self._second, self._silent = last, 0

    def learned(self) -> Usual:
        """Return what is usual after all that was counted, as a node keeps it."""
        found, baselines = self._detected, self._excess.baselines
        flow = found.flow
        return Usual(found.usual, flow.usual_pages, flow.usual_parts, found.seen, baselines.age, baselines.rates())

    def _end_second(self, now: float) -> None:
        found, counts = self._counted()
        excess = self._excess
        excess.count(counts, now)
        second = Second(
            found[0] + found[Deed.PAGE] + found[Deed.OTHER] + found[Deed.PART],
            found[ISSUED],
            found[PASSED],
            sum(counted.pages for counted in counts.values()),
            sum(counted.parts for counted in counts.values()),
            alone=excess.alone(counts, now),
        )
        detected = self._detected = observe(self._policy, self._detected, second, now)
        before = frozenset(excess.marks)
        excess.step(counts, detected.posture, max(0.0, detected.flow.usual_pages), now, suffering=False)
        elevated = detected.posture is Posture.ELEVATED
        situation, mark = self.situation, self._marks
        situation.tighten(
            [mark(asn) for asn in self._to_renew(before, now)],
            now,
            everybody=excess.everybody(now),
            sample=self._sample if elevated else 0.0,
        )
        for asn in before - excess.marks.keys():
            situation.release(mark(asn))
        situation.posture = detected.posture
        if detected.posture is not Posture.CALM and len(self.storms) < MOST_STORMS:
            if self.storms and self.storms[-1][1] >= now - 1.0:
                self.storms[-1] = self.storms[-1][0], now
            else:
                self.storms.append((now - 1.0, now))

    def _to_renew(self, before: frozenset[int], now: float) -> Iterable[int]:
        """Return the networks to mark now: new ones, and all of them in time before their marks end."""
        marks = self._excess.marks
        if now >= self._renewed + MARK_SECONDS / 2:
            self._renewed = now
            return marks
        return marks.keys() - before

    def _counted(self) -> tuple[list[int], dict[int, Counted]]:
        """Return what was noted in this second, by deed and by network, and begin the next."""
        if not self.noted:
            return [0] * (DEEDS + 1), {}
        sums = [0] * (DEEDS + 1)
        deeds: dict[int, list[int]] = {}
        for one, times in Counter(self.noted).items():
            asn, deed = one >> DEED_BITS, one & (1 << DEED_BITS) - 1
            sums[deed] += times
            if deed:
                known = asn if asn in deeds or len(deeds) < MOST_NETWORKS else 0
                deeds.setdefault(known, [0] * DEEDS)[deed - 1] += times
        self.noted.clear()
        return sums, {asn: Counted(*row) for asn, row in deeds.items()}


def noted(asn: int, deed: int) -> int:
    """Return a request of a network and what it was (0: nothing that is counted by network) as one number."""
    return asn << DEED_BITS | deed


def counts(facts: Facts, verdict: Verdict) -> bool:
    """Tell whether a request is the deed of a newcomer, as the guard counts them."""
    return verdict.stage in NEWCOMERS and facts.crawler is not Crawler.VERIFIED


def rested(policy: PosturePolicy, detected: Detected, seconds: int) -> Detected:
    """Return what is detected after so many calm seconds without a request: what ``observe`` says of each, at once.

    Each second takes its share of the mean: the product of (1 - 1/s) from s = a + 1 to b is a/b.
    """
    seen = detected.seen + seconds
    young = min(seen, policy.memory)
    left = detected.seen / young if detected.seen < young else 1.0
    left *= (1.0 - 1.0 / policy.memory) ** max(0.0, seen - max(detected.seen, policy.memory))
    flow = detected.flow
    return detected._replace(
        usual=max(0.0, detected.usual) * left,
        rate=0.0,
        challenged=0.0,
        answered=0.0,
        seen=seen,
        flow=Flow(usual_pages=max(0.0, flow.usual_pages) * left, usual_parts=flow.usual_parts * left),
        trial=Trial(),
    )
