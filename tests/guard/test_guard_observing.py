"""The guard with a limit or a rule that only observes: visitors notice nothing, the journal says what it would do."""

from __future__ import annotations

from shieldproxy.core.buckets import Scope
from shieldproxy.core.policy import BanPolicy, Policy
from shieldproxy.core.rules import Condition, Rule, compile_globs
from shieldproxy.core.verdict import Action
from shieldproxy.guard.decisions import Outcome
from tests.guard.guarded_site import GuardedSite
from tests.scenes import BROWSER, limit, request

TIGHT = limit("tight", rate=1.0, burst=1.0)._replace(observed=True)
WIDE = limit("wide", rate=1.0, burst=3.0)
CROWD = limit("crowd", Scope.SITE, rate=1.0, burst=1.0)
NOSY = Rule("nosy", Condition(path=compile_globs(("/admin*",))), Action.REFUSE, observed=True)
BANS = BanPolicy(offences=1, floods=1, unanswered=1)


def test_an_observed_limit_stops_nobody_and_is_written_down() -> None:
    """Each request beyond it is let through and says so; nobody is banned for it."""
    site = GuardedSite(Policy(limits=(TIGHT,), bans=BANS))
    assert [site.ask()[1] for _ in range(5)] == [200] * 5
    assert [record.reasons for record in site.records] == [(), *[("would throttle: limits.tight",)] * 4]
    assert {record.action for record in site.records} == {"admit"}


def test_an_observed_rule_stops_nobody_and_bans_nobody() -> None:
    """What it would refuse is no offence."""
    site = GuardedSite(Policy(rules=(NOSY,), bans=BANS))
    assert [site.ask(request("/admin"))[1] for _ in range(5)] == [200] * 5
    assert {record.reasons for record in site.records} == {("would refuse: rules.nosy",)}


def test_an_exemption_that_observes_exempts_nobody() -> None:
    """Also one that asks the network alone and would be known before a request."""
    friends = Rule("friends", Condition(), Action.ADMIT, observed=True)
    site = GuardedSite(Policy(limits=(WIDE,), rules=(friends,)))
    assert [site.ask()[1] for _ in range(5)] == [200, 200, 200, 429, 429]
    assert site.records[-1].reasons[-1] == "would admit: rules.friends"


def test_what_acts_is_not_changed_by_what_observes() -> None:
    """An overdrawn limit that observes takes nothing back from the crowd's bucket, and hides no refusal."""
    for observed in ((), (TIGHT,)):
        site = GuardedSite(Policy(limits=(*observed, WIDE, CROWD)))
        assert [site.ask()[0].verdict.stage for _ in range(5)] == [
            "admit",
            *["over_shared_limit"] * 2,
            *["over_own_limit"] * 2,
        ]


def test_a_refusal_is_not_given_again_unjudged_while_something_observes() -> None:
    """The short way for equal refusals asks one bucket only; the observed ones must be asked too."""
    for observed, expected in (((), True), ((TIGHT,), False)):
        site = GuardedSite(Policy(limits=(*observed, WIDE)))
        for _ in range(3):
            site.ask()
        decision, _ = site.ask()
        assert (site.guard.repeatable(decision, Outcome(429)) is not None) is expected


def test_the_parts_of_a_page_follow_it_whatever_observes() -> None:
    """A page beyond a limit that only observes was let in, so the crowd's bucket is not asked for its pictures."""
    picture = request("/a.png", {**BROWSER, b"sec-fetch-dest": b"image"})
    for observed in ((), (TIGHT,)):
        site = GuardedSite(Policy(limits=(*observed, limit("crowd", Scope.SITE, rate=1.0, burst=2.0))))
        asked = (picture, request(), picture, picture)
        assert [site.ask(one)[0].verdict.stage for one in asked] == ["admit"] * 4
