"""Challenges as a browser reads them, on pages of the real gate."""

from __future__ import annotations

from shieldproxy.cli.demo.challenges import answer, cookie_of, form_of, is_challenge, work_of
from shieldproxy.core.policy import ChallengePolicy
from shieldproxy.core.puzzles import solve
from tests.fakes.clock import HandClock
from tests.guard.at_the_gate import HOME, challenge, gate, own


def test_the_puzzle_of_a_page_is_found_and_its_answer_accepted() -> None:
    """What the page carries is solved and taken, and earns a cookie."""
    stand = gate(HandClock())
    page = challenge(stand)
    assert is_challenge(page.status, page.body)
    work = work_of(page.body)
    assert work is not None
    assert work.own == "/.shieldproxy"
    got = stand.serve(HOME, own("/answer"), answer(work.puzzle, solve(work.puzzle)), "ID", secure=False)
    assert got.challenge == "passed"
    cookie = dict(got.reply.headers)[b"Set-Cookie"].decode()
    assert cookie_of(cookie).count("=") >= 1
    assert ";" not in cookie_of(cookie)


def test_the_form_of_a_page_is_found_and_accepted() -> None:
    """A browser without scripts sends the page's fields to the page's address."""
    clock = HandClock()
    stand = gate(clock)
    form = form_of(challenge(stand, path="/a&b").body)
    assert form is not None
    assert form.action == "/.shieldproxy/continue"
    assert form.fields["to"] == "/a&b"
    clock.advance(3.0)
    got = stand.serve(HOME, own("/continue"), form.body, "ID", secure=False)
    assert (got.challenge, got.reply.status) == ("passed", 303)


def test_a_page_with_a_form_alone_is_a_challenge_too() -> None:
    """An operator may offer the form only."""
    page = challenge(gate(HandClock(), ChallengePolicy(kinds=("form",))))
    assert is_challenge(page.status, page.body)
    assert work_of(page.body) is None


def test_other_pages_are_no_challenges() -> None:
    """An error of the site is not answered with work."""
    assert not is_challenge(503, b"<p>maintenance</p>")
    assert not is_challenge(200, b'<script id="puzzle" data-own="/x">{}</script>')
    assert work_of(b'<script type="application/json" id="puzzle" data-own="/x">{broken</script>') is None
    assert form_of(b"<p>no form</p>") is None
