"""Stored: the synthetic month as a journal: an index of all of it, and segments.

The last days are lines of JSON in segments of a minute and a worker, as a node writes them, and the product indexes
them itself. Of the days before only the index is written, by the product's own code from the same rows; their segments
are there by name and empty, as 24 GB of lines would measure the disk of the machine.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from benchmarks.journal.synthesis import MONTH, WORKERS, begin, day_of
from shieldproxy.attribution.building import write_entry
from shieldproxy.attribution.catalogue import FOLDER, Entry, write_day
from shieldproxy.attribution.columns import KEPT, LINE_FIELDS, from_lines
from shieldproxy.attribution.engine import connect
from shieldproxy.attribution.network_names import take_names
from shieldproxy.core.record import rfc3339
from shieldproxy.journal.segments import sealed_name
from shieldproxy.supervisor.sealing_late import node_name

if TYPE_CHECKING:
    import duckdb

MINUTES = 1_440


class Span(NamedTuple):
    """What one segment holds: its number among those of the day, its name, the ts of its first and last record."""

    number: int
    name: str
    first: str
    last: str


def store(journal: Path, records: int, *, seed: int, days: range, lined: range) -> None:
    """Write ``days`` (0 is the first) of a month of ``records`` to ``journal``, those in ``lined`` as lines."""
    (journal / FOLDER).mkdir(parents=True)
    for day in days:
        with connect(journal / "scratch") as connection:
            connection.execute("SET memory_limit = '2GB'")
            begin(connection, seed)
            connection.execute(f"CREATE TABLE synthetic AS {day_of(day, records)}")
            connection.execute(
                f"""ALTER TABLE synthetic ADD COLUMN segment INTEGER; UPDATE synthetic SET segment =
                {WORKERS} * (epoch_ms(CAST(ts AS TIMESTAMP)) // 60000 % {MINUTES}) + src_port % {WORKERS}"""
            )
            spans = _spans(connection)
            place = journal / rfc3339(MONTH + day * 86_400)[:10]
            place.mkdir()
            if day in lined:
                _write_lines(connection, place, spans)
            else:
                _write_index(connection, journal / FOLDER, place, spans)
    shutil.rmtree(journal / "scratch", ignore_errors=True)


def _spans(connection: duckdb.DuckDBPyConnection) -> list[Span]:
    rows = connection.execute("SELECT segment, min(ts), max(ts) FROM synthetic GROUP BY 1 ORDER BY 1").fetchall()
    return [
        Span(number, sealed_name(first, last, f"{node_name()}.{number % WORKERS}", number), first, last)
        for number, first, last in rows
    ]


def _write_lines(connection: duckdb.DuckDBPyConnection, place: Path, spans: list[Span]) -> None:
    scratch = place / "lines"
    connection.execute(
        f"""COPY (SELECT v, n - min(n) OVER (PARTITION BY segment) AS seq, * EXCLUDE (v, n) FROM
        (SELECT row_number() OVER (PARTITION BY segment ORDER BY ts) AS n, * FROM synthetic) ORDER BY segment, n)
        TO '{scratch}' (FORMAT json, PARTITION_BY (segment), FILENAME_PATTERN 'lines')"""
    )
    for span in spans:
        (scratch / f"segment={span.number}" / "lines0.json").rename(place / span.name)
    shutil.rmtree(scratch)


def _write_index(connection: duckdb.DuckDBPyConnection, folder: Path, place: Path, spans: list[Span]) -> None:
    names = sorted(span.name.removesuffix(".jsonl") for span in spans)
    order = {name: number for number, name in enumerate(names)}
    for span in spans:
        (place / span.name).touch()
    source = f"(SELECT {', '.join(LINE_FIELDS)}, segment FROM synthetic)"
    connection.execute(f"CREATE VIEW lines AS {from_lines(source, 'segment')}")
    take_names(connection, folder)
    connection.execute("CREATE TABLE numbers (number INTEGER, place INTEGER)")
    connection.execute(
        "INSERT INTO numbers SELECT unnest(?::INTEGER[]), unnest(?::INTEGER[])",
        [[span.number for span in spans], [order[span.name.removesuffix(".jsonl")] for span in spans]],
    )
    select = f"SELECT {KEPT}, numbers.place AS segment FROM lines JOIN numbers ON lines.segment = numbers.number"
    first, last = min(span.first for span in spans), max(span.last for span in spans)
    (folder / place.name).mkdir()
    entry = Entry(f"{place.name}/day-synthetic.parquet", 0, first, last, tuple(names))
    write_day(folder, place.name, {place.name: write_entry(connection, folder, entry, select)})
