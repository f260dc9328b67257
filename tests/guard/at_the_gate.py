"""What the tests of the gate share: a gate, its visitors, and answers as browsers send them."""

from __future__ import annotations

import base64
import json
import re
from html import unescape
from typing import Any
from urllib.parse import quote

from shieldproxy.core.facts import Request, Visitor
from shieldproxy.core.policy import ChallengePolicy
from shieldproxy.core.puzzles import derive, solve
from shieldproxy.core.verdict import Action, Verdict
from shieldproxy.guard.answers import OwnAnswer
from shieldproxy.guard.appearance import Appearance
from shieldproxy.guard.gate import Gate
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
