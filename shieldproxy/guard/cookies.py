"""Cookies: where a clearance travels (RFC 6265bis). Only our own cookie is read; all others are the site's affair."""

from __future__ import annotations

import re
from itertools import islice

# "__Host-" makes a browser refuse the cookie unless it is Secure, for this host alone and for every path.
PLAIN = "shieldproxy"
HOST_BOUND = "__Host-shieldproxy"
MARK = b"shieldproxy="
# A browser sends one or two; more is somebody who tries tokens, one request must not check many.
MAX_TOKENS = 4
# The literal comes first because it makes the search several times as fast; what may stand before it comes after.
TOKEN = re.compile(
    rb"shieldproxy(?:(?<![^; \t]shieldproxy)|(?<=__Host-shieldproxy))="
    rb'"?([\w.\-]{1,128})"?[ \t]*(?=;|$)'
)


def tokens_in(header: bytes) -> list[bytes]:
    """Return the values of our cookie in a Cookie header, in order, at most MAX_TOKENS; quotes are taken off."""
    return [found[1] for found in islice(TOKEN.finditer(header), MAX_TOKENS)]


def set_cookie(token: str, max_age: int, *, secure: bool) -> bytes:
    """Return the value of Set-Cookie. ``max_age`` is seconds; ``secure`` when the visitor came over TLS.

    Lax: a link from another site must find the clearance, or every visitor from a search engine is tested anew.
    """
    name, end = (HOST_BOUND, "; Secure") if secure else (PLAIN, "")
    return f"{name}={token}; Path=/; Max-Age={max_age}; HttpOnly; SameSite=Lax{end}".encode()
