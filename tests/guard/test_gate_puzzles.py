"""Answers to puzzles: which pass, and that none passes twice."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from typing import Any

import altcha
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.clearance import Clearance, Kind, Refusal, bind
from shieldproxy.core.puzzles import Outcome, derive, issue, issue_text
from shieldproxy.state.keys import KeyRing
from tests.fakes.clock import HandClock
from tests.fakes.puzzles import DictPuzzles
from tests.guard.at_the_gate import (
    ELSEWHERE,
    HOME,
    KEY,
    LOOK,
    OLD,
    POLICY,
    challenge,
    cookie_of,
    filled,
    form_on,
    gate,
    header,
    puzzle_on,
    send,
    solved,
)
from tests.scenes import BROWSER, visitor


def test_a_solved_puzzle_gives_a_clearance(clock: HandClock) -> None:
    """The whole way: page, answer, cookie, clearance; the cookie lasts as long as the clearance may count, for forms too."""
    stand = gate(clock)
    answer = send(stand, "/answer", solved(puzzle_on(challenge(stand))))
    assert (answer.challenge, answer.kind, answer.reply.status) == ("passed", "proof-of-work", 200)
    assert json.loads(answer.reply.body) == {"ok": True}
    assert header(answer.reply, b"Set-Cookie").endswith(b"; Path=/; Max-Age=93600; HttpOnly; SameSite=Lax; Secure")
    found = stand.read_clearance(cookie_of(answer.reply), HOME, BROWSER[b"user-agent"])
    assert isinstance(found, Clearance)
    assert (found.kind, found.expires, found.epoch) == (Kind.WORK, 1_000 + 86_400, 1)


def test_every_clearance_has_a_bucket_of_its_own(clock: HandClock) -> None:
    """Two people behind one address have two serials."""
    stand = gate(clock)
    serials = set()
    for _ in range(2):
        cookie = cookie_of(send(stand, "/answer", solved(puzzle_on(challenge(stand)))).reply)
        found = stand.read_clearance(cookie, HOME, BROWSER[b"user-agent"])
        assert isinstance(found, Clearance)
        serials.add(found.serial)
    assert len(serials) == 2


def test_an_answer_counts_once(clock: HandClock) -> None:
    """The second time a puzzle is spent, gives no cookie, and a new puzzle comes back."""
    stand = gate(clock)
    body = solved(puzzle_on(challenge(stand)))
    assert send(stand, "/answer", body).challenge == "passed"
    again = send(stand, "/answer", body)
    assert again.challenge == "spent"
    assert cookie_of(again.reply) == b""
    assert send(stand, "/answer", solved(json.loads(again.reply.body)["puzzle"])).challenge == "passed"


def test_one_page_gives_one_clearance(clock: HandClock) -> None:
    """Puzzle and form of a page are spent together."""
    stand = gate(clock)
    page = challenge(stand)
    clock.advance(5)
    assert send(stand, "/continue", filled(form_on(page))).challenge == "passed"
    assert send(stand, "/answer", solved(puzzle_on(page))).challenge == "spent"


class Crossing(DictPuzzles):
    """Spent puzzles that let something else happen just before the first answer is accepted."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], object] | None = None

    def spend_once(self, nonce: str, expires: float, now: float) -> bool:
        """Let the other request run, then mark ``nonce``."""
        other, self.meanwhile = self.meanwhile, None
        if other is not None:
            other()
        return super().spend_once(nonce, expires, now)


def test_of_two_answers_that_cross_one_passes(clock: HandClock) -> None:
    """Accepting is one step: an answer that overtakes the same answer between judging and accepting is the one."""
    spent = Crossing()
    stand = gate(clock, spent=spent)
    body = solved(puzzle_on(challenge(stand)))
    words: list[str] = []
    spent.meanwhile = lambda: words.append(send(stand, "/answer", body).challenge)
    words.append(send(stand, "/answer", body).challenge)
    assert words == ["passed", "spent"]


def changed(puzzle: dict[str, Any], **parameters: Any) -> dict[str, Any]:
    """Return ``puzzle`` with parameters of the sender's own choice under the old signature."""
    return {**puzzle, "parameters": {**puzzle["parameters"], **parameters}}


@pytest.mark.parametrize(
    "parameters",
    [
        {"cost": 1},
        {"keyPrefix": ""},
        {"expiresAt": 9_999_999_999},
        {"nonce": "ff" * 16},
        {"data": {"b": "00" * 8}},
        {"data": {}},
        {"extra": 1},
    ],
)
def test_a_puzzle_made_easier_is_forged(clock: HandClock, parameters: dict[str, Any]) -> None:
    """Every parameter is signed."""
    stand = gate(clock)
    body = json.dumps({"challenge": changed(puzzle_on(challenge(stand)), **parameters), "solution": {"counter": 0}})
    answer = send(stand, "/answer", base64.b64encode(body.encode()))
    assert (answer.challenge, answer.reply.status, cookie_of(answer.reply)) == ("forged", 403, b"")
    assert b"puzzle" not in answer.reply.body


def test_work_that_was_not_done_is_wrong(clock: HandClock) -> None:
    """A counter at random does not do."""
    stand = gate(clock)
    puzzle = puzzle_on(challenge(stand))
    counter = next(number for number in range(1_000) if derive(puzzle["parameters"], number)[0] != 0)
    body = json.dumps({"challenge": puzzle, "solution": {"counter": counter}})
    assert send(stand, "/answer", base64.b64encode(body.encode())).challenge == "wrong"


def test_a_puzzle_that_came_too_late_is_given_anew(clock: HandClock) -> None:
    """A page left open over lunch goes on with a fresh puzzle, without the visitor's doing."""
    stand = gate(clock)
    body = solved(puzzle_on(challenge(stand)))
    clock.advance(300)
    late = send(stand, "/answer", body)
    assert (late.challenge, cookie_of(late.reply)) == ("expired", b"")
    assert send(stand, "/answer", solved(json.loads(late.reply.body)["puzzle"])).challenge == "passed"


def test_somebody_elses_answer_is_foreign(clock: HandClock) -> None:
    """An answer counts for the network and the browser that got the puzzle; others get one of their own."""
    stand = gate(clock)
    body = solved(puzzle_on(challenge(stand)))
    other = send(stand, "/answer", body, ELSEWHERE)
    assert (other.challenge, cookie_of(other.reply)) == ("foreign", b"")
    assert send(stand, "/answer", body, headers={**BROWSER, b"user-agent": b"curl/8"}).challenge == "foreign"
    fresh = solved(json.loads(other.reply.body)["puzzle"])
    assert send(stand, "/answer", fresh, ELSEWHERE).challenge == "passed"
    assert send(stand, "/answer", body).challenge == "passed"


def test_a_neighbour_in_the_same_network_may_answer(clock: HandClock) -> None:
    """An address that changes within its /24 does not lose the puzzle."""
    stand = gate(clock)
    body = solved(puzzle_on(challenge(stand)))
    assert send(stand, "/answer", body, visitor("192.0.2.200")).challenge == "passed"


def test_pages_and_cookies_survive_a_change_of_keys(clock: HandClock) -> None:
    """What was given under the old key is accepted while it is in the ring, and not after."""
    stand = gate(clock, keys=(OLD,))
    page, other = challenge(stand), challenge(stand)
    stand.adopt(POLICY, KeyRing((KEY, OLD)), LOOK)
    cookie = cookie_of(send(stand, "/answer", solved(puzzle_on(page))).reply)
    clock.advance(5)
    assert send(stand, "/continue", filled(form_on(other))).challenge == "passed"
    stand.adopt(POLICY, KeyRing((KEY,)), LOOK)
    assert isinstance(stand.read_clearance(cookie, HOME, BROWSER[b"user-agent"]), Clearance)
    assert send(stand, "/answer", solved(puzzle_on(page))).challenge == "forged"


def test_a_new_epoch_revokes_what_was_given(clock: HandClock) -> None:
    """An operator can end all clearances at once."""
    stand = gate(clock)
    cookie = cookie_of(send(stand, "/answer", solved(puzzle_on(challenge(stand)))).reply)
    stand.adopt(POLICY._replace(epoch=2), KeyRing((KEY,)), LOOK)
    assert stand.read_clearance(cookie, HOME, BROWSER[b"user-agent"]) is Refusal.REVOKED


@given(st.binary(max_size=3_000), st.booleans())
def test_no_answer_raises_or_passes(junk: bytes, encoded: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
    """Whatever is sent to any own path is answered, and none of it earns a cookie."""
    stand = gate(HandClock())
    body = base64.b64encode(junk) if encoded else junk
    for path in ("/answer", "/continue", "/return"):
        for method in ("POST", "GET"):
            answer = send(stand, path, body, method=method, query=junk.decode("latin-1"))
            assert answer.reply.status >= 400
            assert cookie_of(answer.reply) == b""


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
ODD_ANSWERS = st.fixed_dictionaries(
    {
        "challenge": JSON | st.fixed_dictionaries({"parameters": JSON, "signature": JSON}),
        "solution": JSON | st.fixed_dictionaries({"counter": JSON}),
    }
)


@given(ODD_ANSWERS)
def test_no_json_raises_or_passes(document: dict[str, Any]) -> None:
    """Answers of the right outline and the wrong content are garbled or forged."""
    answer = send(gate(HandClock()), "/answer", base64.b64encode(json.dumps(document).encode()))
    assert answer.challenge in (Outcome.GARBLED, Outcome.FORGED)


def test_the_text_of_a_puzzle_is_the_puzzle() -> None:
    """What a page carries is what core issues, byte for byte in its signed form."""
    given_to = {"nonce": "0a" * 16, "work": 1_000, "expires": 2_000, "binding": "0b" * 8}
    assert json.loads(issue_text(KEY, **given_to)) == issue(KEY, **given_to)  # type: ignore[arg-type]


def solved_by_library(puzzle: altcha.Challenge) -> bytes:
    """Return the library's own answer."""
    solution = altcha.solve_challenge(puzzle)
    assert solution is not None
    return altcha.Payload(puzzle, solution).to_base64().encode()


def test_the_library_solves_our_puzzle(clock: HandClock) -> None:
    """A page's puzzle is an ALTCHA challenge, and the library's answer passes."""
    stand = gate(clock)
    ours = altcha.Challenge.from_dict(puzzle_on(challenge(stand)))
    assert send(stand, "/answer", solved_by_library(ours)).challenge == "passed"


def test_the_library_verifies_our_answer() -> None:
    """What our solver sends is a payload the library accepts under the same secret."""
    clock = HandClock(time.time())
    result = altcha.verify_solution(solved(puzzle_on(challenge(gate(clock)))).decode(), KEY)
    assert result.verified, vars(result)


def test_we_accept_a_challenge_of_the_library(clock: HandClock) -> None:
    """A challenge the library made under our secret and for this visitor passes; for another it is foreign."""
    stand = gate(clock)
    for who, word in ((HOME, "passed"), (ELSEWHERE, "foreign")):
        theirs = altcha.create_challenge(
            "PBKDF2/SHA-256",
            2,
            expires_at=2_000,
            data={"b": bind(HOME.binding, BROWSER[b"user-agent"]).hex()},
            hmac_secret=KEY,
        )
        assert send(stand, "/answer", solved_by_library(theirs), who).challenge == word
