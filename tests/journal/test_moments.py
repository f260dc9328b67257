from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.journal.moments import parse_moment
from tests.fakes.records import TEN_FIFTEEN


def unix(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("now", "2026-11-24T10:15:00"),
        ("today", "2026-11-24"),
        ("Yesterday", "2026-11-23"),
        ("2026-11-20", "2026-11-20"),
        ("2026-11-20T08:30", "2026-11-20T08:30"),
        ("2026-11-20 08:30:15", "2026-11-20T08:30:15"),
        ("2026-11-20T08:30:15.5Z", "2026-11-20T08:30:15.5"),
        ("2026-11-20T08:30:15+02:00", "2026-11-20T06:30:15"),
        ("08:30", "2026-11-24T08:30"),
        ("08:30:15", "2026-11-24T08:30:15"),
        ("90s", "2026-11-24T10:13:30"),
        ("15m", "2026-11-24T10:00"),
        ("15 min ago", "2026-11-24T10:00"),
        ("2h ago", "2026-11-24T08:15"),
        ("1.5h", "2026-11-24T08:45"),
        ("3d", "2026-11-21T10:15"),
        (" 1w ", "2026-11-17T10:15"),
    ],
)
def test_people_write_times_in_many_ways(text: str, moment: str) -> None:
    """Whatever of these is written, it is the moment that was meant, in UTC."""
    assert parse_moment(text, TEN_FIFTEEN) == unix(moment)


def test_a_day_as_an_end_takes_the_day_in(subtests: pytest.Subtests) -> None:
    """``--until 2026-11-24`` means the whole of it; a time of day is meant as it stands."""
    for text in ("2026-11-24", "today"):
        with subtests.test(text):
            assert parse_moment(text, TEN_FIFTEEN, end=True) == pytest.approx(unix("2026-11-25") - 1e-6, abs=1e-6)
    assert parse_moment("2026-11-24T00:00", TEN_FIFTEEN, end=True) == unix("2026-11-24")


@pytest.mark.parametrize(
    "text", ["", "soon", "24.11.2026", "2026-13-01", "2026-11", "99:99", "15x", "-5m", "2026-11-24T", "9" * 30 + "d"]
)
def test_anything_else_is_refused_with_what_is_allowed(text: str) -> None:
    """The message names the forms, so that nobody has to look them up."""
    with pytest.raises(ValueError, match=r"is no time; allowed: 2026-11-24.*15m"):
        parse_moment(text, TEN_FIFTEEN)


@given(st.text())
def test_no_text_raises_anything_else(text: str) -> None:
    """A moment or a ValueError."""
    try:
        parse_moment(text, TEN_FIFTEEN)
    except ValueError as error:
        assert "allowed" in str(error)  # noqa: PT017 - both outcomes are right
