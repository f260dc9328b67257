"""The archive: one table of records over a span of time, asked in SQL that two engines understand.

With the extra ``analysis`` DuckDB reads the index and whatever is not in it yet; without it the segments are read once
into a temporary SQLite file. The questions, and the answers, are the same.
"""

from __future__ import annotations

import contextlib
import math
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from shieldproxy.attribution.columns import COLUMNS, KEPT, NAMES, from_lines, milliseconds, quoted, values
from shieldproxy.attribution.engine import available, connect, lines_of
from shieldproxy.attribution.index import Content, Index
from shieldproxy.attribution.neighbourhoods import DUCKDB_NETWORK, neighbourhood
from shieldproxy.attribution.network_names import read_names
from shieldproxy.attribution.rollups import ROLLUPS, beside
from shieldproxy.journal.filters import Filter
from shieldproxy.journal.reader import Reader

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

Row = tuple[Any, ...]
WITHOUT = (
    "read without an index; the extra shieldproxy[analysis] (DuckDB, 69 MB) answers questions about months in seconds"
)
BATCH = 10_000


class Archive(Protocol):
    """What questions are asked of.

    The table ``records`` (attribution.columns, without ``as_name``) over the span it was opened for, the table
    ``networks`` (``asn``, ``name``), and the function ``network_of`` (a client key's /24 or /48). ``records`` are those
    in ``fresh`` and those in ``kept``; of the latter the tables ``rolled_clients``, ``rolled_asked``,
    ``rolled_times`` and ``rolled_audits`` hold the sums (attribution.rollups).
    """

    note: str

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return the rows of a question in the SQL that both engines understand."""


@contextlib.contextmanager
def open_archive(
    index: Index, since: str = "", until: str = "", *, update: bool = True, duckdb: bool | None = None
) -> Iterator[Archive]:
    """Open the records from ``since`` to ``until`` (ts, '': open end).

    ``update`` brings the index up to date before, where the disk lets it; ``duckdb`` False does without DuckDB.
    Raises OSError when the journal cannot be read.
    """
    if not (available() if duckdb is None else duckdb):
        with tempfile.TemporaryDirectory(prefix="shieldproxy-") as scratch:
            archive = SqliteArchive(index.directory, since, until, Path(scratch) / "records.sqlite")
            try:
                yield archive
            finally:
                archive.close()
        return
    if update and index.directory.is_dir():
        with contextlib.suppress(OSError):  # a journal that may only be read is read all the same
            index.update()
    with tempfile.TemporaryDirectory(prefix="shieldproxy-") as scratch:
        found = DuckdbArchive(
            index.content(since, until), read_names(index.folder), (since, until), connect(Path(scratch), index.within)
        )
        try:
            yield found
        finally:
            found.close()


class DuckdbArchive:
    """The archive on DuckDB: Parquet where there is an index, lines where there is none yet."""

    def __init__(
        self, content: Content, names: dict[int, str], span: tuple[str, str], connection: DuckDBPyConnection
    ) -> None:
        self.note = ""
        self._connection = connection
        self._connection.execute(f"CREATE MACRO network_of(client) AS {DUCKDB_NETWORK}")
        self._load([str(segment.path) for segment in content.segments if segment.path.exists()], _bounds(*span))
        # Sums know no bounds but their own: within others everything is counted from records.
        whole = content.files if not any(span) else ()
        parts = content.files if any(span) else ()
        kept = {column.name: column.kind for column in COLUMNS if column.name != "as_name"}
        fresh = f"SELECT {KEPT} FROM {_parquet(parts, kept)}{_bounds(*span)} UNION ALL SELECT {KEPT} FROM loaded"
        self._connection.execute(f"CREATE VIEW fresh AS {fresh}")
        self._connection.execute(f"CREATE VIEW kept AS SELECT {KEPT} FROM {_parquet(whole, kept)}")
        self._connection.execute("CREATE VIEW records AS SELECT * FROM fresh UNION ALL SELECT * FROM kept")
        for rollup in ROLLUPS:
            source = _parquet([beside(file, rollup.name) for file in whole], rollup.columns)
            self._connection.execute(f"CREATE VIEW rolled_{rollup.name} AS SELECT * FROM {source}")
        self._name_networks(names)

    def _load(self, paths: list[str], bounds: str) -> None:
        kinds = ", ".join(f"{column.name} {column.kind}" for column in COLUMNS)
        self._connection.execute(f"CREATE TABLE loaded ({kinds})")
        if paths:
            source, parameters = lines_of(paths)
            self._connection.execute(f"INSERT INTO loaded SELECT * FROM ({from_lines(source)}){bounds}", parameters)

    def _name_networks(self, names: dict[int, str]) -> None:
        self._connection.execute("CREATE TABLE networks (asn BIGINT, name VARCHAR)")
        document = orjson.dumps([{"asn": asn, "name": name} for asn, name in names.items()]).decode()
        self._connection.execute(
            """INSERT INTO networks SELECT asn, max(name) FROM (
            SELECT unnest(from_json(?, '[{"asn": "BIGINT", "name": "VARCHAR"}]'), recursive := true)
            UNION ALL SELECT DISTINCT asn, as_name FROM loaded WHERE as_name <> '') GROUP BY asn""",
            [document],
        )

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return the rows of a question."""
        return self._connection.execute(sql, list(parameters)).fetchall()

    def close(self) -> None:
        """Give back memory and disk."""
        self._connection.close()


class SqliteArchive:
    """The archive without DuckDB: all records of the span in a temporary file of SQLite."""

    def __init__(self, journal: Path, since: str, until: str, place: Path) -> None:
        self._connection = sqlite3.connect(place)
        self._connection.create_function("network_of", 1, neighbourhood, deterministic=True)
        self._connection.create_function("ln", 1, math.log, deterministic=True)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "temp_store = FILE"):
            self._connection.execute(f"PRAGMA {pragma}")
        self._connection.execute(f"CREATE TABLE records ({', '.join(NAMES)})")
        places = ", ".join("?" * len(NAMES))
        self._reader = Reader(journal)
        self._connection.executemany(
            f"INSERT INTO records VALUES ({places})", self._read(Filter(since=since, until=until))
        )
        self._connection.execute("CREATE VIEW fresh AS SELECT * FROM records")
        self._connection.execute("CREATE VIEW kept AS SELECT * FROM records WHERE 0")
        for rollup in ROLLUPS:
            self._connection.execute(f"CREATE TABLE rolled_{rollup.name} ({', '.join(rollup.columns)})")
        (count,) = self._connection.execute("SELECT count(*) FROM records").fetchone()
        self._connection.execute("CREATE TABLE networks AS SELECT asn, max(as_name) AS name FROM records GROUP BY asn")
        self.note = f"{count:,} records {WITHOUT}"

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[Row]:
        """Return the rows of a question."""
        return self._connection.execute(sql, parameters).fetchall()

    def close(self) -> None:
        """Give back the disk."""
        self._connection.close()

    def _read(self, wanted: Filter) -> Iterator[Row]:
        for fields in self._reader.scan(wanted):
            with contextlib.suppress(ValueError, TypeError, KeyError):  # no record: counted by nobody
                yield values(fields)


def _parquet(files: Sequence[Path], columns: Mapping[str, str]) -> str:
    """Return what these files hold, in a FROM; an empty table of these columns when there are none."""
    if files:
        return f"read_parquet([{', '.join(quoted(file) for file in files)}])"
    empty = ", ".join(f"CAST(NULL AS {kind}) AS {name}" for name, kind in columns.items())
    return f"(SELECT {empty} WHERE false)"


def _bounds(since: str, until: str) -> str:
    """Return the WHERE of the span; whole milliseconds, as the index has no finer ones."""
    parts = [f"ts >= {milliseconds(since)}"] if since else []
    parts += [f"ts <= {milliseconds(until)}"] if until else []
    return f" WHERE {' AND '.join(parts)}" if parts else ""
