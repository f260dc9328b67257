from __future__ import annotations

import pytest

from shieldproxy.attribution.import_moments import common, when_of


@pytest.mark.parametrize(
    ("value", "ts"),
    [
        ("2026-05-25T10:15:00.25Z", "2026-05-25T10:15:00.250000Z"),
        ("2026-05-25 10:15:00.000001Z", "2026-05-25T10:15:00.000001Z"),
        ("2026-05-25T12:15:00.25+02:00", "2026-05-25T10:15:00.250000Z"),
        ("2026-05-25T10:15:00Z", "2026-05-25T10:15:00.000000Z"),
        (1_779_704_100.25, "2026-05-25T10:15:00.250000Z"),
    ],
)
def test_a_moment_is_written_as_records_write_it(value: str | float, ts: str) -> None:
    """Whatever the form, and its second as IDs begin."""
    assert when_of(value) == (ts, f"{1_779_704_100:08x}")


def test_the_common_form_is_one_of_them() -> None:
    """As nginx and Apache write it."""
    assert common("25/May/2026:12:15:00 +0200") == when_of("2026-05-25T10:15:00Z")


@pytest.mark.parametrize(
    "value", ["2026-02-30T10:15:00.25Z", "2026-05-25T25:15:00.25Z", "soon", "2026-05-25T10:15:00.x1Z"]
)
def test_what_is_no_moment_is_refused(value: str) -> None:
    """A day that is not in the calendar, an hour that is not in the day, a word."""
    with pytest.raises(ValueError, match=r".+"):
        when_of(value)
