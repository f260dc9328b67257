"""Excess: which networks ask far more than they usually do, and whether what comes from them behaves like people. Pure.

A network is marked when what newcomers from it asked in the last seconds is beyond its own usual by far. While the site
is under attack little suffices, while it is elevated only networks that rent out computers are marked, in calm none. A
mark has newcomers answer one challenge; a network whose newcomers answer loses it.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

from shieldproxy.core.baselines import Baselines
from shieldproxy.core.facts import Posture

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

RENTED = frozenset(("hosting", "vpn"))


class Deed(IntEnum):
    """What newcomers do, by its place in Counted, from 1."""

    PAGE = 1
    OTHER = 2
    PART = 3
    ISSUED = 4
    PASSED = 5


class Counted(NamedTuple):
    """What newcomers of one network did in one second.

    ``pages`` they asked for, ``parts`` that followed pages they were let in to, ``others``: anything else; challenges
    they were given (``issued``) and ``passed``.
    """

    pages: int = 0
    others: int = 0
    parts: int = 0
    issued: int = 0
    passed: int = 0


class ExcessPolicy(NamedTuple):
    """When a network is marked. Times are seconds.

    ``memory`` is over how long a network's usual is learned, ``window`` over how long its excess is counted. Marked is
    who asked more than ``factor`` times the usual and ``few`` requests (``more`` when parts follow its pages, as with
    browsers) while under attack, and ``elevated_factor`` times and ``elevated_few`` while elevated. ``alone`` is the
    rate from which a network that brings no parts is part of an attack while nothing is known of it yet. ``released``
    is the share of answered challenges that ends a mark, for ``trust`` seconds; ``hold`` how long a mark outlasts its
    excess while under attack, ``easing`` after it. ``everybody`` is how many times the usual pages may still come
    from networks that are not marked.
    """

    memory: float = 3_600.0
    window: float = 20.0
    factor: float = 3.0
    few: float = 4.0
    more: float = 12.0
    elevated_factor: float = 5.0
    elevated_few: float = 10.0
    alone: float = 5.0
    released: float = 0.5
    trust: float = 60.0
    hold: float = 300.0
    easing: float = 30.0
    everybody: float = 3.0
    everybody_floor: float = 20.0
    everybody_hold: float = 30.0


class Recent(NamedTuple):
    """What a network did lately; older things count less. ``at`` is when it was counted last."""

    asked: float = 0.0
    pages: float = 0.0
    parts: float = 0.0
    at: float = 0.0


class Mark(NamedTuple):
    """A network that is part of the excess: since and until when, and what became of its challenges."""

    since: float
    until: float
    rate: float
    usual: float
    issued: int = 0
    passed: int = 0

    def words(self, asn: int) -> str:
        """Say it for people: ``AS64500: 41x its usual 0.3/s, 2% of its challenges answered``."""
        than = f"{self.rate / self.usual:.0f}x its usual {self.usual:.2g}/s" if self.usual >= 0.01 else "unseen before"
        left = f", {self.passed / self.issued:.0%} of its challenges answered" if self.issued else ""
        return f"AS{asn}: {self.rate:.3g}/s, {than}{left}"


# Younger than this the site has no usual to compare with, in seconds.
YOUNG = 60.0
# A page brings parts that a browser fetches: with fewer than this for a page nobody looks at them.
PARTS_OF_A_PAGE = 0.5
# Most networks that are marked at once; beyond it everybody is part of the excess.
MOST_MARKS = 4_096


class Excess:
    """The detector of networks; ``step`` is called each second."""

    def __init__(self, policy: ExcessPolicy, baselines: Baselines, class_of: Callable[[int], str]) -> None:
        self._policy = policy
        self.baselines = baselines
        self._class_of = class_of
        self._recent: dict[int, Recent] = {}
        self._trusted: dict[int, float] = {}
        self.marks: dict[int, Mark] = {}
        self._everybody_until = 0.0
        self._left_over = 0.0
        self._before = Posture.CALM

    def adopt(self, policy: ExcessPolicy) -> None:
        """Decide by ``policy`` from now on; how long networks are remembered stays until the next start."""
        self._policy = policy

    def everybody(self, now: float) -> bool:
        """Tell whether all newcomers are to be challenged, because too much comes from networks that are not marked."""
        return now < self._everybody_until

    def alone(self, counts: Mapping[int, Counted], now: float) -> str:
        """Return, while nothing is known of this site yet, the network that a flood comes from, in words; or ''.

        It asked for too much lately and in the second of ``counts``: what is over is no attack.
        """
        if self.baselines.age > YOUNG:
            return ""
        for asn, counted in counts.items():
            recent = self._faded(asn, now)
            rate = min(recent.asked / self._span, float(counted.pages + counted.others))
            if rate >= self._policy.alone and bare(recent) and asn and asn not in self._trusted:
                return f"AS{asn}: {rate:.0f} requests/s for pages without their parts"
        return ""

    def count(self, counts: Mapping[int, Counted], now: float) -> None:
        """Take what was counted in the second that ends ``now``."""
        for asn, counted in counts.items():
            before = self._faded(asn, now)
            self._recent[asn] = Recent(
                before.asked + counted.pages + counted.others,
                before.pages + counted.pages,
                before.parts + counted.parts,
                now,
            )
            mark = self.marks.get(asn)
            if mark is not None and (counted.issued or counted.passed):
                self.marks[asn] = mark._replace(
                    issued=mark.issued + counted.issued, passed=mark.passed + counted.passed
                )
        if len(self._recent) > 2 * MOST_MARKS:
            self._recent = {
                asn: recent for asn, recent in self._recent.items() if now - recent.at < self._policy.window
            }

    def step(
        self, counts: Mapping[int, Counted], posture: Posture, usual_pages: float, now: float, *, suffering: bool
    ) -> None:
        """Mark, release and learn; ``counts`` were given to ``count`` before. ``usual_pages`` a second is the site's.

        ``suffering`` says that the origin is slow or fails: under attack all newcomers are challenged then.
        """
        if posture is Posture.CALM:
            self.marks.clear()
            self._everybody_until = 0.0
        else:
            self._mark(counts, posture, now)
            self._release(posture, now)
            self._look_at_the_rest(counts, posture, usual_pages, now, suffering=suffering)
        self._learn(counts, posture)
        self._before = posture

    def _mark(self, counts: Mapping[int, Counted], posture: Posture, now: float) -> None:
        policy = self._policy
        # Whoever asked nothing in this second exceeds nothing now that was no excess before.
        for asn in counts if posture is self._before else self._recent:
            if asn == 0:
                continue
            recent = self._faded(asn, now)
            usual = self.baselines.usual(asn)
            if recent.asked <= self._allowed(asn, recent, usual, posture) or now < self._trusted.get(asn, 0.0):
                continue
            old = self.marks.get(asn)
            rate = max(recent.asked / self._span, old.rate if old else 0.0)
            if old is not None:
                self.marks[asn] = old._replace(until=now + policy.hold, rate=rate)
            elif len(self.marks) < MOST_MARKS:
                self.marks[asn] = Mark(now, now + policy.hold, rate, usual)

    def _allowed(self, asn: int, recent: Recent, usual: float, posture: Posture) -> float:
        """Return how many requests of the last ``window`` seconds are not yet an excess."""
        policy = self._policy
        expected = usual * self._span
        if posture is Posture.UNDER_ATTACK:
            return policy.factor * expected + (policy.few if bare(recent) else policy.more)
        if self._class_of(asn) in RENTED and bare(recent):
            return policy.elevated_factor * expected + policy.elevated_few
        return math.inf

    def _release(self, posture: Posture, now: float) -> None:
        """End marks that are over, and those whose newcomers answer: a crowd, not a flood."""
        policy = self._policy
        for asn, mark in [*self.marks.items()]:
            if mark.passed and mark.passed >= policy.released * mark.issued:
                self._trusted[asn] = now + policy.trust
                del self.marks[asn]
            elif now >= mark.until - (policy.hold - policy.easing if posture is Posture.ELEVATED else 0.0):
                del self.marks[asn]
        if len(self._trusted) > MOST_MARKS:
            self._trusted.clear()

    def _look_at_the_rest(
        self, counts: Mapping[int, Counted], posture: Posture, usual_pages: float, now: float, *, suffering: bool
    ) -> None:
        """Decide whether marking networks suffices."""
        policy = self._policy
        rest = sum(counted.pages for asn, counted in counts.items() if asn not in self.marks)
        if posture is not Posture.UNDER_ATTACK:
            return
        self._left_over = (self._left_over + rest) / 2 if self._before is posture else float(rest)
        enough = max(policy.everybody_floor, policy.everybody * usual_pages)
        if suffering or self._left_over > enough or len(self.marks) >= MOST_MARKS:
            self._everybody_until = now + policy.everybody_hold

    def _learn(self, counts: Mapping[int, Counted], posture: Posture) -> None:
        """Learn the usual of networks that are not part of an excess; the time of an attack is not lived at all."""
        if posture is Posture.UNDER_ATTACK:
            return
        self.baselines.pass_time(1.0)
        for asn, counted in counts.items():
            asked = counted.pages + counted.others
            if asked and asn and asn not in self.marks:
                self.baselines.learn(asn, asked, 1.0 if posture is Posture.CALM else 10.0)

    def _faded(self, asn: int, now: float) -> Recent:
        recent = self._recent.get(asn)
        if recent is None:
            return Recent(at=now)
        if now <= recent.at:
            return recent
        factor = math.exp((recent.at - now) / self._policy.window)
        return Recent(recent.asked * factor, recent.pages * factor, recent.parts * factor, recent.at)

    @property
    def _span(self) -> float:
        """Seconds that the fading counts stand for: those of the window, in a steady stream."""
        return self._policy.window


def bare(recent: Recent) -> bool:
    """Tell whether pages are asked for without their parts: what is not a browser, or one that has been here."""
    return recent.parts < PARTS_OF_A_PAGE * recent.pages or recent.pages == 0.0
