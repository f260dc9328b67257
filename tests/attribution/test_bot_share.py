from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shieldproxy.attribution.bot_share import Interval, bounds, measure_bots, wilson
from shieldproxy.attribution.visits import Period, collect_visits
from tests.attribution.conftest import Open, attacker, citizen
from tests.fakes.records import TEN_FIFTEEN, write_journal

WHOLE = Period(int(TEN_FIFTEEN * 1000), int(TEN_FIFTEEN * 1000) + 3_600_000)


def someone(number: int) -> dict[str, Any]:
    return {"src_ip": f"192.0.2.{number}", "client": f"192.0.2.{number}"}


def test_each_client_is_of_one_kind(opened: Open, tmp_path: Path) -> None:
    """Verified, passed, failed, unanswered, turned away, never asked; the sum is everybody."""
    records = [
        citizen(0.0, stage="cleared", rule="crawler", weight=10, **someone(1)),
        attacker(1.0, **someone(2)),
        attacker(2.0, challenge="passed", action="admit", **someone(2)),
        attacker(3.0, **someone(3)),
        attacker(4.0, challenge="wrong", action="admit", **someone(3)),
        attacker(5.0, weight=20, **someone(4)),
        attacker(6.0, action="refuse", challenge="", **someone(5)),
        citizen(7.0, weight=5, **someone(6)),
    ]
    write_journal(tmp_path / "journal", records)
    with opened() as archive:
        collect_visits(archive, WHOLE)
        found = measure_bots(archive)
    assert {kind.name: (kind.clients, kind.requests) for kind in found.kinds} == {
        "verified": (1, 10),
        "passed": (1, 2),
        "failed": (1, 2),
        "unanswered": (1, 20),
        "turned_away": (1, 1),
        "not_challenged": (1, 5),
    }
    assert found.requests == Interval(33 / 40, 38 / 40)
    assert found.clients == Interval(4 / 6, 5 / 6)
    assert found.challenged == pytest.approx(2 / 3)
    assert found.challenged_interval == wilson(2, 3)
    assert "audit" in found.missing


def test_of_nobody_nothing_is_known(opened: Open) -> None:
    """An empty month has bounds that say so."""
    with opened() as archive:
        collect_visits(archive, WHOLE)
        found = measure_bots(archive)
    assert found.requests == Interval(0.0, 1.0)
    assert found.challenged is None


def test_wilson_is_the_textbooks() -> None:
    """Known values, and bounds that stay bounds."""
    low, high = wilson(8, 10)
    assert (round(low, 3), round(high, 3)) == (0.490, 0.943)
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(0, 10).low == 0.0
    assert wilson(10**9, 10**9).high == 1.0


def test_people_who_pass_are_no_bots() -> None:
    """Bounds differ by those nobody asked."""
    counts = dict.fromkeys(("verified", "failed", "unanswered", "turned_away"), 0)
    assert bounds(counts | {"passed": 3, "not_challenged": 1}) == Interval(0.0, 0.25)


def test_the_audit_narrows_the_bounds(opened: Open, tmp_path: Path) -> None:
    """Of ten page views challenged by chance three were not answered: the estimate, its interval, what it makes of all."""
    records = [citizen(n / 10, weight=10, **someone(100 + n)) for n in range(100)]
    for number in range(10):
        records.append(attacker(20.0 + number, stage="tightened", rule="audit", **someone(number)))
        if number >= 3:
            records.append(attacker(22.0 + number, challenge="passed", action="admit", **someone(number)))
    records.append(attacker(40.0, **someone(50)))
    write_journal(tmp_path / "journal", sorted(records, key=lambda record: record.ts))
    with opened() as archive:
        collect_visits(archive, WHOLE)
        found = measure_bots(archive, period=WHOLE)
        assert measure_bots(archive).audit is None
    assert found.audit is not None
    assert (found.audit.views, found.audit.left, found.audit.share) == (10, 3, 0.3)
    assert found.audit.interval == wilson(3, 10)
    assert found.requests.low < found.audit.requests.low < found.audit.requests.high < found.requests.high
    assert "10 were challenged by chance" in found.missing


def test_an_answer_that_comes_too_late_or_before_is_none(opened: Open, tmp_path: Path) -> None:
    """It belongs to another challenge."""
    records = [
        attacker(0.0, challenge="passed", action="admit", **someone(1)),
        attacker(5.0, stage="tightened", rule="audit", **someone(1)),
        attacker(700.0, challenge="passed", action="admit", **someone(1)),
    ]
    write_journal(tmp_path / "journal", records)
    with opened() as archive:
        collect_visits(archive, WHOLE)
        found = measure_bots(archive, period=WHOLE)
    assert found.audit is not None
    assert found.audit.left == 1
