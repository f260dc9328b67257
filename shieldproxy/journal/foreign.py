"""Foreign logs: requests as other servers wrote them down, in the combined format or as JSON lines.

Combined is what nginx and Apache write unless told otherwise, with or without the virtual host before it.
"""

from __future__ import annotations

import calendar
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from shieldproxy.journal.log_files import UnreadableLogError, blocks, text_of

# So many broken lines are named; all are counted.
NAMED = 20
# A log of which so many lines at its beginning say nothing is no log, and the rest of it is not read.
PROBED = 1_000


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

# How servers and shippers call what we look for, the more particular names first: nginx's variables, Apache's and
# Caddy's JSON, Traefik, Elastic Common Schema, our own journal. Dots lead into objects.
TIMES = ("time", "ts", "@timestamp", "timestamp", "time_iso8601", "time_local", "msec", "StartUTC", "datetime")
ADDRESSES = (
    *("client_ip", "remote_addr", "src_ip", "request.client_ip", "request.remote_ip", "remote_ip", "ClientHost"),
    *("client.ip", "source.ip", "source.address", "remoteAddr", "clientip", "ip"),
)
METHODS = (
    *("request_method", "method", "request.method", "RequestMethod", "http.request.method", "client_request_method"),
    "verb",
)
TARGETS = (
    *("request_uri", "path", "request.uri", "RequestPath", "url.original", "url.path", "uri", "client_url", "url"),
)
QUERIES = ("query", "args", "query_string", "querystring", "url.query")
STATUSES = ("status", "DownstreamStatus", "http.response.status_code", "http_response_code", "response", "code")
AGENTS = (
    *("http_user_agent", "user_agent.original", "user_agent", "userAgent", "request_User-Agent", "client_ua", "agent"),
    *("request.headers.User-Agent", "useragent"),
)
REFERERS = ("http_referer", "referer", "referrer", "request.headers.Referer", "http.request.referrer")
SIZES = (
    *("body_bytes_sent", "bytes_out", "bytes_sent", "size", "DownstreamContentSize", "http.response.bytes"),
    *("bytes", "reply_length_bytes"),
)
HOSTS = ("http_host", "host", "request.host", "RequestHost", "client_request_host", "url.domain", "server_name")
VERSIONS = ("server_protocol", "http", "request.proto", "RequestProtocol", "http_request_version", "http.version")


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


def parse_json(line: str | bytes) -> Logged:
    """Return the request of a JSON line; raises ValueError when it has no time, address or target."""
    fields = orjson.loads(line)
    if not isinstance(fields, dict):
        raise ValueError("no JSON object")
    moment, address = word(fields, TIMES), word(fields, ADDRESSES)
    if moment == "" or address == "":
        raise ValueError("a request without a time or an address")
    method, target = str(word(fields, METHODS)), str(word(fields, TARGETS))
    version = str(word(fields, VERSIONS)).removeprefix("HTTP/")
    line_of = fields.get("request")
    if not target and isinstance(line_of, str):
        method, path, query, version = parse_request(line_of)
    else:
        path, _, query = target.partition("?")
    if not path:
        raise ValueError("a request without a path")
    return Logged(
        moment_of(moment),
        str(address),
        method,
        path,
        query or str(word(fields, QUERIES)).removeprefix("?"),
        whole(word(fields, STATUSES)),
        str(word(fields, AGENTS)),
        str(word(fields, REFERERS)),
        whole(word(fields, SIZES)),
        str(word(fields, HOSTS)),
        version,
        fields,
    )


def word(fields: Mapping[str, Any], names: tuple[str, ...]) -> str | float:
    """Return the first of ``names`` that ``fields`` has a value for, '' for none; of a list its first item."""
    for name in names:
        value: Any = fields.get(name)
        if value is None and "." in name:
            value = inside(fields, name.split("."))
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, str | int | float) and value not in ("", "-"):
            return value
    return ""


def inside(fields: Mapping[str, Any], steps: list[str]) -> Any:
    """Return what ``steps`` lead to within nested objects, None when they lead nowhere."""
    value: Any = fields
    for step in steps:
        if not isinstance(value, Mapping):
            return None
        value = value.get(step)
    return value


def whole(value: str | float) -> int:
    """Return a count as logs write it; 0 for what is none."""
    try:
        return int(value)
    except (ValueError, OverflowError):
        return 0


class ForeignLog:
    """Reads one file, plain or gzip. ``broken`` counts the lines that say nothing, ``broken_lines`` names some."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.lines = 0
        self.broken = 0
        self.broken_lines: list[str] = []

    def requests(self) -> Iterator[Logged]:
        """Yield the requests in the order of the file. Raises UnreadableLogError when it is no log."""
        good = 0
        for line in self._lines():
            self.lines += 1
            if not line:
                continue
            try:
                yield parse_json(line) if line[0] == "{" else parse_combined(line)
                good += 1
            except (ValueError, TypeError, OverflowError) as error:
                self._complain(str(error))
                if not good and self.broken >= PROBED:
                    raise UnreadableLogError(f"{self.path}: no log: {self.broken_lines[0]}") from error

    def _complain(self, why: str) -> None:
        self.broken += 1
        if len(self.broken_lines) < NAMED:
            self.broken_lines.append(f"{self.path}:{self.lines}: {why[:120]}")

    def _lines(self) -> Iterator[str]:
        for block in blocks(self.path):
            for line in block.split(b"\n"):
                yield text_of(line)
