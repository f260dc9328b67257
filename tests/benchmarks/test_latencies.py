"""Percentiles in fixed memory."""

from __future__ import annotations

from benchmarks.latencies import SPAN, Latencies


def test_percentiles_are_exact_to_the_microsecond() -> None:
    """Of one to a hundred microseconds, half took at most 50 and 99 of 100 at most 99."""
    latencies = Latencies()
    for microseconds in range(1, 101):
        latencies.add((microseconds + 0.5) / 1e6)
    assert latencies.percentile(0.50) == 50.0
    assert latencies.percentile(0.99) == 99.0


def test_nothing_seen_is_zero() -> None:
    """A run without an answer has no latency to speak of."""
    assert Latencies().percentile(0.99) == 0.0


def test_what_takes_for_ever_is_counted_in_the_last_cell() -> None:
    """A very slow answer is neither lost nor a crash."""
    latencies = Latencies()
    latencies.add(3600.0)
    assert latencies.percentile(0.5) == SPAN - 1
