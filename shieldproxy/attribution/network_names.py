"""Names of networks: kept once for the whole index, not in every row of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    import duckdb

FILE = "networks.json"


def read_names(folder: Path) -> dict[int, str]:
    """Return the names of networks by AS number; none when they were never written, or are broken."""
    try:
        document = orjson.loads((folder / FILE).read_bytes())
        return {int(asn): str(name) for asn, name in document.items()}
    except (OSError, ValueError, AttributeError):
        return {}


def take_names(connection: duckdb.DuckDBPyConnection, folder: Path) -> None:
    """Add the names in the table ``lines`` to those kept in ``folder``; raises OSError."""
    rows = connection.execute("SELECT asn, max(as_name) FROM lines WHERE as_name <> '' GROUP BY asn").fetchall()
    before = read_names(folder)
    after = before | {int(asn): str(name) for asn, name in rows}
    if after == before:
        return
    fresh = folder / f"{FILE}.new"
    fresh.write_bytes(orjson.dumps({str(asn): name for asn, name in sorted(after.items())}))
    fresh.replace(folder / FILE)
