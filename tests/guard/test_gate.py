"""The gate: its paths, its cookies, and the page it shows."""

from __future__ import annotations

import json

import pytest

from shieldproxy.core.clearance import Clearance
from shieldproxy.guard.answers import OwnAnswer
from shieldproxy.guard.gate import MAX_OWN_BODY, RETRY_SOON
from shieldproxy.guard.replies import Reply
from tests.fakes.clock import HandClock
from tests.guard.at_the_gate import (
    CHALLENGE,
    ELSEWHERE,
    HOME,
    challenge,
    cookie_of,
    form_on,
    gate,
    header,
    puzzle_on,
    send,
    solved,
    with_cookie,
)
from tests.scenes import BROWSER, request


def test_who_keeps_no_cookies_is_told_and_not_sent_round(clock: HandClock) -> None:
    """The check answers with a page for people and with a word for the script; neither moves on by itself."""
    stand = gate(clock)
    page = send(stand, "/return", method="GET", query="to=/x")
    assert (page.challenge, page.reply.status) == ("no_cookie", 403)
    assert b"Refresh" not in dict(page.reply.headers)
    assert b"Location" not in dict(page.reply.headers)
    word = send(stand, "/return", method="GET", headers={**BROWSER, b"accept": b"application/json"})
    assert json.loads(word.reply.body)["outcome"] == "no_cookie"


def test_the_script_learns_that_the_cookie_came_back(clock: HandClock) -> None:
    """All is well once the clearance is seen; one that does not count comes with a new puzzle."""
    stand = gate(clock)
    cookie = cookie_of(send(stand, "/answer", solved(puzzle_on(challenge(stand)))).reply)
    headers = with_cookie(cookie, {**BROWSER, b"accept": b"application/json"})
    assert json.loads(send(stand, "/return", method="GET", headers=headers).reply.body) == {"ok": True}
    moved = send(stand, "/return", who=ELSEWHERE, method="GET", headers=headers)
    assert moved.challenge == "foreign"
    fresh = solved(json.loads(moved.reply.body)["puzzle"])
    assert send(stand, "/answer", fresh, ELSEWHERE).challenge == "passed"


def test_a_clearance_that_does_not_count_is_shown_the_form(clock: HandClock) -> None:
    """A person whose address changed on the way gets the button again, not a lecture on cookies."""
    stand = gate(clock)
    cookie = cookie_of(send(stand, "/answer", solved(puzzle_on(challenge(stand)))).reply)
    moved = send(stand, "/return", who=ELSEWHERE, method="GET", query="to=/x", headers=with_cookie(cookie))
    assert (moved.challenge, form_on(moved.reply)["to"]) == ("foreign", "/x")


def test_the_cookie_has_the_name_that_fits_the_scheme(clock: HandClock) -> None:
    """Over plain HTTP the cookie is neither Secure nor host-bound, or browsers would not keep it; both are read."""
    stand = gate(clock)
    for secure, name in ((True, b"__Host-shieldproxy="), (False, b"shieldproxy=")):
        answer = send(stand, "/answer", solved(puzzle_on(challenge(stand))), secure=secure)
        assert header(answer.reply, b"Set-Cookie").startswith(name)
        found = stand.read_clearance(cookie_of(answer.reply), HOME, BROWSER[b"user-agent"])
        assert isinstance(found, Clearance)


def test_no_answer_takes_a_cookie_away(clock: HandClock) -> None:
    """A late refusal never removes the clearance a visitor has just earned."""
    stand = gate(clock)
    for path, method in (("/answer", "POST"), ("/continue", "POST"), ("/return", "GET"), ("/x", "GET")):
        assert cookie_of(send(stand, path, b"junk", method=method).reply) == b""


@pytest.mark.parametrize(
    ("path", "method", "status", "allow"),
    [
        ("/answer", "GET", 405, b"POST"),
        ("/answer", "OPTIONS", 405, b"POST"),
        ("/continue", "HEAD", 405, b"POST"),
        ("/return", "POST", 405, b"GET, HEAD"),
        ("/", "GET", 404, b""),
        ("/answer/", "POST", 404, b""),
        ("/ANSWER", "POST", 404, b""),
        ("/wp-login.php", "GET", 404, b""),
    ],
)
def test_other_paths_and_methods_are_told_apart(
    clock: HandClock, path: str, method: str, status: int, allow: bytes
) -> None:
    """What is not there is 404; what is there under another method is 405 and says which."""
    answer = send(gate(clock), path, method=method)
    assert (answer.reply.status, header(answer.reply, b"Allow"), answer.challenge) == (status, allow, "")


def test_a_body_that_is_too_long_is_not_read(clock: HandClock) -> None:
    """Size comes before everything else."""
    answer = send(gate(clock), "/answer", b"x" * (MAX_OWN_BODY + 1))
    assert (answer.reply.status, answer.challenge) == (413, "")


def test_only_what_lies_below_our_path_is_ours(clock: HandClock) -> None:
    """A site's own path that begins alike is the site's."""
    stand = gate(clock)
    assert stand.is_own("/.shieldproxy/answer")
    assert not stand.is_own("/.shieldproxy-news")
    assert not stand.is_own("/")


def test_the_page_is_in_the_visitors_language_with_their_target(clock: HandClock) -> None:
    """The form knows where to go back to; odd targets are text in it, unsafe ones lead home."""
    stand = gate(clock)
    german = {**BROWSER, b"accept-language": b"de"}
    page = challenge(stand, path='/a"><script>', query="b=<&c", headers=german)
    assert b'<html lang="de"' in page.body
    assert b'"><script>&' not in page.body
    assert form_on(page)["to"] == '/a"><script>?b=<&c'
    assert form_on(challenge(stand, path="//evil.example"))["to"] == "/"


def test_a_robot_is_told_when_to_come_again(clock: HandClock) -> None:
    """Retry-After is the wait of the verdict, or soon."""
    stand = gate(clock)
    assert header(challenge(stand), b"Retry-After") == b"%d" % RETRY_SOON
    waiting = stand.challenge(HOME, request(), CHALLENGE._replace(wait=2.1), "ID-1")
    assert header(waiting, b"Retry-After") == b"3"


def test_no_two_pages_share_a_nonce(clock: HandClock) -> None:
    """Neither the puzzle nor the script's nonce comes twice."""
    stand = gate(clock)
    pages = [challenge(stand) for _ in range(3)]
    assert len({puzzle_on(page)["parameters"]["nonce"] for page in pages}) == 3
    assert len({header(page, b"Content-Security-Policy") for page in pages}) == 3


def test_a_sender_of_a_form_is_told_that_it_waits(clock: HandClock) -> None:
    """A challenged POST says so, a HEAD is as a GET."""
    stand = gate(clock)
    assert b"has not been sent yet" in challenge(stand, method="POST").body
    assert b"has not been sent yet" not in challenge(stand, method="HEAD").body


def test_too_many_answers_are_refused_without_being_judged(clock: HandClock) -> None:
    """The guard's own refusal passes through with no word about a challenge."""
    reply = Reply(429, (), b"")
    assert gate(clock).too_many(reply) == OwnAnswer(reply)
