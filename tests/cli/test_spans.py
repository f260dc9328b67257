"""Spans and amounts as people read them."""

from __future__ import annotations

import pytest

from shieldproxy.cli.spans import share, written_count, written_size, written_span


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0s"),
        (0, "0s"),
        (0.4, "0s"),
        (59.6, "1m"),
        (61, "1m 1s"),
        (3_600, "1h"),
        (3_601, "1h"),
        (3_660, "1h 1m"),
        (86_400, "1d"),
        (90_061, "1d 1h"),
        (400 * 86_400, "400d"),
    ],
)
def test_a_span_is_its_two_largest_units(seconds: float, text: str) -> None:
    """A span names its two largest units and leaves out what is zero."""
    assert written_span(seconds) == text


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 B"), (1_023, "1023 B"), (1_536, "2 KiB"), (3 << 20, "3 MiB"), (5 << 30, "5.0 GiB")]
)
def test_a_size_has_its_unit(size: int, text: str) -> None:
    """A size is short, in binary units."""
    assert written_size(size) == text


def test_counts_and_shares() -> None:
    """Thousands stand apart, and a share of nothing is no number."""
    assert written_count(1_234_567) == "1,234,567"
    assert share(1, 3) == "33 %"
    assert share(0, 0) == "-"
