from __future__ import annotations

from xml.etree import ElementTree as ET

import pytest

from shieldproxy.attribution.report.charts import bar, course, written


def test_a_course_says_in_words_what_it_shows() -> None:
    """Who cannot see it reads it."""
    figure = course({"step": 60, "rows": [[0, 100, 0], [60, 50, 150], [180, 10, 0]]})
    tree = ET.fromstring(figure)
    image = tree.find(".//svg")
    assert image is not None
    assert image.get("role") == "img"
    assert image.get("aria-label") == (
        "310 requests from 1970-01-01 00:00 to 1970-01-01 00:04 UTC, 150 of them stopped; in steps of 1 min, "
        "200 in the largest."
    )
    assert [rect.get("class") for rect in tree.iter("rect")] == ["reached", "reached", "stopped", "reached"]


def test_a_single_step_is_a_course_too() -> None:
    """A demo of a second."""
    ET.fromstring(course({"step": 1, "rows": [[1_795_515_300, 0, 5]]}))


@pytest.mark.parametrize(("share", "wide"), [(0.0, "0.00"), (0.0001, "0.60"), (0.5, "50.00"), (7.0, "100.00")])
def test_a_bar_is_as_wide_as_its_share(share: float, wide: str) -> None:
    """What is not nothing shows, and nothing is more than all."""
    assert f'width="{wide}"' in bar(share)


def test_moments_are_as_fine_as_the_course() -> None:
    """Seconds for seconds, days for weeks."""
    assert written(1_795_515_300, 1) == "10:15:00"
    assert written(1_795_515_300, 3_600) == "11-24 10:15"
    assert written(1_795_515_300, 86_400) == "2026-11-24 10:15"
