"""Learning: a log of days tells what is usual at an hour of the week, and a flood in it does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.app.replay.past import Past
from shieldproxy.app.replay.replaying import Replayed, replay
from shieldproxy.core.seasons import SITE, Seasons
from shieldproxy.settings.reading import load
from shieldproxy.state.learned import Usual
from tests.fakes.databases import asn_record, country_record, write_mmdb
from tests.fakes.logs import combined, write_log
from tests.fakes.records import TEN_FIFTEEN

HOUR = 3_600


@pytest.fixture
def learned(tmp_path: Path) -> tuple[Replayed, Usual, Seasons]:
    """Replay two days: a carrier that asks six times a minute by day and once by night, and a flood of two minutes."""
    write_mmdb(
        tmp_path / "asn.mmdb", {"5.6.7.0/24": asn_record(64500, "Carrier"), "9.9.9.0/24": asn_record(64501, "B")}
    )
    write_mmdb(tmp_path / "country.mmdb", {"5.6.7.0/24": country_record("CH")}, "GeoLite2-Country")
    config = tmp_path / "config.toml"
    config.write_text('[geo]\nasn = "asn.mmdb"\ncountry = "country.mmdb"\n[state]\nbuckets = 65536\n')
    timed: list[tuple[int, str]] = []
    for hour in range(48):
        for second in range(hour * HOUR, (hour + 1) * HOUR, 10 if hour % 24 < 12 else 60):
            address = f"5.6.7.{second // 10 % 200}"
            timed += [(second, combined(second, address, path)) for path in ("/news/1", "/a.css", "/b.css")]
    for second in range(30 * HOUR, 30 * HOUR + 120):
        timed += [(second, combined(second, f"9.9.9.{bot}", "/search", agent="x")) for bot in range(100)]
    log = write_log(tmp_path / "a.log", [line for _, line in sorted(timed)])
    found = replay(Past([log]), load(config), learn=True)
    assert found.learned is not None
    return found, *found.learned


def test_day_and_night_are_told_apart(learned: tuple[Replayed, Usual, Seasons]) -> None:
    """Of the site, its networks, countries and groups of paths; parts of pages are nobody's habit."""
    seasons = learned[2]
    day, night = TEN_FIFTEEN + 2 * HOUR, TEN_FIFTEEN + 20 * HOUR
    for key in ("asn 64500", "country CH", "path /news/", SITE):
        assert seasons.usual(key, day) == pytest.approx(0.1, rel=0.05), key
        assert seasons.usual(key, night) == pytest.approx(1 / 60, rel=0.05), key
    assert next(key for key, _ in seasons.heaviest("path")) == "path /news/"
    assert seasons.lived == pytest.approx(48 * HOUR, rel=0.01)


def test_a_flood_is_nobodys_habit(learned: tuple[Replayed, Usual, Seasons]) -> None:
    """Only its first seconds, before it was noticed, are learned."""
    _, usual, seasons = learned
    assert seasons.usual("asn 64501", TEN_FIFTEEN + 30 * HOUR) < 0.3
    assert usual.requests < 1.0
    assert usual.networks.get(64501, 0.0) < usual.networks[64500]
    assert usual.age > 40 * HOUR


def test_a_program_reads_what_was_learned(learned: tuple[Replayed, Usual, Seasons]) -> None:
    """As one of the fields of a replay."""
    found = learned[0].as_fields()["learned"]
    assert found["heaviest"]["country"] == [{"key": "CH", "rate": pytest.approx(0.058, rel=0.1)}]
    assert found["hours_of_the_week"] == 48
