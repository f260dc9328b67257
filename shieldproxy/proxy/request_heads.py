"""Request heads: what one must be to be served, and how it is written anew for the origin.

Nothing of a head is copied through. What the origin reads is serialised from what we parsed (RFC 9112), in one
framing; so no two parsers can disagree about where a message ends. llhttp in its strict mode refuses bad lengths,
chunks, bare CR or LF, NUL, obs-fold and doubled codings by itself; the rest is refused here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from shieldproxy.core.facts import Malformed, Request
from shieldproxy.core.paths import plain_path
from shieldproxy.proxy.fields import HOP_BY_HOP, Field, named_by_connection, values_of

# Written by us; what a client sends under these names would be believed by an origin.
OURS = frozenset((b"host", b"content-length", b"expect", b"x-request-id", b"x-real-ip", b"forwarded", b"via"))
# IIS and several frameworks serve the path these name instead of the one in the request line, which is the one
# that was judged.
MISLEADING = frozenset((b"x-original-url", b"x-rewrite-url"))
ENDING_HERE = HOP_BY_HOP | OURS | MISLEADING
# Names that Connection may list: clients list one or two, and a head of nothing else would take milliseconds to read.
MOST_NAMED = 32
NEVER_NAMED_BY_CONNECTION = frozenset((b"host", b"content-length", b"transfer-encoding", b"cookie", b"authorization"))

# reg-name, IPv4 or bracketed IPv6, with a port at most: no userinfo, path, space or control (RFC 3986, 3.2).
AUTHORITY = re.compile(rb"(?:[A-Za-z0-9._~-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?")
# What may stand in an origin-form target. Browsers escape the rest; bytes over 0x7F pass as they are sent.
BAD_TARGET = re.compile(rb"[\x00-\x20\x7f#]")
ABSOLUTE = re.compile(rb"https?://([^/?]*)(.*)", re.IGNORECASE | re.DOTALL)

# CONNECT would make us an open proxy; TRACE reflects cookies (RFC 9110, 9.3.6 and 9.3.8).
UNSERVED = frozenset((b"CONNECT", b"TRACE"))
# Safe to send once more when an idle connection died under them (RFC 9110, 9.2.2), and without a body to repeat.
REPEATABLE = frozenset((b"GET", b"HEAD", b"OPTIONS"))

# The length of a body that comes in chunks.
CHUNKED = -1


class RequestHead(NamedTuple):
    """A request head that may be served.

    ``length`` is CHUNKED for a chunked body, 0 for none. ``lines`` are Host and the header lines as they go on to the
    origin, where they are written already: only for what has no body and asks for no upgrade.
    """

    method: bytes
    target: bytes
    host: bytes
    version: str
    fields: tuple[Field, ...]
    dropped: frozenset[bytes]
    length: int
    expects_continue: bool
    upgrade: bytes
    keep_alive: bool
    lines: bytes | None = None


def read_request_head(  # noqa: PLR0913 - the parts of a head as the parser hands them over
    method: bytes,
    target: bytes,
    version: str,
    fields: list[Field],
    *,
    keep_alive: bool,
    upgrading: bool,
    max_target: int,
) -> RequestHead | Malformed:
    """Return the head to serve, or why it cannot be.

    ``fields`` are in order of arrival. ``upgrading`` is whether the parser read the request as one for an upgrade.
    ``max_target`` is bytes (414 beyond it).
    """
    if version not in ("1.1", "1.0"):
        return Malformed(505, "HTTP version is not 1.0 or 1.1")
    if method in UNSERVED:
        return Malformed(405, f"method {method.decode('latin-1')} is not served")
    if len(target) > max_target:
        return Malformed(414, f"request target is longer than {max_target} bytes")
    located = locate(method, target, values_of(fields, b"host"), version)
    if isinstance(located, Malformed):
        return located
    path, host = located
    framed = framing(fields, version)
    if isinstance(framed, Malformed):
        return framed
    if sum([value.count(b",") for lower, _, value in fields if lower == b"connection"]) > MOST_NAMED:
        return Malformed(400, "Connection names more headers than any client has")
    named = named_by_connection(fields)
    if named & NEVER_NAMED_BY_CONNECTION:
        return Malformed(400, "Connection names a header that is not its own")
    upgrade = upgrade_of(fields, named) if upgrading and version == "1.1" else b""
    if upgrade and framed:
        return Malformed(400, "an upgrade with a body")
    expect = [value.lower() for value in values_of(fields, b"expect")]
    if expect and expect != [b"100-continue"]:
        return Malformed(417, "only Expect: 100-continue is served")
    return RequestHead(
        method,
        path,
        host,
        version,
        tuple(fields),
        named,
        framed,
        bool(expect) and framed != 0 and version == "1.1",
        upgrade,
        keep_alive,
    )


def request_of(  # noqa: PLR0913, PLR0917 - the parts of a head
    method: bytes, target: bytes, host: bytes, version: str, fields: list[Field], fingerprint: str
) -> Request:
    """Return what is asked for as the guard judges it; bytes are read as Latin-1, so none is lost."""
    path, _, query = target.decode("latin-1").partition("?")
    headers: dict[bytes, bytes] = {}
    for lower, _, value in fields:
        if lower not in headers:
            headers[lower] = value
    return Request(
        method.decode("latin-1"),
        host.decode("latin-1").lower(),
        path,
        query,
        version,
        headers,
        fingerprint,
        plain_path(path),
    )


def locate(method: bytes, target: bytes, hosts: list[bytes], version: str) -> tuple[bytes, bytes] | Malformed:
    """Return (origin-form target, host). An absolute-form target must name the same host (RFC 9112, 3.2.2)."""
    if len(hosts) > 1 or (version == "1.1" and not (hosts and hosts[0])):
        return Malformed(400, "Host is missing or given twice")
    host = hosts[0] if hosts else b""
    if host and not is_authority(host):
        return Malformed(400, "Host is no host name with a port at most")
    if BAD_TARGET.search(target):
        return Malformed(400, "request target has a space, a control character or a fragment")
    if target.startswith(b"/"):
        return target, host
    if target == b"*":
        return (target, host) if method == b"OPTIONS" else Malformed(400, "target * is for OPTIONS alone")
    absolute = ABSOLUTE.fullmatch(target)
    if absolute is None:
        return Malformed(400, "request target is neither a path nor an http URL")
    authority, rest = absolute.groups()
    if not is_authority(authority) or (host and authority.lower() != host.lower()):
        return Malformed(400, "request target and Host name different sites")
    if not rest:
        rest = b"*" if method == b"OPTIONS" else b"/"
    return rest if rest[:1] in (b"/", b"*") else b"/" + rest, authority


def is_authority(text: bytes) -> bool:
    """Tell whether ``text`` is a host name or address with a port at most."""
    match = AUTHORITY.fullmatch(text)
    return match is not None and int(match[1] or 0) <= 65_535


def framing(fields: list[Field], version: str) -> int | Malformed:
    """Return the body's length, CHUNKED, or 0 without a body; exactly one kind of framing or none."""
    lengths = values_of(fields, b"content-length")
    codings = values_of(fields, b"transfer-encoding")
    if codings:
        if lengths or version == "1.0" or [coding.lower() for coding in codings] != [b"chunked"]:
            return Malformed(400, "Transfer-Encoding is not exactly chunked, or stands beside Content-Length")
        return CHUNKED
    if not lengths:
        return 0
    if len(lengths) > 1 or not lengths[0].isdigit() or len(lengths[0]) > 18:
        return Malformed(400, "Content-Length is not one whole number")
    return int(lengths[0])


def upgrade_of(fields: list[Field], named: frozenset[bytes]) -> bytes:
    """Return the protocol to switch to, or nothing. HTTP/2 over plain TCP is ignored, as RFC 9113, 3.1 allows."""
    if b"upgrade" not in named:
        return b""
    protocols = values_of(fields, b"upgrade")
    if len(protocols) != 1 or protocols[0].lower() in (b"h2c", b"h2", b""):
        return b""
    return protocols[0]


def lines_for_origin(head: RequestHead) -> bytes:
    """Return the header lines that go on, in their order: neither hop-by-hop, nor ours to write, nor named to end here.

    A name with an underscore ends here, because a CGI origin cannot tell ``X_Forwarded_For`` from ``X-Forwarded-For``.
    """
    dropped = head.dropped
    lines = [
        b"%b: %b\r\n" % (name, value)
        for lower, name, value in head.fields
        if lower not in ENDING_HERE
        and lower not in dropped
        and not lower.startswith(b"x-forwarded-")
        and b"_" not in lower
    ]
    return b"".join(lines)


def write_request_head(head: RequestHead, forwarded: bytes, request_id: bytes, nameless: bytes = b"") -> bytes:
    """Return the head as the origin reads it: our Host, framing and forwarding fields; the rest in its order.

    ``forwarded`` is the block of X-Forwarded-* lines of this client, ``nameless`` the Host of a request that has
    none (HTTP/1.0).
    """
    if head.lines is not None:
        return b"%b %b HTTP/1.1\r\n%b%bX-Request-Id: %b\r\n\r\n" % (
            head.method,
            head.target,
            head.lines,
            forwarded,
            request_id,
        )
    if head.length > 0:
        framed = b"Content-Length: %d\r\n" % head.length
    elif head.length < 0:
        framed = b"Transfer-Encoding: chunked\r\n"
    elif head.method in (b"POST", b"PUT", b"PATCH"):
        framed = b"Content-Length: 0\r\n"
    else:
        framed = b""
    if head.upgrade:
        framed = b"Connection: Upgrade\r\nUpgrade: %b\r\n" % head.upgrade
    return b"%b %b HTTP/1.1\r\nHost: %b\r\n%b%b%bX-Request-Id: %b\r\n\r\n" % (
        head.method,
        head.target,
        head.host or nameless,
        lines_for_origin(head),
        framed,
        forwarded,
        request_id,
    )
