"""Browsers and other programs as they introduce themselves: heads of real families, in their own order."""

from __future__ import annotations

from typing import NamedTuple

from shieldproxy.cli.demo.wire import Field

PAGE = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
CHROME_PAGE = (
    "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,image/apng,*/*;q=0.8,"
    "application/signed-exchange;v=b3;q=0.7"
)
ACCEPTED = {"style": "text/css,*/*;q=0.1", "script": "*/*", "image": "image/avif,image/webp,image/*,*/*;q=0.8"}


class Program(NamedTuple):
    """A program that asks for pages. ``hints`` are its client hints, ``metadata`` whether it sends Sec-Fetch-*."""

    name: str
    agent: str
    accept: str = PAGE
    encoding: str = "gzip, deflate, br, zstd"
    hints: tuple[Field, ...] = ()
    metadata: bool = True


def _hints(brand: str, version: int, platform: str, *, mobile: bool = False) -> tuple[Field, ...]:
    return (
        ("sec-ch-ua", f'"Chromium";v="{version}", "{brand}";v="{version}", "Not_A Brand";v="24"'),
        ("sec-ch-ua-mobile", "?1" if mobile else "?0"),
        ("sec-ch-ua-platform", f'"{platform}"'),
    )


_KIT = "AppleWebKit/537.36 (KHTML, like Gecko)"

FIREFOX = Program("Firefox", "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:144.0) Gecko/20100101 Firefox/144.0")
FIREFOX_LINUX = Program("Firefox", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
CHROME = Program(
    "Chrome",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_KIT} Chrome/142.0.0.0 Safari/537.36",
    CHROME_PAGE,
    hints=_hints("Google Chrome", 142, "Windows"),
)
CHROME_PHONE = Program(
    "Chrome on a phone",
    f"Mozilla/5.0 (Linux; Android 10; K) {_KIT} Chrome/142.0.0.0 Mobile Safari/537.36",
    CHROME_PAGE,
    hints=_hints("Google Chrome", 142, "Android", mobile=True),
)
EDGE = Program(
    "Edge",
    f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {_KIT} Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
    CHROME_PAGE,
    hints=_hints("Microsoft Edge", 142, "Windows"),
)
SAFARI = Program(
    "Safari",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 "
    "Safari/605.1.15",
    encoding="gzip, deflate, br",
)
IPHONE = Program(
    "Safari on a phone",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.6 "
    "Mobile/15E148 Safari/604.1",
    encoding="gzip, deflate, br",
)
OLD_IPAD = Program(
    "an old Safari",
    "Mozilla/5.0 (iPad; CPU OS 12_5_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/12.1.2 "
    "Mobile/15E148 Safari/604.1",
    encoding="gzip, deflate",
    metadata=False,
)
W3M = Program("a text browser", "w3m/0.5.3+git20230121", "text/html, text/*;q=0.5, image/*", "gzip", metadata=False)
FEED_READER = Program("a feed reader", "Miniflux/2.2.9", "application/atom+xml, application/rss+xml;q=0.9, */*;q=0.8")
APP = Program("the town's app", "BeispielhausenApp/3.2 okhttp/4.12.0", "application/json", "gzip")
GOOGLEBOT = Program(
    "Googlebot",
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    encoding="gzip, deflate, br",
    metadata=False,
)

# What the botnet calls itself: all of these are what people use.
WORN = (FIREFOX, FIREFOX_LINUX, CHROME, CHROME_PHONE, EDGE, SAFARI, IPHONE)


def page_fields(program: Program, language: str, *, cookie: str = "", inside: bool = False) -> list[Field]:
    """Return the head of a navigation; ``inside`` when a link of the same site was followed."""
    fields = [*program.hints, ("User-Agent", program.agent), ("Accept", program.accept)]
    fields += _common(program, language, cookie)
    if program.metadata:
        fields += [("Upgrade-Insecure-Requests", "1")]
        fields += _metadata("document", "navigate", "same-origin" if inside else "none")
        fields += [("Sec-Fetch-User", "?1")]
    return fields


def part_fields(program: Program, language: str, kind: str, *, cookie: str = "") -> list[Field]:
    """Return the head for a part of a page; ``kind`` is style, script or image."""
    fields = [*program.hints, ("User-Agent", program.agent), ("Accept", ACCEPTED[kind])]
    fields += _common(program, language, cookie)
    return fields + (_metadata(kind, "no-cors", "same-origin") if program.metadata else [])


def script_fields(program: Program, language: str, *, cookie: str = "") -> list[Field]:
    """Return the head of a request that a page's own script makes."""
    fields = [*program.hints, ("User-Agent", program.agent), ("Accept", "application/json")]
    fields += _common(program, language, cookie)
    return fields + (_metadata("empty", "cors", "same-origin") if program.metadata else [])


def plain_fields(program: Program) -> list[Field]:
    """Return the head of a program that is no browser."""
    return [("User-Agent", program.agent), ("Accept", program.accept), ("Accept-Encoding", program.encoding)]


def _common(program: Program, language: str, cookie: str) -> list[Field]:
    fields = [("Accept-Language", language), ("Accept-Encoding", program.encoding)]
    return fields + ([("Cookie", cookie)] if cookie else [])


def _metadata(destination: str, mode: str, site: str) -> list[Field]:
    return [("Sec-Fetch-Dest", destination), ("Sec-Fetch-Mode", mode), ("Sec-Fetch-Site", site)]
