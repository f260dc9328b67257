"""The crowd: what newcomers do, by network and by what their pages share, for whoever decides what is an excess."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shieldproxy.core.excess import Deed
from shieldproxy.core.facts import Crawler, Facts, PageKind

if TYPE_CHECKING:
    from shieldproxy.core.ports import Newcomers, Traits
    from shieldproxy.core.verdict import Verdict

# Stages that only newcomers come to whom nothing of their own has stopped: what they ask for would reach the origin.
NEWCOMERS = frozenset(("tightened", "over_shared_limit", "suspicious", "saturated", "admit"))
# By names of this module: to ask an enumeration for a member costs five times as much (Python 3.11).
VERIFIED, PAGE, A_PAGE, PART, OTHER = Crawler.VERIFIED, PageKind.PAGE, Deed.PAGE, Deed.PART, Deed.OTHER


def deed_of(facts: Facts) -> Deed:
    """Return what a newcomer's request counts as."""
    if facts.part:
        return PART
    return A_PAGE if facts.page is PAGE else OTHER


class Crowd:
    """Counts for one worker."""

    __slots__ = ("_newcomers", "_traits")

    def __init__(self, newcomers: Newcomers, traits: Traits) -> None:
        self._newcomers = newcomers
        self._traits = traits

    def saw(self, facts: Facts, verdict: Verdict) -> None:
        """Count a judged request, if it is a newcomer's."""
        if verdict.stage in NEWCOMERS and facts.crawler is not VERIFIED:
            self._newcomers.count(facts.visitor.label.asn, deed_of(facts))
            if facts.traits:
                self._traits.count(facts.traits)

    def challenged(self, facts: Facts) -> None:
        """Count a challenge that was given."""
        self._newcomers.count(facts.visitor.label.asn, Deed.ISSUED)

    def answered(self, facts: Facts) -> None:
        """Count a challenge that was passed."""
        self._newcomers.count(facts.visitor.label.asn, Deed.PASSED)
