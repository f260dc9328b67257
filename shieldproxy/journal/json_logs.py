"""JSON logs: a request as servers and shippers write it in JSON, whatever they call its parts."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
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


class Layout(NamedTuple):
    """Under which names objects with certain fields may hold what we look for."""

    times: tuple[str, ...]
    addresses: tuple[str, ...]
    methods: tuple[str, ...]
    targets: tuple[str, ...]
    queries: tuple[str, ...]
    statuses: tuple[str, ...]
    agents: tuple[str, ...]
    referers: tuple[str, ...]
    sizes: tuple[str, ...]
    hosts: tuple[str, ...]
    versions: tuple[str, ...]


SOUGHT = Layout(TIMES, ADDRESSES, METHODS, TARGETS, QUERIES, STATUSES, AGENTS, REFERERS, SIZES, HOSTS, VERSIONS)


@lru_cache(256)  # the lines of one log have the same fields, or a few kinds of them
def layout_of(names: tuple[str, ...]) -> Layout:
    """Return the names worth trying on an object with the fields ``names``."""
    present = frozenset(names)
    return Layout._make(
        tuple(name for name in kind if name in present or name.partition(".")[0] in present) for kind in SOUGHT
    )


def parse_json(line: str | bytes) -> Logged:
    """Return the request of a JSON line; raises ValueError when it has no time, address or target."""
    fields = orjson.loads(line)
    if not isinstance(fields, dict):
        raise ValueError("no JSON object")
    layout = layout_of(tuple(fields))
    moment, address = word(fields, layout.times), word(fields, layout.addresses)
    if moment == "" or address == "":
        raise ValueError("a request without a time or an address")
    method, target = str(word(fields, layout.methods)), str(word(fields, layout.targets))
    version = str(word(fields, layout.versions)).removeprefix("HTTP/")
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
        query or str(word(fields, layout.queries)).removeprefix("?"),
        whole(word(fields, layout.statuses)),
        str(word(fields, layout.agents)),
        str(word(fields, layout.referers)),
        whole(word(fields, layout.sizes)),
        str(word(fields, layout.hosts)),
        version,
        fields,
    )


def word(fields: Mapping[str, Any], names: tuple[str, ...]) -> str | float:
    """Return the first of ``names`` that ``fields`` has a value for, '' for none; of a list its first item."""
    for name in names:
        value: Any = fields.get(name)
        if value.__class__ is str and value not in ("", "-"):  # nearly always
            return value
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
