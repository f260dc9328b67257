"""Forms that were being sent when the challenge came: kept in the page, and sent on after it."""

from __future__ import annotations

import pytest

from shieldproxy.guard.replies import Reply
from tests.fakes.clock import HandClock
from tests.guard.at_the_gate import (
    CHALLENGE,
    ELSEWHERE,
    HOME,
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
from tests.scenes import BROWSER, request

OURS = {**BROWSER, b"sec-fetch-site": b"same-origin"}
BODY = b"name=Ada+%26+%C3%A9&text=two%0D%0Alines"


def challenged(stand: object, body: bytes = BODY) -> Reply:
    """Return the page that the sender of a form gets."""
    asked = request("/apply", OURS, method="POST", query="x=1")
    page: Reply = stand.challenge(HOME, asked, CHALLENGE, "ID-1", 0, body)  # type: ignore[attr-defined]
    return page


def test_a_form_is_kept_and_sent_on_after_the_button(clock: HandClock) -> None:
    """The page says that it is kept; the button earns the clearance, and the next page holds the fields as they were."""
    stand = gate(clock)
    page = challenged(stand)
    assert b"It has been kept" in page.body
    assert b"Ada" not in page.body
    clock.advance(3)
    answer = send(stand, "/continue", filled(form_on(page)), headers=OURS)
    assert (answer.challenge, answer.kind, answer.reply.status) == ("passed", "form", 200)
    assert cookie_of(answer.reply)
    assert b'action="/apply?x=1"' in answer.reply.body
    assert form_on(answer.reply) == {"name": "Ada & \u00e9", "text": "two\r\nlines"}
    # What the site answers may lead anywhere, as it might have at once.
    assert b"form-action 'self' https: http:" in header(answer.reply, b"Content-Security-Policy")


def test_the_solver_sends_a_kept_form_on_with_its_clearance(clock: HandClock) -> None:
    """The button's time has not come, the work is done: who comes with its cookie is sent on without a wait."""
    stand = gate(clock)
    page = challenged(stand)
    cookie = cookie_of(send(stand, "/answer", solved(puzzle_on(page)), headers=OURS).reply)
    answer = send(stand, "/continue", filled(form_on(page)), headers=with_cookie(cookie, OURS))
    assert (answer.challenge, answer.reply.status) == ("too_early", 200)
    assert b'action="/apply?x=1"' in answer.reply.body


def test_too_early_and_another_network_keep_the_form(clock: HandClock) -> None:
    """What was typed goes along from page to page until the check has succeeded."""
    stand = gate(clock)
    page = challenged(stand)
    early = send(stand, "/continue", filled(form_on(page)), headers=OURS)
    assert early.challenge == "too_early"
    assert form_on(early.reply) == form_on(page)
    clock.advance(3)
    moved = send(stand, "/continue", filled(form_on(early.reply)), ELSEWHERE, headers=OURS)
    assert moved.challenge == "foreign"
    clock.advance(3)
    again = send(stand, "/continue", filled(form_on(moved.reply)), ELSEWHERE, headers=OURS)
    assert (again.challenge, form_on(again.reply)["name"]) == ("passed", "Ada & \u00e9")


@pytest.mark.parametrize("how", ["another site", "another target", "made up"])
def test_a_form_that_is_not_ours_to_send_is_not_sent(clock: HandClock, how: str) -> None:
    """Nobody has a visitor send what they did not write: the page says that nothing was sent."""
    stand = gate(clock)
    fields, headers = form_on(challenged(stand)), OURS
    clock.advance(3)
    match how:
        case "another site":
            headers = {**OURS, b"sec-fetch-site": b"cross-site"}
        case "another target":
            fields["to"] = "/pay"
        case _:
            fields["kept"] = "bmFtZT1FdmU"
    answer = send(stand, "/continue", filled(fields), headers=headers)
    assert (answer.challenge, answer.reply.status) == ("passed", 200)
    assert b"could not be kept" in answer.reply.body
    assert form_on(answer.reply) == {}
    assert cookie_of(answer.reply)


def test_a_form_that_cannot_be_kept_is_told_so_at_once(clock: HandClock) -> None:
    """Bytes that a page could not give back as they were are not kept; the page says what to do."""
    page = challenged(gate(clock), b"a=%FF")
    assert b"has not been sent yet. After the check" in page.body
    assert "kept" not in form_on(page)
