"""Surges and attacks: what tells many people from a botnet, weighed in the open. Pure.

Volume alone tells nothing: news brings as many people as a botnet has machines. What they do differs, and each sign
that speaks is kept with its figure, so that the word can be checked.
"""

from __future__ import annotations

from math import exp
from typing import NamedTuple

# Log-odds from which on a word is said; below it the signs do not suffice.
DECISIVE = 1.0
# So few challenges say nothing.
LEAST_CHALLENGES = 20


class Traits(NamedTuple):
    """What was seen in an episode. Shares are 0 to 1; None: not known.

    ``issued`` and ``passed`` count challenges; ``hosted`` is the share of requests from hosting and VPN networks;
    ``per_address`` requests of one address on average; ``variety`` the entropy of paths, from 0 (one path) to 1
    (each another).
    """

    issued: int = 0
    passed: int = 0
    hosted: float | None = None
    per_address: float | None = None
    variety: float | None = None


class Sign(NamedTuple):
    """One thing that speaks for an attack (above 0) or for people (below 0), in log-odds, and in words."""

    weight: float
    words: str


class Opinion(NamedTuple):
    """``word`` is ``attack``, ``surge`` (people) or ``unclear``; ``odds`` the sum of the signs."""

    word: str
    odds: float
    signs: tuple[Sign, ...]

    @property
    def sureness(self) -> float:
        """How sure, 0.5 to 1: the logistic of the sum. The weights are judgement, not statistics."""
        return 1.0 / (1.0 + exp(-min(30.0, abs(self.odds))))


def weigh(traits: Traits) -> Opinion:
    """Return whether an episode was an attack or a surge of people, with every sign that spoke."""
    signs = tuple(sign for sign in (_answers(traits), _hosts(traits), _pace(traits), _paths(traits)) if sign)
    odds = sum(sign.weight for sign in signs)
    word = "attack" if odds >= DECISIVE else "surge" if odds <= -DECISIVE else "unclear"
    return Opinion(word, odds, signs)


def _answers(traits: Traits) -> Sign | None:
    if traits.issued < LEAST_CHALLENGES:
        return None
    left = max(0.0, 1.0 - traits.passed / traits.issued)
    return Sign(_slope(left, 0.3, 0.95, -3.0, 3.0), f"{100 * left:.1f} % of {traits.issued:,} challenges unanswered")


def _hosts(traits: Traits) -> Sign | None:
    if traits.hosted is None:
        return None
    return Sign(_slope(traits.hosted, 0.1, 0.6, -1.0, 1.5), f"{100 * traits.hosted:.0f} % from hosting or VPN networks")


def _pace(traits: Traits) -> Sign | None:
    if traits.per_address is None:
        return None
    words = f"{traits.per_address:,.1f} requests of each address"
    return Sign(_slope(traits.per_address, 40.0, 400.0, -0.5, 1.5), words)


def _paths(traits: Traits) -> Sign | None:
    """People open a page and all its parts; a flood asks for one path, or for a new one each time."""
    if traits.variety is None:
        return None
    odd = traits.variety < 0.15 or traits.variety > 0.95
    return Sign(0.7 if odd else -0.3, f"variety of paths {traits.variety:.2f} (0: one path, 1: each another)")


def _slope(value: float, low: float, high: float, at_low: float, at_high: float) -> float:
    """Return a straight line between two points, level outside of them."""
    share = min(1.0, max(0.0, (value - low) / (high - low)))
    return at_low + share * (at_high - at_low)
