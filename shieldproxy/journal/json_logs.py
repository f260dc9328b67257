"""JSON logs: a request as servers and shippers write it in JSON, whatever they call its parts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple

import orjson

from shieldproxy.journal.combined import Logged, moment_of, parse_request

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


# What parts_of looks for, in this order.
SOUGHT = (TIMES, ADDRESSES, METHODS, TARGETS, QUERIES, STATUSES, AGENTS, REFERERS, SIZES, HOSTS, VERSIONS)
NOTHING = ("", "-")
USUAL = frozenset((str, int))

Fields = Mapping[str, Any]


class Layout(NamedTuple):
    """How the parts of SOUGHT are found in objects with certain fields.

    ``kinds`` are the names worth trying for each. ``firsts`` gives the values of the first of them, as far as they are
    fields, and ``placed`` puts these and, at their end, '' into the order of SOUGHT. ``alone`` tells that each part has
    one name at most. All but ``kinds`` are None where the first name of a part leads into an object.
    """

    kinds: tuple[tuple[str, ...], ...]
    firsts: Callable[[Fields], tuple[Any, ...]] | None
    placed: Callable[[tuple[Any, ...]], tuple[Any, ...]] | None
    alone: bool


@lru_cache(256)  # the lines of one log have the same fields, or a few kinds of them
def layout_of(names: tuple[str, ...]) -> Layout:
    """Return the layout of objects with the fields ``names``."""
    present = frozenset(names)
    kinds = tuple(
        tuple(name for name in kind if name in present or name.partition(".")[0] in present) for kind in SOUGHT
    )
    firsts = [kind[0] for kind in kinds if kind]
    if len(firsts) < 2 or not present.issuperset(firsts):
        return Layout(kinds, None, None, alone=False)
    places = [firsts.index(kind[0]) if kind else len(firsts) for kind in kinds]
    return Layout(kinds, itemgetter(*firsts), itemgetter(*places), alone=all(len(kind) < 2 for kind in kinds))


def values_of(fields: Fields) -> Sequence[str | float]:
    """Return what ``fields`` holds of each part of SOUGHT, '' where it says nothing.

    Looking at each part with ``word`` takes three times as long as to take all at once and look at what is odd.
    """
    kinds, firsts, placed, alone = layout_of(tuple(fields))
    if firsts is not None and placed is not None:
        found = placed((*firsts(fields), ""))
        if USUAL.issuperset(map(type, found)):
            if alone:
                return ["" if value == "-" else value for value in found] if "-" in found else found
            return [
                word(fields, names) if value in NOTHING else value for value, names in zip(found, kinds, strict=True)
            ]
    return [word(fields, names) for names in kinds]


# Moment, address, status and size as they stand there; then method, host, path, query, version, user agent and referer.
Parts = tuple[str | float, str, str | float, str | float, str, str, str, str, str, str, str]


def parts_of(fields: Any) -> Parts:
    """Return what we look for in the object of a JSON line; raises ValueError when it has no time, address or path."""
    if not isinstance(fields, dict):
        raise ValueError("no JSON object")
    moment, address, method, target, args, status, agent, referer, size, host, version = values_of(fields)
    if moment == "" or address == "":
        raise ValueError("a request without a time or an address")
    method, target, version = str(method), str(target), str(version).removeprefix("HTTP/")
    line_of = fields.get("request")
    if not target and isinstance(line_of, str):
        method, path, query, version = parse_request(line_of)
    else:
        path, _, query = target.partition("?")
    if not path:
        raise ValueError("a request without a path")
    query = query or str(args).removeprefix("?")
    return moment, str(address), status, size, method, str(host), path, query, version, str(agent), str(referer)


def parse_json(line: str | bytes) -> Logged:
    """Return the request of a JSON line; raises ValueError when it has no time, address or target."""
    fields = orjson.loads(line)
    moment, address, status, size, method, host, path, query, version, agent, referer = parts_of(fields)
    found = moment_of(moment), address, method, path, query, whole(status), agent, referer, whole(size), host, version
    return Logged(*found, fields)


def word(fields: Mapping[str, Any], names: tuple[str, ...]) -> str | float:
    """Return the first of ``names`` that ``fields`` has a value for, '' for none; of a list its first item."""
    for name in names:
        value: Any = fields.get(name)
        if value.__class__ is str and value not in NOTHING:  # nearly always
            return value
        if value is None and "." in name:
            value = inside(fields, name.split("."))
        if isinstance(value, list) and value:
            value = value[0]
        if isinstance(value, str | int | float) and value not in NOTHING:
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
