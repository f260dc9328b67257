"""Replaying: the guard's own code says what a configuration would have done, to whom, and always the same."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from shieldproxy.app.replay.past import Past
from shieldproxy.app.replay.replaying import replay
from shieldproxy.settings.reading import load
from shieldproxy.settings.schema import Settings
from tests.fakes.databases import asn_record, country_record, write_mmdb
from tests.fakes.logs import FIREFOX, combined, reader_of_pages, write_log
from tests.fakes.records import record_at, write_journal

PEOPLE = ("198.51.100.1", "198.51.100.2", "198.51.100.3")


@pytest.fixture
def config(tmp_path: Path) -> Any:
    """Return the settings of a text, with databases that know one network and small tables."""
    write_mmdb(tmp_path / "asn.mmdb", {"5.6.7.0/24": asn_record(64500, "Flood Hosting")})
    write_mmdb(tmp_path / "country.mmdb", {"5.6.7.0/24": country_record("CH")}, "GeoLite2-Country")

    numbers = itertools.count()

    def settings(text: str) -> Settings:
        path = tmp_path / f"{next(numbers)}.toml"
        path.write_text(f'{text}\n[geo]\nasn = "asn.mmdb"\ncountry = "country.mmdb"\n[state]\nbuckets = 4096\n')
        return load(path)

    return settings


def limit(scope: str, rate: float, burst: float) -> str:
    return f'[limits.tight]\nscope = "{scope}"\nrate = {rate}\nburst = {burst}\n'


def flood(address: str = "5.6.7.8", count: int = 100) -> list[str]:
    return [combined(60 + number // 20, address, "/search", agent="curl/8") for number in range(count)]


def visitors() -> list[str]:
    return [line for address in PEOPLE for line in reader_of_pages(address, 0)]


def kinds(found: dict[str, Any]) -> dict[str, int]:
    return {row["kind"]: row["requests"] for row in found["changes"] if row["requests"]}


def test_a_limit_is_shown_to_stop_a_flood_and_nobody_else(tmp_path: Path, config: Any) -> None:
    """Who would newly be throttled is counted by address, network, operator, country, class and path."""
    past = Past([write_log(tmp_path / "a.log", [*visitors(), *flood()])])
    found = replay(past, config(limit("client", 1, 10))).as_fields()
    assert found["requests"] == 118
    # 100 in five seconds against 10 at once and one a second.
    assert kinds(found) == {"throttled": 86}
    assert {dimension: rows[0]["key"] for dimension, rows in found["by"].items()} == {
        "address": "5.6.7.8",
        "network": "5.6.7.0/24",
        "asn": "AS64500 Flood Hosting",
        "country": "CH",
        "class": "other",
        "path": "/search",
    }
    assert (found["hurt"]["people"], found["hurt"]["people_hurt"], found["hurt"]["share"]) == (3, 0, 0.0)
    assert found["causes"] == [{"kind": "throttled", "rule": "tight", "requests": 86}]


def test_people_who_would_be_hurt_are_counted_as_a_share_of_all(tmp_path: Path, config: Any) -> None:
    """A limit that people break is seen before it is set."""
    past = Past([write_log(tmp_path / "a.log", sorted([*visitors(), *flood()]))])
    found = replay(past, config(limit("client", 0.01, 2))).as_fields()
    assert found["hurt"]["people_hurt"] == 3
    assert found["hurt"]["share"] == 1.0


def test_the_same_log_gives_the_same_answer(tmp_path: Path, config: Any) -> None:
    """No clock and no chance but the log's: two replays are equal to the last count."""
    past = Past([write_log(tmp_path / "a.log", [*visitors(), *flood(), *flood("5.6.7.9")])])
    settings = config(limit("asn", 1, 5))
    assert replay(past, settings).as_fields() == replay(past, settings).as_fields()


def test_a_configuration_against_itself_changes_nothing(tmp_path: Path, config: Any) -> None:
    """What both would do is no change, however much it is."""
    past = Past([write_log(tmp_path / "a.log", [*visitors(), *flood()])])
    settings = config(limit("client", 1, 10))
    found = replay(past, settings, settings).as_fields()
    assert kinds(found) == {}
    assert found["after"] == found["before"]
    assert found["after"]["throttle"] == 86


def test_a_wider_limit_lets_go(tmp_path: Path, config: Any) -> None:
    """Who would be released is counted too."""
    past = Past([write_log(tmp_path / "a.log", flood())])
    found = replay(past, config(limit("client", 100, 1_000)), config(limit("client", 1, 10))).as_fields()
    assert kinds(found) == {"released": 86}


def test_going_on_becomes_a_ban(tmp_path: Path, config: Any) -> None:
    """The ladder is part of it: so many offences against a rule are a ban, and the rest is dropped."""
    rule = '[bans]\noffences = 10\n[[rules]]\nname = "no-curl"\nwhen = { user_agent = "curl*" }\naction = "refuse"\n'
    found = replay(Past([write_log(tmp_path / "a.log", flood())]), config(rule)).as_fields()
    assert kinds(found) == {"refused": 11, "banned": 89}
    assert found["bans"] == 1


def test_rules_on_headers_that_no_log_holds_are_left_out_and_named(tmp_path: Path, config: Any) -> None:
    """A log does not say whether a header was missing, so a rule about it must not make everybody suspicious."""
    rule = '[[rules]]\nname = "no-accept"\nwhen = { header = { accept = false } }\naction = "refuse"\n'
    found = replay(Past([write_log(tmp_path / "a.log", visitors())]), config(rule)).as_fields()
    assert kinds(found) == {}
    assert found["rules_not_asked"] == ["no-accept"]


def test_who_passed_in_the_log_passes_and_who_did_not_does_not(tmp_path: Path, config: Any) -> None:
    """A person of our journal is challenged once and goes on; a robot is challenged with each page."""
    common: dict[str, Any] = {"action": "admit", "stage": "admit", "rule": "", "status": 200, "reasons": ()}
    person: dict[str, Any] = {**common, "src_ip": "198.51.100.1", "client": "198.51.100.1", "user_agent": FIREFOX}
    robot: dict[str, Any] = {**common, "src_ip": "5.6.7.8", "client": "5.6.7.8", "user_agent": "curl/8"}
    answer = {**person, "method": "POST", "path": "/.shieldproxy/answer", "challenge": "passed"}
    records = [record_at(second, path="/page", **who) for second in range(10) for who in (person, robot)]
    write_journal(tmp_path / "journal", [*records, record_at(20, **answer)])
    rule = '[[rules]]\nname = "all"\nwhen = { path = "*" }\naction = "challenge"\n'
    found = replay(Past([tmp_path / "journal"]), config(rule)).as_fields()
    assert kinds(found) == {"challenged": 11}
    assert {row["key"]: row["challenged"] for row in found["by"]["address"]} == {"5.6.7.8": 10, "198.51.100.1": 1}
    assert (found["skipped"], found["hurt"]["people"], found["hurt"]["people_hurt"]) == (1, 1, 1)


def test_people_in_the_logs_of_other_servers_answer_a_challenge_once(tmp_path: Path, config: Any) -> None:
    """Nobody was asked there: whoever looks like a person is taken to answer, a program is not."""
    past = Past([write_log(tmp_path / "a.log", [*visitors(), *flood(count=50)])])
    rule = '[[rules]]\nname = "all"\nwhen = { path = "*" }\naction = "challenge"\n'
    found = replay(past, config(rule)).as_fields()
    assert {row["key"]: row["challenged"] for row in found["by"]["address"]} == {
        "5.6.7.8": 50,
        **dict.fromkeys(PEOPLE, 1),
    }


def test_who_was_cleared_is_cleared_again(tmp_path: Path, config: Any) -> None:
    """A clearance of the log holds in the replay: the crowd's limits are not asked."""
    fields: dict[str, Any] = {"action": "admit", "stage": "cleared", "rule": "clearance", "status": 200}
    write_journal(tmp_path / "journal", [record_at(second / 10, **fields) for second in range(50)])
    found = replay(Past([tmp_path / "journal"]), config(limit("site", 0.1, 1))).as_fields()
    assert kinds(found) == {}


def test_the_journal_itself_is_what_a_configuration_is_compared_with(tmp_path: Path, config: Any) -> None:
    """Without --against it is what was done; a summed line counts for all it stands for."""
    write_journal(tmp_path / "journal", [record_at(0), record_at(1, weight=30)])
    found = replay(Past([tmp_path / "journal"]), config(limit("client", 100, 1_000))).as_fields()
    assert found["before"]["throttle"] == 31
    assert kinds(found) == {"released": 31}


@pytest.mark.parametrize("observing", ['[server]\nmode = "observe"\n{}', '{}mode = "observe"\n'])
def test_observe_is_replayed_as_if_it_acted_and_compared_as_it_stands(
    tmp_path: Path, config: Any, observing: str
) -> None:
    """The new configuration is asked what it would do, the whole or one limit; the old one lets pass what it lets pass."""
    settings = config(observing.format(limit("client", 1, 10)))
    past = Past([write_log(tmp_path / "a.log", flood())])
    assert kinds(replay(past, settings).as_fields()) == {"throttled": 86}
    assert kinds(replay(past, settings, settings).as_fields()) == {"throttled": 86}
    assert kinds(replay(past, config(limit("client", 1_000, 1_000)), settings).as_fields()) == {}
