"""The guard: decide, reply, settle; what becomes a ban, what never does, and what a new policy keeps."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from typing import cast

import pytest

from shieldproxy.core.buckets import Scope
from shieldproxy.core.facts import Crawler, Facts, NetworkLabel, Posture
from shieldproxy.core.judge import Judgement, judge
from shieldproxy.core.ladder import Ban
from shieldproxy.core.policy import BanPolicy, ChallengePolicy, Exemptions, Policy
from shieldproxy.core.rules import Condition, Rule, compile_globs
from shieldproxy.core.stages import STAGE_NAMES, STAGES
from shieldproxy.core.verdict import Action, Mode, Side
from shieldproxy.guard import guard as module
from shieldproxy.guard.decisions import Outcome
from shieldproxy.guard.guard import STAGE_INDEX
from tests.guard.at_the_gate import cookie_of, puzzle_on, solved, with_cookie
from tests.guard.guarded_site import FORWARDED, GuardedSite, stages_of
from tests.scenes import BROWSER, limit, request

CLIENT = "192.0.2.1"
CHEAP = ChallengePolicy(cost=2, form_wait=3.0)
BANS = BanPolicy(ladder=(60.0, 600.0), offences=3, floods=4, unanswered=3, patience=60.0, window=60.0)
SLOW = limit(rate=1.0, burst=2.0)
NOSY = Rule("nosy", Condition(path=compile_globs(("/admin*",))), Action.REFUSE, why="nobody asks for this")
ODD = Rule("odd", Condition(path=compile_globs(("/odd*",))), Action.CHALLENGE)
EVERY = Policy(limits=(SLOW,), rules=(NOSY, ODD), challenge=CHEAP, bans=BANS, digest="first")


# -- decide, reply, settle ----------------------------------------------------------------------------------------


def test_an_admitted_request_has_no_answer_of_ours() -> None:
    """It is the door's to forward; the record says what became of it."""
    site = GuardedSite(EVERY)
    decision, status = site.ask()
    assert (decision.verdict.action, decision.admitted, status) == (Action.ADMIT, True, 200)
    (record,) = site.records
    assert (record.id, record.action, record.status, record.bytes_out) == (decision.id, "admit", 200, 2_000)


ANSWERS = [
    # what is asked, how often before, and the status at last
    ("/", 0, 200),
    ("/", 2, 429),
    ("/admin", 0, 403),
    ("/odd", 0, 503),
]


@pytest.mark.parametrize(("path", "before", "status"), ANSWERS)
def test_every_action_has_its_answer(path: str, before: int, status: int) -> None:
    """Admitted, throttled, refused, challenged: the status on the wire and in the record are the verdict's."""
    site = GuardedSite(EVERY)
    for _ in range(before):
        site.ask(request(path))
    assert site.ask(request(path))[1] == status
    assert site.records[-1].status == status


def test_a_dropped_request_gets_no_answer_at_all() -> None:
    """Who is banned is hung up on; the record has no status, and says why."""
    site = GuardedSite(EVERY)
    site.bans.put(Ban(CLIENT, site.clock() + 60.0, "scanner"))
    decision = site.decide()
    reply = site.guard.reply(decision)
    assert reply is not None
    assert (reply.status, reply.body, reply.close) == (0, b"", True)
    site.ask()
    assert (site.records[-1].action, site.records[-1].status, site.records[-1].reasons) == ("drop", 0, ("scanner",))


def test_every_request_is_recorded_once() -> None:
    """Whatever was decided, there is one record and one count for it, and the ID of its answer finds it."""
    site = GuardedSite(EVERY)
    decisions = [site.ask(request(path))[0] for path in ("/", "/", "/", "/admin", "/odd", "/.shieldproxy/x")]
    decisions.append(site.malform()[0])
    assert [record.id for record in site.records] == [decision.id for decision in decisions]
    assert len({decision.id for decision in decisions}) == len(decisions)
    assert sum(site.tallies.verdicts.values()) == len(decisions)
    assert sum(site.tallies.networks.values()) == len(decisions)
    counted = {stage for _, stage in site.tallies.verdicts}
    assert counted == {STAGE_INDEX[stage] for stage in stages_of(decisions)}


def test_an_error_of_the_origin_is_counted_as_its_own() -> None:
    """The page says 502, and nothing of it counts against the client."""
    site = GuardedSite(EVERY)
    decision = site.decide()
    reply = site.guard.failure(decision, 502)
    assert reply.status == 502
    assert dict(reply.headers)[b"X-Request-Id"] == decision.id.encode()
    for _ in range(100):
        site.guard.settle(decision, Outcome(502, side=Side.ORIGIN))
    assert site.tallies.named["origin_errors"] == 100
    assert site.imposed == []


def test_too_busy_says_when_to_come_back() -> None:
    """503 has a Retry-After; an origin that is broken promises nothing."""
    site = GuardedSite(EVERY)
    decision = site.decide()
    assert b"Retry-After" in dict(site.guard.failure(decision, 503).headers)
    assert b"Retry-After" not in dict(site.guard.failure(decision, 504).headers)


# -- faults -------------------------------------------------------------------------------------------------------


def broken(name: str) -> Callable[[Policy, Facts], Judgement]:
    """Return a judge with one stage that raises."""

    def stage(_policy: Policy, _facts: Facts) -> None:
        raise ZeroDivisionError(name)

    stage.__name__ = name
    stages = tuple(stage if name == good.__name__ else good for good in STAGES)
    return lambda policy, facts: judge(policy, facts, stages)


@pytest.mark.parametrize("name", STAGE_NAMES)
def test_a_stage_that_raises_is_told_and_judged_by_the_rest(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The request is served, the fault is counted and named, the site stays open."""
    site = GuardedSite(EVERY)
    monkeypatch.setattr(module, "judge", broken(name))
    decision, status = site.ask()
    assert (decision.verdict.action, status) == (Action.ADMIT, 200)
    faults = [fault.stage for fault in site.faults]
    assert faults == ([name] if STAGE_NAMES.index(name) <= STAGE_NAMES.index(decision.verdict.stage) else [])
    assert site.tallies.named["faults"] == len(faults)


def test_what_cannot_be_read_is_refused_even_when_its_stage_fails(monkeypatch: pytest.MonkeyPatch) -> None:
    """There is no request to forward, so no fault may let it through."""
    site = GuardedSite(EVERY)
    monkeypatch.setattr(module, "judge", broken("malformed"))
    decision, status = site.malform()
    assert (decision.verdict.stage, decision.enforced, status) == ("malformed", True, 400)


def test_a_judgement_without_an_opinion_admits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shield of which every stage is broken does not close the site."""
    site = GuardedSite(EVERY)
    monkeypatch.setattr(module, "judge", lambda policy, facts: judge(policy, facts, ()))
    assert site.ask(request("/admin"))[1] == 200


# -- observe mode -------------------------------------------------------------------------------------------------

OBSERVED = EVERY._replace(mode=Mode.OBSERVE)


def test_observing_lets_everything_pass_and_writes_it_down() -> None:
    """Verdicts are what they would be, nothing of them is acted upon."""
    site = GuardedSite(OBSERVED)
    asked = [site.ask(request(path)) for path in ("/", "/", "/", "/admin")]
    asked.append(site.ask(request("/odd"), "192.0.2.2"))
    assert [status for _, status in asked] == [200] * 5
    assert [record.action for record in site.records] == ["admit", "admit", "throttle", "refuse", "challenge"]
    assert not any(record.enforced for record in site.records)
    assert site.tallies.named["challenges.proof-of-work.issued"] == 0


def test_observing_bans_nobody() -> None:
    """Neither for offences nor floods, challenges nor messages that cannot be read."""
    site = GuardedSite(OBSERVED)
    for _ in range(20):
        for path in ("/", "/admin", "/odd"):
            site.ask(request(path))
        site.malform()
    assert site.imposed == []


def test_observing_drops_nobody_who_is_banned() -> None:
    """A ban from before, or an operator's, is written down like everything else."""
    site = GuardedSite(OBSERVED)
    site.bans.put(Ban(CLIENT, site.clock() + 60.0, "scanner"))
    assert not site.guard.banned(site.visit())
    decision, status = site.ask()
    assert (decision.verdict.action, decision.admitted, status) == (Action.DROP, True, 200)


@pytest.mark.parametrize("banned", [False, True])
def test_observing_refuses_what_cannot_be_read(banned: bool) -> None:  # noqa: FBT001 - a column of the table
    """There is nothing that could be forwarded: it is refused whoever sent it, and the refusal is enforced."""
    site = GuardedSite(OBSERVED)
    if banned:
        site.bans.put(Ban(CLIENT, site.clock() + 60.0, "scanner"))
    decision, status = site.malform()
    assert (decision.verdict.stage, decision.enforced, status) == ("malformed", True, 400)


# -- the ladder ---------------------------------------------------------------------------------------------------


def asks(site: GuardedSite, path: str, times: int) -> None:
    """Ask so often."""
    for _ in range(times):
        site.ask(request(path))


CONDUCT = [
    # what is asked, how often it is forgiven, and the cause when it is not
    ("/admin", 3, "offences against rules"),
    ("/odd", 3, "challenges asked for and never answered"),
]


@pytest.mark.parametrize(("path", "forgiven", "cause"), CONDUCT)
def test_misbehaviour_becomes_a_ban(path: str, forgiven: int, cause: str) -> None:
    """As often as the policy says is forgiven, once more is not; the ban is in force and its cause told."""
    site = GuardedSite(EVERY._replace(limits=()))
    asks(site, path, forgiven)
    assert site.imposed == []
    asks(site, path, 1)
    (ban,) = site.imposed
    assert (ban.key, ban.cause, ban.until) == (CLIENT, cause, site.clock() + 60.0)
    assert site.tallies.named["bans"] == 1
    assert site.ask()[0].verdict.stage == "banned"
    assert site.guard.banned(site.visit())


def test_a_flood_beyond_its_own_limit_becomes_a_ban() -> None:
    """Two within the limit, four throttled and forgiven, the next is one too many."""
    site = GuardedSite(EVERY)
    asks(site, "/", 6)
    assert site.imposed == []
    asks(site, "/", 1)
    assert [ban.cause for ban in site.imposed] == ["flood beyond its own limit"]


def test_a_flood_of_handshakes_becomes_a_ban() -> None:
    """Three at once and one a second are a client's own; what is refused beyond them counts like refused requests."""
    site = GuardedSite(EVERY)
    visit = site.visit()
    assert [site.guard.hurries(visit, 1.0, 3.0) for _ in range(5)] == [False, False, False, True, True]
    site.clock.advance(1.0)
    assert [site.guard.hurries(visit, 1.0, 3.0) for _ in range(3)] == [False, True, True]
    assert site.imposed == []
    assert site.guard.hurries(visit, 1.0, 3.0)
    assert [ban.cause for ban in site.imposed] == ["flood beyond its own limit"]


@pytest.mark.parametrize(
    "policy",
    [EVERY._replace(mode=Mode.OBSERVE), EVERY._replace(exempt=Exemptions((ipaddress.ip_network("192.0.2.0/24"),)))],
    ids=["observe", "exempt"],
)
def test_nobody_hurries_who_is_let_through(policy: Policy) -> None:
    """In observe mode, and whoever is exempt."""
    site = GuardedSite(policy)
    visit = site.visit()
    assert not any(site.guard.hurries(visit, 1.0, 1.0) for _ in range(20))
    assert site.imposed == []


def test_messages_that_cannot_be_read_become_a_ban() -> None:
    """No browser sends them, so they count like offences against a rule."""
    site = GuardedSite(EVERY)
    for _ in range(4):
        site.malform()
    assert [ban.cause for ban in site.imposed] == ["offences against rules"]


def test_misbehaviour_is_forgotten() -> None:
    """As many as are forgiven within the window, window after window, are never a ban."""
    site = GuardedSite(EVERY._replace(limits=()))
    for _ in range(10):
        asks(site, "/admin", 3)
        site.clock.advance(60.0)
    assert site.imposed == []


def test_who_does_it_again_is_banned_for_longer() -> None:
    """The ladder is climbed by one rung each time."""
    site = GuardedSite(EVERY._replace(limits=()))
    for _ in range(3):
        asks(site, "/admin", 4)
        site.clock.advance(700.0)
    spans = [round(ban.until) for ban in site.imposed]
    assert [ban.rung for ban in site.imposed] == [0, 1, 1]
    assert spans == [1_060, 2_300, 3_000]


def test_neighbours_pay_for_nobody() -> None:
    """A client is banned, the addresses around it are not."""
    site = GuardedSite(EVERY._replace(limits=()))
    asks(site, "/admin", 4)
    assert site.ask(address="192.0.2.2")[1] == 200


def test_who_is_exempt_is_never_banned() -> None:
    """Not even for messages that cannot be read, and a ban that an operator gave by mistake holds not."""
    exempt = Exemptions((ipaddress.ip_network("192.0.2.0/24"),))
    site = GuardedSite(EVERY._replace(exempt=exempt))
    for _ in range(20):
        site.malform()
    assert site.imposed == []
    site.bans.put(Ban(CLIENT, site.clock() + 60.0, "by mistake"))
    assert not site.guard.banned(site.visit())
    assert site.ask(request("/admin"))[1] == 200
    assert site.malform()[1] == 400


def test_a_server_that_speaks_for_all_is_never_banned() -> None:
    """What nobody claims is attributed to the balancer; to ban it would shut out everybody behind it."""
    site = GuardedSite(EVERY._replace(bans=BANS._replace(spared=(ipaddress.ip_network("192.0.2.0/30"),))))
    for _ in range(20):
        site.malform()
        site.malform("192.0.2.9")
    assert {ban.key for ban in site.imposed} == {"192.0.2.9"}


ON_REQUEST = [
    Policy(exempt=Exemptions(paths=compile_globs(("/health",)))),
    Policy(rules=(Rule("health", Condition(path=compile_globs(("/health",))), Action.ADMIT),)),
]


@pytest.mark.parametrize("policy", ON_REQUEST, ids=["path", "rule"])
def test_a_banned_client_reaches_what_is_exempt(policy: Policy) -> None:
    """Where a request may be exempt the connection is not closed before it is read; others on it are dropped."""
    site = GuardedSite(policy)
    site.bans.put(Ban(CLIENT, site.clock() + 60.0, "flood"))
    assert not site.guard.banned(site.visit())
    assert site.ask(request("/health"))[1] == 200
    assert site.ask(request("/"))[0].verdict.stage == "banned"


# -- the challenge ------------------------------------------------------------------------------------------------


def answered(site: GuardedSite, path: str = "/odd") -> dict[bytes, bytes]:
    """Ask for a page that is challenged, answer, and return the headers of a browser that keeps the cookie."""
    decision, status = site.ask(request(path))
    assert status == 503
    page = site.guard.reply(decision)
    assert page is not None
    answer = site.send(solved(puzzle_on(page)), BROWSER)
    assert answer.challenge == "passed"
    return with_cookie(cookie_of(answer.reply))


def test_who_answers_is_let_through() -> None:
    """From the page to the answer to the cookie: the next request is admitted as cleared."""
    site = GuardedSite(EVERY._replace(rules=(), limits=(limit("site", Scope.SITE, rate=1.0, burst=1.0),)))
    site.ask()
    headers = answered(site, "/")
    decision, status = site.ask(request("/", headers))
    assert (decision.verdict.stage, status) == ("cleared", 200)
    assert site.tallies.named["challenges.proof-of-work.passed"] == 1
    assert [record.challenge for record in site.records] == ["", "issued", "passed", ""]


def test_a_school_that_answers_is_not_banned() -> None:
    """Challenges asked for and answered are no misbehaviour, however many people are behind one address."""
    site = GuardedSite(EVERY._replace(limits=()))
    for _ in range(10):
        answered(site)
    assert site.imposed == []
    asks(site, "/odd", 3)
    assert site.imposed == []
    asks(site, "/odd", 1)
    assert len(site.imposed) == 1


def test_an_answer_gives_back_no_more_than_was_charged() -> None:
    """Answers kept for later do not buy a flood of challenges."""
    site = GuardedSite(EVERY._replace(limits=()))
    pages = [site.guard.reply(site.decide(request("/odd"))) for _ in range(10)]
    for page in pages:
        assert page is not None
        assert site.send(solved(puzzle_on(page)), BROWSER).challenge == "passed"
    asks(site, "/odd", 3)
    assert site.imposed == []
    asks(site, "/odd", 1)
    assert len(site.imposed) == 1


def test_forged_answers_are_offences() -> None:
    """No honest browser sends them."""
    site = GuardedSite(EVERY._replace(limits=()))
    for _ in range(4):
        assert site.send(b"garbage", BROWSER).challenge == "garbled"
    assert [ban.cause for ban in site.imposed] == ["offences against rules"]


def test_answers_are_looked_at_only_so_fast() -> None:
    """Beyond its rate an answer is not even checked, so that checking is no lever."""
    hasty = ChallengePolicy(cost=2, answer_rate=1.0, answer_burst=2.0)
    site = GuardedSite(Policy(challenge=hasty, bans=BANS._replace(offences=1_000)))
    answers = [site.send(b"garbage", BROWSER) for _ in range(3)]
    assert [answer.reply.status for answer in answers] == [400, 400, 429]
    assert b"Retry-After" in dict(answers[-1].reply.headers)
    site.clock.advance(1.0)
    assert site.send(b"garbage", BROWSER).reply.status == 400


def test_own_paths_are_never_challenged() -> None:
    """A challenge in answer to an answer would go on for ever."""
    site = GuardedSite(EVERY._replace(challenge=CHEAP._replace(suspicion=((Posture.CALM, 0),))))
    decision = site.decide(request("/.shieldproxy/answer", method="POST"))
    assert (decision.own, decision.verdict.action) == (True, Action.ADMIT)


# -- remembering --------------------------------------------------------------------------------------------------


def test_a_new_policy_holds_at_once_and_keeps_every_bucket() -> None:
    """Who was overdrawn stays so; bans and clearances stay; what was decided before keeps its digest."""
    site = GuardedSite(EVERY)
    asks(site, "/", 2)
    known, old = site.visit(), site.decide(request("/other"))
    site.guard.adopt(EVERY._replace(limits=(SLOW._replace(action=Action.REFUSE),), digest="second"))
    assert site.guard.policy.digest == "second"
    decision, status = site.ask()
    assert (decision.verdict.stage, status) == ("over_own_limit", 403)
    site.guard.settle(old, FORWARDED)
    assert [record.policy for record in site.records] == ["first", "first", "second", "first"]
    assert site.guard.renew(known, ipaddress.ip_address(CLIENT)) is not known


def test_a_clearance_outlives_a_reload() -> None:
    """Nobody answers twice because an operator changed a limit."""
    site = GuardedSite(EVERY)
    headers = answered(site)
    site.guard.adopt(EVERY._replace(limits=(), digest="second"))
    assert site.ask(request("/", headers))[0].verdict.stage == "cleared"


def test_a_visit_is_worked_out_once() -> None:
    """The same client is the same visit until the policy or the databases change."""
    site = GuardedSite(EVERY)
    known = site.visit()
    assert site.visit() is known
    assert site.guard.renew(known, ipaddress.ip_address(CLIENT)) is known
    site.guard.forget_labels()
    assert site.visit() is not known


def test_new_databases_are_asked_anew() -> None:
    """After a swap a client is what the new file says, and the record names the file."""
    site = GuardedSite(EVERY)
    site.ask()
    site.networks.table = [(ipaddress.ip_network("192.0.2.0/24"), NetworkLabel(64500, "New", "CH"))]
    site.networks.version = "new"
    site.guard.forget_labels()
    site.ask()
    assert [(record.asn, record.geo) for record in site.records] == [(0, "table"), (64500, "new")]


def test_a_flood_of_addresses_costs_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    """Visits are remembered for so many clients, and the oldest give way."""
    monkeypatch.setattr(module, "VISITS", 10)
    site = GuardedSite(EVERY)
    first = site.visit("10.0.0.0")
    for number in range(1, 30):
        site.visit(f"10.0.0.{number}")
    assert len(cast("dict[object, object]", site.guard._visits)) == 10
    assert site.visit("10.0.0.0") is not first


def test_the_posture_stands_in_every_record() -> None:
    """Also in those of requests that were not judged by it: banned, exempt, our own, unreadable."""
    site = GuardedSite(EVERY._replace(exempt=Exemptions(paths=compile_globs(("/health",)))))
    site.situation.posture = Posture.UNDER_ATTACK
    site.ask()
    site.ask(request("/health"))
    site.ask(request("/.shieldproxy/x"))
    site.malform()
    site.bans.put(Ban(CLIENT, site.clock() + 60.0, "flood"))
    site.ask()
    assert {record.posture for record in site.records} == {"under_attack"}


def test_a_clock_that_jumps_moves_no_bucket() -> None:
    """Records tell the wall clock as it was; limits and bans go by the one that never jumps."""
    site = GuardedSite(EVERY)
    asks(site, "/", 3)
    site.wall.jump(site.wall() - 7_200.0)
    asks(site, "/", 1)
    site.wall.jump(site.wall() + 100 * 86_400.0)
    asks(site, "/", 1)
    site.clock.advance(1.0)
    asks(site, "/", 1)
    assert [record.action for record in site.records] == ["admit", "admit", *["throttle"] * 3, "admit"]
    assert [record.ts[:10] for record in site.records[2:5]] == ["2027-01-15", "2027-01-15", "2027-04-25"]
    assert site.records[3].ts < site.records[2].ts < site.records[4].ts


def test_a_confirmed_robot_is_never_challenged() -> None:
    """It cannot answer: it passes, bounded by limits that name it."""
    robots = limit("robots", rate=1.0, burst=1.0, match=Condition(crawler=frozenset({Crawler.VERIFIED})))
    site = GuardedSite(EVERY._replace(limits=(SLOW, robots), rules=(ODD,)))
    robot = request("/odd", {b"user-agent": b"robot"})
    assert [site.ask(robot)[1] for _ in range(2)] == [200, 429]


def test_records_name_the_episode_that_is_open() -> None:
    """From the moment it opens until it is over, whatever is decided; sums do not mix what belongs to it."""
    site = GuardedSite(EVERY)
    site.ask()
    site.guard.note_episode("E-2026-11-24-1")
    for _ in range(3):
        site.ask()
    site.guard.note_episode("")
    site.ask()
    assert [record.episode for record in site.records] == ["", *["E-2026-11-24-1"] * 3, ""]
    assert [record.action for record in site.records][3] == "throttle"


def test_a_refusal_of_before_the_episode_is_not_repeated_in_it() -> None:
    """Its record would name none; it is judged anew once."""
    site = GuardedSite(Policy(limits=(SLOW,), challenge=CHEAP, bans=BANS))
    decisions = [site.ask()[0] for _ in range(3)]
    known = site.guard.repeatable(decisions[-1], Outcome(429, 0, 100))
    assert known is not None
    assert site.guard.repeat(known, b"/", site.clock(), 4) is not None
    site.guard.note_episode("E-2026-11-24-1")
    assert site.guard.repeat(known, b"/", site.clock(), 4) is None
