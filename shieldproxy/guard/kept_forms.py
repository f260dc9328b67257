"""Kept forms: what somebody was sending when they were challenged, sealed into the page and sent on after it.

Nothing is stored here: the page holds the body under AES-256-GCM (NIST SP 800-38D), so nobody reads it in passing and
nobody makes one up. After the challenge the browser itself sends the same fields to the same place again.
"""

from __future__ import annotations

import base64
import binascii
import hmac
import re
from collections.abc import Mapping, Sequence
from html import escape
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlsplit

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

if TYPE_CHECKING:
    from shieldproxy.core.facts import Request
    from shieldproxy.core.ports import Chance

# A letter of four pages in Greek, of which each letter takes six bytes here. Sealed it takes a third more, and travels
# with the page and back.
MAX_BODY = 40_960
# Forms have fewer fields; each becomes an element of the page.
MAX_FIELDS = 200
NONCE_BYTES = 12
URLENCODED = b"application/x-www-form-urlencoded"
# Every field has its "=" and no name is missing: what a browser writes, and so will write again (WHATWG URL, 5.2).
FIELDS = re.compile(rb"[^&=]+=[^&=]*(?:&[^&=]+=[^&=]*)*")
# Browsers send a line end as CR LF, whatever they were given; any other would change on the way.
ODD_LINE_END = re.compile(r"\r(?!\n)|(?<!\r)\n|\0")


def keepable(request: Request) -> bool:
    """Tell whether the body of ``request`` is worth waiting for: a form of this site, and not too long."""
    headers = request.headers
    length = headers.get(b"content-length", b"")
    if request.method != "POST" or not length.isdigit() or not 0 < int(length[:9]) <= MAX_BODY:
        return False
    kind = headers.get(b"content-type", b"").partition(b";")[0].strip().lower()
    return kind == URLENCODED and from_here(request)


def from_here(request: Request) -> bool:
    """Tell whether the browser says that a page of this site sent the request.

    Another site's form must not be sent on as if it were ours: it would arrive with our Origin and all cookies.
    """
    headers = request.headers
    site = headers.get(b"sec-fetch-site")
    if site is not None:
        return site in (b"same-origin", b"none")
    said = headers.get(b"origin") or headers.get(b"referer")
    return said is not None and urlsplit_host(said) == request.host.lower()


def urlsplit_host(address: bytes) -> str:
    """Return host and port of a web address as it is written, in lower case; '' when it has none. Never raises."""
    try:
        return urlsplit(address.decode("latin-1")).netloc.lower()
    except ValueError:
        return ""


def seal_form(secret: bytes, body: bytes, target: str, chance: Chance) -> str:
    """Return ``body`` sealed for ``target``, or '' when a browser would not write the same bytes again."""
    if len(body) > MAX_BODY or not fields_of(body):
        return ""
    nonce = chance(NONCE_BYTES)
    sealed = nonce + AESGCM(form_key(secret)).encrypt(nonce, body, target.encode())
    return base64.urlsafe_b64encode(sealed).rstrip(b"=").decode()


def open_form(secrets: Sequence[bytes], sealed: str, target: str) -> bytes:
    """Return the body in ``sealed``, or b'' when it is none of ours, or for another target. Never raises."""
    try:
        data = base64.b64decode(sealed + "=" * (-len(sealed) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        return b""
    for secret in secrets:
        try:
            return AESGCM(form_key(secret)).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], target.encode())
        except (InvalidTag, ValueError):
            continue
    return b""


def form_key(secret: bytes) -> bytes:
    """Return the key for kept forms (its label keeps it apart from what else ``secret`` signs)."""
    return hmac.digest(secret, b"kept form\0", "sha256")


def fields_of(body: bytes) -> Sequence[tuple[str, str]]:
    """Return the fields of a form in their order; none when a page could not give them back as they were."""
    if FIELDS.fullmatch(body) is None:
        return ()
    try:
        fields = parse_qsl(
            body.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=True,
            errors="strict",
            max_num_fields=MAX_FIELDS,
        )
    except ValueError:
        return ()
    if any(ODD_LINE_END.search(text) for field in fields for text in field):
        return ()
    return fields


def fields_html(body: bytes) -> str:
    """Return the fields as hidden elements of a form."""
    return "".join(
        f'<input type="hidden" name="{written(name)}" value="{written(value)}">' for name, value in fields_of(body)
    )


def written(text: str) -> str:
    """Return ``text`` for an attribute; line ends as references, which no parser normalises."""
    return escape(text).translate(LINE_ENDS)


LINE_ENDS: Mapping[int, str] = {ord("\r"): "&#13;", ord("\n"): "&#10;"}
