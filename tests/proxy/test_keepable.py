"""Keepable: what may be shown to strangers is told from what may not, as RFC 9111 and RFC 5861 say; in doubt, not."""

from __future__ import annotations

import pytest

from shieldproxy.proxy.fields import Field
from shieldproxy.proxy.keepable import is_ordinary, kept_for, key_of
from shieldproxy.proxy.request_heads import CHUNKED, RequestHead

HOUR = 3_600.0


def fields(*lines: str) -> list[Field]:
    """Return header lines as the parser hands them over."""
    found = [line.encode().partition(b": ") for line in lines]
    return [(name.lower(), name, value) for name, _, value in found]


def head(
    *lines: str, method: bytes = b"GET", target: bytes = b"/a?b=c", host: bytes = b"site.example", length: int = 0
) -> RequestHead:
    """Return the head of a request."""
    return RequestHead(method, target, host, "1.1", tuple(fields(*lines)), frozenset(), length, False, b"", True)


@pytest.mark.parametrize("method", [b"HEAD", b"POST", b"OPTIONS"])
def test_only_answers_to_get_have_a_name(method: bytes) -> None:
    """Others change something, or have no body."""
    assert key_of(head(method=method), secure=False) is None


def test_a_request_with_a_body_or_an_upgrade_has_none() -> None:
    """Nobody knows what the body does to the answer."""
    assert key_of(head(length=5), secure=False) is None
    assert key_of(head(length=CHUNKED), secure=False) is None
    assert key_of(head()._replace(upgrade=b"websocket"), secure=False) is None


@pytest.mark.parametrize(
    "line", ["Cookie: a=b", "cookie: ", "Authorization: Basic eDp5", "Range: bytes=0-1", "Cache-Control: No-Store"]
)
def test_who_is_somebody_in_particular_is_given_no_copy_and_leaves_none(line: str) -> None:
    """Cookies and credentials, even empty ones; a part of a page; and who asks that nothing be stored."""
    assert key_of(head("Accept: */*", line), secure=False) is None


def test_whatever_makes_another_page_makes_another_name() -> None:
    """Scheme, host, path and query byte for byte, and what encodings are understood."""
    gzip = "Accept-Encoding: gzip"
    names = [
        key_of(head(gzip), secure=False),
        key_of(head(gzip), secure=True),
        key_of(head(gzip, host=b"other.example"), secure=False),
        key_of(head(gzip, target=b"/a?b=C"), secure=False),
        key_of(head(gzip, target=b"/a"), secure=False),
        key_of(head("Accept-Encoding: br"), secure=False),
        key_of(head("Accept-Encoding: br", gzip), secure=False),
        key_of(head(), secure=False),
    ]
    assert None not in names
    assert len(set(names)) == len(names)
    assert key_of(head("accept-encoding:  GZIP ", host=b"SITE.example"), secure=False) == names[0]


def test_a_field_that_browsers_do_not_send_makes_nobody_elses_page() -> None:
    """A site may let it change the page without saying so: such a request leaves no copy."""
    browser = ("Host: a", "User-Agent: x", "Accept-Language: de", "Sec-Fetch-Mode: navigate", "DNT: 1", "Referer: /")
    assert is_ordinary(head(*browser))
    for line in ("X-Original-URL: /admin", "X-Forwarded-Prefix: //evil", "X-HTTP-Method-Override: POST", "Api-Key: 1"):
        assert not is_ordinary(head(*browser, line))


@pytest.mark.parametrize(
    "lines",
    [
        ("Cache-Control: no-store",),
        ("Cache-Control: private",),
        ('Cache-Control: public, PRIVATE="set-cookie, x"',),
        ("Cache-Control: no-cache",),
        ("Cache-Control: max-age=60, must-revalidate",),
        ("Cache-Control: proxy-revalidate",),
        ("Cache-Control: s-maxage=60",),
        ("Cache-Control: public", "Cache-Control: private"),
        ("Set-Cookie: session=1",),
        ("Cache-Control: public", "set-cookie: a"),
        ("Vary: *",),
        ("Vary: Accept-Encoding, User-Agent",),
        ("Vary: Accept-Encoding", "Vary: Accept-Language"),
        ("Cache-Control: stale-if-error=0",),
        ("Cache-Control: stale-if-error=often",),
        ("Age: 4000",),
    ],
)
def test_what_the_origin_forbids_is_not_kept(lines: tuple[str, ...]) -> None:
    """Each of these says that the answer is one visitor's, must be checked, differs by what we do not look at, or is old."""
    assert kept_for(200, fields("Content-Type: text/html", *lines), HOUR) is None


@pytest.mark.parametrize("status", [201, 204, 206, 301, 302, 304, 404, 500, 503])
def test_only_whole_pages_are_kept(status: int) -> None:
    """200 and nothing else."""
    assert kept_for(status, fields("Cache-Control: public, max-age=60"), HOUR) is None


@pytest.mark.parametrize(
    ("lines", "age", "left"),
    [
        ((), 0, HOUR),  # the origin says nothing: not fresh for a second, and shown when there is nothing better
        (("Cache-Control: public",), 0, HOUR),
        (("Cache-Control: max-age=60",), 0, HOUR + 60),
        (("Cache-Control: max-age=60, max-age=99999", "Age: 20"), 20, HOUR + 40),
        (("Cache-Control: max-age=oops", "Age: old"), 0, HOUR),
        (("Cache-Control: max-age=60, stale-if-error=30",), 0, 90),
        (('Cache-Control: max-age=60, stale-if-error="30"',), 0, 90),
        (("Cache-Control: stale-if-error=999999999999999",), 0, HOUR),  # no more than the operator allows
        (("Date: Wed, 25 Nov 2026 02:00:00 GMT", "Expires: Wed, 25 Nov 2026 02:01:00 GMT"), 0, HOUR + 60),
        (("Date: Wed, 25 Nov 2026 02:00:00 GMT", "Expires: 0"), 0, HOUR),
        (("Date: Wed, 25 Nov 2026 02:00:00 GMT", "Expires: Wed, 25 Nov 2020 02:00:00 GMT"), 0, HOUR),
        (("Vary: Accept-Encoding, Cookie", "vary: AUTHORIZATION"), 0, HOUR),
        (("Vary: ", "Vary: ,"), 0, HOUR),
    ],
)
def test_how_long_a_copy_may_be_shown(lines: tuple[str, ...], age: float, left: float) -> None:
    """Its freshness, what the operator allows beyond it or the origin if that is less, less its age."""
    assert kept_for(200, fields(*lines), HOUR) == (age, left)
