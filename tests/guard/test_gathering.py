"""Gathering: what a request is judged by, and what is charged for it."""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, cast

import pytest

from shieldproxy.core.buckets import Scope
from shieldproxy.core.clearance import Kind, Refusal
from shieldproxy.core.facts import (
    Crawler,
    Facts,
    Malformed,
    NetworkLabel,
    PageKind,
    Posture,
    Request,
    Tightening,
    Visitor,
)
from shieldproxy.core.ladder import Ban
from shieldproxy.core.policy import ChallengePolicy, Exemptions, Policy
from shieldproxy.core.rules import Condition, Rule, compile_globs
from shieldproxy.core.verdict import Action
from shieldproxy.guard.gathering import Gatherer
from shieldproxy.guard.visits import visit
from tests.fakes.bans import DictBans
from tests.fakes.buckets import DictBuckets
from tests.fakes.situation import SetSituation
from tests.scenes import BROWSER, CLEARANCE, limit, request, rule, visitor

if TYPE_CHECKING:
    from shieldproxy.core.clearance import Clearance
    from shieldproxy.guard.gate import Gate

NOW = 1_000.0
SEARCH = limit("search", match=Condition(path=compile_globs(("/search",))))
CLEARED = limit("cleared", Scope.CLEARANCE)


class CookieGate:
    """Stands for the gate: whoever sends the cookie ``cleared`` holds a clearance."""

    def read_clearance(
        self, cookie: bytes, visitor: Visitor, agent: bytes, *, late: bool = False
    ) -> Clearance | Refusal:
        if cookie == b"late":
            return CLEARANCE if late else Refusal.EXPIRED
        if cookie == b"pressed":
            return CLEARANCE._replace(kind=Kind.FORM)
        return CLEARANCE if cookie == b"cleared" else Refusal.FORGED


def recognise(label: NetworkLabel, agent: str) -> Crawler:
    """Confirm whoever calls itself a robot."""
    return Crawler.VERIFIED if "robot" in agent else Crawler.NONE


class Bench:
    """A gatherer with its ports in reach, and a policy to gather under."""

    def __init__(self, policy: Policy) -> None:
        self.policy, self.buckets, self.bans, self.situation = policy, DictBuckets(), DictBans(), SetSituation()
        self.gatherer = Gatherer(
            buckets=self.buckets,
            bans=self.bans,
            gate=cast("Gate", CookieGate()),
            situation=self.situation,
            recognise=recognise,
            own_path="/.shieldproxy",
        )

    def gather(self, asked: Request, who: Visitor | None = None) -> Facts:
        """Return the facts of a request of a newcomer, or of ``who``."""
        known = visit(self.policy, who or visitor(), self.buckets, 0)
        return self.gatherer.gather(self.policy, known, asked, NOW)

    def charged(self, facts: Facts) -> list[str]:
        """Return the names of the limits that were charged."""
        return [reading.limit.name for reading in facts.readings]


def test_a_request_is_charged_to_every_limit_that_matches() -> None:
    """Limits whose condition does not hold, or whose key nobody knows, are not charged."""
    bench = Bench(Policy(limits=(limit(), SEARCH, limit("asn", Scope.ASN), limit("site", Scope.SITE), CLEARED)))
    assert bench.charged(bench.gather(request("/"))) == ["client", "site"]
    assert bench.charged(bench.gather(request("/search"))) == ["client", "search", "site"]
    dutch = visitor(label=NetworkLabel(64500, "Example", "NL"))
    assert bench.charged(bench.gather(request("/"), dutch)) == ["client", "asn", "site"]


def test_a_clearance_of_the_form_has_tighter_buckets() -> None:
    """Who pressed the button has half the rate and half the burst of who worked; nothing else is asked of them."""
    place = limit("login", match=Condition(path=compile_globs(("/login",))))
    bench = Bench(Policy(limits=(place, CLEARED), challenge=ChallengePolicy(form_share=0.5)))
    worked, pressed = (
        bench.gather(request("/login", {**BROWSER, b"cookie": cookie})) for cookie in (b"cleared", b"pressed")
    )
    assert bench.charged(worked) == bench.charged(pressed) == ["login", "cleared"]
    of_work, of_form = worked.readings[1].limit, pressed.readings[1].limit
    assert (of_form.rate, of_form.burst) == (of_work.rate / 2, of_work.burst / 2)
    assert pressed.readings[0].limit is worked.readings[0].limit


def test_a_clearance_that_ended_while_somebody_typed_lets_the_form_through() -> None:
    """A POST is charged to the clearance it was begun with; a page that is asked for needs one in force."""
    bench = Bench(Policy(limits=(limit(), CLEARED)))
    late = {**BROWSER, b"cookie": b"late"}
    sent, asked = bench.gather(request("/apply", late, method="POST")), bench.gather(request("/apply", late))
    assert (sent.clearance, bench.charged(sent)) == (CLEARANCE, ["cleared"])
    assert (asked.clearance, bench.charged(asked)) == (None, ["client"])


def test_an_own_path_hears_of_weights_and_not_of_actions() -> None:
    """A rule that refuses keeps nobody from answering; the weights that matched say how hard a new puzzle is."""
    odd = Rule("odd", Condition(method=frozenset(("POST",))), weight=60)
    shut = Rule("shut", Condition(method=frozenset(("POST",))), Action.REFUSE)
    facts = Bench(Policy(rules=(odd, shut))).gather(request("/.shieldproxy/answer", method="POST"))
    assert [rule.name for rule in facts.matched] == ["odd"]


SPELLINGS = ["/search", "//search", "/%73earch", "/a/../search", "/./search"]


@pytest.mark.parametrize("path", SPELLINGS)
def test_another_spelling_of_a_path_is_no_other_bucket(path: str) -> None:
    """A limit for each path counts places, and a limit on one path is not walked around."""
    bench = Bench(Policy(limits=(SEARCH, limit("paths", Scope.PATH))))
    first = bench.gather(request("/search"))
    again = bench.gather(request(path))
    assert bench.charged(again) == bench.charged(first) == ["search", "paths"]
    assert all(after.slack < before.slack for before, after in zip(first.readings, again.readings, strict=True))


EXEMPT = Policy(limits=(limit(),), exempt=Exemptions(paths=compile_globs(("/public/*", "/health"))))


@pytest.mark.parametrize("path", ["/health", "/public/logo.svg", "/public/%6Cogo.svg"])
def test_an_exempt_path_is_not_charged(path: str) -> None:
    """What is exempt costs nothing and is not even asked for a clearance."""
    bench = Bench(EXEMPT)
    facts = bench.gather(request(path))
    assert (facts.exempt, facts.readings) == ("exempt.paths", ())
    assert not bench.buckets.full_at


@pytest.mark.parametrize(
    "path", ["/public/../login", "/public/%2e%2e/login", "/public/..;/login", "/public/..%5clogin"]
)
def test_nobody_talks_himself_into_an_exemption(path: str) -> None:
    """A path that leads elsewhere is judged as what it leads to."""
    bench = Bench(EXEMPT)
    facts = bench.gather(request(path))
    assert facts.exempt == ""
    assert bench.charged(facts) == ["client"]


def test_an_exempt_client_is_known_with_its_ban() -> None:
    """Facts hold both, and the judge says that the exemption beats the ban."""
    bench = Bench(Policy(exempt=Exemptions((ipaddress.ip_network("192.0.2.0/24"),))))
    bench.bans.put(Ban("192.0.2.1", NOW + 60.0, "operator"))
    facts = bench.gather(request("/"))
    assert facts.exempt == "exempt.clients"
    assert facts.ban is not None


def test_a_banned_request_is_not_charged() -> None:
    """Who is dropped anyway fills no buckets, so the ban ends when it ends."""
    bench = Bench(Policy(limits=(limit(),)))
    bench.bans.put(Ban("192.0.2.1", NOW + 60.0, "flood"))
    assert bench.gather(request("/")).readings == ()
    assert not bench.buckets.full_at


def test_a_holder_of_a_clearance_draws_from_its_own_bucket() -> None:
    """The crowd's buckets are neither asked nor filled by it."""
    bench = Bench(Policy(limits=(limit(), limit("site", Scope.SITE), CLEARED)))
    facts = bench.gather(request("/", {**BROWSER, b"cookie": b"cleared"}))
    assert facts.clearance == CLEARANCE
    assert bench.charged(facts) == ["cleared"]
    assert bench.gather(request("/", {**BROWSER, b"cookie": b"forged"})).clearance is None


def test_a_confirmed_robot_fills_nobodys_bucket_but_its_own() -> None:
    """Only limits written for robots are charged."""
    robots = limit("robots", match=Condition(crawler=frozenset({Crawler.VERIFIED})))
    bench = Bench(Policy(limits=(limit(), limit("site", Scope.SITE), robots)))
    facts = bench.gather(request("/", {b"user-agent": b"robot"}))
    assert facts.crawler is Crawler.VERIFIED
    assert bench.charged(facts) == ["robots"]


def test_rules_that_match_are_gathered_in_order() -> None:
    """The judge gets the rules that hold and no others."""
    rules = (
        Rule("post", Condition(method=frozenset({"POST"})), None, 10),
        Rule("root", Condition(path=compile_globs(("/",))), None, 20),
        Rule("all", Condition(), Action.CHALLENGE),
    )
    facts = Bench(Policy(rules=rules)).gather(request("//"))
    assert [rule.name for rule in facts.matched] == ["root", "all"]


def test_the_state_of_node_and_site_is_a_fact() -> None:
    """A full table and the posture are what they are at this moment."""
    bench = Bench(Policy())
    bench.buckets.saturated, bench.situation.posture = True, Posture.UNDER_ATTACK
    facts = bench.gather(request("/"))
    assert (facts.saturated, facts.posture, facts.page) == (True, Posture.UNDER_ATTACK, PageKind.PAGE)


def test_an_origin_without_room_is_as_a_full_table() -> None:
    """What says that the origin is strained is asked for each request."""
    bench, strained = Bench(Policy()), [False]
    bench.gatherer.heed(lambda: strained[0])
    assert not bench.gather(request("/")).saturated
    strained[0] = True
    assert bench.gather(request("/")).saturated


ASN_IN_EXCESS = limit("asn", Scope.ASN)._replace(in_excess=True)
PRESSED = Policy(limits=(limit(), limit("network", Scope.NETWORK), ASN_IN_EXCESS))
BOT = visitor(label=NetworkLabel(64500, "Example", "NL"))


def pressed(tight: Tightening, posture: Posture = Posture.UNDER_ATTACK) -> Bench:
    """Return a bench on which newcomers are told to be part of an excess."""
    bench = Bench(PRESSED)
    bench.situation.posture, bench.situation.tight = posture, tight
    return bench


def test_in_calm_no_newcomer_is_part_of_an_excess() -> None:
    """The marks are not even looked at, and limits for networks in excess are nobody's."""
    facts = pressed(Tightening.NETWORK, Posture.CALM).gather(request("/"), BOT)
    assert facts.tightening is Tightening.NONE
    assert [reading.limit.name for reading in facts.readings] == ["client", "network"]


def test_a_page_that_will_be_challenged_takes_nothing_from_the_crowd() -> None:
    """Only the client's own limit is charged, and no part follows it."""
    bench = pressed(Tightening.NETWORK)
    facts = bench.gather(request("/"), BOT)
    assert facts.tightening is Tightening.NETWORK
    assert bench.charged(facts) == ["client"]
    assert not bench.gather(request("/a.css", headers={}), BOT).part


def test_what_is_no_page_meets_the_limits_of_a_network_in_excess() -> None:
    """Feeds and programs cannot answer a challenge; they share what their network may still ask for."""
    bench = pressed(Tightening.NETWORK)
    assert bench.charged(bench.gather(request("/feed.xml", headers={}), BOT)) == ["client", "network", "asn"]
    everybody = pressed(Tightening.EVERYBODY)
    assert everybody.charged(everybody.gather(request("/feed.xml", headers={}), BOT)) == ["client", "network"]


def test_parts_of_a_page_from_before_the_attack_are_let_in() -> None:
    """Whoever got the page gets its pictures, whatever became of their network meanwhile."""
    bench = pressed(Tightening.NETWORK, Posture.CALM)
    bench.gather(request("/"), BOT)
    bench.situation.posture = Posture.UNDER_ATTACK
    facts = bench.gather(request("/a.css", headers={}), BOT)
    assert facts.part
    assert bench.charged(facts) == ["client"]


def test_who_has_shown_anything_is_no_part_of_an_excess() -> None:
    """Clearances and confirmed robots are not asked."""
    bench = pressed(Tightening.EVERYBODY)
    for headers in ({b"cookie": b"cleared"}, {b"user-agent": b"a robot"}):
        assert bench.gather(request("/", headers=headers), BOT).tightening is Tightening.NONE


def test_our_own_paths_are_charged_to_the_client_alone() -> None:
    """Answering a challenge does not depend on the crowd, and never gets a challenge for an answer."""
    bench = Bench(Policy(limits=(limit(), limit("site", Scope.SITE))))
    facts = bench.gather(request("/.shieldproxy/answer", method="POST"))
    assert bench.charged(facts) == ["client"]
    assert facts.page is PageKind.API
    assert bench.gatherer.is_own("/.shieldproxy/answer")
    assert not bench.gatherer.is_own("/.shieldproxyish")


def test_what_cannot_be_read_is_a_fact_too() -> None:
    """A malformed message is judged by who sent it and what is wrong with it."""
    bench = Bench(Policy(limits=(limit(),)))
    known = visit(bench.policy, visitor(), bench.buckets, 0)
    reason = Malformed(400, "two Host headers")
    facts = bench.gatherer.gather_malformed(known, request("/"), reason, NOW)
    assert (facts.malformed, facts.readings, facts.ban) == (reason, (), None)


CROWD = Policy(limits=(limit(), limit("asn", Scope.ASN, rate=5.0, burst=2.0)))
CITIZEN = visitor(label=NetworkLabel(64500, "Carrier", "DE", "carrier"))


def part(path: str) -> Request:
    """Return a request for a part of a page, as a browser sends it over plain HTTP."""
    return request(path, {b"host": b"example.org", b"accept": b"*/*"})


def over(facts: Facts) -> list[str]:
    """Return the names of the limits that are overdrawn."""
    return [reading.limit.name for reading in facts.readings if reading.over]


def test_the_parts_of_a_page_are_not_judged_as_a_crowd() -> None:
    """Whoever was let in to a page gets its style and its pictures, and costs the neighbours nothing by them."""
    bench = Bench(CROWD)
    assert bench.charged(bench.gather(request("/"), CITIZEN)) == ["client", "asn"]
    for path in ("/site.css", "/photo.jpg", "/favicon.ico", "/api/hours"):
        assert bench.charged(bench.gather(part(path), CITIZEN)) == ["client"]
    assert over(bench.gather(request("/"), CITIZEN)) == []


def test_parts_without_a_page_are_judged_as_a_crowd() -> None:
    """A flood of pictures is a flood; so is one of pictures that follow a page beyond the limit."""
    bench = Bench(CROWD)
    seen = [over(bench.gather(part("/photo.jpg"), CITIZEN)) for _ in range(4)]
    assert seen == [[], [], ["asn"], ["asn"]]
    assert over(bench.gather(request("/"), CITIZEN)) == ["asn"]
    assert over(bench.gather(part("/photo.jpg"), CITIZEN)) == ["asn"]


def test_a_page_brings_only_so_many_parts() -> None:
    """Sixty parts follow one page at once; what comes beyond is charged to the crowd's limit again."""
    bench = Bench(Policy(limits=(limit(burst=1_000.0), limit("asn", Scope.ASN, burst=2.0))))
    bench.gather(request("/"), CITIZEN)
    charged = [bench.charged(bench.gather(part("/photo.jpg"), CITIZEN)) for _ in range(61)]
    assert charged == [["client"]] * 60 + [["client", "asn"]]


def test_a_neighbours_page_lets_nobody_in() -> None:
    """The parts follow the client that was let in, not others of its network."""
    bench = Bench(CROWD)
    bench.gather(request("/"), CITIZEN)
    other = CITIZEN._replace(address="192.0.2.77", client="192.0.2.77")
    assert bench.charged(bench.gather(part("/site.css"), other)) == ["client", "asn"]


def test_what_the_client_itself_overdraws_takes_nothing_from_the_crowd() -> None:
    """A flood from one address is refused by its own limit and leaves its network's bucket as it was."""
    bench = Bench(Policy(limits=(limit("asn", Scope.ASN, burst=100.0), limit(burst=2.0))))
    charged = [bench.charged(bench.gather(request("/"), CITIZEN)) for _ in range(4)]
    assert charged == [["client", "asn"], ["client", "asn"], ["client"], ["client"]]


def test_only_headers_that_claim_no_robot_are_recalled_by_their_number() -> None:
    """What a robot is depends on its address, so whoever claims to be one is looked at each time."""
    bench = Bench(Policy(rules=(rule("all", weight=5),)))
    gatherer = bench.gatherer = Gatherer(
        buckets=bench.buckets,
        bans=bench.bans,
        gate=cast("Gate", CookieGate()),
        situation=bench.situation,
        recognise=recognise,
        own_path="/.shieldproxy",
        claims=lambda agent: "robot" if "robot" in agent else "",
    )
    known = visit(bench.policy, visitor(), bench.buckets, 0)
    for agent, number, crawler in ((b"a person", 1, Crawler.NONE), (b"a robot", 2, Crawler.VERIFIED)):
        asked = request("/", {b"user-agent": agent})._replace(known=number)
        seen = [gatherer.gather(bench.policy, known, asked, NOW) for _ in range(3)]
        assert {(facts.crawler, facts.matched) for facts in seen} == {(crawler, bench.policy.rules)}
        assert (known.habits.recall(asked) is None) is (crawler is Crawler.VERIFIED)
