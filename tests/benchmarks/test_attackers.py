from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.attackers import course_of, main, read_list
from shieldproxy.attribution.archive import open_archive
from shieldproxy.attribution.checkpoints import detect_on
from shieldproxy.attribution.episode_details import describe
from shieldproxy.attribution.index import Index
from shieldproxy.core.episodes import EpisodePolicy
from tests.fakes.clock import HandClock

LIST = "ip_address,first_seen_utc,last_seen_utc,counter,as_number,as_name,geolocation\n" + "".join(
    f"203.0.113.{number},2024-01-17 06:17:{37 + number % 3},2024-01-17 06:{40 + number % 5}:07,{2_000 + number},"
    f"{64500 + number % 4},Network {number % 4},CH\n"
    for number in range(40)
)
NOON = 1_705_492_800.0


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    """A list of forty attackers in four networks."""
    path = tmp_path / "list.csv"
    path.write_text(LIST)
    return path


def test_each_attacker_asks_as_often_as_the_list_says(listed: Path) -> None:
    """From its first moment to its last."""
    for attacker in read_list(listed):
        course = list(course_of(attacker))
        assert sum(weight for _, weight in course) == attacker.requests
        assert (course[0][0], course[-1][0]) == (attacker.first, attacker.last)


def test_what_is_reported_is_what_was_published(listed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One episode from the first to the last second, every address, every network, every request."""
    monkeypatch.setattr("benchmarks.attackers.CALM", 1_800.0)
    main(listed, tmp_path / "journal", listed=True)
    index = Index(tmp_path / "journal", HandClock(NOON))
    with open_archive(index) as archive:
        (span,) = detect_on(index, archive, EpisodePolicy(), NOON)
        found = describe(archive, "E-1", span)
    assert (found.start[:19], found.end[:19]) == ("2024-01-17T06:17:37", "2024-01-17T06:44:08")
    assert found.attack.addresses == 40
    assert found.attack.requests == sum(attacker.requests for attacker in read_list(listed))
    assert found.who["asns"].total == 4
