from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from shieldproxy.attribution.visits import Period
from tests.attribution.report.conftest import WHOLE, content_of
from tests.fakes.records import TEN_FIFTEEN


def test_a_report_answers_the_questions(content: dict[str, Any]) -> None:
    """Attacks, share of bots, who, from where, for what, what was stopped, who was hit by mistake."""
    assert content["counts"] == {"attack": 1, "surge": 0, "unclear": 0}
    assert content["episodes"][0]["id"] == "E-2026-11-24-1"
    assert content["site"]["requests"] == 3_600 + 4_800 + 900 + 500
    assert content["bots"]["requests"]["low"] < content["bots"]["requests"]["high"] <= 1.0
    assert content["who"]["countries"]["groups"][0]["key"] == "NL"
    assert content["stopped"]["sums"]["addresses"] == 200
    assert content["asked"]["path"]["groups"][0]["key"] == "/search"
    assert content["mistakes"]["refused_people"] == 0
    assert content["nodes"] == ["edge1"]
    assert json.loads(json.dumps(content)) == content


def test_both_engines_report_the_same(journal: Path) -> None:
    """Down to the last number."""
    fast, slow = content_of(journal), content_of(journal, duckdb=False)
    assert "shieldproxy[analysis]" in slow.pop("note")
    assert fast.pop("note") == ""
    assert fast == slow


def test_the_timeline_adds_up(content: dict[str, Any]) -> None:
    """Steps are as fine as the records allow."""
    course = content["timeline"]
    assert course["step"] == 30
    assert sum(stopped for _, _, stopped in course["rows"]) == content["site"]["stopped"]


def test_an_empty_month_is_reported_as_such(journal: Path) -> None:
    """Zeros, and no division by them."""
    empty = content_of(journal, Period(WHOLE.until, WHOLE.until + 1_000))
    assert empty["site"]["requests"] == 0
    assert empty["episodes"] == []
    assert empty["timeline"]["rows"] == []


def test_only_episodes_that_began_in_the_period_count(journal: Path) -> None:
    """Each belongs to one month."""
    after = content_of(journal, Period(int(TEN_FIFTEEN * 1000) + 660_000, WHOLE.until))
    assert after["episodes"] == []
