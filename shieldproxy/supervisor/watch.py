"""The watch: once a second the node's tallies are read, the last minute kept, and the posture decided."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

from shieldproxy.core.posture import Detected, PosturePolicy, Second, observe
from shieldproxy.state.tallies import Totals, read_totals

if TYPE_CHECKING:
    from collections.abc import Mapping

    from shieldproxy.core.facts import Posture
    from shieldproxy.state.situation import NodeSituation

MINUTE = 60


class Watch:
    """Reads what workers count and says how the site stands."""

    def __init__(self, tallies: memoryview, situation: NodeSituation, policy: PosturePolicy) -> None:
        self._tallies = tallies
        self._situation = situation
        self._policy = policy
        self._detected = Detected()
        self._minute: deque[Totals] = deque(maxlen=MINUTE + 1)
        self.totals = read_totals(tallies)
        self._minute.append(self.totals)

    @property
    def detected(self) -> Detected:
        """The posture and the reason for it."""
        return self._detected

    @property
    def posture(self) -> Posture:
        """The posture in force."""
        return self._detected.posture

    def tick(self, now: float) -> bool:
        """Take the counts of one more second; True when the posture changed."""
        before, self.totals = self.totals, read_totals(self._tallies)
        self._minute.append(self.totals)
        second = Second(
            requests=sum(self.totals.requests.values()) - sum(before.requests.values()),
            # Given, not judged: in observe mode nobody gets to see one, so nobody can answer it.
            challenged=ended_in("issued", self.totals) - ended_in("issued", before),
            answered=ended_in("passed", self.totals) - ended_in("passed", before),
        )
        posture = self._detected.posture
        self._detected = observe(self._policy, self._detected, second, now)
        self._situation.posture = self._detected.posture
        return self._detected.posture is not posture

    def last_minute(self) -> dict[str, int]:
        """Return requests by action in the last minute."""
        first = by_action(self._minute[0])
        return {action: count - first[action] for action, count in by_action(self.totals).items()}

    def networks_last_minute(self) -> Mapping[int, tuple[int, ...]]:
        """Return requests by action of the heaviest ASNs in the last minute."""
        first = self._minute[0].networks
        return {
            asn: tuple(max(0, now - then) for now, then in zip(counts, first.get(asn, (0,) * len(counts)), strict=True))
            for asn, counts in self.totals.networks.items()
        }


def by_action(totals: Totals) -> dict[str, int]:
    """Return requests by action since the node started."""
    counts = dict.fromkeys(("admit", "challenge", "throttle", "refuse", "drop"), 0)
    for (action, _), count in totals.requests.items():
        counts[action] += count
    return counts


def ended_in(result: str, totals: Totals) -> int:
    """Return challenges that had ``result`` since the node started."""
    return sum(count for (_, found), count in totals.challenges.items() if found == result)
