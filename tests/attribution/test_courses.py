from __future__ import annotations

from pathlib import Path

from shieldproxy.attribution.courses import Bounds, bounds, course
from shieldproxy.attribution.visits import Period
from tests.attribution.conftest import Open, attacker, citizen
from tests.fakes.records import TEN_FIFTEEN, write_journal

START = int(TEN_FIFTEEN * 1000)


def test_a_course_has_its_steps(tmp_path: Path, opened: Open) -> None:
    """Requests, those that reached the site, those stopped; a step without a request is left out."""
    write_journal(tmp_path / "journal", [citizen(1), attacker(2, weight=4, lost_before=7), citizen(31)])
    with opened() as archive:
        found = course(archive, Period(START, START + 60_000), 10_000)
        assert [tuple(step) for step in found] == [(START, 5, 1, 4, 0), (START + 30_000, 1, 1, 0, 0)]
        assert [step.requests for step in course(archive, Period(START, START + 60_000), 1_000)] == [1, 4, 1]
        assert bounds(archive) == Bounds(START + 1_000, START + 31_000, 7)
        assert bounds(archive, Period(START + 40_000, START + 60_000)) == Bounds(None, None, 0)
