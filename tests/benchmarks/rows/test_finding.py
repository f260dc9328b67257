"""Lines of the table."""

from __future__ import annotations

import pytest

from benchmarks.rows.finding import Finding, at_least, at_most, holds, left_out, told


@pytest.mark.parametrize(
    ("finding", "met", "distance"),
    [
        (at_least("r", "a", 0.6, 0.6), True, "met"),
        (at_least("r", "a", 0.3, 0.6), False, "50% of it"),
        (at_least("r", "a", None, 0.6, note="is not installed"), None, "not measured"),
        (at_most("r", "a", 0.0, 0.7), True, "met"),
        (at_most("r", "a", 0.7, 0.7), True, "met"),
        (at_most("r", "a", 1.4, 0.7), False, "50% of it"),
        (holds("r", "a", "5 of 5", true=True, wanted="equal"), True, "met"),
        (holds("r", "a", "4 of 5", true=False, wanted="equal"), False, "0% of it"),
        (told("r", "a", "7"), None, "-"),
        (left_out("r", "a", "<= 1", "needs root"), None, "not measured"),
    ],
)
def test_says_how_far_it_is(finding: Finding, met: bool | None, distance: str) -> None:  # noqa: FBT001
    """Met, a share of the target, not measured, or nothing to be met."""
    assert finding.met is met
    assert finding.distance == distance


def test_is_plain_data_too() -> None:
    """For JSON, with its judgement."""
    assert at_least("r", "a", 0.3, 0.6).as_dict()["met"] is False
