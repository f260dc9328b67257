"""Files of logs come in whole lines, whatever is in them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from shieldproxy.journal import log_files as module
from shieldproxy.journal.log_files import UnreadableLogError, blocks, text_of


@pytest.mark.parametrize("packed", [False, True])
def test_lines_are_whole_wherever_a_piece_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, packed: bool
) -> None:
    """Packed or plain, with or without a last newline."""
    monkeypatch.setattr(module, "CHUNK", 5)
    text = b"one\ntwo\n\nthree and four\nfive"
    path = tmp_path / "a.log"
    path.write_bytes(gzip.compress(text) if packed else text)
    assert b"\n".join(blocks(path)) == text


def test_a_line_without_an_end_takes_no_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is longer than any line says nothing, and what follows it is read."""
    monkeypatch.setattr(module, "CHUNK", 4)
    monkeypatch.setattr(module, "MAX_LINE", 8)
    path = tmp_path / "a.log"
    path.write_bytes(b"a" * 100 + b"\nnext\n")
    found = list(blocks(path))
    assert max(map(len, found)) < 40
    assert found[-1].endswith(b"next")


def test_what_cannot_be_read_is_said(tmp_path: Path) -> None:
    """A missing file, and one that says it is packed and is not."""
    broken = tmp_path / "broken.gz"
    broken.write_bytes(b"\x1f\x8bnonsense")
    for path in (tmp_path / "none", broken):
        with pytest.raises(UnreadableLogError, match=path.name):
            list(blocks(path))


def test_json_is_text_and_other_lines_are_bytes() -> None:
    """As they stood on the wire."""
    assert text_of("{é".encode()) == "{é"
    assert text_of(b"\xe9\r") == "\xe9"
