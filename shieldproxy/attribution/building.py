"""Building: one file of the index with its sums, made of segments and of files that are ready."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from shieldproxy.attribution.catalogue import Entry
from shieldproxy.attribution.columns import COLUMNS, KEPT, from_lines, quoted
from shieldproxy.attribution.engine import LARGE, Bounds, connect, lines_of
from shieldproxy.attribution.network_names import take_names
from shieldproxy.attribution.rollups import ROLLUPS, beside, write_rollups
from shieldproxy.journal.open_segment import DIRECTORY_MODE, FILE_MODE
from shieldproxy.journal.segments import STAMP_LENGTH, expanded

if TYPE_CHECKING:
    import duckdb

FORMAT = "(FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2)"


def files_of(folder: Path, entry: Entry) -> list[Path]:
    """Return the files of an entry: its records first, then their sums."""
    records = folder / entry.file
    return [records, *(beside(records, rollup.name) for rollup in ROLLUPS)]


def build(
    folder: Path, part: str, segments: Mapping[str, str], ready: Sequence[Entry], within: Bounds = LARGE
) -> Entry:
    """Make the files of one day or less from what is ``ready`` of it and the ``segments`` that are in nothing yet.

    ``segments`` are the files of all that it shall hold, by their names (catalogue.stem_of). Raises OSError when the
    disk fails, duckdb.Error when it cannot be done in the memory and on the disk there is.
    """
    names = tuple(sorted(segments))
    digest = hashlib.sha256("\n".join(names).encode()).hexdigest()[:12]
    file = f"{part[:10]}/{part[11:].replace(':', '') or 'day'}-{digest}.parquet"
    entry = Entry(file, 0, min(map(first_of, names)), max(map(last_of, names)), names)
    (folder / part[:10]).mkdir(mode=DIRECTORY_MODE, exist_ok=True)
    number = {name: place for place, name in enumerate(names)}
    done = {name for old in ready for name in old.segments}
    with connect(folder / "scratch", within) as connection:
        _read_lines(connection, {place: number[name] for name, place in segments.items() if name not in done})
        take_names(connection, folder)
        sources = [f"SELECT {KEPT}, segment FROM lines"]
        sources += [_renumbered(folder, old, number) for old in ready]
        return write_entry(connection, folder, entry, " UNION ALL ".join(sources))


def first_of(name: str) -> str:
    """Return the first ts in a sealed segment, of its name."""
    return expanded(name[:STAMP_LENGTH])


def last_of(name: str) -> str:
    """Return the last ts in a sealed segment, of its name."""
    return expanded(name[STAMP_LENGTH + 1 : 2 * STAMP_LENGTH + 1])


def write_entry(connection: duckdb.DuckDBPyConnection, folder: Path, entry: Entry, select: str) -> Entry:
    """Write the records of ``select`` (the columns kept, and ``segment``) and their sums; the sums are there first."""
    records, *sums = files_of(folder, entry)
    fresh = records.with_suffix(".new")
    (count,) = connection.execute(f"COPY ({select} ORDER BY client, ts) TO {quoted(fresh)} {FORMAT}").fetchone() or (0,)
    connection.execute(f"CREATE OR REPLACE VIEW made AS SELECT * FROM read_parquet({quoted(fresh)})")
    write_rollups(connection, records)
    for place in (*sums, fresh):
        place.chmod(FILE_MODE)
    fresh.replace(records)
    return entry._replace(records=int(count))


def _read_lines(connection: duckdb.DuckDBPyConnection, numbers: dict[str, int]) -> None:
    kinds = ", ".join(f"{column.name} {column.kind}" for column in COLUMNS)
    connection.execute(f"CREATE TABLE lines ({kinds}, segment INTEGER)")
    if not numbers:
        return
    connection.execute("CREATE TABLE numbered (path VARCHAR, segment INTEGER)")
    connection.execute(
        "INSERT INTO numbered SELECT unnest(?::VARCHAR[]), unnest(?::INTEGER[])",
        [list(numbers), list(numbers.values())],
    )
    source, parameters = lines_of(list(numbers))
    connection.execute(
        f"""INSERT INTO lines SELECT made.* EXCLUDE (filename), segment
        FROM ({from_lines(source, "filename")}) AS made JOIN numbered ON made.filename = numbered.path""",
        parameters,
    )


def _renumbered(folder: Path, entry: Entry, number: dict[str, int]) -> str:
    """Return the SELECT of the records of a file that is ready, their segments numbered as in the new one."""
    now = ", ".join(str(number[name]) for name in entry.segments)
    return f"SELECT {KEPT}, ([{now}])[segment + 1] AS segment FROM read_parquet({quoted(folder / entry.file)})"
