"""A case of the conformance table: bytes in, what the client must hear, and what the origin may have been told."""

from __future__ import annotations

from typing import NamedTuple

HOST = b"Host: site.example\r\n"


class Case(NamedTuple):
    """One promise. ``statuses`` are the final answers in order; () : the connection ends without one.

    ``received`` is what the origin must have been sent, each request as ``METHOD target`` and its body if it has
    one; nothing more and nothing less. ``packets`` sends the bytes in pieces. ``kept``: the connection serves another
    request behind it.
    """

    promise: str
    data: bytes
    statuses: tuple[int, ...]
    received: tuple[str, ...] = ()
    packets: tuple[bytes, ...] = ()
    kept: bool = False


def refused(promise: str, data: bytes, status: int = 400) -> Case:
    """Return a case whose only request is refused here and never reaches the origin."""
    return Case(promise, data, (status,))


def served(promise: str, data: bytes, *received: str) -> Case:
    """Return a case whose requests are all served."""
    return Case(promise, data, (200,) * len(received), received, kept=True)


def ending(promise: str, data: bytes, *received: str) -> Case:
    """Return a case whose connection ends behind the requests that are served, whatever else was sent on it."""
    return Case(promise, data, (200,) * len(received), received)


def get(lines: bytes = b"", target: bytes = b"/", version: bytes = b"HTTP/1.1", host: bytes = HOST) -> bytes:
    """Return a GET with further header ``lines``."""
    return b"GET " + target + b" " + version + b"\r\n" + host + lines + b"\r\n"


def post(lines: bytes, body: bytes = b"", target: bytes = b"/p", version: bytes = b"HTTP/1.1") -> bytes:
    """Return a POST with header ``lines``, which frame ``body`` or do not."""
    return b"POST " + target + b" " + version + b"\r\n" + HOST + lines + b"\r\n" + body


def chunked(body: bytes, lines: bytes = b"Transfer-Encoding: chunked\r\n", target: bytes = b"/p") -> bytes:
    """Return a POST with a chunked ``body``, as it stands on the wire."""
    return post(lines, body, target)


# A request that must never arrive: what an attacker would hide behind or within another.
EVIL = b"GET /evil HTTP/1.1\r\nHost: site.example\r\n\r\n"
