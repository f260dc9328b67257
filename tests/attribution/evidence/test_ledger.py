from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.attribution.evidence.ledger import FILE, span_of

A, B, C = (f"2026-11-24T10:{minute}:00.000000Z" for minute in (15, 20, 25))


def test_the_newest_line_about_an_episode_counts(tmp_path: Path) -> None:
    """It was written when the episode ended; one that goes on has no end."""
    (tmp_path / FILE).write_text(
        f'{{"id":"E1","start":"{A}","end":null}}\nbroken\n{{"id":"E2","start":"{B}"}}\n{{"id":"E1","start":"{A}","end":"{C}"}}\n'
    )
    assert span_of(tmp_path, "E1") == (A, C)
    assert span_of(tmp_path, "E2") == (B, "")


def test_an_episode_that_is_not_there_is_said(tmp_path: Path) -> None:
    """Also when there is no ledger; a line without times is a fault of its own."""
    with pytest.raises(KeyError):
        span_of(tmp_path, "E1")
    (tmp_path / FILE).write_text('{"id":"E1","start":"yesterday"}\n')
    with pytest.raises(ValueError, match="no start and end"):
        span_of(tmp_path, "E1")
    with pytest.raises(KeyError):
        span_of(tmp_path, "E2")
