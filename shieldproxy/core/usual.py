"""The usual: how many requests a site has at a time of day, learned from counts of short buckets of time. Pure.

One value for each quarter of an hour of the day, and over all of them a drift that follows the last hours, so that
night, morning and Monday are as usual. A time of day that was never seen is judged by the last minutes.
"""

from __future__ import annotations

from math import exp, log, sqrt
from typing import NamedTuple

SLOTS = 96
DAY = 86_400.0
UNKNOWN = -1.0
# Deviations of a log-ratio: what a site is taken for at first, and the least that is believed.
FIRST_VARIANCE, LEAST_VARIANCE = 0.04, 0.0025
# Seconds over which the spread of counts is learned at first; later a day.
HOUR = 3_600.0


class UsualPolicy(NamedTuple):
    """How the usual is learned, in seconds.

    ``bucket`` is how long one count lasts; ``memory`` how much of one time of day is remembered (900 are a day);
    ``drift`` over how long all of them are moved; ``recent`` what stands in for a time of day that was never seen;
    ``young`` how long little is called unusual: until then a count is, once ``early`` seconds were seen and ``least``
    requests a second are usual, from ``beginner`` times the usual on.
    """

    bucket: float = 10.0
    memory: float = 4_500.0
    drift: float = 3_600.0
    recent: float = 900.0
    young: float = 300.0
    early: float = 30.0
    least: float = 5.0
    beginner: float = 8.0


class Usual(NamedTuple):
    """What was learned. ``known`` is the value of the slot at hand, written to ``slots`` when that is over."""

    slots: tuple[float, ...] = (UNKNOWN,) * SLOTS
    slot: int = 0
    known: float = UNKNOWN
    recent: float = UNKNOWN
    drift: float = 0.0
    variance: float = FIRST_VARIANCE
    seen: float = 0.0


class Deviation(NamedTuple):
    """How one count differs: log of the ratio to ``usual``, and that in usual deviations.

    ``seasonal`` when the time of day was known before; ``odd`` when it is too much to be learned as it is, though too
    little is known to call it unusual.
    """

    usual: float
    ratio: float
    score: float
    seasonal: bool
    odd: bool = False


def turn(usual: Usual, start: float) -> Usual:
    """Return ``usual`` turned to the time of day of ``start`` (unix seconds)."""
    slot = int(start % DAY * SLOTS / DAY)
    if slot == usual.slot:
        return usual
    slots = (*usual.slots[: usual.slot], usual.known, *usual.slots[usual.slot + 1 :])
    return usual._replace(slots=slots, slot=slot, known=slots[slot])


def compare(policy: UsualPolicy, usual: Usual, requests: int) -> Deviation:
    """Return how a count of ``requests`` differs from what is usual at the time ``usual`` is turned to."""
    before = usual.slots[usual.slot]
    seasonal = before >= 0.0
    expected = (usual.known + 1.0) * exp(usual.drift) - 1.0 if seasonal else usual.recent
    if expected < 0.0:
        return Deviation(0.0, 0.0, 0.0, seasonal)
    ratio = log((requests + 1.0) / (expected + 1.0))
    if usual.seen < policy.young and ratio < log(policy.beginner):
        odd = begun(policy, usual, expected) and ratio >= log(policy.beginner) / 2
        return Deviation(expected, 0.0, 0.0, seasonal, odd)
    if usual.seen < policy.young and not begun(policy, usual, expected):
        return Deviation(expected, 0.0, 0.0, seasonal)
    return Deviation(expected, ratio, ratio / sqrt(usual.variance + 1.0 / (expected + 1.0)), seasonal)


def begun(policy: UsualPolicy, usual: Usual, expected: float) -> bool:
    """Tell whether enough was seen to know an excess by far: a few whole buckets, and not a handful of requests."""
    return usual.seen >= policy.early and expected >= policy.least * policy.bucket


def learn(policy: UsualPolicy, usual: Usual, requests: int) -> Usual:
    """Return what is usual after a bucket with ``requests``; the first one is left aside, it is seldom whole."""
    bucket, seen = policy.bucket, usual.seen + policy.bucket
    if usual.seen == 0.0:
        return usual._replace(seen=seen)
    recent = usual.recent if usual.recent >= 0.0 else float(requests)
    recent += (requests - recent) * bucket / min(seen, policy.recent)
    known, drift, variance = usual.known, usual.drift, usual.variance
    if usual.slots[usual.slot] >= 0.0:
        ratio = log((requests + 1.0) / ((known + 1.0) * exp(drift)))
        drift += ratio * bucket / policy.drift
        # Against what remains when the drift is taken out, and without what chance alone makes of a small count.
        noise = max(0.0, min(ratio * ratio, 1.0) - 1.0 / (known + 1.0))
        variance += (noise - variance) * bucket / min(max(seen, HOUR), DAY)
        variance = max(variance, LEAST_VARIANCE)
        known += (requests - known) * bucket / policy.memory
    else:
        known = requests if known < 0.0 else known + (requests - known) * bucket / HOUR * 8
    return Usual(usual.slots, usual.slot, known, recent, drift, variance, seen)
