"""Fingerprints: a short hash over the order of header names. Browsers keep theirs, tools have their own."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

Field = tuple[bytes, bytes, bytes]  # lower-case name, name as sent, value

# A browser sends these sometimes; what it sends always makes the fingerprint.
VOLATILE = frozenset(
    (
        b"cookie",
        b"referer",
        b"origin",
        b"content-length",
        b"content-type",
        b"transfer-encoding",
        b"if-none-match",
        b"if-modified-since",
        b"if-range",
        b"range",
        b"cache-control",
        b"pragma",
        b"authorization",
        b"sec-fetch-user",
        b"upgrade-insecure-requests",
        b"priority",
        b"x-forwarded-for",
        b"x-forwarded-proto",
        b"x-forwarded-host",
        b"x-request-id",
    )
)
# Orders remembered. Real browsers need some hundred; a flood that shuffles headers turns the table over.
MEMORY = 4_096
# Bytes of an order that is remembered; browsers' are some three hundred. Longer ones are hashed each time.
LONGEST = 1_024


class Fingerprints:
    """Names header orders; the same order has the same name in every worker and every year."""

    def __init__(self) -> None:
        self._known: dict[bytes, str] = {}

    def of(self, fields: Iterable[Field]) -> str:
        """Return 12 hexadecimal digits for the order (and letter case) of the lasting header names in ``fields``."""
        order = b",".join([name for lower, name, _ in fields if lower not in VOLATILE])
        known = self._known.get(order)
        if known is None:
            known = hashlib.sha256(order).hexdigest()[:12]
            if len(order) <= LONGEST:
                if len(self._known) >= MEMORY:
                    self._known.clear()
                self._known[order] = known
        return known
