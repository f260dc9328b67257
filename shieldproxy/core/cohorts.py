"""Cohorts: what the clients of an excess share and people in calm do not, and the paths the excess asks for. Pure.

While the site is not calm, each trait (core.traits) of newcomers' pages is held against its share in calm. One that a
good part of the excess has and hardly anybody in calm is a **cohort**: while elevated it is proposed, under attack it
is applied, and newcomers of it are challenged whatever their network. It ends with the excess.

Paths are looked at in the same counts: when those that are asked for far more than usual explain the excess, newcomers
of networks in excess are challenged on these paths only, so that people who share a network with bots are left alone.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from shieldproxy.core.facts import Posture
from shieldproxy.core.traits import Kind, kind_of

if TYPE_CHECKING:
    from collections.abc import Collection

# Traits known at once, of calm and of late; those of most pages are kept.
MOST, KEPT = 8_192, 6_144
# What was counted lately is learned as calm after so many seconds, for an attack is noticed some seconds late.
DELAY = 10
# Faded below this (pages in the window) a trait is forgotten.
LEAST = 0.01


class CohortPolicy(NamedTuple):
    """When a trait is a cohort. Times are seconds.

    ``memory`` is over how long calm is remembered, ``window`` over how long the excess is counted. A cohort has
    ``share`` of the excess at least, and in calm less than ``rare`` of the pages; ``seen`` are pages of calm below
    which nobody knows that (with none among three thousand it is less than 0.1 % with a certainty of 95 %), and then it
    is only proposed. ``floor`` is the excess (pages in the window) below which nothing is looked at; ``most`` how many
    cohorts there are at once, ``hold`` how long one outlasts its excess. A path is in excess beyond ``factor`` times
    the usual and ``few`` pages in the window; ``rest`` and ``rest_floor`` say how many times the usual pages, and how
    many a second, may come for all other paths together, or the paths do not explain it.
    """

    memory: float = 86_400.0
    window: float = 20.0
    share: float = 0.2
    rare: float = 0.001
    seen: float = 3_000.0
    floor: float = 100.0
    most: int = 8
    hold: float = 60.0
    factor: float = 3.0
    few: float = 10.0
    rest: float = 3.0
    rest_floor: float = 20.0


class Cohort(NamedTuple):
    """A trait that an excess shares: since and until when, its part of the excess, and of the pages in calm.

    ``applied``: newcomers who have it are challenged; else it is proposed, and ``why_not`` says why.
    """

    trait: str
    since: float
    until: float
    part: float
    usual: float
    applied: bool = False
    why_not: str = ""

    def words(self) -> str:
        """Say it for people."""
        done = "challenged" if self.applied else f"proposed ({self.why_not})"
        return f"{self.trait}: {self.part:.0%} of the excess, {self.usual:.2%} of pages in calm; {done}"


class Calm(NamedTuple):
    """What was learned of calm: over how many seconds, and the pages by trait ('' for all of them), fading."""

    age: float = 0.0
    pages: Mapping[str, float] = {}


class _Sum(NamedTuple):
    """Pages as they were at a moment, fading since."""

    pages: float
    at: float


class Fading:
    """Sums that fade with ``memory`` seconds, a bounded number of them."""

    def __init__(self, memory: float) -> None:
        self._memory = memory
        self._sums: dict[str, _Sum] = {}
        self.left_out = 0

    def add(self, key: str, pages: float, now: float) -> None:
        """Add to the sum of ``key``."""
        self._sums[key] = _Sum(self.value(key, now) + pages, now)
        if len(self._sums) > MOST:
            self._bound(now)

    def value(self, key: str, now: float) -> float:
        """Return the sum of ``key`` at ``now``, 0 for one that is not known."""
        found = self._sums.get(key)
        return 0.0 if found is None else found.pages * math.exp((found.at - now) / self._memory)

    def items(self, now: float) -> dict[str, float]:
        """Return all sums at ``now``; those that have faded away are forgotten."""
        found = {key: self.value(key, now) for key in self._sums}
        for key in [key for key, pages in found.items() if pages < LEAST]:
            del self._sums[key], found[key]
        return found

    def __len__(self) -> int:
        """Return how many sums there are."""
        return len(self._sums)

    def _bound(self, now: float) -> None:
        heaviest = sorted(self.items(now).items(), key=lambda item: -item[1])
        self.left_out += max(0, len(heaviest) - KEPT)
        self._sums = {key: _Sum(pages, now) for key, pages in heaviest[:KEPT]}


ALL = ""


class Cohorts:
    """The detector; ``step`` is called each second with the pages counted in it, by trait, '' for all of them."""

    def __init__(self, policy: CohortPolicy | None = None) -> None:
        self._policy = policy or CohortPolicy()
        self._calm = Fading(self._policy.memory)
        self._lately = Fading(self._policy.window)
        self._waiting: deque[Mapping[str, int]] = deque(maxlen=DELAY)
        self._age = 0.0
        self.cohorts: dict[str, Cohort] = {}
        self.revoked: set[str] = set()
        self.paths: frozenset[str] = frozenset()
        self.narrow = False

    def step(self, counts: Mapping[str, int], posture: Posture, now: float, *, suffering: bool = False) -> None:
        """Take what was counted in the second that ends ``now``; then say who is a cohort, and which paths matter."""
        for text, pages in counts.items():
            self._lately.add(text, pages, now)
        if posture is Posture.CALM:
            self.cohorts.clear()
            self.revoked.clear()
            self.paths, self.narrow = frozenset(), False
            self._learn(counts)
            return
        self._waiting.clear()
        lately = self._lately.items(now)
        self._find_paths(lately, posture, suffering=suffering)
        self._find_cohorts(lately, posture, now)

    def calm(self) -> Calm:
        """Return what was learned of calm, for keeping."""
        return Calm(self._age, self._calm.items(self._age))

    def know(self, calm: Calm) -> None:
        """Take what was learned before in place of what is known."""
        self._calm, self._age = Fading(self._policy.memory), calm.age
        for text, pages in calm.pages.items():
            self._calm.add(text, pages, calm.age)

    def revoke(self, text: str) -> bool:
        """End a cohort until the site has been calm again; False when there is none of that trait."""
        if self.cohorts.pop(text, None) is None:
            return False
        self.revoked.add(text)
        return True

    def usual(self, text: str) -> float:
        """Return the share of the pages in calm that had a trait."""
        whole = self._calm.value(ALL, self._age)
        return self._calm.value(text, self._age) / whole if whole else 0.0

    def applied(self) -> tuple[str, ...]:
        """Return the traits whose newcomers are challenged."""
        return tuple(text for text, cohort in self.cohorts.items() if cohort.applied)

    def _learn(self, counts: Mapping[str, int]) -> None:
        if len(self._waiting) == DELAY:
            self._age += 1.0
            for text, pages in self._waiting[0].items():
                self._calm.add(text, pages, self._age)
        self._waiting.append(counts)

    def _expected(self, text: str) -> float:
        """Return how many pages with a trait a window has in calm."""
        span = self._policy.memory * -math.expm1(-max(1.0, self._age) / self._policy.memory)
        return self._calm.value(text, self._age) / span * self._policy.window

    def _find_paths(self, lately: Mapping[str, float], posture: Posture, *, suffering: bool) -> None:
        policy = self._policy
        paths = {text: pages for text, pages in lately.items() if kind_of(text) == Kind.PATH}
        self.paths = frozenset(
            text for text, pages in paths.items() if pages > policy.factor * self._expected(text) + policy.few
        )
        rest = sum(pages for text, pages in paths.items() if text not in self.paths)
        enough = max(policy.rest_floor * policy.window, policy.rest * self._expected(ALL))
        under_attack = posture is Posture.UNDER_ATTACK
        self.narrow = under_attack and not suffering and bool(self.paths) and rest <= enough

    def _find_cohorts(self, lately: Mapping[str, float], posture: Posture, now: float) -> None:
        policy = self._policy
        excess = lately.get(ALL, 0.0) - self._expected(ALL)
        known = self._calm.value(ALL, self._age) >= policy.seen
        for text in self._shared(lately, excess):
            part = min(1.0, (lately[text] - self._expected(text)) / excess)
            usual = self.usual(text)
            if usual >= policy.rare or " " not in text:
                continue
            why_not = self._why_not(posture, known=known)
            old = self.cohorts.get(text)
            if old is None and len(self.cohorts) >= policy.most:
                continue
            since, applied = (old.since, old.applied) if old else (now, False)
            self.cohorts[text] = Cohort(
                text, since, now + policy.hold, part, usual, applied or not why_not, "" if applied else why_not
            )
        for text in [text for text, cohort in self.cohorts.items() if now >= cohort.until]:
            del self.cohorts[text]

    def _shared(self, lately: Mapping[str, float], excess: float) -> Collection[str]:
        """Return the traits that a good part of the excess has, the commonest first."""
        policy = self._policy
        if excess < policy.floor:
            return ()
        found = [
            text
            for text, pages in lately.items()
            if text and text not in self.revoked and pages - self._expected(text) >= policy.share * excess
        ]
        return sorted(found, key=lambda text: -lately[text])

    def _why_not(self, posture: Posture, *, known: bool) -> str:
        if not known:
            return "too few pages were seen in calm to say that people never have it"
        return "" if posture is Posture.UNDER_ATTACK else "the site is not under attack"
