from __future__ import annotations

from pathlib import Path
from typing import Any

from shieldproxy.attribution.archive import Archive
from shieldproxy.attribution.detection import detect
from shieldproxy.attribution.episode_details import Details, describe, variety
from shieldproxy.attribution.visits import Period
from shieldproxy.core.episodes import EpisodePolicy
from tests.attribution.conftest import Open, attacker, citizen, flood
from tests.fakes.records import TEN_FIFTEEN, write_journal

LATER = TEN_FIFTEEN + 86_400.0


def details_of(archive: Archive) -> Details:
    (span,) = detect(archive, EpisodePolicy(), LATER)
    return describe(archive, "E-1", span)


def test_an_episode_is_told_in_full(opened: Open, flooded: Path) -> None:
    """Who, from where, for what, what was done, and how sure we are that it was an attack."""
    with opened() as archive:
        found = details_of(archive)
    assert found.opinion.word == "attack"
    assert (found.start, found.end) == ("2026-11-24T10:25:00.000000Z", "2026-11-24T10:27:00.000000Z")
    assert (found.attack.requests, found.attack.addresses, found.attack.reached) == (4_800, 200, 0)
    assert found.all.requests == 4_800 + 240
    assert [group.key for group in found.who["asns"].groups] == ["64500", "64501"]
    assert found.asked["path"].groups[0].key == "/search"
    assert found.asked["action"].groups[0].key == "challenge"
    assert found.asked["fingerprint"].groups[0].key == "machine"
    assert found.peak == 42.0
    assert found.suspects.judged


def test_a_surge_of_people_is_told_as_one(opened: Open, tmp_path: Path) -> None:
    """Many come, most of them pass, from carriers, for many pages."""
    records = list(flood(rate=0))
    for n in range(6_000):
        one: dict[str, Any] = {
            "src_ip": f"100.{n % 200}.{n // 200 % 30}.7",
            "client": f"100.{n % 200}.{n // 200 % 30}.7",
        }
        if n % 10 == 0:
            records.append(citizen(600 + n / 50, n, action="challenge", challenge="issued", **one))
        records.append(citizen(600.001 + n / 50, n, challenge="passed" if n % 10 == 0 else "", **one))
    write_journal(tmp_path / "journal", sorted(records, key=lambda record: record.ts))
    with opened() as archive:
        found = details_of(archive)
    assert found.opinion.word == "surge"
    assert found.attack.addresses == 0


def test_who_was_refused_by_mistake_is_counted_as_far_as_it_can_be(opened: Open, flooded: Path) -> None:
    """Somebody who passed and was refused all the same; and those who left after one or two requests."""
    person: dict[str, Any] = {"src_ip": "192.0.2.1", "client": "192.0.2.1"}
    left: dict[str, Any] = {"src_ip": "192.0.2.9", "client": "192.0.2.9"}
    records = [
        attacker(630.0, **person),
        attacker(631.0, challenge="passed", action="admit", **person),
        attacker(632.0, action="throttle", challenge="", weight=4, **person),
        attacker(640.0, **left),
    ]
    write_journal(flooded, records, name="edge2.0")
    with opened() as archive:
        found = details_of(archive)
    assert found.mistakes == (1, 4, 1)


def test_variety_is_between_one_path_and_each_another(opened: Open, tmp_path: Path) -> None:
    """Entropy as a share of the most it could be."""
    write_journal(tmp_path / "journal", [citizen(n / 10, path=f"/{n}") for n in range(200)])
    write_journal(tmp_path / "journal", [citizen(100 + n / 10, path="/") for n in range(200)], name="edge2.0")
    start = int(TEN_FIFTEEN * 1000)
    with opened() as archive:
        assert variety(archive, Period(start, start + 50_000)) == 1.0
        assert variety(archive, Period(start + 100_000, start + 150_000)) == 0.0
        assert variety(archive, Period(start, start + 1_000)) is None
