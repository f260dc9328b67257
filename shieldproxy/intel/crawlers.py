"""Robots that say who they are: whom to believe.

A name in the user agent costs nothing; only an address inside the ranges its operator publishes confirms it, or one
whose name lies in the operator's domain (see intel.witness), and only both together make a verified crawler. Pure
functions over one table.
"""

from __future__ import annotations

from typing import NamedTuple

from shieldproxy.core.facts import Crawler, NetworkLabel


class Robot(NamedTuple):
    """One robot. `tokens` are parts of its user agents, lower case; `published` says where its ranges are, if anywhere.

    `domains` are where the names of its addresses end, if its operator promises that they do. Robots without either
    are in the table so that their claim has a name; it can be neither confirmed nor refuted.
    """

    name: str
    kind: str  # search | ai | preview | seo | monitor | archive | ads
    tokens: tuple[str, ...]
    published: str = ""
    domains: tuple[str, ...] = ()


ROBOTS: tuple[Robot, ...] = (
    Robot(
        "google-special",
        "ads",
        ("adsbot-google", "mediapartners-google", "apis-google", "google-safety"),
        "developers.google.com/crawling/ipranges/special-crawlers.json",
        ("google.com",),
    ),
    Robot(
        "googlebot",
        "search",
        ("googlebot", "storebot-google", "google-inspectiontool", "googleother", "google-cloudvertexbot"),
        "developers.google.com/crawling/ipranges/common-crawlers.json",
        ("googlebot.com",),
    ),
    Robot(
        "bingbot",
        "search",
        ("bingbot", "adidxbot", "bingpreview", "microsoftpreview", "msnbot"),
        "bing.com/toolbox/bingbot.json",
        ("search.msn.com",),
    ),
    Robot("duckduckbot", "search", ("duckduckbot",), "duckduckgo.com/duckduckbot.json"),
    Robot("applebot", "search", ("applebot",), "search.developer.apple.com/applebot.json", ("applebot.apple.com",)),
    Robot(
        "yandexbot",
        "search",
        ("yandexbot", "yandeximages", "yandexmobilebot", "yandexaccessibilitybot", "yandexrenderresourcesbot"),
        "yandex.com/ips",
        ("yandex.ru", "yandex.net", "yandex.com"),
    ),
    Robot("kagibot", "search", ("kagibot",), "kagi.com/bot", ("kagibot.org",)),
    Robot(
        "facebook",
        "preview",
        ("facebookexternalhit", "facebookcatalog", "facebookbot", "meta-externalagent", "meta-externalfetcher"),
        "routes of AS32934",
    ),
    Robot("openai", "ai", ("gptbot", "oai-searchbot", "chatgpt-user"), "openai.com/gptbot.json and its sisters"),
    Robot("perplexity", "ai", ("perplexitybot", "perplexity-user"), "perplexity.ai/perplexitybot.json"),
    Robot(
        "ahrefsbot",
        "seo",
        ("ahrefsbot", "ahrefssiteaudit"),
        "api.ahrefs.com/v3/public/crawler-ips",
        ("ahrefs.com", "ahrefs.net"),
    ),
    Robot("semrushbot", "seo", ("semrushbot", "siteauditbot"), "routes of Semrush"),
    Robot("pingdom", "monitor", ("pingdom",), "my.pingdom.com/probes"),
    Robot("qwantbot", "search", ("qwantbot", "qwantify"), domains=("qwant.com",)),
    Robot("baiduspider", "search", ("baiduspider",), domains=("baidu.com", "baidu.jp")),
    Robot("seznambot", "search", ("seznambot",), domains=("seznam.cz",)),
    Robot("petalbot", "search", ("petalbot",), domains=("petalsearch.com", "aspiegel.com")),
    Robot("mojeekbot", "search", ("mojeekbot",), domains=("mojeek.com",)),
    Robot("amazonbot", "search", ("amazonbot",), domains=("crawl.amazonbot.amazon",)),
    Robot("internet-archive", "archive", ("archive.org_bot", "ia_archiver"), domains=("archive.org",)),
    Robot("commoncrawl", "archive", ("ccbot",), domains=("crawl.commoncrawl.org",)),
    Robot("claudebot", "ai", ("claudebot", "claude-searchbot", "claude-user")),
    Robot("bytespider", "ai", ("bytespider",)),
    Robot("twitterbot", "preview", ("twitterbot",)),
    Robot("linkedinbot", "preview", ("linkedinbot",), domains=("linkedin.com",)),
    Robot("slackbot", "preview", ("slackbot",)),
    Robot("telegrambot", "preview", ("telegrambot",)),
    Robot("discordbot", "preview", ("discordbot",)),
    Robot("mj12bot", "seo", ("mj12bot",)),
    Robot("dotbot", "seo", ("dotbot",)),
    Robot("uptimerobot", "monitor", ("uptimerobot",), domains=("uptimerobot.com",)),
)

PUBLISHED = frozenset(robot.name for robot in ROBOTS if robot.published)
DOMAINS = {robot.name: robot.domains for robot in ROBOTS if robot.domains}

# A robot says its name early; looking further only gives a hostile client time to spend.
_LOOKED_AT = 512

# Every token holds one of these. Browsers hold none, so most requests cost a dozen substring searches and no more.
_STEMS = (
    *("bot", "google", "external", "facebook", "yandex", "preview", "spider"),
    *("archive", "ahrefs", "qwant", "gpt", "perplexity", "claude", "pingdom"),
)


def tokens_by_stem() -> dict[str, list[tuple[str, str]]]:
    """Tokens and their robots in groups, each under the first stem it holds.

    Raises:
        LookupError: a token holds no stem, so it would never be looked for.
    """
    groups: dict[str, list[tuple[str, str]]] = {stem: [] for stem in _STEMS}
    for robot in ROBOTS:
        for token in robot.tokens:
            groups[next(iter(stem for stem in _STEMS if stem in token), token)].append((token, robot.name))
    return groups


_GROUPS = tuple(tokens_by_stem().items())


def claims(user_agent: str) -> str:
    """Return the robot a user agent claims to be, or "". One microsecond for a browser, ten at worst.

    A user agent that names two robots claims neither: the phones and computers of people who paste a link into iMessage
    call themselves "facebookexternalhit/1.1 Facebot Twitterbot/1.0".
    """
    text = user_agent[:_LOOKED_AT].lower()
    found = {robot for stem, group in _GROUPS if stem in text for token, robot in group if token in text}
    return found.pop() if len(found) == 1 else ""


def verified(label: NetworkLabel, user_agent: str) -> str:
    """Return the robot that is both claimed by the user agent and confirmed by the address, or ""."""
    # Nearly every request comes from no robot's range and is answered by this one comparison.
    if not label.crawler or claims(user_agent) != label.crawler:
        return ""
    return label.crawler


def impostor(label: NetworkLabel, user_agent: str) -> str:
    """Return the robot that the user agent claims to be and the address refutes, or "".

    Ranges grow, and ours may be old: this is a reason for suspicion, never alone for refusal.
    """
    claimed = claims(user_agent)
    return claimed if claimed in PUBLISHED and claimed != label.crawler else ""


def crawler(label: NetworkLabel, user_agent: str) -> Crawler:
    """Return what a judgement wants to know of a client: verified robot, impostor, or no robot we can tell."""
    claimed = claims(user_agent)
    if not claimed:
        return Crawler.NONE
    if claimed == label.crawler:
        return Crawler.VERIFIED
    return Crawler.IMPOSTOR if claimed in PUBLISHED else Crawler.NONE
