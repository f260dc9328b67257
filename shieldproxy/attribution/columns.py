"""Columns: what of a decision record the analysis asks for, in both engines that answer.

The segments remain the truth; these columns are a copy for counting, without what no count needs (IDs, ports, buckets).
``ts`` is in milliseconds since 1970. ``address`` is NULL where it is the client key itself, as it is with IPv4.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from shieldproxy.core.record import Record

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Names of parameters say what was asked for; their values are often random, so that no cache can answer.
MAX_QUERY = 60


class Column(NamedTuple):
    """A column: its SQL type, how DuckDB makes it from the fields of a line, and how Python does."""

    name: str
    kind: str
    duckdb: str
    python: Callable[[Mapping[str, Any]], Any]


def milliseconds(ts: str) -> int:
    """Return the ts of a record as milliseconds since 1970; raises ValueError when it is none."""
    return (datetime.fromisoformat(ts) - EPOCH) // timedelta(milliseconds=1)


def parameters(query: str) -> str:
    """Return the names of the parameters of ``query`` with their values taken out, cut to MAX_QUERY.

    A query without any name is a value by itself, and ``*``.
    """
    if query and "=" not in query:
        return "*"
    return "&".join(part.partition("=")[0] + "=" * ("=" in part) for part in query.split("&"))[:MAX_QUERY]


def _text(name: str) -> Column:
    return Column(name, "VARCHAR", f"coalesce({name}, '')", lambda fields: str(fields.get(name, "")))


def _number(name: str, default: int = 0) -> Column:
    return Column(name, "BIGINT", f"coalesce({name}, {default})", lambda fields: int(fields.get(name, default)))


COLUMNS: tuple[Column, ...] = (
    Column("ts", "BIGINT", "epoch_ms(CAST(ts AS TIMESTAMP))", lambda fields: milliseconds(fields["ts"])),
    _text("client"),
    Column(
        "address",
        "VARCHAR",
        "CASE WHEN src_ip = client THEN NULL ELSE src_ip END",
        lambda fields: fields["src_ip"] if fields["src_ip"] != fields["client"] else None,
    ),
    _number("asn"),
    _text("as_name"),
    _text("country"),
    _text("network_class"),
    _text("method"),
    _text("host"),
    _text("path"),
    Column(
        "query",
        "VARCHAR",
        f"""CASE WHEN query <> '' AND position('=' IN query) = 0 THEN '*'
            ELSE left(regexp_replace(coalesce(query, ''), '=[^&]*', '=', 'g'), {MAX_QUERY}) END""",
        lambda fields: parameters(str(fields.get("query", ""))),
    ),
    _text("user_agent"),
    _text("ja4"),
    _text("fingerprint"),
    _text("action"),
    Column(
        "enforced",
        "BIGINT",
        "CASE WHEN enforced = false THEN 0 ELSE 1 END",
        lambda fields: int(bool(fields.get("enforced", True))),
    ),
    _text("stage"),
    _text("rule"),
    _number("status"),
    _number("bytes_in"),
    _number("bytes_out"),
    _number("duration_us"),
    _text("side"),
    _text("challenge"),
    _text("posture"),
    _text("episode"),
    _text("node"),
    _text("geo"),
    _number("weight", 1),
    _number("lost_before"),
)
NAMES = tuple(column.name for column in COLUMNS)
# Names of networks stand in the index once (attribution.network_names).
KEPT = ", ".join(name for name in NAMES if name != "as_name")

# How DuckDB reads the fields of a line that the columns are made of.
_READ = {name: "VARCHAR" for name in (*NAMES, "src_ip") if name != "address"}
LINE_FIELDS = _READ | {
    name: "BIGINT" if isinstance(default, int) else "VARCHAR"
    for name, default in Record._field_defaults.items()
    if name in _READ
}
LINE_FIELDS["enforced"] = "BOOLEAN"

# What is no record (a torn last line, garbage) has no ts of ours.
IS_RECORD = "length(ts) = 27 AND try_cast(ts AS TIMESTAMP) IS NOT NULL AND client IS NOT NULL AND action IS NOT NULL"


def from_lines(source: str, *more: str) -> str:
    """Return the SELECT by which DuckDB makes the columns, and ``more`` as they are, from lines read as ``source``."""
    made = ", ".join((*(f"{column.duckdb} AS {column.name}" for column in COLUMNS), *more))
    return f"SELECT {made} FROM {source} WHERE {IS_RECORD}"


def quoted(path: Path) -> str:
    """Return the name of a file as SQL writes it."""
    return "'" + str(path).replace("'", "''") + "'"


def values(fields: Mapping[str, Any]) -> tuple[Any, ...]:
    """Return one row from a journal line read as JSON; raises KeyError, TypeError or ValueError when it is none."""
    return tuple(column.python(fields) for column in COLUMNS)
