from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.journal import lines as room
from shieldproxy.journal.encoding import Encoder
from shieldproxy.journal.lines import CHUNK, MAX_LINE, end_of_lines, line_at, line_number, lines, ts_of
from tests.fakes.records import record_at

Opener = Callable[[bytes], int]


@pytest.fixture
def opened(tmp_path: Path) -> Iterator[Opener]:
    """Write bytes to a file and return it open for reading."""
    files: list[int] = []

    def write_and_open(data: bytes) -> int:
        path = tmp_path / f"{len(files)}.jsonl"
        path.write_bytes(data)
        files.append(os.open(path, os.O_RDONLY))
        return files[-1]

    yield write_and_open
    for file in files:
        os.close(file)


def test_lines_come_with_their_offsets(opened: Opener) -> None:
    """Each offset is where the line begins, so that it can be read again."""
    file = opened(b"one\n\nthree\nhalf")
    assert list(lines(file)) == [(0, b"one"), (4, b""), (5, b"three"), (11, b"half")]
    assert [line_at(file, at, len(line)) for at, line in lines(file)] == [b"one", b"", b"three", b"half"]


def test_a_line_that_is_still_written_is_left_for_later(opened: Opener) -> None:
    """Of an open segment only what ends with a newline is read."""
    assert list(lines(opened(b"one\nha"), unfinished=False)) == [(0, b"one")]


def test_reading_goes_on_where_it_stopped(opened: Opener) -> None:
    """A start in the file gives what follows, with offsets of the file."""
    assert list(lines(opened(b"one\ntwo\n"), 4)) == [(4, b"two")]


def test_lines_without_the_needles_are_left_out(opened: Opener) -> None:
    """All needles must be in a line."""
    file = opened(b"ab\nb\na\ncab\n")
    assert list(lines(file, 0, (b"a", b"b"))) == [(0, b"ab"), (7, b"cab")]


@given(
    st.lists(st.binary(max_size=30).map(lambda line: line.replace(b"\n", b"")), max_size=20),
    st.sampled_from((b"", b"\n")),
    st.data(),
)
def test_pieces_never_show(texts: list[bytes], end: bytes, data: st.DataObject) -> None:
    """However small the pieces a file is read in, its lines are those of split()."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(room, "CHUNK", data.draw(st.integers(1, 40)))
        content = b"\n".join(texts) + end
        file = os.memfd_create("lines")
        try:
            os.write(file, content)
            found = [line for _, line in lines(file)]
            expected = content.split(b"\n")
            assert found == (expected[:-1] if expected[-1] == b"" else expected)
            assert end_of_lines(file, len(content)) == content.rfind(b"\n") + 1
        finally:
            os.close(file)


@pytest.mark.parametrize("extra", [0, 1, CHUNK, 3 * CHUNK])
def test_a_line_without_end_costs_no_memory(opened: Opener, extra: int) -> None:
    """What is too long for a record comes as an empty line, and the next ones are where they are."""
    long = b"x" * (MAX_LINE + CHUNK + extra)
    file = opened(b"before\n" + long + b"\nafter\nend")
    assert list(lines(file)) == [
        (0, b"before"), (7, b""), (8 + len(long), b"after"), (14 + len(long), b"end"),
    ]  # fmt: skip
    assert list(lines(opened(long))) == [(0, b"")]
    assert list(lines(opened(long), unfinished=False)) == []


def test_a_broken_line_can_be_named(opened: Opener) -> None:
    """The number is what an editor shows."""
    file = opened(b"one\ntwo\nthree\n")
    assert [line_number(file, at) for at, _ in lines(file)] == [1, 2, 3]


def test_the_ts_is_read_without_the_json() -> None:
    """It is found by its place in the lines we write."""
    line = Encoder().line(record_at(1.5), 10**15, 0)
    assert ts_of(line) == b"2026-11-24T10:15:01.500000Z"


@pytest.mark.parametrize(
    "line", [b"", b"{}", b'{"ts":"2026"}', b'{"ts":1}', b"x" * 80 + b'"ts":"2026-11-24T10:15:01.500000Z"']
)
def test_a_ts_elsewhere_is_none(line: bytes) -> None:
    """A line of another program says nothing by its place."""
    assert ts_of(line) == b""
