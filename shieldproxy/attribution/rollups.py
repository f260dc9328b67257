"""Rollups: sums made once for each file of the index, so that a month is added up from days and not from records.

Each is exact. ``clients`` and ``asked`` are sums of whole days of UTC, ``times`` of ten seconds; what a period has
beside whole ones is counted from its records. ``audits`` are the few records that the random audit asks about.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from shieldproxy.attribution.columns import quoted

if TYPE_CHECKING:
    import duckdb

DAY_MS = 86_400_000
BUCKET_MS = 10_000

# A request that the site itself answered: let in, or only observed, and not one of our own challenge pages.
REACHED = "((action = 'admit' OR enforced = 0) AND challenge = '')"
# Stopped, so that it says something of the client: in mode observe nobody sees a challenge, so nobody can pass it.
STOPPED = "(action <> 'admit' AND (enforced = 1 OR action <> 'challenge'))"

# A page view that nobody suspected, challenged by chance (bot_share): these records, and answers, are kept one by one.
AUDITED = "(rule = 'audit' AND stage = 'tightened' AND enforced = 1)"
OF_AUDIT = {
    "client": "client",
    "ts": "ts",
    "weight": "weight",
    "audited": f"CASE WHEN {AUDITED} THEN 1 ELSE 0 END",
    "passed": "CASE WHEN challenge = 'passed' THEN 1 ELSE 0 END",
}
IN_AUDIT = f"({AUDITED} OR challenge = 'passed')"

# What all requests of a period are grouped by.
ASKED = ("path", "host", "user_agent", "fingerprint", "action", "node", "geo")


def summed(condition: str) -> str:
    """Return the SQL for how many requests fulfil ``condition``."""
    return f"CAST(sum(CASE WHEN {condition} THEN weight ELSE 0 END) AS BIGINT)"


# What a client did, as SQL over its records, and how the same is made of several such rows. Where the databases came
# to say something else of a client, one of it counts for all.
OF_CLIENT = {
    "asn": "max(asn)",
    "country": "max(country)",
    "network_class": "max(network_class)",
    "requests": "CAST(sum(weight) AS BIGINT)",
    "reached": summed(REACHED),
    "challenged": summed("action = 'challenge'"),
    "refused": summed("action IN ('throttle', 'refuse', 'drop')"),
    "issued": summed("challenge = 'issued'"),
    "passed": summed("challenge = 'passed'"),
    "failed": summed("challenge NOT IN ('', 'issued', 'passed')"),
    "stopped": summed(STOPPED),
    "cleared": "max(CASE WHEN rule = 'clearance' OR stage = 'exempt' THEN 1 ELSE 0 END)",
    "robot": "max(CASE WHEN rule = 'crawler' THEN 1 ELSE 0 END)",
}
TOGETHER = {
    name: f"max({name})" if sql.startswith("max") else f"CAST(sum({name}) AS BIGINT)" for name, sql in OF_CLIENT.items()
}
OF_TIME = {
    "requests": "CAST(sum(weight) AS BIGINT)",
    "reached": summed(REACHED),
    "stopped": summed(STOPPED),
    "passed": summed("challenge = 'passed'"),
    "lost": "CAST(sum(lost_before) AS BIGINT)",
    "first": "min(ts)",
    "last": "max(ts)",
}


def listed(columns: dict[str, str]) -> str:
    """Return these columns as a SELECT lists them."""
    return ", ".join(f"{sql} AS {name}" for name, sql in columns.items())


class Rollup(NamedTuple):
    """One kind of sums: its name, its columns with their SQL types, and how DuckDB makes it of the table ``made``."""

    name: str
    columns: dict[str, str]
    select: str


def audits(source: str) -> str:
    """Return the SELECT of what the audit asks about among the records of ``source``."""
    return f"SELECT {listed(OF_AUDIT)} FROM {source} WHERE {IN_AUDIT}"


def _asked() -> str:
    parts = [
        f"SELECT '{what}' AS what, ts // {DAY_MS} AS day, {what} AS key, CAST(sum(weight) AS BIGINT) AS requests, "
        f"{summed(REACHED)} AS reached FROM made GROUP BY 2, 3"
        for what in ASKED
    ]
    return f"SELECT * FROM ({' UNION ALL '.join(parts)}) ORDER BY what, day, key"


ROLLUPS = (
    Rollup(
        "clients",
        {"day": "BIGINT", "client": "VARCHAR"}
        | {name: "VARCHAR" if name in {"country", "network_class"} else "BIGINT" for name in OF_CLIENT},
        f"SELECT ts // {DAY_MS} AS day, client, {listed(OF_CLIENT)} FROM made GROUP BY 1, 2 ORDER BY client, day",
    ),
    Rollup(
        "asked",
        {"what": "VARCHAR", "day": "BIGINT", "key": "VARCHAR", "requests": "BIGINT", "reached": "BIGINT"},
        _asked(),
    ),
    Rollup(
        "times",
        {"bucket": "BIGINT"} | dict.fromkeys(OF_TIME, "BIGINT"),
        f"SELECT ts - ts % {BUCKET_MS} AS bucket, {listed(OF_TIME)} FROM made GROUP BY 1 ORDER BY 1",
    ),
    Rollup(
        "audits",
        {name: "VARCHAR" if name == "client" else "BIGINT" for name in OF_AUDIT},
        f"{audits('made')} ORDER BY client, ts",
    ),
)


def beside(records: Path, rollup: str) -> Path:
    """Return where the sums of a file of records are."""
    return records.with_name(f"{records.name.removesuffix('.parquet')}.{rollup}.parquet")


def write_rollups(connection: duckdb.DuckDBPyConnection, records: Path) -> list[Path]:
    """Write the sums of the table ``made`` beside the file ``records``; return the files."""
    found = []
    for rollup in ROLLUPS:
        place = beside(records, rollup.name)
        connection.execute(
            f"COPY ({rollup.select}) TO {quoted(place)} (FORMAT parquet, COMPRESSION zstd, PARQUET_VERSION v2)"
        )
        found.append(place)
    return found
