"""Output: the one place where a listing becomes a table, JSON lines or CSV, and where no value can do harm.

Values come from clients: a path, a user agent. In a table and in CSV what does not print is escaped; JSON is
written in ASCII; CSV values that a spreadsheet would run as a formula are quoted.
"""

from __future__ import annotations

import csv
import json
import os
import shutil
import sys
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, TextIO

import orjson

from shieldproxy.core.printing import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

FORMATS = ("table", "json", "csv")

# The width of a listing that goes into a file or a pipe, and the least a terminal is taken for.
WIDTH = 100
LEAST_WIDTH = 60

# So many rows are laid out together.
BATCH = 500

# A spreadsheet takes a cell that begins so for a formula; the apostrophe makes it text again.
_FORMULA = ("=", "+", "-", "@")

Row = Mapping[str, Any]


class Column(NamedTuple):
    """A column of a table: its title, and a key of the row or a function that makes its text.

    ``least`` is how many cells it keeps when the table is too wide for the terminal (0: all it needs); what does
    not fit then is cut with an ellipsis. ``style`` is a style of rich, or a function from the text to one.
    """

    title: str
    value: str | Callable[[Row], object]
    least: int = 0
    right: bool = False
    style: str | Callable[[str], str] = ""

    def text(self, row: Row) -> str:
        """Return what stands in the cell, safe for a terminal."""
        value = row.get(self.value, "") if isinstance(self.value, str) else self.value(row)
        return printable("" if value is None else str(value))


class Listing:
    """Writes rows, all at once or as they come. ``fields`` are the columns of CSV (default: keys of the first row)."""

    def __init__(
        self, columns: Sequence[Column], form: str, stream: TextIO, *, fields: Sequence[str] | None = None
    ) -> None:
        self.count = 0
        self._columns = columns
        self._form = form
        self._stream = stream
        self._fields = fields
        self._needs: list[int] = []
        self._console: Console | None = None

    def write(self, rows: Iterable[Row]) -> None:
        """Write ``rows`` after those written before; the header comes with the first."""
        write = {"table": self._write_table, "json": self._write_json, "csv": self._write_csv}[self._form]
        batch: list[Row] = []
        for row in rows:
            batch.append(row)
            if len(batch) == BATCH:
                write(batch)
                self.count += len(batch)
                batch = []
        if batch:
            write(batch)
            self.count += len(batch)
        self._stream.flush()

    def _write_json(self, rows: Sequence[Row]) -> None:
        self._stream.writelines(f"{json_line(row)}\n" for row in rows)

    def _write_csv(self, rows: Sequence[Row]) -> None:
        fields = self._fields = self._fields or list(rows[0])
        writer = csv.writer(self._stream, lineterminator="\n")
        if self.count == 0:
            writer.writerow(fields)
        writer.writerows([csv_cell(row.get(field, "")) for field in fields] for row in rows)

    def _write_table(self, rows: Sequence[Row]) -> None:
        cells = [[column.text(row) for column in self._columns] for row in rows]
        if self._console is None:
            self._console = console_for(self._stream)
        # Columns only grow from batch to batch, so rows that come later stand below those before.
        self._needs = needs(self._columns, cells, self._needs)
        table = self._table(widths(self._columns, self._needs, self._console.width))
        for line in cells:
            table.add_row(*(_styled(column, text) for column, text in zip(self._columns, line, strict=True)))
        self._console.print(table, crop=False)

    def _table(self, wide: Sequence[int]) -> Table:
        from rich.table import Table  # noqa: PLC0415 - only tables pay for it

        table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False, show_header=self.count == 0, header_style="bold")
        for column, width in zip(self._columns, wide, strict=True):
            table.add_column(
                printable(column.title),
                width=width,
                justify="right" if column.right else "left",
                no_wrap=True,
                overflow="ellipsis",
            )
        # Wider than the terminal when nothing more can be cut: a cut address helps nobody, the terminal wraps.
        table.width = sum(wide) + len(wide) - 1
        return table


def json_line(row: Row) -> str:
    """Return ``row`` as one line of ASCII JSON: what a terminal might obey is escaped, and reads back the same."""
    try:
        encoded = orjson.dumps(row, default=str)
        text = encoded.decode() if encoded.isascii() else json.dumps(orjson.loads(encoded), separators=(",", ":"))
    except TypeError:  # text that is no Unicode, which JSON of the standard library can say
        text = json.dumps(row, default=str, separators=(",", ":"))
    return text.replace("\x7f", "\\u007f")  # the one control that ASCII JSON may hold as it is


def csv_cell(value: Any) -> str:
    """Return ``value`` for a cell of CSV: lists with semicolons, pairs with ``=``, truth as true and false."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return str(value)
    if isinstance(value, Mapping):
        value = "; ".join(f"{name}={part}" for name, part in value.items())
    elif isinstance(value, list | tuple):
        value = "; ".join(str(part) for part in value)
    text = printable("" if value is None else str(value))
    return f"'{text}" if text.startswith(_FORMULA) else text


def console_for(stream: TextIO) -> Console:
    """Return a console of rich on ``stream``: colours only on a terminal and never with NO_COLOR (no-color.org)."""
    from rich.console import Console  # noqa: PLC0415 - only tables pay for it

    terminal = stream.isatty()
    plain = not terminal or bool(os.environ.get("NO_COLOR"))
    return Console(
        file=stream,
        width=room_on(stream),
        color_system=None if plain else "auto",
        force_terminal=terminal,
        highlight=False,
        markup=False,
        emoji=False,
        soft_wrap=False,
    )


def needs(columns: Sequence[Column], cells: Sequence[Sequence[str]], before: Sequence[int]) -> list[int]:
    """Return how many cells each column needs for its title, all ``cells`` and those measured ``before``."""
    from rich.cells import cell_len  # noqa: PLC0415 - only tables pay for it

    found = list(before) or [cell_len(column.title) for column in columns]
    for line in cells:
        found = [max(wide, cell_len(text)) for wide, text in zip(found, line, strict=True)]
    return found


def widths(columns: Sequence[Column], wide: Sequence[int], room: int) -> list[int]:
    """Return how wide each column is, one cell of space between them: what it needs, less where that is too much.

    The widest column gives first, none gives more than down to its ``least``.
    """
    given = list(wide)
    excess = sum(given) + len(given) - 1 - room
    while excess > 0:
        givers = [n for n, column in enumerate(columns) if column.least and given[n] > column.least]
        if not givers:
            break
        given[max(givers, key=lambda n: given[n])] -= 1
        excess -= 1
    return given


def room_on(stream: TextIO) -> int:
    """Return how many cells a line on ``stream`` has: the terminal's, and WIDTH for a file or a pipe."""
    if not stream.isatty():
        return WIDTH
    return max(LEAST_WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)


def paragraph(text: str) -> str:
    """Return ``text`` in lines that fit on the standard output."""
    return textwrap.fill(text, room_on(sys.stdout), break_long_words=False, break_on_hyphens=False)


def _styled(column: Column, text: str) -> Any:
    from rich.text import Text  # noqa: PLC0415 - only tables pay for it

    return Text(text, style=column.style if isinstance(column.style, str) else column.style(text))
