from __future__ import annotations

import pytest

from shieldproxy.cli.months import Month, parse_month


def test_a_month_is_its_days_in_utc() -> None:
    """From its first moment to the first after it, also over the turn of the year."""
    month = parse_month("2026-12")
    assert month == Month(2026, 12)
    assert (month.since, month.until) == (1_796_083_200.0, 1_798_761_600.0)
    assert month.title == "December 2026"
    assert Month.of(1_796_083_200.0) == month
    assert Month.of(1_796_083_199.9) == Month(2026, 11)


@pytest.mark.parametrize("text", ["2026-13", "2026-00", "2026", "november", "0001-01", "2026-11-24", ""])
def test_what_is_no_month_is_refused(text: str) -> None:
    """The message says what is allowed."""
    with pytest.raises(ValueError, match="allowed: 2026-11"):
        parse_month(text)
