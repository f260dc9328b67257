"""Keys of pseudonyms: one a month, private, and gone for good when their time is over."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from shieldproxy.core.errors import StartError
from shieldproxy.state.pseudonym_keys import FOLDER, destroy_before, load_month_key


def test_a_month_keeps_its_key(tmp_path: Path) -> None:
    """Made when it is needed, another one for another month, for nobody else to read."""
    key = load_month_key(tmp_path, "2026-11", os.urandom)
    assert load_month_key(tmp_path, "2026-11", os.urandom) == key
    assert load_month_key(tmp_path, "2026-12", os.urandom) != key
    assert stat.S_IMODE((tmp_path / FOLDER / "2026-11.key").stat().st_mode) == 0o600


def test_old_keys_are_destroyed_and_never_come_again(tmp_path: Path) -> None:
    """Those before a month, and no other file."""
    keys = [load_month_key(tmp_path, month, os.urandom) for month in ("2025-12", "2026-10", "2026-11")]
    (tmp_path / FOLDER / "notes.txt").touch()
    assert destroy_before(tmp_path, "2026-11") == ["2025-12", "2026-10"]
    assert sorted(path.name for path in (tmp_path / FOLDER).iterdir()) == ["2026-11.key", "notes.txt"]
    assert load_month_key(tmp_path, "2026-11", os.urandom) == keys[2]
    assert load_month_key(tmp_path, "2026-10", os.urandom) != keys[1]
    assert destroy_before(tmp_path / "nothing", "2026-11") == []


@pytest.mark.parametrize("text", ["", "00", "zz" * 32])
def test_a_damaged_key_is_named(tmp_path: Path, text: str) -> None:
    """Nothing is replaced with a key that nobody knows."""
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "2026-11.key").write_text(text)
    (tmp_path / FOLDER / "2026-11.key").chmod(0o600)
    with pytest.raises(StartError, match=r"2026-11\.key"):
        load_month_key(tmp_path, "2026-11", os.urandom)
