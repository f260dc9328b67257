"""Keepable: which answers may be kept for strangers, and for how long they may be shown when the origin fails.

RFC 9111 says what a shared cache may store, RFC 5861 how stale it may be after an error. Where they leave a choice,
nothing is kept: what is kept wrongly shows one visitor's page to another.
"""

from __future__ import annotations

from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

from shieldproxy.proxy.fields import Field, values_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from shieldproxy.proxy.request_heads import RequestHead

# Who sends one of these is somebody in particular, or asks for a part.
PERSONAL = frozenset((b"cookie", b"authorization", b"range"))
# What browsers and robots send with every page, and what we write ourselves for the origin. A site that lets another
# field change a page without naming it in Vary could be made to leave a page of an attacker's for all (web cache
# poisoning), so answers to requests that carry any other are not kept.
ORDINARY = frozenset(
    b"accept accept-encoding accept-language cache-control connection dnt forwarded from host if-modified-since "
    b"if-none-match keep-alive pragma priority purpose referer save-data te upgrade-insecure-requests user-agent via "
    b"x-forwarded-for x-forwarded-host x-forwarded-proto x-real-ip x-request-id".split()
)
FETCH_METADATA = b"sec-"
# What the origin may vary by, because copies are told apart by it: the first by its value, the others by being absent.
COVERED = frozenset((b"accept-encoding", *PERSONAL))
# RFC 9111, 4.2.4: with the last four no stale answer may be given, and no-cache asks to be checked each time.
FORBIDDING = frozenset((b"no-store", b"private", b"no-cache", b"must-revalidate", b"proxy-revalidate", b"s-maxage"))


def key_of(head: RequestHead, *, secure: bool) -> bytes | None:
    """Return under which name the answer to a request may be kept; None when it is for one visitor alone."""
    if head.method != b"GET" or head.length != 0 or head.upgrade:
        return None
    encodings: list[bytes] = []
    for lower, _, value in head.fields:
        if lower in PERSONAL or (lower == b"cache-control" and b"no-store" in value.lower()):
            return None
        if lower == b"accept-encoding":
            encodings.append(value.strip(b" \t").lower())
    # Neither a host nor a target holds a blank.
    return b"%d %b %b %b" % (secure, head.host.lower(), head.target, b",".join(encodings))


def is_ordinary(head: RequestHead) -> bool:
    """Tell whether a request carries nothing that could make the answer another one, unless the answer says so."""
    return all(lower in ORDINARY or lower.startswith(FETCH_METADATA) for lower, _, _ in head.fields)


def kept_for(status: int, fields: Sequence[Field], stale: float) -> tuple[float, float] | None:
    """Return how old an answer is, and for how long (seconds) a copy may be shown after an error; None: not at all.

    ``stale`` is how long beyond its freshness the operator allows; the origin may allow less (RFC 5861, 4).
    """
    directives = directives_of(fields)
    if status != 200 or not FORBIDDING.isdisjoint(directives) or values_of(fields, b"set-cookie"):
        return None
    if not COVERED.issuperset(token for value in values_of(fields, b"vary") for token in tokens(value)):
        return None
    if b"stale-if-error" in directives:
        stale = min(stale, seconds(directives[b"stale-if-error"]))
        if not stale:
            return None
    age = seconds(next(iter(values_of(fields, b"age")), b"0"))
    left = freshness(directives, fields) + stale - age
    return (age, left) if left > 0 else None


def directives_of(fields: Sequence[Field]) -> dict[bytes, bytes]:
    """Return the directives of Cache-Control by lower-case name; of one that comes twice the first."""
    found: dict[bytes, bytes] = {}
    for value in values_of(fields, b"cache-control"):
        for part in value.split(b","):
            name, _, argument = part.partition(b"=")
            found.setdefault(name.strip(b" \t").lower(), argument.strip(b' \t"'))
    return found


def tokens(value: bytes) -> list[bytes]:
    """Return the names in a list, in lower case."""
    return [token.lower() for part in value.split(b",") if (token := part.strip(b" \t"))]


def freshness(directives: dict[bytes, bytes], fields: Sequence[Field]) -> float:
    """Return for how long an answer is fresh by what the origin says (RFC 9111, 4.2.1); nothing is guessed."""
    if b"max-age" in directives:
        return seconds(directives[b"max-age"])
    expires, date = moment(fields, b"expires"), moment(fields, b"date")
    return max(0.0, expires - date) if expires is not None and date is not None else 0.0


def seconds(text: bytes) -> float:
    """Return a delta-seconds; 0 for what is none. More than ten digits are as good as for ever."""
    return float(text[:10]) if text.isdigit() else 0.0


def moment(fields: Sequence[Field], name: bytes) -> float | None:
    """Return the date in a field as unix seconds; None where there is none that can be read."""
    for value in values_of(fields, name)[:1]:
        try:
            return parsedate_to_datetime(value.decode("latin-1")).timestamp()
        except (ValueError, OverflowError, OSError):
            return None
    return None
