"""Robots at the guard: those that prove who they are pass, those that only say so do not, in the worst of times."""

from __future__ import annotations

from collections.abc import Iterator

import crawleruseragents
import pytest

from shieldproxy.core.facts import Crawler, NetworkLabel, Posture, Tightening
from shieldproxy.core.verdict import Action
from shieldproxy.intel.crawlers import ROBOTS, claims, crawler
from shieldproxy.intel.tables import read_robots
from shieldproxy.settings.compiling import compile_policy
from shieldproxy.settings.reading import load
from tests.guard.guarded_site import GuardedSite
from tests.scenes import request

POLICY = compile_policy(load(None))
TOKENS = {robot.name: robot.tokens[0] for robot in ROBOTS}
DATA_CENTRE = NetworkLabel(64500, "Example Hosting", "NL", "hosting", "")
AT_HOME = NetworkLabel(64501, "Example Access", "NL", "other", "")


def site(labels: dict[str, NetworkLabel], testimony: Crawler = Crawler.NONE) -> GuardedSite:
    """Return a site under attack, everybody's excess, where robots are known as in the product."""
    found = GuardedSite(POLICY, labels, recognise=crawler, claims=claims, testify=lambda _robot, _address: testimony)
    found.situation.posture, found.situation.tight = Posture.UNDER_ATTACK, Tightening.EVERYBODY
    return found


def asked_as(agent: str) -> dict[bytes, bytes]:
    """Return the headers of a robot."""
    return {b"host": b"example.org", b"user-agent": agent.encode("latin-1", "replace"), b"accept": b"*/*"}


AGENTS = sorted({agent for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA for agent in entry["instances"]})


@pytest.mark.parametrize("label", [DATA_CENTRE, AT_HOME], ids=["a data centre", "a home"])
def test_no_user_agent_of_a_robot_lets_a_stranger_in(label: NetworkLabel) -> None:
    """Of more than 1,500 user agents of robots, from addresses of nobody's robots, the share that gets a page is 0."""
    assert len(AGENTS) > 1_500
    let_in = []
    for number, agent in enumerate(AGENTS):
        address = f"198.51.{number // 250}.{number % 250}"
        stand = site({address: label})
        decision = stand.decide(request("/", asked_as(agent)), address)
        if decision.verdict.action is Action.ADMIT:
            let_in.append(agent)
        assert decision.facts.crawler is not Crawler.VERIFIED
    assert let_in == []


def edges() -> Iterator[tuple[str, str]]:
    """Return the first and the last address of every range, with its robot."""
    for network, robot in read_robots():
        for address in {network[0], network[-1]}:
            yield str(address), robot


def test_no_robot_in_its_own_ranges_is_challenged() -> None:
    """Of the addresses at both ends of every published range, the share that is challenged or refused is 0."""
    wrongly = []
    seen = 0
    for address, robot in edges():
        stand = site({address: DATA_CENTRE._replace(crawler=robot)})
        for _ in range(3):
            decision = stand.decide(request("/", asked_as(f"Mozilla/5.0 (compatible; {TOKENS[robot]}/1.0)")), address)
            seen += 1
            if (decision.verdict.action, decision.verdict.rule) != (Action.ADMIT, "crawler"):
                wrongly.append((address, robot))
    assert seen > 3_000
    assert wrongly == []


AGENT = "Mozilla/5.0 (compatible; Qwantbot/1.0; +https://help.qwant.com/bot/)"


def test_what_names_say_comes_with_a_later_request() -> None:
    """While nobody has answered the claim says nothing; then it passes as a robot, or weighs as an impostor's."""
    label = {"91.242.162.1": DATA_CENTRE}
    unknown = site(label).decide(request("/", asked_as(AGENT)), "91.242.162.1")
    assert unknown.facts.crawler is Crawler.NONE
    confirmed = site(label, Crawler.VERIFIED).decide(request("/", asked_as(AGENT)), "91.242.162.1")
    assert (confirmed.verdict.action, confirmed.verdict.rule) == (Action.ADMIT, "crawler")
    refuted = site(label, Crawler.IMPOSTOR).decide(request("/", asked_as(AGENT)), "91.242.162.1")
    assert refuted.facts.crawler is Crawler.IMPOSTOR
    assert refuted.verdict.suspicion >= unknown.verdict.suspicion + 100


def test_names_overrule_ranges_that_are_too_old() -> None:
    """An address in no known range that its operator's names confirm is no impostor."""
    agent = "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)"
    label = {"192.0.2.1": DATA_CENTRE}
    assert site(label).decide(request("/", asked_as(agent))).facts.crawler is Crawler.IMPOSTOR
    assert site(label, Crawler.VERIFIED).decide(request("/", asked_as(agent))).facts.crawler is Crawler.VERIFIED


def test_people_are_never_asked_about() -> None:
    """Name servers hear of no browser, and of no robot whose range has confirmed it."""
    asked: list[tuple[str, str]] = []

    def testify(robot: str, address: str) -> Crawler:
        asked.append((robot, address))
        return Crawler.NONE

    at_bing = {"192.0.2.1": DATA_CENTRE._replace(crawler="bingbot")}
    stand = GuardedSite(POLICY, at_bing, recognise=crawler, claims=claims, testify=testify)
    stand.decide(request("/"))
    stand.decide(request("/", asked_as("bingbot/2.0")))
    assert asked == []
    stand.decide(request("/", asked_as(AGENT)))
    assert asked == [("qwantbot", "192.0.2.1")]
