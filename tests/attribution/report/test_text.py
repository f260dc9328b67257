from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from shieldproxy.attribution.report.text import bar, timeline, write_text
from shieldproxy.attribution.visits import Period
from tests.attribution.report.conftest import WHOLE, content_of


def written(content: dict[str, Any], width: int) -> str:
    stream = io.StringIO()
    write_text(
        content, Console(file=stream, width=width, color_system=None, markup=False, highlight=False, emoji=False)
    )
    return stream.getvalue()


@pytest.mark.parametrize("width", [100, 80])
def test_a_report_fits_its_terminal(content: dict[str, Any], width: int) -> None:
    """No line is longer than the terminal is wide, and the numbers are there."""
    text = written(content, width)
    assert max(len(line) for line in text.splitlines()) <= width
    for part in ("1 attack", "E-2026-11-24-1", "AS64500 Flood Hosting 0", "Share of bots", "TCP handshake"):
        assert part in text


def test_no_client_speaks_to_the_terminal(content: dict[str, Any]) -> None:
    """Controls and marks of direction are written out, and rich takes nothing for its own markup."""
    text = written(content, 200)
    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "/<script>alert(1)</script>\\x1b[31m\\u202e" in text


def test_an_empty_month_is_a_line(journal: Path) -> None:
    """It says that there is no record."""
    assert "no record" in written(content_of(journal, Period(WHOLE.until, WHOLE.until + 1)), 80)


def test_what_is_not_nothing_shows() -> None:
    """A small share has a bar, no share has none, all of it has the longest."""
    assert bar(0.0) == ""
    assert bar(0.0001) == "╸"
    assert bar(1.0) == "━" * 12


def test_the_course_is_as_long_as_it_lasted() -> None:
    """One block each step, the highest for the most."""
    lines = timeline({"step": 10, "rows": [[0, 80, 0], [20, 10, 40]]}, 80).splitlines()
    assert lines[0].endswith("█ ▁")
    assert lines[1].endswith("  ▄")
