"""Response heads: where an origin's answer ends, and how its head is written anew for the client."""

from __future__ import annotations

from shieldproxy.proxy.fields import HOP_BY_HOP, Field, named_by_connection, values_of
from shieldproxy.proxy.request_heads import CHUNKED

# The length of a body that ends with its connection.
UNTIL_CLOSE = -2


def response_length(status: int, method: bytes, fields: list[Field]) -> int:
    """Return how the body of the response to a ``method`` request ends: CHUNKED, UNTIL_CLOSE, or after so many bytes.

    As RFC 9112, 6.3 says. Raises ValueError when the origin's framing is ambiguous.
    """
    if method == b"HEAD" or status in (204, 304) or status < 200:
        return 0
    codings = [value.lower() for value in values_of(fields, b"transfer-encoding")]
    lengths = set(values_of(fields, b"content-length"))
    if codings:
        if codings != [b"chunked"] or lengths:
            raise ValueError("the origin frames its answer ambiguously")
        return CHUNKED
    if not lengths:
        return UNTIL_CLOSE
    if len(lengths) > 1:
        raise ValueError("the origin sends two lengths")
    return int(lengths.pop())


def write_response_head(  # noqa: PLR0913 - the parts of a head
    status: int,
    reason: bytes,
    fields: list[Field],
    *,
    framing_line: bytes,
    connection_line: bytes,
    request_id: bytes,
    bodiless: bool,
) -> bytes:
    """Return the response head as the client reads it; fields in the origin's order, hop-by-hop ones left out.

    A response without a body by its nature (HEAD, 304) keeps the Content-Length that describes what GET would send.
    """
    dropped = named_by_connection(fields)
    lines = [
        b"%b: %b\r\n" % (name, value)
        for lower, name, value in fields
        if lower not in HOP_BY_HOP
        and lower not in dropped
        and lower != b"x-request-id"
        and (bodiless or lower != b"content-length")
    ]
    return b"HTTP/1.1 %d %b\r\n%b%b%bX-Request-Id: %b\r\n\r\n" % (
        status,
        reason,
        b"".join(lines),
        framing_line,
        connection_line,
        request_id,
    )


def write_interim_head(status: int, reason: bytes, fields: list[Field]) -> bytes:
    """Return a 1xx head (RFC 9110, 15.2), hop-by-hop fields left out."""
    lines = [b"%b: %b\r\n" % (name, value) for lower, name, value in fields if lower not in HOP_BY_HOP]
    return b"HTTP/1.1 %d %b\r\n%b\r\n" % (status, reason, b"".join(lines))


def write_switch(reason: bytes, fields: list[Field], request_id: bytes) -> bytes:
    """Return the head of a 101, which keeps the Upgrade that the client asked for by name (RFC 9110, 7.8)."""
    lines = [
        b"%b: %b\r\n" % (name, value)
        for lower, name, value in fields
        if (lower not in HOP_BY_HOP or lower == b"upgrade") and lower not in (b"content-length", b"x-request-id")
    ]
    return b"HTTP/1.1 101 %b\r\nConnection: Upgrade\r\n%bX-Request-Id: %b\r\n\r\n" % (
        reason,
        b"".join(lines),
        request_id,
    )


def describe(error: Exception) -> str:
    """Return what a parser error means: httptools wraps what a callback raised."""
    return str(error.__context__ or error) or type(error).__name__
