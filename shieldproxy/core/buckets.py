"""Token buckets as one number (GCRA): the moment at which the bucket is full again.

The generic cell rate algorithm (ITU-T I.371, annex A) is a token bucket whose whole state is one time stamp.
``slack`` is how many seconds of credit are left after a request: at or above zero the request was within the
limit, below zero it was not, was not charged, and may be tried again after ``-slack`` seconds.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from shieldproxy.core.rules import Condition
    from shieldproxy.core.verdict import Action


class Scope(StrEnum):
    """Who shares one bucket of a limit."""

    CLIENT = "client"
    CLEARANCE = "clearance"
    NETWORK = "network"
    ASN = "asn"
    COUNTRY = "country"
    PATH = "path"
    SITE = "site"

    @property
    def collective(self) -> bool:
        """Whether people who do not know each other share the bucket; then it may only challenge."""
        return self not in (Scope.CLIENT, Scope.CLEARANCE)


class Limit(NamedTuple):
    """A named rate and burst for each key of a scope.

    ``rate`` is tokens a second, ``burst`` tokens at once; ``action`` is what an overdrawn bucket asks for.
    ``match`` narrows the limit to some requests; None: all. With ``in_excess`` it holds only for networks that ask far
    more than they usually do.
    One that is ``observed`` is charged and decides nothing. With ``auto`` the rate is a floor: each network has so many
    times what it usually asks for.
    """

    name: str
    scope: Scope
    rate: float
    burst: float
    action: Action
    match: Condition | None = None
    in_excess: bool = False
    observed: bool = False
    auto: float = 0.0

    def sized(self, usual: float) -> Limit:
        """Return the limit as it is for a network that usually asks ``usual`` times a second; the burst grows too."""
        rate = self.auto * usual
        return self._replace(rate=rate, burst=self.burst * rate / self.rate) if rate > self.rate else self

    @property
    def interval(self) -> float:
        """Seconds in which one token grows back."""
        return 1.0 / self.rate

    @property
    def span(self) -> float:
        """Seconds in which an empty bucket fills."""
        return self.burst / self.rate


class Reading(NamedTuple):
    """What a bucket says after charging: the limit, and the seconds of credit left (below zero: overdrawn)."""

    limit: Limit
    slack: float

    @property
    def over(self) -> bool:
        """Whether the request went beyond the limit."""
        return self.slack < 0.0

    @property
    def wait(self) -> float:
        """Seconds until one token is there again; 0 while within the limit."""
        return -self.slack if self.slack < 0.0 else 0.0

    @property
    def level(self) -> float:
        """Tokens left; 0 when overdrawn."""
        return self.slack * self.limit.rate if self.slack > 0.0 else 0.0


# At CLOCK_MONOTONIC values of two years float64 rounds by 7 ns, and each token of a burst rounds the same way: a
# burst of a thousand misses by less than ten microseconds. Less than that is no overdraft, or 1000 would be 999.
TOLERANCE = 1e-5


def take(full_at: float, now: float, interval: float, span: float, cost: float = 1.0) -> tuple[float, float]:
    """Charge ``cost`` tokens and return (new ``full_at``, ``slack``).

    ``interval`` is seconds a token, ``span`` seconds from empty to full. An overdrawn bucket is not charged, so
    a client that slows down recovers. A ``full_at`` in the past is a full bucket; one beyond ``now + span`` (the
    limit was eased since, or the table is damaged) is an empty one, so nobody waits longer than the limit says.
    Never raises.
    """
    start = full_at if full_at > now else now
    filled = start + cost * interval
    slack = span - (filled - now)
    if slack < -TOLERANCE:
        if full_at > now + span:
            return now + span, -cost * interval
        return full_at, slack
    return filled, slack if slack > 0.0 else 0.0
