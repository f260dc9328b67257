"""The engine of the index, DuckDB: whether it is here, and how it is kept within bounds."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from shieldproxy.attribution.columns import LINE_FIELDS

if TYPE_CHECKING:
    import duckdb


class Bounds(NamedTuple):
    """What DuckDB may take: memory (more goes to the disk) and threads."""

    memory: str
    threads: int


# For a question somebody waits for, and beside a node that serves.
LARGE, SMALL = Bounds("640MB", 2), Bounds("320MB", 1)


def available() -> bool:
    """Tell whether the engine of the index (the extra ``analysis``) is installed."""
    return importlib.util.find_spec("duckdb") is not None


def connect(scratch: Path | None = None, within: Bounds = LARGE) -> duckdb.DuckDBPyConnection:
    """Return a connection of DuckDB ``within`` bounds that puts what does not fit into memory into ``scratch``."""
    import duckdb  # noqa: PLC0415 - the extra may be missing, and a server never needs it

    connection = duckdb.connect(":memory:")
    connection.execute(f"SET threads = {within.threads}")
    connection.execute(f"SET memory_limit = '{within.memory}'")
    connection.execute("SET preserve_insertion_order = false")
    connection.execute("SET enable_progress_bar = false")
    if scratch is not None:
        connection.execute("SET temp_directory = ?", [str(scratch)])
    return connection


def lines_of(segments: list[str]) -> tuple[str, list[object]]:
    """Return the table function that reads these files line by line, and its parameters."""
    source = "read_json(?, format = 'newline_delimited', columns = ?, ignore_errors = true, filename = true)"
    return source, [segments, LINE_FIELDS]
