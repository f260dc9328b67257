from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from shieldproxy.attribution.report import wording
from shieldproxy.attribution.visits import Period
from tests.attribution.report.conftest import WHOLE, content_of


def test_the_headline_says_what_is_known(content: dict[str, Any]) -> None:
    """Attacks, requests and addresses by family, bounds of the share of bots."""
    first, second, third = wording.headline(content)
    assert first == "November 2026: 1 attack."
    assert "9,800 requests from" in second
    assert "at least" in third
    assert "at most" in third


def test_what_was_lost_is_not_hidden(content: dict[str, Any]) -> None:
    """Requests without a record are told beside the numbers they are missing in."""
    assert "7 requests went unrecorded" in wording.headline(content | {"lost": 7})[-1]


def test_an_empty_month_is_a_sentence(journal: Path) -> None:
    """And not an attack-free one: nobody knows."""
    (only,) = wording.headline(content_of(journal, Period(WHOLE.until, WHOLE.until + 1)))
    assert "no record" in only


def test_an_attack_is_told_with_its_definitions(content: dict[str, Any]) -> None:
    """Who is counted, what was stopped, who was hit by mistake, how the site fared."""
    told = " ".join(wording.story(content["episodes"][0]))
    for part in (
        "It was an attack",
        "challenges unanswered",
        "counting clients that were stopped at least once and never passed a challenge",
        "Refused by mistake: 0 clients that passed a challenge",
        "before 20 ms on average",
        "Heaviest networks: AS",
    ):
        assert part in told


def test_a_country_is_what_a_database_says(content: dict[str, Any]) -> None:
    """The database is named with its date, and hosting networks are put beside it."""
    dated = content | {"databases": ["asn:2026-06-17/country:2026-06-25"]}
    assert "Where the country database of 2026-06-25 places the addresses" in wording.countries(dated)
    assert "hosting or VPN" in wording.countries(dated)
    assert "no known database" in wording.countries(content | {"databases": []})


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0 s"), (59.4, "59 s"), (3_600, "1 h"), (9_000, "2 h 30 min"), (90_061, "1 d 1 h")]
)
def test_spans_are_in_their_two_largest_units(seconds: float, words: str) -> None:
    """Nobody reads seconds of a day."""
    assert wording.lasting(seconds) == words


def test_counts_have_their_nouns() -> None:
    """One address, two addresses."""
    assert wording.plural(1, "address", "addresses") == "1 address"
    assert wording.plural(2_000, "attack") == "2,000 attacks"
