from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.attribution.archive import Archive, open_archive
from shieldproxy.attribution.bot_share import measure_bots
from shieldproxy.attribution.courses import bounds, course
from shieldproxy.attribution.groups import rank_requests
from shieldproxy.attribution.index import Index
from shieldproxy.attribution.rollups import ASKED, DAY_MS
from shieldproxy.attribution.visits import Period, choose_attackers, collect_visits
from tests.attribution.conftest import attacker, citizen
from tests.fakes.clock import HandClock
from tests.fakes.records import TEN_FIFTEEN, write_journal

START = int(TEN_FIFTEEN * 1000)
MIDNIGHT = START - START % DAY_MS


@pytest.fixture(scope="module")
def days(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three days with segments over midnight, two of them in the index, and an hour that is not."""
    journal = tmp_path_factory.mktemp("days") / "journal"
    for number, begin in enumerate((0.0, 49_400.0, 49_450.0, 90_000.0, 120_000.0, 174_000.0)):
        people = [citizen(begin + second, second + number, weight=1 + second % 3) for second in range(0, 90, 2)]
        others = [
            attacker(begin + second + 0.25, second * (number + 1), challenge=("issued", "passed")[second % 19 == 0])
            for second in range(80)
        ]
        audited = [
            citizen(begin + second, second, action="challenge", stage="tightened", rule="audit", challenge="issued")
            for second in (5, 25, 45)
        ]
        write_journal(
            journal,
            [*people, *others, *audited, citizen(begin + 30, 5, challenge="passed")],
            name=f"edge1.{number % 2}",
        )
    Index(journal, HandClock(TEN_FIFTEEN + 172_800.0)).update()
    return journal


def answers(archive: Archive, period: Period) -> list[object]:
    """Return everything that may come from sums."""
    collect_visits(archive, period)
    found: list[object] = [archive.rows("SELECT * FROM visits ORDER BY client")]
    found.append(choose_attackers(archive, Period(period.since - DAY_MS, period.since)))
    found += [rank_requests(archive, what, period, 7) for what in ASKED]
    found += [course(archive, period, size) for size in (1_000, 10_000, 60_000, 21_600_000)]
    return [*found, bounds(archive, period), measure_bots(archive, period=period)]


@pytest.mark.parametrize(
    "period",
    [
        Period(MIDNIGHT, MIDNIGHT + DAY_MS),
        Period(MIDNIGHT, MIDNIGHT + 31 * DAY_MS),
        Period(MIDNIGHT - 20 * DAY_MS, MIDNIGHT + 11 * DAY_MS),
        Period(START + 31_007, START + 49_430_501),
        Period(START + 49_400_000, START + DAY_MS + 1),
        Period(START + 5_000, START + 5_001),
        Period(START + 40 * DAY_MS, START + 41 * DAY_MS),
    ],
)
def test_sums_and_records_give_the_same_answers(days: Path, period: Period) -> None:
    """Whole days, parts of days, and what no index has yet; the plain reading of all segments is what is right."""
    index = Index(days, HandClock(TEN_FIFTEEN + 172_800.0))
    assert index.content().files
    assert index.content().segments
    with open_archive(index, update=False, duckdb=True) as quick, open_archive(index, duckdb=False) as slow:
        assert answers(quick, period) == answers(slow, period)
