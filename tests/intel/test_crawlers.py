"""Crawlers: a claim, an address, and only both together a robot we believe."""

from __future__ import annotations

import crawleruseragents
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.facts import Crawler, NetworkLabel
from shieldproxy.intel.crawlers import PUBLISHED, ROBOTS, claims, crawler, impostor, tokens_by_stem, verified
from shieldproxy.intel.tables import read_robots

GOOGLEBOT = "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
GOOGLEBOT_PHONE = (
    "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)"
)
CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
)
AT_GOOGLE = NetworkLabel(15169, "Google LLC", "US", "hosting", "googlebot")
AT_BING = NetworkLabel(8075, "Microsoft Corporation", "US", "hosting", "bingbot")
ELSEWHERE = NetworkLabel(16276, "OVH SAS", "FR", "hosting", "")

CLAIMS = [
    (GOOGLEBOT, "googlebot"),
    (GOOGLEBOT_PHONE, "googlebot"),
    ("Googlebot-Image/1.0", "googlebot"),
    ("Mozilla/5.0 (compatible; GoogleOther)", "googlebot"),
    ("AdsBot-Google (+http://www.google.com/adsbot.html)", "google-special"),
    ("Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)", "bingbot"),
    ("DuckDuckBot/1.1; (+http://duckduckgo.com/duckduckbot.html)", "duckduckbot"),
    ("Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)", "yandexbot"),
    ("Mozilla/5.0 (compatible; Applebot/0.1; +http://www.apple.com/go/applebot)", "applebot"),
    ("facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)", "facebook"),
    ("meta-externalagent/1.1 (+https://developers.facebook.com/docs/sharing/webmasters/crawler)", "facebook"),
    ("Mozilla/5.0 (compatible; GPTBot/1.1; +https://openai.com/gptbot)", "openai"),
    ("Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)", "ahrefsbot"),
    ("Pingdom.com_bot_version_1.4_(http://www.pingdom.com/)", "pingdom"),
    ("Mozilla/5.0 (compatible; archive.org_bot +http://archive.org/details/archive.org_bot)", "internet-archive"),
    # people
    ("", ""),
    (CHROME, ""),
    ("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", ""),
    ("Mozilla/5.0 (Linux; Android 11; CUBOT X50) AppleWebKit/537.36 Chrome/126.0.0.0 Mobile Safari/537.36", ""),
    ("Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 GSA/300.0 Mobile Safari/604.1", ""),
    ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/124.0 YaBrowser/24.6 Safari/537.36", ""),
    ("Mozilla/5.0 (iPhone) AppleWebKit/605.1.15 [FBAN/FBIOS;FBAV/460.0]", ""),
    # the preview of a link in iMessage: a person's telephone
    ("Mozilla/5.0 (Macintosh) AppleWebKit/601.2.4 Safari/601.2.4 facebookexternalhit/1.1 Facebot Twitterbot/1.0", ""),
    # a name so far behind that only a hostile client writes it there
    ("x" * 600 + GOOGLEBOT, ""),
]


@pytest.mark.parametrize(("user_agent", "robot"), CLAIMS)
def test_who_a_user_agent_claims_to_be(user_agent: str, robot: str) -> None:
    """Robots are known by the names they use, people are nobody's robots; case does not matter."""
    assert claims(user_agent) == robot
    assert claims(user_agent.upper()) == robot


JUDGED = [
    # address and name agree
    (AT_GOOGLE, GOOGLEBOT, "googlebot", "", Crawler.VERIFIED),
    # the name alone
    (ELSEWHERE, GOOGLEBOT, "", "googlebot", Crawler.IMPOSTOR),
    (AT_BING, GOOGLEBOT, "", "googlebot", Crawler.IMPOSTOR),
    # the address alone: a machine there without a name is no robot
    (AT_GOOGLE, CHROME, "", "", Crawler.NONE),
    (AT_GOOGLE, "", "", "", Crawler.NONE),
    # a robot whose operator publishes nothing can be neither confirmed nor refuted
    (ELSEWHERE, "Mozilla/5.0 (compatible; SeznamBot/4.0)", "", "", Crawler.NONE),
    # unless the operator of the shield knows its ranges
    (NetworkLabel(crawler="seznambot"), "Mozilla/5.0 (compatible; SeznamBot/4.0)", "seznambot", "", Crawler.VERIFIED),
    (ELSEWHERE, CHROME, "", "", Crawler.NONE),
    # two names at once are no claim
    (AT_GOOGLE, "Googlebot bingbot", "", "", Crawler.NONE),
]


@pytest.mark.parametrize(("label", "user_agent", "is_verified", "is_impostor", "word"), JUDGED)
def test_only_name_and_address_together_verify(
    label: NetworkLabel, user_agent: str, is_verified: str, is_impostor: str, word: Crawler
) -> None:
    """The three answers agree about every combination of name and address."""
    assert impostor(label, user_agent) == is_impostor
    assert crawler(label, user_agent) is word
    assert verified(label, user_agent) == is_verified


@given(st.text(), st.sampled_from([ELSEWHERE, AT_GOOGLE, AT_BING]))
def test_the_three_answers_never_contradict(user_agent: str, label: NetworkLabel) -> None:
    """No client is verified and an impostor at once."""
    assert not (verified(label, user_agent) and impostor(label, user_agent))
    assert bool(verified(label, user_agent)) == (crawler(label, user_agent) is Crawler.VERIFIED)


def test_every_published_robot_has_ranges_and_every_range_a_robot() -> None:
    """The table of robots and the file of ranges name the same robots."""
    assert {robot for _, robot in read_robots()} == PUBLISHED


def test_the_table_is_sound() -> None:
    """Names and tokens are unique and lower case, and each token is found through its stem."""
    tokens = [token for robot in ROBOTS for token in robot.tokens]
    assert len({robot.name for robot in ROBOTS}) == len(ROBOTS)
    assert len(set(tokens)) == len(tokens)
    assert all(token == token.lower() for token in tokens)
    assert sum(len(group) for group in tokens_by_stem().values()) == len(tokens)
    for robot in ROBOTS:
        for token in robot.tokens:
            assert claims(token) == robot.name


def test_user_agents_of_the_wild_claim_what_they_are() -> None:
    """Of all robots' user agents a public collection knows, none is taken for another robot than its pattern says."""
    for entry in crawleruseragents.CRAWLER_USER_AGENTS_DATA:
        for user_agent in entry["instances"]:
            claimed = claims(user_agent)
            if claimed == "googlebot":
                assert "google" in user_agent.lower()
            elif claimed == "bingbot":
                assert any(word in user_agent.lower() for word in ("bing", "msn", "adidx", "microsoft"))
