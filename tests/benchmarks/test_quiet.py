"""Waiting for quiet."""

from __future__ import annotations

import itertools

import pytest

from benchmarks import quiet


def test_waits_until_it_is_quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Looks again while others are busy and goes on when they are not."""
    looks = itertools.chain([1.5, 0.2, 0.05], itertools.repeat(9.9))
    monkeypatch.setattr(quiet, "busy_cores", lambda _seconds: next(looks))
    assert quiet.wait_for_quiet(60.0)
    assert next(looks) == 9.9


def test_does_not_wait_for_ever() -> None:
    """Without patience nothing is waited for; with little, the answer comes all the same."""
    assert not quiet.wait_for_quiet(0.0)
    assert isinstance(quiet.wait_for_quiet(0.05), bool)


def test_busy_cores_are_a_number_of_cores() -> None:
    """Never below zero, and never far beyond the cores there are."""
    assert 0.0 <= quiet.busy_cores(0.1) < 1024
