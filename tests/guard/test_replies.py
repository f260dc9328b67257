"""The answers that are ours."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.verdict import Action, Verdict
from shieldproxy.guard.appearance import Appearance
from shieldproxy.guard.phrasebook import Phrasebook
from shieldproxy.guard.replies import LONGEST, Replies, Reply, told_seconds
from tests.scenes import BROWSER, request

REPLIES = Replies(Appearance(contact="help@example.org"), Phrasebook())
THROTTLE = Verdict(Action.THROTTLE, "over_own_limit", "client", 2.3, 429)
REFUSE = Verdict(Action.REFUSE, "denied", "scanner", 0.0, 403)
BANNED = Verdict(Action.DROP, "banned", "bans", 5_000.0, 403)
MALFORMED = Verdict(Action.REFUSE, "malformed", "", 0.0, 431)


def refuse(verdict: Verdict, headers: dict[bytes, bytes] | None = None) -> Reply:
    """Return the answer of ``verdict``."""
    return REPLIES.refusal(verdict, request("/secret<path>", headers, host="odd.example", query="q=1"), "ID-1")


def header(reply: Reply, name: bytes) -> bytes | None:
    """Return the one value of a header, or None; a name that comes twice is an error."""
    values = [value for key, value in reply.headers if key == name]
    assert len(values) <= 1
    return values[0] if values else None


@pytest.mark.parametrize("verdict", [THROTTLE, REFUSE, BANNED, MALFORMED])
@pytest.mark.parametrize("accept", [b"text/html", b"application/json", b"*/*"])
def test_every_answer_is_kept_nowhere_and_carries_its_id(verdict: Verdict, accept: bytes) -> None:
    """No cache, no index, no guessing of types, the ID in head and body, and the door's headers left to the door."""
    reply = refuse(verdict, {b"accept": accept})
    assert reply.status == verdict.status
    assert header(reply, b"Cache-Control") == b"no-store"
    assert header(reply, b"X-Robots-Tag") == b"noindex"
    assert header(reply, b"X-Content-Type-Options") == b"nosniff"
    assert header(reply, b"X-Request-Id") == b"ID-1"
    assert reply.body.count(b"ID-1") == 1
    assert not {name.lower() for name, _ in reply.headers} & {b"content-length", b"date", b"connection"}


def test_the_body_fits_what_is_accepted() -> None:
    """A browser gets a page with a policy, a program a problem, curl plain text."""
    page = refuse(THROTTLE, {**BROWSER, b"accept-language": b"de"})
    assert header(page, b"Content-Type") == b"text/html; charset=utf-8"
    assert header(page, b"Content-Language") == b"de"
    assert b"default-src 'none'" in (header(page, b"Content-Security-Policy") or b"")
    assert header(refuse(THROTTLE, {b"accept": b"application/json"}), b"Content-Type") == b"application/problem+json"
    assert header(refuse(THROTTLE, {}), b"Content-Type") == b"text/plain; charset=utf-8"


@pytest.mark.parametrize(
    ("wait", "told"),
    [(0.0, b"1"), (0.2, b"1"), (2.3, b"3"), (120.0, b"120"), (121.0, b"180"), (7_201.0, b"10800")],
)
def test_a_throttled_client_is_told_when_to_come_again(wait: float, told: bytes) -> None:
    """Retry-After is whole seconds, at least one, rounded up to what people are told."""
    assert header(refuse(THROTTLE._replace(wait=wait)), b"Retry-After") == told


def test_no_wait_is_too_long() -> None:
    """An endless wait is told as a year."""
    assert header(refuse(THROTTLE._replace(wait=float("inf"))), b"Retry-After") == b"%d" % LONGEST


def test_a_refusal_names_no_time() -> None:
    """Who is refused is not invited to try again; who is banned hears when it ends."""
    assert header(refuse(REFUSE), b"Retry-After") is None
    assert header(refuse(BANNED), b"Retry-After") == b"5040"
    assert "Access paused" in refuse(BANNED).body.decode()
    assert "Access not permitted" in refuse(REFUSE).body.decode()


def test_a_connection_of_no_further_use_is_closed() -> None:
    """After a message that could not be read nobody knows where the next one begins."""
    assert refuse(MALFORMED).close
    assert refuse(BANNED).close
    assert not refuse(THROTTLE).close
    assert not refuse(REFUSE).close


@given(
    st.sampled_from([THROTTLE, REFUSE, BANNED, MALFORMED]),
    st.text(alphabet="abcXYZ<>&\"'/{}", min_size=8, max_size=40),
    st.binary(max_size=40),
)
def test_nothing_of_a_request_is_repeated(verdict: Verdict, odd: str, junk: bytes) -> None:
    """Path, host, query and headers do not change a byte of the answer, unless they choose its form or language."""
    plain = REPLIES.refusal(verdict, request("/", {}), "ID-1")
    headers = {b"user-agent": odd.encode(), b"referer": junk, b"cookie": junk, b"host": odd.encode()}
    assert REPLIES.refusal(verdict, request(odd, headers, host=odd, query=odd), "ID-1") == plain


@given(st.binary(max_size=600), st.binary(max_size=600))
def test_no_header_makes_an_answer_fail(accept: bytes, language: bytes) -> None:
    """Whatever a client accepts, it is answered."""
    assert refuse(THROTTLE, {b"accept": accept, b"accept-language": language}).status == 429


@pytest.mark.parametrize("status", [502, 503, 504])
def test_an_origin_that_fails_is_told_as_the_sites_trouble(status: int) -> None:
    """The visitor reads that it is not their fault, with the status of what went wrong."""
    verdict = Verdict(Action.ADMIT, "admit", status=status, wait=10.0 if status == 503 else 0.0)
    reply = refuse(verdict)
    assert reply.status == status
    assert "not your fault" in reply.body.decode()
    assert (header(reply, b"Retry-After") == b"10") is (status == 503)


def test_changed_settings_change_the_next_notice() -> None:
    """A reload puts the new contact on the page."""
    replies = Replies(Appearance(contact="old@example.org"), Phrasebook())
    assert b"old@example.org" in replies.refusal(REFUSE, request(), "ID-1").body
    replies.adopt(Appearance(contact="new@example.org"))
    assert b"new@example.org" in replies.refusal(REFUSE, request(), "ID-1").body


def test_hanging_up_is_no_answer() -> None:
    """Status 0 tells the door to close without a word."""
    reply = REPLIES.hang_up()
    assert (reply.status, reply.body, reply.close) == (0, b"", True)


@given(st.integers(0, LONGEST))
def test_nobody_who_waits_as_told_comes_too_early(seconds: int) -> None:
    """Rounding a wait only makes it longer, by less than an hour."""
    assert seconds <= told_seconds(seconds) < seconds + 3_600
