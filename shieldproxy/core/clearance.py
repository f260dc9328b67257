"""Clearances: a signed proof that somebody answered a challenge, bound to where and with what they did.

A token is ``body.tag``, both base64url: ``body`` is a struct of 30 bytes, ``tag`` the first 16 bytes of
HMAC-SHA-256 (RFC 2104) over it. A verifier accepts the tags of several keys, so keys can rotate while old
clearances live.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import struct
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Sequence

# version, kind, epoch, expiry (unix seconds), serial, binding
LAYOUT = struct.Struct(">BBIQ8s8s")
VERSION = 1
TAG_BYTES = 16
# base64url of body and tag with a dot; anything longer or shorter is not ours and is not decoded.
TOKEN_LENGTH = 63


class Kind(StrEnum):
    """How the clearance was earned; a form proves less than work does, so its holders have tighter buckets."""

    WORK = "proof-of-work"
    FORM = "form"


KINDS = (Kind.WORK, Kind.FORM)


class Clearance(NamedTuple):
    """A proof in force. ``serial`` names its bucket; ``expires`` is unix seconds."""

    serial: str
    kind: Kind
    expires: int
    epoch: int


class Refusal(StrEnum):
    """Why a token is no clearance; counted by this word."""

    FORGED = "forged"
    EXPIRED = "expired"
    FOREIGN = "foreign"
    REVOKED = "revoked"


def bind(prefix: str, user_agent: bytes) -> bytes:
    """Return 8 bytes that stand for an address prefix and a user agent."""
    return hashlib.sha256(prefix.encode() + b"\0" + user_agent).digest()[:8]


def seal(key: bytes, clearance: Clearance, binding: bytes) -> str:
    """Return the token of ``clearance`` under ``key``. ``serial`` is 16 hexadecimal digits, ``binding`` 8 bytes."""
    body = LAYOUT.pack(
        VERSION,
        KINDS.index(clearance.kind),
        clearance.epoch,
        clearance.expires,
        bytes.fromhex(clearance.serial),
        binding,
    )
    return f"{encode(body)}.{encode(sign(key, body))}"


def unseal(
    keys: Sequence[bytes],
    token: str,
    *,
    binding: bytes,
    now: float,
    epoch: int,
) -> Clearance | Refusal:
    """Return the clearance in ``token``, or why it is none. Never raises. ``now`` is unix seconds."""
    if len(token) != TOKEN_LENGTH or not token.isascii():
        return Refusal.FORGED
    body_text, _, tag_text = token.partition(".")
    body = decode(body_text)
    # Compared as text: base64 has several spellings of the same bytes, and a clearance has one.
    if len(body) != LAYOUT.size or encode(body) != body_text:
        return Refusal.FORGED
    if not any(hmac.compare_digest(encode(sign(key, body)), tag_text) for key in keys):
        return Refusal.FORGED
    version, kind, given_epoch, expires, serial, bound = LAYOUT.unpack(body)
    if version != VERSION or kind >= len(KINDS):
        return Refusal.FORGED
    if expires <= now:
        return Refusal.EXPIRED
    if given_epoch < epoch:
        return Refusal.REVOKED
    if bound != binding:
        return Refusal.FOREIGN
    return Clearance(serial.hex(), KINDS[kind], expires, given_epoch)


def sign(key: bytes, body: bytes) -> bytes:
    """Return the tag of ``body``, for clearances only (the label keeps a puzzle's signature from serving here)."""
    return hmac.digest(key, b"clearance\0" + body, "sha256")[:TAG_BYTES]


def encode(data: bytes) -> str:
    """Return base64url without padding (RFC 4648, section 5)."""
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def decode(text: str) -> bytes:
    """Return the bytes of unpadded base64url, or none at all when it is not that."""
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
