"""Detecting: how the site would have stood, second by second of the log: posture, and networks in excess.

The detectors are the node's (core.posture, core.excess); what workers and supervisor do over shared memory is done
here in one place. They begin as a node begins that has learned nothing: what is usual they learn from the log. How the
origin fared is not looked at.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shieldproxy.core.baselines import Baselines
from shieldproxy.core.excess import Counted, Deed, Excess
from shieldproxy.core.facts import Crawler, Posture
from shieldproxy.core.posture import Detected, Second, observe
from shieldproxy.guard.crowd import NEWCOMERS, deed_of
from shieldproxy.guard.visits import EXCESS
from shieldproxy.state.situation import MARK_SLOTS, NodeSituation
from shieldproxy.state.slots import SlotTable, bytes_for

if TYPE_CHECKING:
    from collections.abc import Callable

    from shieldproxy.core.excess import ExcessPolicy
    from shieldproxy.core.facts import Facts
    from shieldproxy.core.posture import PosturePolicy
    from shieldproxy.core.verdict import Verdict

# A log may be silent for days; after so many seconds without a request every posture has fallen back to calm.
MOST_SILENCE = 120
# Networks told apart in one second, as a node's workers do.
MOST_NETWORKS = 4_096


class PastDetector:
    """Counts what is judged and decides each second. ``slot`` names buckets, ``class_of`` tells a network's class.

    ``sample`` is the share of newcomers who are tested while elevated.
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
        self._slot = slot
        self._excess = Excess(excess, Baselines(excess.memory), class_of)
        self._detected = Detected()
        self._second = 0
        self._begin()

    def _begin(self) -> None:
        self._requests = self._challenged = self._answered = 0
        self._deeds: dict[int, list[int]] = {}

    def saw(self, facts: Facts, verdict: Verdict) -> None:
        """Count one judged request."""
        self._requests += 1
        if verdict.stage in NEWCOMERS and facts.crawler is not Crawler.VERIFIED:
            self._count(facts.visitor.label.asn, deed_of(facts))

    def challenged(self, asn: int, *, answered: bool) -> None:
        """Count one challenge page, and whether it was answered."""
        self._challenged += 1
        self._count(asn, Deed.ISSUED)
        if answered:
            self._answered += 1
            self._count(asn, Deed.PASSED)

    def _count(self, asn: int, deed: Deed) -> None:
        counts = self._deeds.get(asn)
        if counts is None:
            known = asn if len(self._deeds) < MOST_NETWORKS else 0
            counts = self._deeds.setdefault(known, [0] * len(Deed))
        counts[deed - 1] += 1

    def end_seconds(self, now: float) -> None:
        """Decide for the second that ended, and the silent ones after it; at once when none ended."""
        last = int(now)
        if last <= self._second:
            return
        for second in range(max(self._second, last - MOST_SILENCE), last):
            self._end_second(second + 1.0)
        self._second = last

    def _end_second(self, now: float) -> None:
        counts = {asn: Counted(*deeds) for asn, deeds in self._deeds.items()}
        excess = self._excess
        excess.count(counts, now)
        second = Second(
            self._requests,
            self._challenged,
            self._answered,
            sum(counted.pages for counted in counts.values()),
            sum(counted.parts for counted in counts.values()),
            alone=excess.alone(counts, now),
        )
        self._begin()
        detected = self._detected = observe(self._policy, self._detected, second, now)
        before = frozenset(excess.marks)
        excess.step(counts, detected.posture, max(0.0, detected.flow.usual_pages), now, suffering=False)
        elevated = detected.posture is Posture.ELEVATED
        situation, slot = self.situation, self._slot
        situation.tighten(
            (slot(EXCESS, str(asn)) for asn in excess.marks),
            now,
            everybody=excess.everybody(now),
            sample=self._sample if elevated else 0.0,
        )
        for asn in before - excess.marks.keys():
            situation.release(slot(EXCESS, str(asn)))
        situation.posture = detected.posture
