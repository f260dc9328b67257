"""Tickets: a signed place in the line, in a cookie; and the pass that it becomes when its holder was let in.

A token is ``body.tag``, both base64url: ``body`` a struct of 25 bytes, ``tag`` the first 16 bytes of HMAC-SHA-256
(RFC 2104) over it. It is bound to where and with what its holder came, as a clearance is, so it cannot be handed on.
"""

from __future__ import annotations

import hmac
import re
import struct
from typing import TYPE_CHECKING, NamedTuple

from shieldproxy.core.clearance import TAG_BYTES, decode, encode

if TYPE_CHECKING:
    from collections.abc import Sequence

# version, arrived (microseconds of unix time), pass until (unix seconds; 0: none yet), binding
LAYOUT = struct.Struct(">BQQ8s")
VERSION = 1
NAME = "shieldproxy-line"
TOKEN = re.compile(rb"(?:^|[; \t])shieldproxy-line=([\w\-]{34}\.[\w\-]{22})(?=[; \t]|$)")
# A ticket outlasts the longest line by far: who closed the lid of a laptop finds the place kept.
LASTS = 4 * 3_600


class Ticket(NamedTuple):
    """A place in the line: since when its holder waits, and until when they may go in and out (0: not called yet)."""

    arrived: int
    until: int = 0


def seal_ticket(key: bytes, ticket: Ticket, binding: bytes) -> str:
    """Return the token of ``ticket`` under ``key``. ``binding`` is 8 bytes."""
    body = LAYOUT.pack(VERSION, ticket.arrived, ticket.until, binding)
    return f"{encode(body)}.{encode(sign(key, body))}"


def unseal_ticket(keys: Sequence[bytes], cookies: bytes, binding: bytes) -> Ticket | None:
    """Return the first good ticket in a Cookie header, or None. Never raises."""
    found = TOKEN.search(cookies)
    if found is None:
        return None
    body_text, _, tag_text = found[1].decode("ascii", "replace").partition(".")
    body = decode(body_text)
    if len(body) != LAYOUT.size or not any(hmac.compare_digest(encode(sign(key, body)), tag_text) for key in keys):
        return None
    version, arrived, until, bound = LAYOUT.unpack(body)
    return Ticket(arrived, until) if version == VERSION and bound == binding else None


def sign(key: bytes, body: bytes) -> bytes:
    """Return the tag of ``body``, for tickets only (its label keeps it apart from what else ``key`` signs)."""
    return hmac.digest(key, b"line\0" + body, "sha256")[:TAG_BYTES]


def set_ticket(token: str, *, secure: bool) -> tuple[bytes, bytes]:
    """Return the Set-Cookie header of a ticket; ``secure`` when the visitor came over TLS."""
    end = "; Secure" if secure else ""
    cookie = f"{NAME}={token}; Path=/; Max-Age={LASTS}; HttpOnly; SameSite=Lax{end}"
    return b"Set-Cookie", cookie.encode()
