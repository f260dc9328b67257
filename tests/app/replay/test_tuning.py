"""Tuning: a limit is proposed by what it would do to people, on the clock of the log."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shieldproxy.app.replay import tuning as module
from shieldproxy.app.replay.callers import Callers
from shieldproxy.app.replay.past import Past
from shieldproxy.app.replay.tuning import Step, Tuned, as_toml, steps_of, tune
from shieldproxy.core.buckets import Scope
from shieldproxy.core.facts import Crawler
from shieldproxy.settings.reading import load
from tests.fakes.logs import combined, reader_of_pages, write_log
from tests.fakes.networks import TableNetworks
from tests.fakes.records import record_at, write_journal
from tests.scenes import limit


def run(logs: Path, *steps: Step) -> Tuned:
    callers = Callers(TableNetworks({}), lambda _label, _agent: Crawler.NONE)
    return tune(Past([logs]), callers, steps, "/.shieldproxy")


def flood(count: int = 100) -> list[str]:
    return [combined(60, "203.0.113.7", agent="curl/8")] * count


def by(tuned: Tuned, scope: Scope) -> list[dict[str, Any]]:
    return [row for row in tuned.rows if row["scope"] == scope.value]


def test_each_step_says_whom_it_would_touch(tmp_path: Path) -> None:
    """Requests beyond it, strangers, and the share of people; the tightest bearable one is proposed."""
    log = write_log(tmp_path / "a.log", [*reader_of_pages("198.51.100.1", 0), *flood()])
    steps = [Step(Scope.CLIENT, 0.01, 2), Step(Scope.CLIENT, 1, 10), Step(Scope.CLIENT, 1_000, 1_000)]
    tight, good, wide = run(log, *steps).rows
    assert (tight["people"], tight["people_share"], tight["proposed"]) == (1, 1.0, False)
    assert (good["people"], good["strangers"], good["requests"], good["proposed"]) == (0, 1, 90, True)
    assert (wide["requests"], wide["proposed"]) == (0, False)


def test_strangers_are_not_charged_for_the_parts_of_a_page(tmp_path: Path) -> None:
    """A page with many pictures is one request to its neighbours' bucket, as it is for the guard."""
    page = [combined(0, "198.51.100.1", "/"), *(combined(1, "198.51.100.1", f"/{n}.png") for n in range(50))]
    log = write_log(tmp_path / "a.log", page)
    tuned = run(log, Step(Scope.CLIENT, 1, 10), Step(Scope.NETWORK, 1, 10))
    assert by(tuned, Scope.NETWORK)[0]["requests"] == 0
    assert by(tuned, Scope.CLIENT)[0]["requests"] > 0


def test_holders_of_a_clearance_are_people_and_not_charged(tmp_path: Path) -> None:
    """They have a limit of their own."""
    write_journal(tmp_path / "j", [record_at(n / 100, stage="cleared", rule="clearance") for n in range(50)])
    tuned = run(tmp_path / "j", Step(Scope.CLIENT, 1, 10))
    assert (tuned.people, tuned.requests, tuned.rows[0]["requests"]) == (1, 50, 0)


def test_limits_in_force_stand_among_the_steps() -> None:
    """Only those that bind everybody of a scope that is tried."""
    named = [step.name for step in steps_of([limit("mine"), limit("site", Scope.SITE)]) if step.name]
    assert named == ["mine"]


def test_what_is_proposed_can_be_pasted(tmp_path: Path) -> None:
    """The proposal is a configuration."""
    path = tmp_path / "c.toml"
    path.write_text(
        as_toml([{"scope": "client", "rate": 0.5, "burst": 10.0}, {"scope": "asn", "rate": 5, "burst": 60}])
    )
    assert {name: (found.rate, found.burst) for name, found in load(path).limits.items()} == {
        "client": (0.5, 10),
        "asn": (5, 60),
    }


def test_a_flood_of_addresses_fills_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the bound full buckets are forgotten; what cannot be told apart is counted."""
    monkeypatch.setattr(module, "MOST_KEYS", 5)
    log = write_log(tmp_path / "a.log", [combined(0, f"198.51.100.{n}") for n in range(20)])
    assert run(log, Step(Scope.CLIENT, 0.5, 1)).overflow == 15
