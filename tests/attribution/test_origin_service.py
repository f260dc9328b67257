from __future__ import annotations

from pathlib import Path

from shieldproxy.attribution.origin_service import fared, measure
from shieldproxy.attribution.visits import Period
from tests.attribution.conftest import Open, attacker, citizen
from tests.fakes.records import TEN_FIFTEEN, write_journal

START = int(TEN_FIFTEEN * 1000)


def test_only_what_reached_the_origin_counts(opened: Open, tmp_path: Path) -> None:
    """Mean and quantile of its answers, its failures, no challenge page of ours."""
    records = [citizen(n, n, duration_us=10_000) for n in range(90)]
    records += [citizen(90 + n / 10, n, duration_us=500_000, status=502, side="origin", weight=2) for n in range(5)]
    records += [attacker(95.0, duration_us=1)]
    write_journal(tmp_path / "journal", records)
    with opened() as archive:
        found = measure(archive, Period(START, START + 100_000))
    assert (found.requests, found.errors, found.error_share) == (100, 10, 0.1)
    assert found.mean_ms == (90 * 10 + 10 * 500) / 100
    assert found.p95_ms is not None
    assert 500 <= found.p95_ms <= 500 * 1.26


def test_before_during_and_after_are_beside_each_other(opened: Open, flooded: Path) -> None:
    """As long as the episode, ten minutes at least."""
    with opened() as archive:
        found = fared(archive, Period(START + 600_000, START + 720_000))
    assert (found.before.seconds, found.during.seconds, found.after.seconds) == (600.0, 120.0, 600.0)
    assert (found.before.requests, found.during.requests, found.after.requests) == (1_200, 240, 1_200)


def test_nothing_is_nothing(opened: Open) -> None:
    """Without requests there is no mean and no share."""
    with opened() as archive:
        found = measure(archive, Period(0, 1))
    assert (found.requests, found.mean_ms, found.p95_ms, found.error_share) == (0, None, None, None)
