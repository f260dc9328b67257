"""The plays: people come at the rate that was asked for, by chance and the same for the same seed."""

from __future__ import annotations

from random import Random

import pytest

from benchmarks.field.people import MEAN_REQUESTS
from benchmarks.field.plays import arrivals_of


def test_people_come_as_often_as_their_requests_need() -> None:
    """Thirty requests a second are thirty, whatever a session asks for."""
    arrivals = arrivals_of(30.0, 10.0, 1_000.0, Random(1))
    assert len(arrivals) * MEAN_REQUESTS / 1_000.0 == pytest.approx(30.0, rel=0.05)
    assert arrivals == sorted(arrivals)
    assert 10.0 <= arrivals[0] <= arrivals[-1] <= 1_010.0


def test_the_same_seed_is_the_same_play() -> None:
    """A figure can be had again."""
    first, second = (arrivals_of(30.0, 0.0, 60.0, Random(7)) for _ in range(2))
    assert first == second
