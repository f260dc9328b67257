"""Combined: one request of another server's log, and how nginx and Apache write it unless told otherwise.

With or without the virtual host before it.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NamedTuple


class Logged(NamedTuple):
    """One request as a log tells it. ``time`` is unix seconds; ``path`` and ``query`` as they were on the wire.

    ``status`` 0, ``size`` 0 and empty words: the log does not say. ``fields`` is the whole object of a JSON line.
    """

    time: float
    address: str
    method: str
    path: str
    query: str = ""
    status: int = 0
    user_agent: str = ""
    referer: str = ""
    size: int = 0
    host: str = ""
    version: str = ""
    fields: Mapping[str, Any] | None = None


# address, identity, user, [time], "request", status, size, and in the combined format "referer" and "user agent".
QUOTED = r'"([^"\\]*(?:\\.[^"\\]*)*)"'
COMBINED = re.compile(rf"(\S+) \S+ .*?\[([^\]]{{20,40}})\] {QUOTED} (\d{{3}}) (\d+|-)(?: {QUOTED} {QUOTED})?").match
# A name with a letter, for an IPv4 address with a port is whom a load balancer speaks for.
VIRTUAL_HOST = re.compile(r"([^\s\[\]:]*[A-Za-z][^\s\[\]:]*):\d{1,5} ").match
ESCAPE = re.compile(r'\\(?:x([0-9A-Fa-f]{2})|u([0-9A-Fa-f]{4})|(["\\nrt]))')
ESCAPED = {'"': '"', "\\": "\\", "n": "\n", "r": "\r", "t": "\t"}
MONTHS = {name: number for number, name in enumerate(calendar.month_abbr) if name}


@lru_cache(4_096)  # lines of one second share it
def common_time(text: str) -> float:
    """Return unix seconds of ``17/May/2015:10:05:03 +0000``; raises ValueError when it is none."""
    date, _, zone = text.partition(" ")
    day, month, rest = date.split("/", 2)
    year, hour, minute, second = rest.split(":")
    if month not in MONTHS:
        raise ValueError(f"{month!r} is no month")
    moment = datetime(int(year), MONTHS[month], int(day), int(hour), int(minute), tzinfo=UTC).timestamp() + int(second)
    offset = (int(zone[1:3]) * 60 + int(zone[3:5])) * 60 if zone else 0
    return moment - offset if zone.startswith("+") else moment + offset


@lru_cache(4_096)
def moment_of(value: str | float) -> float:
    """Return unix seconds of a time as logs write it: a number (seconds or milliseconds), RFC 3339 or common."""
    if isinstance(value, int | float):
        return value / 1000 if value > 1e11 else float(value)
    if "/" in value:
        return common_time(value)
    try:
        return moment_of(float(value))
    except ValueError:
        found = datetime.fromisoformat(value)
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def parse_combined(line: str) -> Logged:
    """Return the request of a line in the common or combined format; raises ValueError when it is none."""
    host = ""
    named = VIRTUAL_HOST(line)
    if named is not None:
        host, line = named[1], line[named.end() :]
    address, moment, request, status, size, referer, agent = apart(line)
    method, path, query, version = parse_request(request)
    if "\\" in line:
        referer, agent = unescaped(referer), unescaped(agent)
    return Logged(
        common_time(moment),
        address,
        method,
        path,
        query,
        int(status),
        "" if agent == "-" else agent,
        "" if referer == "-" else referer,
        0 if size == "-" else int(size),
        host,
        version,
    )


def apart(line: str) -> tuple[str, ...]:
    """Return address, time, request, status, size, referer and user agent; raises ValueError when it is no such line.

    Nearly every line has six quotes and no escape: cutting it at the quotes takes a quarter of the pattern's time.
    """
    parts = line.split('"')
    if len(parts) == 7 and "\\" not in line:
        address, _, rest = parts[0].partition(" ")
        _, _, moment = rest.partition("[")
        status, _, size = parts[2].strip().partition(" ")
        return address, moment.rstrip("] "), parts[1], status, size, parts[3], parts[5]
    found = COMBINED(line)
    if found is None:
        raise ValueError("neither the combined format nor JSON")
    return tuple(group or "" for group in found.groups())


@lru_cache(16_384)  # pages, pictures and a flood's targets are asked for again and again
def parse_request(text: str) -> tuple[str, str, str, str]:
    """Return method, path, query and version of a request line; what is none has an empty method."""
    parts = text.split(" ")
    if len(parts) not in (2, 3) or not parts[0].isalpha():
        return "", unescaped(text), "", ""
    path, _, query = parts[1].partition("?")
    if "\\" in text:
        path, query = unescaped(path), unescaped(query)
    if not path.startswith("/") and "://" in path:
        path = "/" + path.partition("://")[2].partition("/")[2]
    return parts[0], path, query, parts[2].removeprefix("HTTP/") if len(parts) == 3 else "0.9"


def unescaped(text: str) -> str:
    r"""Return ``text`` with the escapes of nginx (``\x22``) and Apache (``\"``) undone."""

    def one(found: re.Match[str]) -> str:
        code = found[1] or found[2]
        return chr(int(code, 16)) if code else ESCAPED[found[3]]

    return ESCAPE.sub(one, text)
