"""What an operator's request carries: a bounded JSON object with known members, a key, a time, a reason."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Any, NamedTuple

import orjson
from aiohttp import web

from shieldproxy.control.keys import BadKeyError, Key, read_key
from shieldproxy.control.problems import RefusalError
from shieldproxy.settings.values import Wrong, duration, text

MAX_BODY = 16 * 1024  # the largest honest request, a ban with a long reason, is below 1 KiB
BODY_TIMEOUT = 10.0  # seconds; an operator's client sends its body at once
MAX_LISTED = 10_000  # entries of one answer; a page or a terminal shows fewer still

# A ban is a short order; who is to stay away for good is put into a rule or the firewall, where it can be seen.
read_span = duration("1s", "365d")
read_why = text(200)


class Order(NamedTuple):
    """A key, for how many seconds, and why."""

    key: Key
    seconds: float
    why: str


async def read_object(request: web.Request, known: Collection[str]) -> dict[str, Any]:
    """Return the JSON object of the body; raises RefusalError for anything else (400, 408, 413, 415)."""
    if request.content_type != "application/json":
        raise RefusalError(415, "Send JSON with Content-Type: application/json.")
    try:
        async with asyncio.timeout(BODY_TIMEOUT):
            body = await request.read()
        fields = orjson.loads(body)
    except TimeoutError:
        raise RefusalError(408, f"The body did not arrive within {BODY_TIMEOUT:g} seconds.") from None
    except orjson.JSONDecodeError as fault:
        raise RefusalError(400, f"The body is no JSON: {fault}.") from None
    if not isinstance(fields, dict):
        raise RefusalError(400, f"The body must be one JSON object; allowed members: {', '.join(known)}.")
    unknown = [name for name in fields if name not in known]
    if unknown:
        raise RefusalError(
            422, f"Unknown member {unknown[0][:60]!r}; allowed: {', '.join(known)}.", allowed=sorted(known)
        )
    return fields


async def read_order(request: web.Request, default: float) -> Order:
    """Return the order in the body: ``key``, and optionally ``for`` (``10m`` or seconds) and ``why``."""
    fields = await read_object(request, ("key", "for", "why"))
    if "key" not in fields:
        raise RefusalError(422, "key: is missing; it says whom: an address or a network.", member="key")
    return Order(
        key_of(fields["key"]),
        _member("for", read_span, fields.get("for", default)),
        _member("why", read_why, fields.get("why", "")),
    )


def key_of(value: object) -> Key:
    """Return the key ``value`` names; raises RefusalError (422) saying what is allowed."""
    if not isinstance(value, str):
        raise RefusalError(422, 'key: must be text such as "192.0.2.1".', member="key")
    try:
        return read_key(value)
    except BadKeyError as fault:
        raise RefusalError(422, f"key: {fault}.", member="key") from None


def _member(name: str, read: Any, value: object) -> Any:
    try:
        return read(value)
    except Wrong as fault:
        raise RefusalError(422, f"{name}: {fault}.", member=name) from None


def count_of(request: web.Request, name: str, default: int, most: int) -> int:
    """Return a whole number of the query, 1 to ``most``; raises RefusalError (422) for anything else."""
    written = request.query.get(name, str(default))
    if not (written.isascii() and written.isdecimal() and len(written) < 9 and 1 <= int(written) <= most):
        raise RefusalError(422, f"{name}: must be a whole number from 1 to {most}.", member=name)
    return int(written)
