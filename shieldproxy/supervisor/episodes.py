"""Live episodes: the detector of core.episodes fed once a second, so that records name the attack they belong to.

Counts come from the workers' tallies, in the same buckets in which a journal is counted later, so both say the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from shieldproxy.core.episodes import (
    REMEMBERED,
    Detection,
    EpisodePolicy,
    Tally,
    identifiers,
    observe,
    stepped_back,
)
from shieldproxy.core.record import rfc3339
from shieldproxy.core.verdict import Action

if TYPE_CHECKING:
    from shieldproxy.oplog import Log
    from shieldproxy.state.tallies import Totals


# Buckets without an excess after which it is over for the posture: two, for one may be a breath.
LASTING = 2


class LiveEpisodes:
    """Says which episode is open. ``detection`` is what an earlier run knew."""

    def __init__(self, policy: EpisodePolicy, detection: Detection | None = None, *, observing: bool = False) -> None:
        self.detection = detection or Detection()
        self.opened = 0
        self.changed = False
        self.open = _name(self.detection)
        self._policy = policy
        self._observing = observing
        self._at = -1.0
        self._counted = Tally(0.0)

    def adopt(self, policy: EpisodePolicy, *, observing: bool) -> None:
        """Count by ``policy`` from now on. ``observing``: challenges are only written down, so nobody can answer."""
        self._policy, self._observing = policy, observing

    @property
    def excess(self) -> bool:
        """Whether an episode is open and its excess goes on: what is asked for now, not what is smoothed over minutes.

        An episode stays open long after its last excess, so that two waves are one; the posture must not.
        """
        found = self.detection
        return found.open is not None and found.upto - found.open.end < LASTING * self._policy.bucket

    def count(self, before: Totals, now: Totals, wall: float) -> None:
        """Take what was counted in the last second, ``wall`` in unix seconds.

        ``changed`` then tells whether an episode opened or closed.
        """
        bucket = self._policy.bucket
        at = wall // bucket * bucket
        self.changed = at != self._at and self._turn(at)
        requests, stopped, passed = _difference(before, now, observing=self._observing)
        known = self._counted
        self._counted = Tally(at, known.requests + requests, known.stopped + stopped, known.passed + passed)

    def _turn(self, at: float) -> bool:
        """Hand the bucket that is over to the detector, and begin the one at ``at``."""
        over, self._counted, first = self._counted, Tally(at), self._at < 0.0
        self._at = at
        if first:
            return False
        if over.start < self.detection.upto - self._policy.bucket:
            self.detection = stepped_back(self.detection, over.start)
        found = observe(self._policy, self.detection, over)
        self.detection = found._replace(closed=found.closed[-REMEMBERED:])
        before, self.open = self.open, _name(self.detection)
        self.opened += bool(self.open) and self.open != before
        return self.open != before


def say_episode(log: Log, episodes: LiveEpisodes) -> None:
    """Say in the operational log when an episode opened, or the last one is over."""
    if not episodes.changed:
        return
    if episodes.open:
        log.warning("episode", id=episodes.open, state="open")
    else:
        over = episodes.detection.closed[-1:]
        log.info("episode", state="over", ended=rfc3339(over[0].end) if over else "")


def _name(detection: Detection) -> str:
    if detection.open is None:
        return ""
    *_, name = identifiers(rfc3339(span.start)[:10] for span in (*detection.closed, detection.open))
    return name


def _difference(before: Totals, now: Totals, *, observing: bool) -> tuple[int, int, int]:
    """Return requests, those stopped and challenges passed between two totals.

    As attribution.visits counts them in records: what the kernel dropped is in, and in mode observe a challenge that
    nobody sees stops nobody.
    """
    dropped = int(now.counters["offload_dropped"] - before.counters["offload_dropped"])
    requests = sum(now.requests.values()) - sum(before.requests.values())
    let_in = {Action.ADMIT.word, Action.CHALLENGE.word} if observing else {Action.ADMIT.word}
    stopped = sum(count for (action, _), count in now.requests.items() if action not in let_in)
    stopped -= sum(count for (action, _), count in before.requests.items() if action not in let_in)
    passed = sum(count for (_, result), count in now.challenges.items() if result == "passed")
    passed -= sum(count for (_, result), count in before.challenges.items() if result == "passed")
    return requests + dropped, stopped + dropped, passed
