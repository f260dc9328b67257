"""Foreign logs: the synthetic flood day as nginx would have written it, in the combined format and as JSON lines."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.journal.synthesis import FLOODS, begin, day_of
from shieldproxy.attribution.engine import connect

if TYPE_CHECKING:
    from pathlib import Path

MOMENT = "strftime(CAST(ts AS TIMESTAMP), '%d/%b/%Y:%H:%M:%S +0000')"
TARGET = "path || CASE WHEN query = '' THEN '' ELSE '?' || query END"
COMBINED = f"""src_ip || ' - - [' || {MOMENT} || '] "' || method || ' ' || {TARGET} || ' HTTP/' || http || '" '
    || status || ' ' || bytes_out || ' "' || CASE WHEN referer = '' THEN '-' ELSE referer END
    || '" "' || user_agent || '"'"""
JSON = f"""to_json({{'time_iso8601': ts, 'remote_addr': src_ip, 'request_method': method, 'request_uri': {TARGET},
    'server_protocol': 'HTTP/1.1', 'status': status, 'body_bytes_sent': bytes_out, 'http_referer': referer,
    'http_user_agent': user_agent, 'http_host': host}})"""


def write_logs(folder: Path, lines: int, seed: int) -> dict[str, Path]:
    """Write logs of about ``lines`` lines each; return them by their format."""
    found = {"combined": folder / "access.log", "JSON": folder / "access.json"}
    with connect(folder / "scratch") as connection:
        connection.execute("SET memory_limit = '2GB'")
        begin(connection, seed)
        # That day has a flood and a day of people in it: so many records a month give so many on it.
        month = round(lines / (FLOODS[0].share + 0.02))
        connection.execute(f"CREATE TABLE asked AS {day_of(FLOODS[0].day, month)} ORDER BY ts LIMIT {lines}")
        for name, line in (("combined", COMBINED), ("JSON", JSON)):
            connection.execute(
                f"COPY (SELECT {line} FROM asked ORDER BY ts) TO '{found[name]}' "
                "(FORMAT csv, HEADER false, QUOTE '', ESCAPE '', DELIMITER '\t')"
            )
    return found
