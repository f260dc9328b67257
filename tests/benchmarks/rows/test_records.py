"""The journal under a flood, small."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.rows.records import CLIENTS, flood_journal

if TYPE_CHECKING:
    from pathlib import Path


def test_no_record_is_missing(tmp_path: Path) -> None:
    """All that was handed over is in the journal by weight, in far fewer lines."""
    found = flood_journal(tmp_path, 20_000)
    assert found.taken == found.weights == 20_000
    assert found.lost == 0
    assert CLIENTS <= found.written < 20_000
    assert 0 < found.median_us <= found.p99_us
