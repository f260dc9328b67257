from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.attribution.evidence.export_log import FILE, exports, note_export


def test_every_export_stays_written_down(tmp_path: Path) -> None:
    """Oldest first; none before the first."""
    assert exports(tmp_path) == []
    for name in ("one", "two"):
        note_export(tmp_path, {"recipient": name, "records": 1})
    assert [entry["recipient"] for entry in exports(tmp_path)] == ["one", "two"]


def test_a_damaged_log_is_not_passed_over(tmp_path: Path) -> None:
    """It is a record for the data protection officer."""
    (tmp_path / FILE).write_text("x\n")
    with pytest.raises(ValueError, match="unexpected character"):
        exports(tmp_path)
