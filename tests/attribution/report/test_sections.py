from __future__ import annotations

from pathlib import Path
from typing import Any

from shieldproxy.attribution.report.sections import sections
from shieldproxy.attribution.visits import Period
from tests.attribution.report.conftest import WHOLE, content_of


def test_sections_come_in_the_order_in_which_people_read(content: dict[str, Any]) -> None:
    """What happened first, how to read it last."""
    titles = [section.title for section in sections(content)]
    assert titles == [
        "November 2026",
        "Episodes",
        "Episode E-2026-11-24-1",
        "Share of bots",
        "What was stopped, and what got through",
        "Countries",
        "Networks of all requests",
        "What was asked for",
        "How to read this",
    ]


def test_every_row_has_every_column(content: dict[str, Any]) -> None:
    """And a share where the table is drawn."""
    tables = [table for section in sections(content) for table in section.tables]
    assert len(tables) > 15
    for table in tables:
        assert all(len(row) == len(table.columns) for row in table.rows)
        assert len(table.shares) in {0, len(table.rows)}


def test_the_parameters_stand_beside_the_count(content: dict[str, Any]) -> None:
    """Three attacks by one set of parameters are two by another."""
    (episodes,) = (section for section in sections(content) if section.title == "Episodes")
    assert "1.5 times the usual" in episodes.sentences[0]


def test_the_honest_words_are_always_there(content: dict[str, Any]) -> None:
    """Egress is not origin, the handshake was completed, an address is no person."""
    last = " ".join(sections(content)[-1].sentences)
    assert "egress" in last
    assert "TCP handshake" in last
    assert "not a person" in last


def test_an_empty_month_is_one_section(journal: Path) -> None:
    """Nothing to tabulate."""
    assert len(sections(content_of(journal, Period(WHOLE.until, WHOLE.until + 1)))) == 1
