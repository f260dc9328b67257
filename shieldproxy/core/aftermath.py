"""Aftermath: whether a change of the configuration hurts, by what came before it and what comes after. Pure.

Two things must not rise: people who have answered a challenge and are refused all the same, and errors of the site.
Both are compared as shares, so that more visitors are no harm.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable


class Fared(NamedTuple):
    """Sums since the node started.

    ``cleared`` are requests of holders of a clearance that were let in, ``refused`` those that were not; ``answers`` of
    the site, and its ``errors``.
    """

    cleared: int = 0
    refused: int = 0
    answers: int = 0
    errors: int = 0

    def since(self, before: Fared) -> Fared:
        """Return what was added since ``before``."""
        return Fared(*(now - then for now, then in zip(self, before, strict=True)))


class AftermathPolicy(NamedTuple):
    """What is too much: this share at least, so many times the share before, and so many cases.

    Fewer than ``cases`` may be one person with one page.
    """

    refused: float = 0.02
    errors: float = 0.05
    times: float = 3.0
    cases: int = 20


def harm(policy: AftermathPolicy, before: Fared, after: Fared) -> str:
    """Return how a change hurts, in words; '' when it does not. Both are what happened in a span of time."""
    refused = _risen(policy, policy.refused, (before.refused, before.cleared), (after.refused, after.cleared))
    if refused:
        return f"of the requests of people who had answered a challenge {refused} were refused"
    errors = _risen(policy, policy.errors, (before.errors, before.answers), (after.errors, after.answers))
    return f"of the requests that reached the site {errors} failed" if errors else ""


def _risen(policy: AftermathPolicy, least: float, before: tuple[int, int], after: tuple[int, int]) -> str:
    bad, good = after
    was, now = _share(*before), _share(bad, good)
    if bad < policy.cases or now < max(least, policy.times * was):
        return ""
    return f"{now:.1%} (before: {was:.1%})"


def _share(bad: int, good: int) -> float:
    return bad / (bad + good) if bad + good else 0.0


class Aftermath:
    """Watches a change for ``span`` seconds; before it, the last minutes are remembered, a value every ten seconds."""

    STEP, KEPT = 10.0, 31

    def __init__(self, policy: AftermathPolicy | None = None) -> None:
        self._policy = policy or AftermathPolicy()
        self._past: list[tuple[float, Fared]] = []
        self._before = Fared()
        self._begun: Fared | None = None
        self._until = 0.0
        self._undo: Callable[[], None] | None = None

    def begin(self, fared: Fared, now: float, span: float, undo: Callable[[], None]) -> None:
        """A change was taken: from now on it is watched for ``span`` seconds (0: not at all)."""
        first = self._past[0][1] if self._past else fared
        self._before, self._begun, self._until, self._undo = fared.since(first), fared, now + span, undo
        if not span:
            self._begun = None

    def look(self, fared: Fared, now: float) -> str:
        """Take the sums of now; when the change hurts undo it, and return why; else ''."""
        if not self._past or now - self._past[-1][0] >= self.STEP:
            self._past = [*self._past[-self.KEPT + 1 :], (now, fared)]
        if self._begun is None:
            return ""
        if now >= self._until:
            self._begun = None
            return ""
        why = harm(self._policy, self._before, fared.since(self._begun))
        if why and self._undo is not None:
            self._begun = None
            self._undo()
        return why
