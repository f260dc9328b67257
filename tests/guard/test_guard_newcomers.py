"""The guard counts what newcomers of each network do, for whoever decides what is an excess."""

from __future__ import annotations

from shieldproxy.core.excess import Deed
from shieldproxy.core.facts import NetworkLabel, Posture, Tightening
from shieldproxy.core.policy import ChallengePolicy, Policy
from shieldproxy.guard.looks import ASKED, COHORT
from tests.guard.guarded_site import GuardedSite
from tests.scenes import limit, request

ASN = 64500
NETWORKS = {"192.0.2.1": NetworkLabel(ASN, "Example", "NL")}


def site(policy: Policy | None = None) -> GuardedSite:
    """Return a site that knows one network."""
    return GuardedSite(policy or Policy(), NETWORKS)


def test_pages_their_parts_and_all_else_are_told_apart() -> None:
    """A page, the style that follows it, and a program's request."""
    found = site()
    for path in ("/", "/site.css", "/api/hours"):
        found.ask(request(path, headers={}))
    assert found.newcomers.deeds == {(ASN, Deed.PAGE): 1, (ASN, Deed.PART): 2}
    alone = site()
    alone.ask(request("/api/hours", headers={}))
    assert alone.newcomers.deeds == {(ASN, Deed.OTHER): 1}


def test_challenges_given_are_counted_by_network() -> None:
    """The page was asked for, and a challenge was given."""
    found = site()
    found.situation.posture, found.situation.tight = Posture.UNDER_ATTACK, Tightening.NETWORK
    decision, status = found.ask()
    assert (decision.verdict.stage, status) == ("tightened", 503)
    assert "AS64500" in decision.verdict.reasons[0]
    assert found.newcomers.deeds == {(ASN, Deed.PAGE): 1, (ASN, Deed.ISSUED): 1}


def test_what_never_reaches_the_site_is_no_excess() -> None:
    """Who is stopped by an own limit is nobody's crowd; confirmed robots and our own pages are not counted either."""
    found = site(Policy(limits=(limit(burst=1),)))
    for _ in range(5):
        found.ask()
    found.ask(request("/", headers={b"user-agent": b"a robot"}), "192.0.2.9")
    found.ask(request("/.shieldproxy/return"), "192.0.2.9")
    assert found.newcomers.deeds == {(ASN, Deed.PAGE): 1}


def test_pages_are_counted_by_what_they_share() -> None:
    """A page with its path and program; what follows it and robots are not."""
    found = site()
    for path in ("/", "/site.css", "/api/hours"):
        found.ask(request(path, headers={b"user-agent": b"curl/8.5.0"}))
    assert found.traits.pages == {"": 1, "path /": 1, "agent curl/8": 1}


def test_a_cohort_is_challenged_whatever_its_network() -> None:
    """The verdict says by which trait, under a name by which records are found."""
    found = site()
    found.situation.posture = Posture.UNDER_ATTACK
    found.situation.cohorts = {found.buckets.slot(COHORT, "agent curl/8")}
    decision, status = found.ask(request("/", headers={b"user-agent": b"curl/8.5.0"}))
    assert (decision.verdict.stage, decision.verdict.rule, status) == ("tightened", "cohort", 503)
    assert decision.verdict.reasons[0] == "shares with the attack what hardly any visitor has: agent curl/8"
    assert found.ask()[0].admitted


def test_who_asks_for_another_path_than_the_excess_is_let_in() -> None:
    """People in a network that also attacks: the front page is theirs, what the flood asks for is challenged."""
    found = site()
    found.situation.posture, found.situation.tight = Posture.UNDER_ATTACK, Tightening.NETWORK
    found.situation.spared = {found.buckets.slot(ASKED, "path /")}
    assert found.ask()[0].admitted
    assert found.ask(request("/search", query="q=1"))[0].verdict.stage == "tightened"
    found.situation.tight = Tightening.SAMPLE
    assert found.ask()[0].verdict.stage == "tightened"


def test_a_page_view_is_audited_while_all_is_calm() -> None:
    """Of newcomers within their limits only; whoever has answered is never asked again, and the parts are let be."""
    site = GuardedSite(Policy(challenge=ChallengePolicy(cost=2)))
    site.gatherer.audits.adopt(1.0)
    decision, status = site.ask()
    assert (decision.verdict.stage, decision.verdict.rule, status) == ("tightened", "audit", 503)
    assert site.ask(request("/style.css", {b"accept": b"text/css"}))[0].admitted
    site.situation.posture = Posture.ELEVATED
    assert site.ask()[0].admitted
    site.situation.posture = Posture.CALM
    site.gatherer.audits.adopt(0.0)
    assert site.ask()[0].admitted
