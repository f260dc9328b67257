"""Dropped: what the kernel kept away waits for some seconds and becomes one record a ban."""

from __future__ import annotations

import itertools

from shieldproxy.core.facts import NetworkLabel
from shieldproxy.offload.records import Shared
from shieldproxy.supervisor.dropped import WINDOW, Dropped

SHARED = Shared("2026-11-24T10:15:00.000000Z", "node-kernel")


def collector() -> Dropped:
    numbers = itertools.count()
    return Dropped(label=lambda address: NetworkLabel(), next_id=lambda: str(next(numbers)))


def test_looks_within_the_window_are_summed() -> None:
    """Five looks make one line with the exact weight, and the cause known at any of them."""
    dropped = collector()
    for second in range(5):
        assert not dropped.due(100.0 + second)
        dropped.add({"192.0.2.1": 2, "": 1}, {"192.0.2.1": "flood"}, 100.0 + second)
    assert not dropped.due(100.0 + WINDOW - 0.1)
    assert dropped.due(100.0 + WINDOW)
    one, other = dropped.take(SHARED)
    assert (one.client, one.weight, one.reasons) == ("192.0.2.1", 10, ("flood",))
    assert (other.client, other.weight) == ("", 5)


def test_the_window_begins_with_the_first_attempt() -> None:
    """What was taken is gone; silence makes no record and starts no clock."""
    dropped = collector()
    dropped.add({}, {}, 0.0)
    assert not dropped.due(1_000.0)
    dropped.add({"192.0.2.1": 1}, {}, 1_000.0)
    assert not dropped.due(1_001.0)
    assert len(dropped.take(SHARED)) == 1
    assert dropped.take(SHARED) == []
    assert not dropped.due(2_000.0)
