"""Counting records: exact sums, heaviest keys, bounded memory."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.cli.counting import Counts, Heaviest


def record(**fields: Any) -> dict[str, Any]:
    return {
        "ts": "2026-11-24T10:00:00.000000Z",
        "action": "admit",
        "client": "192.0.2.1",
        "path": "/",
        "country": "CH",
        "as_name": "EXAMPLE",
        "weight": 1,
    } | fields


def test_a_record_counts_as_many_requests_as_it_stands_for() -> None:
    """Sums go by weight, so they are exact when the journal is sampled."""
    counts = Counts().take([record(weight=10), record(action="drop", weight=3, client="192.0.2.2")])
    assert counts.requests == 13
    assert counts.actions == {"admit": 10, "drop": 3}
    assert counts.clients.top(5) == [("192.0.2.1", 10), ("192.0.2.2", 3)]


def test_first_last_and_the_latest_name() -> None:
    """Records may come in any order; the name is that of the latest that has one."""
    counts = Counts().take(
        [
            record(ts="2026-11-24T10:00:02.000000Z", as_name="NEW"),
            record(ts="2026-11-24T10:00:00.000000Z", as_name="OLD"),
            record(ts="2026-11-24T10:00:03.000000Z", as_name=""),
        ]
    )
    assert (counts.first[17:19], counts.last[17:19], counts.as_name) == ("00", "03", "NEW")


def test_nothing_counts_as_nothing() -> None:
    """Without records every field is empty."""
    fields = Counts().fields(5)
    assert fields["requests"] == 0
    assert fields["first"] == ""
    assert fields["clients"] == {}


@given(st.lists(st.integers(0, 60), max_size=400))
def test_the_table_is_bounded_and_a_constant_visitor_stays(keys: list[int]) -> None:
    """However many keys come, no more than the bound are kept, and one that has over half of all is first."""
    heaviest = Heaviest(20)
    for key in keys:
        heaviest.add(f"light {key}", 1)
        heaviest.add("heavy", 2)
        assert len(heaviest.top(1_000)) <= 20
    assert not keys or heaviest.top(1)[0] == ("heavy", 2 * len(keys))
