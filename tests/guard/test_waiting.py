"""Who waits keeps the place, is let in in turn, and goes in and out for a while."""

from __future__ import annotations

import json
from typing import Any

import pytest

from shieldproxy.core.facts import PageKind, Request
from shieldproxy.core.line import SECOND, Front
from shieldproxy.core.policy import Policy
from shieldproxy.core.verdict import Mode
from shieldproxy.guard.answers import OwnAnswer
from shieldproxy.guard.decisions import Decision
from shieldproxy.guard.kept_forms import open_form
from shieldproxy.guard.replies import Reply
from shieldproxy.guard.tickets import LASTS
from shieldproxy.guard.waiting import LET_IN, WAITING, SendOn, WaitingRoom
from shieldproxy.state.keys import KeyRing
from shieldproxy.state.line import NodeLine, bytes_for
from tests.fakes.chance import CountedChance
from tests.fakes.clock import HandClock
from tests.guard.at_the_gate import BOOK, HOME, KEY, LOOK, cookie_of, header, with_cookie
from tests.guard.guarded_site import GuardedSite
from tests.scenes import BROWSER, request

SECONDS = 600.0
FORM = {**BROWSER, b"content-type": b"application/x-www-form-urlencoded", b"sec-fetch-site": b"same-origin"}


class Scene:
    """A room before a line that the test moves, and a guard whose decisions it is asked about."""

    def __init__(self, mode: Mode = Mode.ENFORCE) -> None:
        self.clock = HandClock(1_800_000_000.0)
        self.line = NodeLine(bytearray(bytes_for(1)))
        self.line.move(Front(self.now), 2.0, opened=False)
        self.site = GuardedSite(Policy(digest="test", mode=mode))
        self.room = WaitingRoom(
            self.line,
            KeyRing((KEY,)),
            appearance=LOOK,
            phrasebook=BOOK,
            own_path="/.shieldproxy",
            seconds=SECONDS,
            clock=self.clock,
            chance=CountedChance(),
        )
        self.clock.advance(1.0)

    @property
    def now(self) -> int:
        return int(self.clock() * SECOND)

    def decide(self, asked: Request | None = None, address: str = "192.0.2.1", **facts: Any) -> Decision:
        decision = self.site.decide(asked, address)
        return decision._replace(facts=decision.facts._replace(**facts))

    def full(self, asked: Request | None = None, address: str = "192.0.2.1", body: bytes = b"", **facts: Any) -> Reply:
        found = self.room.full(self.decide(asked, address, **facts), body, secure=True)
        assert found is not None
        assert found[1] == WAITING
        return found[0]

    def hold(self, cookie: bytes = b"", address: str = "192.0.2.1", path: str = "/forms") -> tuple[Reply, str] | None:
        asked = request(path, with_cookie(cookie) if cookie else BROWSER)
        return self.room.hold(self.decide(asked, address), secure=True)

    def call(self) -> None:
        """Call everybody who has come so far, while others wait."""
        self.line.move(Front(self.now), 2.0, opened=True)
        self.clock.advance(1.0)


def test_who_finds_the_site_full_gets_a_place() -> None:
    """503, when to come back, the place in words, a ticket; and the line is open."""
    scene = Scene()
    reply = scene.full()
    assert reply.status == 503
    assert int(header(reply, b"Retry-After")) >= 1
    assert b"Your place in line: 1." in reply.body
    assert cookie_of(reply).startswith(b"shieldproxy-line=")
    assert scene.room.opened
    assert scene.line.opened
    scene.clock.advance(0.5)
    assert b"Your place in line: 2." in scene.full(address="192.0.2.2").body


def test_who_comes_later_does_not_overtake() -> None:
    """While somebody waits a newcomer is not let in, whatever room there is; called is who came before."""
    scene = Scene()
    first = cookie_of(scene.full())
    scene.call()
    later = scene.hold(address="192.0.2.2")
    assert later is not None
    assert (later[0].status, later[1]) == (503, WAITING)
    let_in = scene.hold(first)
    assert let_in is not None
    assert (let_in[0].status, let_in[1], header(let_in[0], b"Location")) == (303, LET_IN, b"/forms")
    again = scene.hold(cookie_of(later[0]), address="192.0.2.2")
    assert again is not None
    assert again[0].status == 503


def test_a_place_is_kept_however_often_one_asks() -> None:
    """Nobody who brings the ticket stands in line twice."""
    scene = Scene()
    ticket = cookie_of(scene.full())
    for _ in range(2):
        again = scene.hold(ticket)
        assert again is not None
        assert b"Your place in line: 1." in again[0].body
    assert sum(count for _, count in scene.line.fresh(scene.now)) == 1


def test_a_pass_leads_in_and_out_for_a_while() -> None:
    """Pages that follow do not wait; when it is over, a new place is at the end of the line."""
    scene = Scene()
    ticket = cookie_of(scene.full())
    scene.call()
    let_in = scene.hold(ticket)
    assert let_in is not None
    held = cookie_of(let_in[0])
    assert scene.hold(held) is None
    scene.clock.advance(SECONDS - 2.0)
    assert scene.hold(held) is None
    scene.clock.advance(3.0)
    over = scene.hold(held)
    assert over is not None
    assert over[0].status == 503


def test_a_pass_holder_who_finds_the_site_full_keeps_it() -> None:
    """The page tells the first place, and the cookie is still a pass."""
    scene = Scene()
    ticket = cookie_of(scene.full())
    scene.call()
    let_in = scene.hold(ticket)
    assert let_in is not None
    held = cookie_of(let_in[0])
    reply = scene.full(request("/forms", with_cookie(held)))
    assert b"Your place in line: 1." in reply.body
    assert cookie_of(reply) == held


def test_a_ticket_is_good_for_nobody_else_and_not_for_ever() -> None:
    """Another client with the same cookie stands at the end; so does who comes back hours later."""
    scene = Scene()
    ticket = cookie_of(scene.full())
    scene.call()
    stolen = scene.hold(ticket, address="198.51.100.9")
    assert stolen is not None
    assert stolen[0].status == 503
    scene.clock.advance(LASTS)
    late = scene.hold(ticket)
    assert late is not None
    assert late[0].status == 503


@pytest.mark.parametrize("kind", [kind for kind in PageKind if kind is not PageKind.PAGE])
def test_what_is_no_page_never_waits(kind: PageKind) -> None:
    """Feeds, programs and the parts of pages go on to the pool, and read a bare 503 when it is full."""
    scene = Scene()
    scene.full(address="192.0.2.9")
    decision = scene.decide(page=kind)
    assert scene.room.hold(decision, secure=True) is None
    assert scene.room.full(decision, b"", secure=True) is None


def test_the_exempt_never_wait_and_nobody_does_when_only_observed() -> None:
    """An operator's exemption leads past the line; in observe mode there is none."""
    scene = Scene()
    scene.full(address="192.0.2.9")
    assert scene.room.hold(scene.decide(exempt="office"), secure=True) is None
    watched = Scene(Mode.OBSERVE)
    assert watched.room.full(watched.decide(), b"", secure=True) is None


def test_nobody_waits_where_the_page_is_off() -> None:
    """Without a pass there is no line: a bare 503, as before."""
    scene = Scene()
    scene.room.adopt(KeyRing((KEY,)), LOOK, 0.0)
    assert scene.room.full(scene.decide(), b"", secure=True) is None
    scene.line.reopen()
    scene.room.turn(5)
    assert not scene.room.opened


def test_when_the_line_is_over_everybody_goes_in() -> None:
    """A worker that still takes it for open finds out with the next page."""
    scene = Scene()
    ticket = cookie_of(scene.full())
    scene.line.move(Front(scene.now), 2.0, opened=False)
    assert scene.hold(ticket) is None
    assert scene.hold() is None
    scene.room.turn(5)
    assert not scene.room.opened


def asked(scene: Scene, cookie: bytes) -> OwnAnswer:
    """Return what the script of the page is told."""
    headers = with_cookie(cookie) if cookie else BROWSER
    return scene.room.ask(HOME, request("/.shieldproxy/line", headers), "ID-1", secure=True)


def test_the_script_is_told_the_place_and_then_the_turn() -> None:
    """In the visitor's language, with the time of the next question; then it gets the pass."""
    scene = Scene()
    ticket = cookie_of(scene.full())
    waiting = asked(scene, ticket)
    told = json.loads(waiting.reply.body)
    assert told["ready"] is False
    assert (told["place"], waiting.challenge) == (1, WAITING)
    assert told["told"].startswith("Your place in line: 1.")
    assert int(header(waiting.reply, b"Retry-After")) >= 1
    scene.call()
    ready = asked(scene, ticket)
    assert (json.loads(ready.reply.body), ready.challenge) == ({"ready": True}, LET_IN)
    assert scene.hold(cookie_of(ready.reply)) is None
    assert scene.line.heard().came == 1


def test_who_asks_without_a_ticket_gets_none() -> None:
    """The page has to be asked for, where it is judged: a flood cannot fill the line here."""
    scene = Scene()
    scene.full(address="192.0.2.9")
    answer = asked(scene, b"")
    assert json.loads(answer.reply.body) == {"ready": True}
    assert cookie_of(answer.reply) == b""
    assert sum(count for _, count in scene.line.fresh(scene.now)) == 1


def test_a_form_waits_in_the_page_and_is_sent_on_in_turn() -> None:
    """What was written is sealed into the page; before its turn the page comes again, with the form still in it."""
    scene = Scene()
    form = b"name=Ada&text=hello"
    headers = {**FORM, b"content-length": str(len(form)).encode()}
    page = scene.full(request("/letters", headers, method="POST"), body=form)
    kept = page.body.partition(b'name="kept" value="')[2].partition(b'"')[0]
    assert open_form((KEY,), kept.decode(), "/letters") == form
    send = request("/.shieldproxy/line", with_cookie(cookie_of(page)), method="POST")
    body = b"to=%2Fletters&kept=" + kept
    early = scene.room.send(HOME, send, body, "ID-1", secure=True)
    assert isinstance(early, OwnAnswer)
    assert (early.reply.status, kept in early.reply.body) == (503, True)
    scene.call()
    sent = scene.room.send(HOME, send, body, "ID-1", secure=True)
    assert isinstance(sent, SendOn)
    assert (sent.target, sent.kept) == ("/letters", kept.decode())
    assert sent.headers[0][1].startswith(b"shieldproxy-line=")


def test_a_form_that_cannot_be_kept_gets_no_page() -> None:
    """A file, or a form of another site: nobody is told that it is kept."""
    scene = Scene()
    upload = {**FORM, b"content-type": b"multipart/form-data", b"content-length": b"3"}
    for headers in (upload, {**FORM, b"content-length": b"3", b"sec-fetch-site": b"cross-site"}):
        decision = scene.decide(request("/letters", headers, method="POST"))
        assert scene.room.full(decision, b"a=b", secure=True) is None


def test_the_gate_sends_a_form_on_in_turn() -> None:
    """By way of the page from which the browser sends it again, as after a challenge."""
    scene = Scene()
    gate = scene.site.gate
    gate.room = scene.room
    form = b"name=Ada"
    headers = {**FORM, b"content-length": b"8"}
    page = scene.full(request("/letters", headers, method="POST"), body=form)
    kept = page.body.partition(b'name="kept" value="')[2].partition(b'"')[0]
    scene.call()
    send = request("/.shieldproxy/line", {**FORM, **with_cookie(cookie_of(page))}, method="POST")
    answer = gate.serve(HOME, send, b"to=%2Fletters&kept=" + kept, "ID-1", secure=True)
    assert (answer.reply.status, answer.challenge) == (200, LET_IN)
    assert b'name="name" value="Ada"' in answer.reply.body
    assert cookie_of(answer.reply).startswith(b"shieldproxy-line=")
    script = request("/.shieldproxy/line", {**BROWSER, b"accept": b"application/json"})
    assert gate.serve(HOME, script, b"", "ID-1", secure=True).reply.body == b'{"ready":true}'
    assert gate.serve(HOME, request("/.shieldproxy/line"), b"", "ID-1", secure=True).reply.status == 404


def test_an_unsafe_or_endless_address_is_let_in_where_it_stands() -> None:
    """A redirect could not lead back to it."""
    scene = Scene()
    long = "/" + "a" * 3_000
    ticket = cookie_of(scene.full(request(long)))
    scene.call()
    assert scene.hold(ticket, path=long) is None
