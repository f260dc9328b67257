"""What pages have in common in calm: kept in one file, read back whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.core.cohorts import KEPT, Calm
from shieldproxy.state.calm import FILE, keep_calm, read_calm

CALM = Calm(3_600.0, {"": 9_000.0, "agent Firefox": 4_000.5, "path /": 12.25})


def test_what_is_kept_is_read_back(tmp_path: Path) -> None:
    """A restart knows what its predecessor learned; a first start knows nothing, and nothing is wrong with that."""
    assert read_calm(tmp_path) == (Calm(), "")
    keep_calm(tmp_path, CALM)
    assert read_calm(tmp_path) == (CALM, "")


def test_no_more_is_read_than_is_kept(tmp_path: Path) -> None:
    """A file that somebody made larger does not grow the node."""
    keep_calm(tmp_path, Calm(1.0, {str(number): 1.0 for number in range(KEPT + 5)}))
    assert len(read_calm(tmp_path)[0].pages) == KEPT


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "{}", '{"version":2}', '{"version":1,"age":1,"pages":[]}', "\xff", "7" * (9 << 20)),
        '{"version":1,"age":1,"pages":{"a":-1}}',
        '{"version":1,"age":NaN,"pages":{}}',
        '{"version":1,"age":1,"pages":{"a":"b"}}',
    ],
)
def test_a_damaged_file_costs_the_knowledge_and_never_the_start(tmp_path: Path, text: str) -> None:
    """It is named, and learning begins anew."""
    (tmp_path / FILE).write_text(text, "latin-1")
    found, problem = read_calm(tmp_path)
    assert found == Calm()
    assert str(tmp_path / FILE) in problem
