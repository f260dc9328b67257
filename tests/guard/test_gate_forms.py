"""The form that works without a script."""

from __future__ import annotations

from urllib.parse import quote

import pytest

from shieldproxy.core.clearance import Clearance, Kind
from shieldproxy.state.keys import KeyRing
from tests.fakes.clock import HandClock
from tests.guard.at_the_gate import (
    ELSEWHERE,
    HOME,
    KEY,
    LOOK,
    POLICY,
    TEXT_BROWSER,
    challenge,
    cookie_of,
    filled,
    form_on,
    gate,
    header,
    puzzle_on,
    send,
    solved,
    with_cookie,
)


def test_the_form_passes_after_its_wait(clock: HandClock) -> None:
    """Button, redirect to the check, and from there to path and query; the clearance is the smaller one."""
    stand = gate(clock)
    page = challenge(stand, path="/forms/residence", query="step=2&x=%C3%A9", headers=TEXT_BROWSER)
    clock.advance(3)
    answer = send(stand, "/continue", filled(form_on(page)), headers=TEXT_BROWSER)
    assert (answer.challenge, answer.kind, answer.reply.status) == ("passed", "form", 303)
    place, _, query = header(answer.reply, b"Location").decode().partition("?")
    assert place == "/.shieldproxy/return"
    cookie = cookie_of(answer.reply)
    back = send(stand, "/return", method="GET", query=query, headers=with_cookie(cookie, TEXT_BROWSER))
    assert (back.reply.status, back.challenge) == (303, "")
    assert header(back.reply, b"Location") == b"/forms/residence?step=2&x=%C3%A9"
    found = stand.read_clearance(cookie, HOME, TEXT_BROWSER[b"user-agent"])
    assert isinstance(found, Clearance)
    assert (found.kind, found.expires) == (Kind.FORM, 1_003 + 3_600)


def test_a_browser_is_led_on_by_a_page(clock: HandClock) -> None:
    """A redirect after a form would be held against form-action, also when the target leads to another host."""
    stand = gate(clock)
    cookie = cookie_of(send(stand, "/answer", solved(puzzle_on(challenge(stand)))).reply)
    back = send(stand, "/return", method="GET", query="to=/a%3Fb", headers=with_cookie(cookie)).reply
    assert (back.status, header(back, b"Refresh")) == (200, b"0;url=/a?b")


def test_too_early_is_told_and_the_button_stays_good(clock: HandClock) -> None:
    """The page says how many seconds are left and holds the same token, which passes when they are over."""
    stand = gate(clock)
    page = challenge(stand, path="/x")
    clock.advance(1)
    early = send(stand, "/continue", filled(form_on(page)))
    assert (early.challenge, early.reply.status, cookie_of(early.reply)) == ("too_early", 503, b"")
    assert header(early.reply, b"Retry-After") == b"2"
    assert form_on(early.reply) == form_on(page)
    clock.advance(2)
    assert send(stand, "/continue", filled(form_on(early.reply))).challenge == "passed"


@pytest.mark.parametrize("word", ["forged", "expired", "foreign", "spent", "garbled"])
def test_a_form_that_does_not_count_comes_with_a_new_one(clock: HandClock, word: str) -> None:
    """No cookie, a sentence, and a fresh button that works after its wait."""
    stand = gate(clock)
    fields = form_on(challenge(stand, path="/x"))
    clock.advance(3)
    who = HOME
    match word:
        case "forged":
            fields["token"] = fields["token"][:-1] + ("0" if fields["token"][-1] != "0" else "1")
        case "expired":
            clock.advance(300)
        case "foreign":
            who = ELSEWHERE
        case "spent":
            send(stand, "/continue", filled(fields))
        case _:
            fields["token"] = "nonsense"
    refused = send(stand, "/continue", filled(fields), who)
    assert refused.challenge == word
    assert (refused.reply.status, cookie_of(refused.reply)) == (403, b"")
    clock.advance(3)
    assert send(stand, "/continue", filled(form_on(refused.reply)), who).challenge == "passed"


def test_a_second_click_is_no_refusal(clock: HandClock) -> None:
    """Who presses twice has the cookie of the first press and goes on, but earns no second one."""
    stand = gate(clock)
    fields = form_on(challenge(stand, path="/x"))
    clock.advance(3)
    cookie = cookie_of(send(stand, "/continue", filled(fields)).reply)
    second = send(stand, "/continue", filled(fields), headers=with_cookie(cookie))
    assert (second.challenge, second.reply.status, cookie_of(second.reply)) == ("spent", 200, b"")
    assert header(second.reply, b"Refresh") == b"0;url=/x"


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example", "/\t/evil.example"])
def test_the_form_leads_to_no_other_site(clock: HandClock, target: str) -> None:
    """A target of somebody else's making leads home, at both steps."""
    stand = gate(clock)
    fields = {**form_on(challenge(stand, headers=TEXT_BROWSER)), "to": target}
    clock.advance(3)
    answer = send(stand, "/continue", filled(fields), headers=TEXT_BROWSER)
    assert header(answer.reply, b"Location") == b"/.shieldproxy/return?to=/"
    cookie = with_cookie(cookie_of(answer.reply), TEXT_BROWSER)
    back = send(stand, "/return", method="GET", query=f"to={quote(target, safe='')}", headers=cookie)
    assert header(back.reply, b"Location") == b"/"


def test_a_kind_that_is_not_offered_earns_nothing(clock: HandClock) -> None:
    """An operator who takes the form away takes away its tokens too, and likewise the work."""
    stand = gate(clock)
    page = challenge(stand)
    clock.advance(3)
    stand.adopt(POLICY._replace(kinds=("proof-of-work",)), KeyRing((KEY,)), LOOK)
    assert send(stand, "/continue", filled(form_on(page))).challenge == "expired"
    stand.adopt(POLICY._replace(kinds=("form",)), KeyRing((KEY,)), LOOK)
    assert send(stand, "/answer", solved(puzzle_on(page))).challenge == "expired"
