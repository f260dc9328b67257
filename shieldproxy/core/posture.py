"""Posture: how the site stands, decided once a second from what was counted in it. Pure: counts in, posture out.

Two signs, both against this site's own usual: requests a second, and challenges that nobody answers. The usual is
a mean over the last minutes that learns slowly from an excess and never from an attack, so that an attack does not
become the usual, and a site that has grown does not stay elevated for ever. Hysteresis (two thresholds) and a hold
time keep the posture from flapping.
"""

from __future__ import annotations

import math
from typing import NamedTuple

from shieldproxy.core.facts import Posture


class Second(NamedTuple):
    """What was counted in one second over all workers. ``answered`` are challenges passed."""

    requests: int = 0
    challenged: int = 0
    answered: int = 0


class PosturePolicy(NamedTuple):
    """When the posture changes.

    ``memory`` is seconds over which the usual is learned; ``floor`` requests a second below which nothing is an
    attack; ``elevated`` and ``attack`` factors over the usual; ``unanswered`` the share of challenges left unanswered
    that makes an excess an attack; ``ignored`` the share of all requests that, ended at a challenge nobody answers,
    are an attack without any excess; ``hold`` seconds that a posture lasts at least after its last sign.
    """

    memory: float = 600.0
    smoothing: float = 5.0
    floor: float = 20.0
    elevated: float = 2.0
    attack: float = 3.0
    unanswered: float = 0.5
    ignored: float = 0.25
    hold: float = 30.0


class Detected(NamedTuple):
    """The detector's whole memory; a value, so that a journal replayed gives the same answers."""

    posture: Posture = Posture.CALM
    usual: float = -1.0
    rate: float = 0.0
    challenged: float = 0.0
    answered: float = 0.0
    held_until: float = 0.0
    reason: str = "as usual"
    seen: int = 0


STRICTNESS = {Posture.CALM: 0, Posture.ELEVATED: 1, Posture.UNDER_ATTACK: 2}


def observe(policy: PosturePolicy, before: Detected, second: Second, now: float) -> Detected:
    """Return what is detected after one more second. ``now`` is seconds of any clock that does not go back."""
    weight = 1.0 - math.exp(-1.0 / policy.smoothing)
    rate = before.rate + weight * (second.requests - before.rate)
    challenged = before.challenged + weight * (second.challenged - before.challenged)
    answered = before.answered + weight * (second.answered - before.answered)
    usual = before.usual if before.usual >= 0.0 else float(second.requests)
    seen = before.seen + 1
    sign, reason = signs(policy, rate, usual, challenged, answered)
    posture, held_until = before.posture, before.held_until
    if STRICTNESS[sign] >= STRICTNESS[posture]:
        posture = sign
        held_until = now + policy.hold if sign is not Posture.CALM else 0.0
    elif now >= held_until:
        posture = Posture.ELEVATED if posture is Posture.UNDER_ATTACK else sign
        held_until = now + policy.hold
    else:
        reason = before.reason
    served = max(0, second.requests - max(0, second.challenged - second.answered))
    usual += (served - usual) * eagerness(policy, sign, seen)
    return Detected(posture, usual, rate, challenged, answered, held_until, reason, seen)


# How much slower an excess is learned: with a memory of ten minutes, six times the usual is usual after an hour.
RELUCTANCE = 10.0
# Seconds after the start in which the usual is anybody's guess.
FIRST_SECONDS = 10


def eagerness(policy: PosturePolicy, sign: Posture, seen: int) -> float:
    """Return how much of one second becomes the usual; ``seen`` is how many seconds were observed so far.

    A node that has just started takes the plain mean of what it saw, or its first, nearly empty second would make
    everything after it an excess.
    """
    if sign is Posture.UNDER_ATTACK:
        return 0.0
    if seen <= FIRST_SECONDS:
        return 1.0 / seen
    if sign is Posture.ELEVATED:
        return 1.0 / (policy.memory * RELUCTANCE)
    return 1.0 / min(float(seen), policy.memory)


def signs(policy: PosturePolicy, rate: float, usual: float, challenged: float, answered: float) -> tuple[Posture, str]:
    """Return the posture this second asks for, and why in words for people."""
    if rate < policy.floor:
        return Posture.CALM, "as usual"
    excess = rate / max(usual, policy.floor / policy.attack)
    words = f"{rate:.0f} requests/s, {excess:.1f} times the usual {usual:.0f}/s"
    left = 1.0 - answered / challenged if challenged > 0.0 else 0.0
    if excess >= policy.elevated and challenged >= 1.0 and left >= policy.unanswered:
        return Posture.UNDER_ATTACK, f"{words}; {left:.0%} of challenges unanswered"
    ignored = (challenged - answered) / rate
    if ignored >= policy.ignored:
        return Posture.UNDER_ATTACK, f"{rate:.0f} requests/s; {ignored:.0%} of them end at a challenge, unanswered"
    return (Posture.ELEVATED, words) if excess >= policy.elevated else (Posture.CALM, "as usual")
