"""Buckets: one number that does what a token bucket does."""

from __future__ import annotations

from fractions import Fraction
from math import inf, nan

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shieldproxy.core.buckets import TOLERANCE, Limit, Reading, Scope, take
from shieldproxy.core.verdict import Action
from tests.scenes import limit


class NaiveBucket:
    """A token bucket as textbooks have it, in exact fractions: tokens grow with time up to the burst."""

    def __init__(self, rate: Fraction, burst: Fraction, now: Fraction) -> None:
        self.rate, self.burst = rate, burst
        self.tokens, self.seen = burst, now

    def tokens_at(self, now: Fraction) -> Fraction:
        """Return the tokens there are at ``now``."""
        return min(self.burst, self.tokens + (now - self.seen) * self.rate)

    def take(self, now: Fraction, cost: Fraction) -> bool:
        """Take ``cost`` tokens if they are there; none otherwise."""
        tokens = self.tokens_at(now)
        self.seen, self.tokens = now, tokens
        if tokens < cost:
            return False
        self.tokens = tokens - cost
        return True


# A rate whose interval is exact in binary, and times on the same grid: then GCRA has no rounding at all up to 2**20
# seconds of uptime, and both buckets must agree to the last token.
grid = st.integers(0, 4_000).map(lambda step: Fraction(step, 64))
exact_rates = st.sampled_from([Fraction(1, 4), Fraction(1), Fraction(2), Fraction(8), Fraction(64)])
costs = st.sampled_from([Fraction(1), Fraction(2), Fraction(5)])


@given(exact_rates, st.integers(1, 60), st.integers(0, 2**20), st.lists(st.tuples(grid, costs), max_size=60))
@example(
    Fraction(1), 1, 0, [(Fraction(0), Fraction(1)), (Fraction(63, 64), Fraction(1)), (Fraction(1, 64), Fraction(1))]
)
def test_take_equals_a_naive_token_bucket(
    rate: Fraction, burst: int, start: int, visits: list[tuple[Fraction, Fraction]]
) -> None:
    """Admitted, refused, credit and waiting time are those of an exact token bucket, request by request."""
    now = Fraction(start)
    naive = NaiveBucket(rate, Fraction(burst), now)
    full_at = 0.0
    for pause, cost in visits:
        now += pause
        before = naive.tokens_at(now)
        full_at, slack = take(full_at, float(now), float(1 / rate), float(burst / rate), float(cost))
        admitted = naive.take(now, cost)
        assert (slack >= 0.0) is admitted
        assert Fraction(slack) * rate == before - cost


# The same with rates that binary cannot hold, and any clock up to thirty years of uptime. There float64 resolves
# 2**-23 s (0.12 µs) and a charge rounds three times, so forty charges are within 15 µs of exact; TOLERANCE is granted
# on top of that. Only a request closer than both together to the edge may be judged either way.
EDGE = Fraction(TOLERANCE) + Fraction(15, 1_000_000)


@given(
    st.floats(0.01, 10_000.0).map(Fraction),
    st.floats(1.0, 1_000.0).map(Fraction),
    st.floats(0.0, 1e9).map(Fraction),
    st.lists(st.floats(0.0, 100.0).map(Fraction), max_size=40),
)
def test_rounding_moves_a_verdict_only_at_the_very_edge(
    rate: Fraction, burst: Fraction, start: Fraction, pauses: list[Fraction]
) -> None:
    """With any rate and clock, take differs from the exact bucket only where the exact one is at the very edge."""
    now = Fraction(float(start))
    naive = NaiveBucket(rate, burst, now)
    full_at = 0.0
    for pause in pauses:
        now = Fraction(float(now + pause))
        exact = (naive.tokens_at(now) - 1) / rate
        full_at, slack = take(full_at, float(now), float(1 / rate), float(burst / rate))
        if slack >= 0.0:
            assert exact >= -EDGE
            naive.tokens, naive.seen = naive.tokens_at(now) - 1, now
        else:
            assert exact < EDGE
        assert abs(Fraction(slack) - exact) <= EDGE


@given(st.floats(0.0, 1e8), st.floats(0.1, 1_000.0), st.integers(1, 1_000))
@example(67_108_864.0, 179.5, 146)
def test_a_burst_is_exactly_as_long_as_it_says(now: float, rate: float, burst: int) -> None:
    """From a full bucket, ``burst`` requests pass at once and one more does not, whatever the clock shows."""
    interval, span = 1.0 / rate, burst / rate
    full_at, passed = 0.0, 0
    for _ in range(burst + 3):
        full_at, slack = take(full_at, now, interval, span)
        passed += slack >= 0.0
    assert passed == burst


@given(st.floats(0.0, 1e6), st.floats(0.1, 100.0), st.floats(1.0, 50.0), st.integers(1, 50))
def test_an_overdrawn_bucket_is_not_charged(now: float, rate: float, burst: float, knocks: int) -> None:
    """However often an impatient client knocks, it waits no longer for that."""
    interval, span = 1.0 / rate, burst / rate
    full_at = now + span
    waits = set()
    for _ in range(knocks):
        full_at, slack = take(full_at, now, interval, span)
        waits.add(slack)
    assert len(waits) == 1
    full_at, slack = take(full_at, now - waits.pop(), interval, span)
    assert slack >= 0.0


@given(st.floats(0.0, 1e6), st.floats(0.0, 1e6), st.floats(0.01, 100.0), st.floats(1.0, 100.0))
def test_nobody_waits_longer_than_for_a_token(full_at: float, now: float, rate: float, burst: float) -> None:
    """A bucket that an earlier, slower limit filled far into the future is an empty one: the wait is one token's."""
    interval, span = 1.0 / rate, burst / rate
    after, slack = take(full_at, now, interval, span)
    assert -slack <= interval * (1 + 1e-9) + TOLERANCE
    assert after <= max(now + span + 2 * TOLERANCE, now)


def test_an_eased_limit_frees_its_clients() -> None:
    """After one a minute becomes ten a second, a client that waited for an hour waits for a tenth of a second."""
    full_at, slack = take(4_600.0, 1_000.0, interval=0.1, span=5.0)
    assert slack == pytest.approx(-0.1)
    full_at, slack = take(full_at, 1_000.1, interval=0.1, span=5.0)
    assert slack >= 0.0


def test_a_tightened_limit_keeps_what_was_taken() -> None:
    """Changing a limit does not reset its counters: who has used up the old one has no new burst."""
    full_at, _ = take(0.0, 1_000.0, interval=1.0, span=10.0, cost=10.0)
    _, slack = take(full_at, 1_000.0, interval=1.0, span=5.0)
    assert slack < 0.0


@given(*[st.floats() for _ in range(5)])
@example(nan, nan, nan, nan, nan)
@example(inf, -inf, 1.0, 1.0, 1.0)
def test_take_never_raises(full_at: float, now: float, interval: float, span: float, cost: float) -> None:
    """Not even a damaged table or a mad clock makes charging raise."""
    take(full_at, now, interval, span, cost)


def test_a_damaged_slot_is_a_full_bucket() -> None:
    """A slot that holds no number is taken for an unused one, not for a client that must wait for ever."""
    full_at, slack = take(nan, 1_000.0, 0.1, 5.0)
    assert full_at == pytest.approx(1_000.1)
    assert slack == pytest.approx(4.9)


COLLECTIVE = {
    Scope.CLIENT: False,
    Scope.CLEARANCE: False,
    Scope.NETWORK: True,
    Scope.ASN: True,
    Scope.COUNTRY: True,
    Scope.PATH: True,
    Scope.SITE: True,
}


@pytest.mark.parametrize("scope", Scope)
def test_who_shares_a_bucket(scope: Scope) -> None:
    """Only a client and a clearance are one person's own; everything else is a crowd."""
    assert scope.collective is COLLECTIVE[scope]


def test_a_limit_knows_its_times() -> None:
    """Ten a second with a burst of fifty grows a token in a tenth of a second and fills in five."""
    ten = limit(rate=10.0, burst=50.0)
    assert ten.interval == pytest.approx(0.1)
    assert ten.span == pytest.approx(5.0)


READINGS = [
    # slack, over, wait, tokens left (at ten a second)
    (2.5, False, 0.0, 25.0),
    (0.0, False, 0.0, 0.0),
    (-0.25, True, 0.25, 0.0),
]


@pytest.mark.parametrize(("slack", "over", "wait", "level"), READINGS)
def test_a_reading_says_what_is_left(slack: float, over: bool, wait: float, level: float) -> None:  # noqa: FBT001 - a column of the table
    """Credit is tokens, a lack of it is a wait, and nothing at all is still within the limit."""
    reading = Reading(limit(rate=10.0), slack)
    assert (reading.over, reading.wait, reading.level) == (over, wait, level)


def test_a_limit_is_sized_by_what_a_network_usually_asks_for() -> None:
    """Rate and burst grow together, from the floor on; a carrier and a small host never share a number."""
    found = Limit("asn", Scope.ASN, 5.0, 60.0, Action.CHALLENGE, auto=3.0)
    assert found.sized(1.0) is found
    carrier = found.sized(40.0)
    assert (carrier.rate, carrier.burst, carrier.span) == (120.0, 1_440.0, found.span)
