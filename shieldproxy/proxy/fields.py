"""Header fields: as they are read, and which of them end at this hop."""

from __future__ import annotations

from collections.abc import Sequence

from shieldproxy.guard.fingerprints import Field

__all__ = ["HOP_BY_HOP", "Field", "named_by_connection", "values_of"]

# RFC 9110, 7.6.1: connection-level fields end at each hop. Proxy-Authorization is meant for us and goes no further;
# "Proxy" becomes HTTP_PROXY in a CGI origin (CVE-2016-5385).
HOP_BY_HOP = frozenset(
    (
        b"connection",
        b"keep-alive",
        b"proxy-connection",
        b"proxy-authorization",
        b"proxy",
        b"te",
        b"trailer",
        b"transfer-encoding",
        b"upgrade",
    )
)


def named_by_connection(fields: Sequence[Field]) -> frozenset[bytes]:
    """Return the lower-case names that Connection lists: they end here (RFC 9110, 7.6.1)."""
    names: list[bytes] = []
    for lower, _, value in fields:
        if lower == b"connection":
            names.extend(token.strip().lower() for token in value.split(b","))
    if not names or names in ([b"keep-alive"], [b"close"]):
        return frozenset()
    return frozenset(name for name in names if name and name not in (b"keep-alive", b"close"))


def values_of(fields: Sequence[Field], name: bytes) -> list[bytes]:
    """Return the values of all lines of the lower-case ``name``, without the blanks around them (RFC 9110, 5.5)."""
    return [value.strip(b" \t") for lower, _, value in fields if lower == name]


def size_of(fields: Sequence[Field]) -> int:
    """Return the bytes of all header lines."""
    return sum([len(name) + len(value) for _, name, value in fields])
