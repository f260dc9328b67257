from __future__ import annotations

import csv
import io
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.cli.output import (
    BATCH,
    FORMATS,
    WIDTH,
    Column,
    Listing,
    csv_cell,
    json_line,
    paragraph,
    room_on,
    widths,
)

HOSTILE = (
    "\x1b]0;owned\x07",
    "\x1b[2J\x1b[31mred",
    "a\r\n2026-11-24 forged line",
    "\x9b31m",
    "\u202egnp.exe",
    "\u2028\u2029\x85",
    "[bold red]markup[/]",
    ":smile:",
    "=cmd|' /C calc'!A0",
    "日本語のパス",
    "\udc80",
    "x" * 1000,
)
COLUMNS = (Column("time", "time"), Column("network", "network", least=8), Column("path", "path", least=10, style="red"))


class Terminal(io.StringIO):
    """A terminal of a given width."""

    def isatty(self) -> bool:
        return True

    def fileno(self) -> int:
        raise OSError


def shown(form: str, rows: list[dict[str, Any]], stream: io.StringIO | None = None) -> str:
    stream = stream or io.StringIO()
    Listing(COLUMNS, form, stream).write(rows)
    return stream.getvalue()


def rows_of(*paths: str) -> list[dict[str, Any]]:
    return [{"time": "10:15:00", "network": path, "path": path} for path in paths]


@pytest.mark.parametrize("form", FORMATS)
def test_a_hostile_value_forges_neither_line_nor_terminal_escape(form: str) -> None:
    """Whatever a client sends: one line for each row, and nothing a terminal obeys."""
    text = shown(form, rows_of(*HOSTILE))
    lines = text.split("\n")
    assert len(lines) == len(HOSTILE) + (1 if form == "json" else 2)
    assert lines[-1] == ""
    assert all(character == "\n" or character.isprintable() for character in text)
    assert len(text.splitlines()) == len(lines) - 1


@given(st.text(st.characters()))
def test_no_text_at_all_does_harm(text: str) -> None:
    """Every character there is, in every format."""
    for form in FORMATS:
        out = shown(form, rows_of(text))
        assert len(out.splitlines()) == (1 if form == "json" else 2)
        assert all(character == "\n" or character.isprintable() for character in out)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_json_reads_back_as_it_was(text: str) -> None:
    """Programs get the value itself, escaped or not."""
    assert json.loads(json_line({"path": text})) == {"path": text}
    assert json_line({"path": text}).isascii()


def test_markup_and_emoji_of_the_library_are_only_text() -> None:
    """A path in square brackets is a path."""
    text = shown("table", rows_of("[bold]x[/bold]:smile:"))
    assert text.count("[bold]x[/bold]:smile:") == 2


def test_colours_are_for_terminals_and_not_with_no_color(monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in files nor with NO_COLOR does a listing hold an escape."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    rows = rows_of("/")
    assert "\x1b[" in shown("table", rows, Terminal())
    assert "\x1b" not in shown("table", rows)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b" not in shown("table", rows, Terminal())


@pytest.mark.parametrize("columns", [80, 100, 140])
def test_a_table_fits_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    """Long values are cut with an ellipsis, short ones are whole."""
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("NO_COLOR", "1")
    text = shown("table", rows_of("y" * 200, "short"), Terminal())
    assert max(len(line) for line in text.splitlines()) <= columns
    assert "…" in text
    assert "short" in text


def test_what_goes_into_a_file_has_a_hundred_columns() -> None:
    """Whatever the terminal is like from which it was started."""
    assert room_on(io.StringIO()) == WIDTH == 100
    assert max(len(line) for line in shown("table", rows_of("y" * 200)).splitlines()) == 100


def test_columns_that_must_be_whole_are_never_cut() -> None:
    """An address that is cut helps nobody; then the line is longer."""
    columns = [Column("id", "id"), Column("path", "path", least=5)]
    assert widths(columns, [120, 80], 100) == [120, 5]
    assert widths(columns, [10, 20], 100) == [10, 20]
    assert widths(columns, [60, 60], 100) == [60, 39]


def test_the_widest_gives_first() -> None:
    """No column is squeezed while another one is roomy."""
    columns = [Column("a", "a", least=5), Column("b", "b", least=5), Column("c", "c", least=5)]
    assert widths(columns, [50, 30, 10], 62) == [25, 25, 10]


def test_rows_that_come_later_stand_below_those_before() -> None:
    """One header, columns that only grow, in any number of batches."""
    stream = io.StringIO()
    listing = Listing(COLUMNS, "table", stream)
    listing.write(rows_of("/a"))
    listing.write([])
    listing.write(rows_of("/longer-than-before"))
    listing.write(rows_of("/b"))
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4
    assert lines[0].split() == ["time", "network", "path"]
    assert lines[2].index("/longer-than-before") == lines[3].index("/b")
    assert listing.count == 3


@pytest.mark.parametrize("form", FORMATS)
def test_many_rows_are_written_as_they_come(form: str) -> None:
    """A listing of months takes no more memory than a batch, and has each row once."""
    stream = io.StringIO()
    listing = Listing(COLUMNS, form, stream)
    listing.write({"time": str(n), "network": "", "path": "/"} for n in range(2 * BATCH + 7))
    assert len(stream.getvalue().splitlines()) == 2 * BATCH + 7 + (form != "json")


def test_without_rows_there_is_no_header() -> None:
    """Nothing found is nothing printed."""
    assert [shown(form, []) for form in FORMATS] == ["", "", ""]


def test_csv_reads_back_and_no_cell_is_a_formula() -> None:
    """Fields in the given order; lists, pairs and truth in words; what a spreadsheet would run is text."""
    stream = io.StringIO()
    row = {
        "path": '=1+"1"',
        "reasons": ["a", "b"],
        "buckets": {"client": -0.5},
        "enforced": True,
        "slack": -0.5,
        "none": None,
    }
    Listing(COLUMNS, "csv", stream, fields=[*row, "missing"]).write([row])
    stream.seek(0)
    (found,) = csv.DictReader(stream)
    assert found == {
        "path": "'=1+\"1\"", "reasons": "a; b", "buckets": "client=-0.5", "enforced": "true", "slack": "-0.5",
        "none": "", "missing": "",
    }  # fmt: skip
    assert [csv_cell(text) for text in ("+1", "-1", "@a", "\t=1")] == ["'+1", "'-1", "'@a", "\\x09=1"]


def test_a_column_may_be_made_by_a_function_and_coloured_by_its_text(monkeypatch: pytest.MonkeyPatch) -> None:
    """The table knows nothing of what it shows."""
    monkeypatch.delenv("NO_COLOR", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    column = Column("sum", lambda row: row["a"] + row["b"], right=True, style=lambda text: "red" if text == "3" else "")
    Listing([column], "table", stream).write([{"a": 1, "b": 2}, {"a": 100, "b": 2}, {"a": 0, "b": 0}])
    plain = re.sub(r"\x1b\[[0-9;]*m", "", stream.getvalue())
    assert [line.strip() for line in plain.splitlines()] == ["sum", "3", "102", "0"]
    assert "\x1b[31m" in stream.getvalue()


def test_a_closed_pipe_ends_a_listing_quietly(tmp_path: Path) -> None:
    """``shieldproxy logs | head`` is no error to be traced."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    with pytest.raises(BrokenPipeError), os.fdopen(write_end, "w") as stream:
        Listing(COLUMNS, "json", stream).write(rows_of("/"))


def test_a_paragraph_fits_where_it_is_written() -> None:
    """A file or a pipe has a hundred cells; no word is cut."""
    lines = paragraph("word " * 60 + "x" * 120).splitlines()
    assert max(len(line) for line in lines[:-1]) <= 100
    assert lines[-1] == "x" * 120
