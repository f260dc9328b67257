"""What was learned: kept in one file, read back whole or not at all."""

from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.state.learned import FILE, Usual, keep_usual, read_usual

USUAL = Usual(30.0, 6.0, 24.0, 600, 3_600.0, {3320: 4.5, 64500: 0.25})


def test_what_is_kept_is_read_back(tmp_path: Path) -> None:
    """A restart knows what its predecessor learned."""
    keep_usual(tmp_path, USUAL)
    assert read_usual(tmp_path) == (USUAL, "")


def test_nothing_kept_is_nothing_known(tmp_path: Path) -> None:
    """A first start has no usual, and nothing is wrong with that."""
    assert read_usual(tmp_path) == (Usual(), "")


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "[]", "{}", '{"version":2}', '{"version":1,"networks":[]}', "\xff", "[" * 100_000, "7" * (2 << 20)),
        '{"version":1,"requests":"a","pages":1,"parts":1,"seen":1,"age":1,"networks":{}}',
        '{"version":1,"requests":NaN,"pages":1,"parts":1,"seen":1,"age":1,"networks":{}}',
    ],
)
def test_a_damaged_file_costs_the_knowledge_and_never_the_start(tmp_path: Path, text: str) -> None:
    """It is named, and learning begins anew."""
    (tmp_path / FILE).write_text(text, "latin-1")
    found, problem = read_usual(tmp_path)
    assert found == Usual()
    assert str(tmp_path / FILE) in problem
