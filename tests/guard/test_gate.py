"""The gate: who passes, who does not, and where they go."""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Callable
from html import unescape
from typing import Any
from urllib.parse import quote

import altcha
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.clearance import Clearance, Kind, Refusal, bind
from shieldproxy.core.facts import Request, Visitor
from shieldproxy.core.policy import ChallengePolicy
from shieldproxy.core.puzzles import Outcome, derive, issue, issue_text, solve
from shieldproxy.core.verdict import Action, Verdict
from shieldproxy.guard.appearance import Appearance
from shieldproxy.guard.gate import MAX_OWN_BODY, RETRY_SOON, Gate, OwnAnswer
from shieldproxy.guard.phrasebook import Phrasebook
from shieldproxy.guard.replies import Replies, Reply
from shieldproxy.state.keys import KeyRing
from tests.fakes.chance import CountedChance
from tests.fakes.clock import HandClock
from tests.fakes.puzzles import DictPuzzles
from tests.scenes import BROWSER, request, visitor

KEY, OLD = b"k" * 32, b"o" * 32
# A try costs next to nothing here; what a puzzle is worth is not what these tests ask.
POLICY = ChallengePolicy(cost=2, puzzle_validity=300.0, form_wait=3.0)
CHALLENGE = Verdict(Action.CHALLENGE, "over_shared_limit", "asn", 0.0, 503)
HOME, ELSEWHERE = visitor("192.0.2.1"), visitor("198.51.100.1")
LOOK = Appearance(contact="help@example.org")
BOOK = Phrasebook()
TEXT_BROWSER = {**BROWSER, b"user-agent": b"w3m/0.5.3"}


def gate(
    clock: HandClock,
    policy: ChallengePolicy = POLICY,
    keys: tuple[bytes, ...] = (KEY,),
    spent: DictPuzzles | None = None,
) -> Gate:
    """Return a gate, with spent puzzles of its own where none are given."""
    return Gate(
        policy,
        KeyRing(keys),
        appearance=LOOK,
        phrasebook=BOOK,
        replies=Replies(LOOK, BOOK),
        own_path="/.shieldproxy",
        spent=spent or DictPuzzles(),
        clock=clock,
        chance=CountedChance(),
    )


def own(path: str, *, method: str = "POST", query: str = "", headers: dict[bytes, bytes] | None = None) -> Request:
    """Return a request for one of our own paths."""
    return request(f"/.shieldproxy{path}", headers, method=method, query=query)


def puzzle_on(page: Reply) -> dict[str, Any]:
    """Return the puzzle a page carries."""
    found: dict[str, Any] = json.loads(page.body.partition(b'data-own="/.shieldproxy">')[2].partition(b"</script>")[0])
    return found


def form_on(page: Reply) -> dict[str, str]:
    """Return the hidden fields of a page's form."""
    fields = re.findall(rb'<input type="hidden" name="(\w+)" value="([^"]*)">', page.body)
    return {name.decode(): unescape(value.decode()) for name, value in fields}


def solved(puzzle: dict[str, Any]) -> bytes:
    """Return the answer a browser sends."""
    counter = solve(puzzle)
    solution = {"counter": counter, "derivedKey": derive(puzzle["parameters"], counter).hex()}
    return base64.b64encode(json.dumps({"challenge": puzzle, "solution": solution}).encode())


def filled(fields: dict[str, str]) -> bytes:
    """Return a form as a browser sends it."""
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in fields.items()).encode()


def challenge(stand: Gate, who: Visitor = HOME, **asked: Any) -> Reply:
    """Return the page that ``who`` gets."""
    return stand.challenge(who, request(**asked), CHALLENGE, "ID-1")


def send(
    stand: Gate, path: str, body: bytes = b"", who: Visitor = HOME, *, secure: bool = True, **asked: Any
) -> OwnAnswer:
    """Return what a request for an own path is answered."""
    return stand.serve(who, own(path, **asked), body, "ID-1", secure=secure)


def header(reply: Reply, name: bytes) -> bytes:
    """Return a header, or b''."""
    return dict(reply.headers).get(name, b"")


def cookie_of(reply: Reply) -> bytes:
    """Return the cookie a browser would send back, or b''."""
    return header(reply, b"Set-Cookie").partition(b";")[0]


def with_cookie(cookie: bytes, headers: dict[bytes, bytes] = BROWSER) -> dict[bytes, bytes]:
    """Return ``headers`` with a cookie."""
    return {**headers, b"cookie": cookie}


# -- the puzzle ----------------------------------------------------------------------------------------------------------


def test_a_solved_puzzle_gives_a_clearance(clock: HandClock) -> None:
    """The whole way: page, answer, cookie, clearance; the cookie lasts as long as the clearance."""
    stand = gate(clock)
    answer = send(stand, "/answer", solved(puzzle_on(challenge(stand))))
    assert (answer.challenge, answer.kind, answer.reply.status) == ("passed", "proof-of-work", 200)
    assert json.loads(answer.reply.body) == {"ok": True}
    assert header(answer.reply, b"Set-Cookie").endswith(b"; Path=/; Max-Age=86400; HttpOnly; SameSite=Lax; Secure")
    found = stand.read_clearance(cookie_of(answer.reply), HOME, BROWSER[b"user-agent"], secure=True)
    assert isinstance(found, Clearance)
    assert (found.kind, found.expires, found.epoch) == (Kind.WORK, 1_000 + 86_400, 1)


def test_every_clearance_has_a_bucket_of_its_own(clock: HandClock) -> None:
    """Two people behind one address have two serials."""
    stand = gate(clock)
    serials = set()
    for _ in range(2):
        cookie = cookie_of(send(stand, "/answer", solved(puzzle_on(challenge(stand)))).reply)
        found = stand.read_clearance(cookie, HOME, BROWSER[b"user-agent"], secure=True)
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
    assert isinstance(stand.read_clearance(cookie, HOME, BROWSER[b"user-agent"], secure=True), Clearance)
    assert send(stand, "/answer", solved(puzzle_on(page))).challenge == "forged"


def test_a_new_epoch_revokes_what_was_given(clock: HandClock) -> None:
    """An operator can end all clearances at once."""
    stand = gate(clock)
    cookie = cookie_of(send(stand, "/answer", solved(puzzle_on(challenge(stand)))).reply)
    stand.adopt(POLICY._replace(epoch=2), KeyRing((KEY,)), LOOK)
    assert stand.read_clearance(cookie, HOME, BROWSER[b"user-agent"], secure=True) is Refusal.REVOKED


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


# -- the protocol, against the library that defines it -------------------------------------------------------------------


def test_the_text_of_a_puzzle_is_the_puzzle() -> None:
    """What a page carries is what core issues, byte for byte in its signed form."""
    given_to = {"nonce": "0a" * 16, "cost": 1_000, "expires": 2_000, "binding": "0b" * 8}
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
    clock = HandClock(time.time())  # noqa: TID251 - the library reads the wall clock itself
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


# -- the form ------------------------------------------------------------------------------------------------------------


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
    found = stand.read_clearance(cookie, HOME, TEXT_BROWSER[b"user-agent"], secure=True)
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
    # The tag of a form token covers whom it is for, so a stranger's is told from a forged one by nobody.
    assert refused.challenge == ("forged" if word == "foreign" else word)
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


# -- cookies -------------------------------------------------------------------------------------------------------------


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
        for read_secure in (True, False):
            found = stand.read_clearance(cookie_of(answer.reply), HOME, BROWSER[b"user-agent"], secure=read_secure)
            assert isinstance(found, Clearance)


def test_no_answer_takes_a_cookie_away(clock: HandClock) -> None:
    """A late refusal never removes the clearance a visitor has just earned."""
    stand = gate(clock)
    for path, method in (("/answer", "POST"), ("/continue", "POST"), ("/return", "GET"), ("/x", "GET")):
        assert cookie_of(send(stand, path, b"junk", method=method).reply) == b""


# -- paths and pages -----------------------------------------------------------------------------------------------------


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
