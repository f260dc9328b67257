"""Foreign logs: what other servers wrote down becomes requests, and what is no request is named."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from shieldproxy.journal.foreign import ForeignLog, texts_of
from shieldproxy.journal.log_files import UnreadableLogError, blocks

LINE = (
    '192.0.2.7 - frank [24/Nov/2026:10:15:00 +0000] "GET /a/b?q=1 HTTP/1.1" 200 2326 '
    '"https://example.org/" "Mozilla/5.0 (X11)"'
)


def test_a_file_is_read_to_its_end_and_broken_lines_are_named(tmp_path: Path) -> None:
    """Packed or plain, with or without a last newline; a broken line costs nothing but itself."""
    plain, packed = tmp_path / "a.log", tmp_path / "a.log.gz"
    text = f"{LINE}\nbroken\n{LINE}".encode()
    plain.write_bytes(text)
    packed.write_bytes(gzip.compress(text))
    for path in (plain, packed):
        log = ForeignLog(path)
        assert len(list(log.requests())) == 2
        assert log.broken_lines == [f"{path}:2: neither the combined format nor JSON"]


def test_a_file_that_is_no_log_is_given_up(tmp_path: Path) -> None:
    """A picture named by mistake is not read to its end."""
    path = tmp_path / "picture"
    path.write_bytes(b"x\n" * 5_000)
    log = ForeignLog(path)
    with pytest.raises(UnreadableLogError, match="no log"):
        list(log.requests())
    assert log.lines == 1_000


def test_a_broken_archive_is_said_plainly(tmp_path: Path) -> None:
    """A gzip file cut short is no traceback."""
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(LINE.encode() * 100)[:60])
    with pytest.raises(UnreadableLogError, match=r"cut\.gz"):
        list(ForeignLog(path).requests())


@pytest.mark.parametrize("size", [1, 7, 100, 1 << 20])
def test_texts_of_blocks_are_the_lines(tmp_path: Path, size: int) -> None:
    """However large the blocks are."""
    path = tmp_path / "a.log"
    path.write_bytes(f"{LINE}\n\nbroken\n{LINE}".encode())
    assert [text for block in blocks(path, size) for text in texts_of(block)] == [LINE, "", "broken", LINE]


def test_a_line_without_an_end_takes_no_memory(tmp_path: Path) -> None:
    """It is one broken line, and what follows is read."""
    path = tmp_path / "a.log"
    path.write_bytes(LINE.encode() + b"\n" + b"x" * (5 << 20) + b"\n" + LINE.encode() + b"\n")
    log = ForeignLog(path)
    assert len(list(log.requests())) == 2
    assert log.broken == 1
