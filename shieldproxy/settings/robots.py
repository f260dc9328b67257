"""Robots: how search engines and their like are confirmed, and where their published ranges are fetched."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass

from shieldproxy.settings.positions import Trail
from shieldproxy.settings.tables import Desk, UnreadableError, items, part, setting
from shieldproxy.settings.values import Wrong, describe, duration, flag, text

DNS_PORT = 53
NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,63}")
ADDRESS = re.compile(r"https?://[A-Za-z0-9.\-\[\]:]+(?:/[!-~]*)?")
# Robots in one table: far more than there are whose operators publish ranges.
MOST_ROBOTS = 100

# robot -> addresses of its files, in the order of names
Ranges = tuple[tuple[str, tuple[str, ...]], ...]

# What operators publish, as their own documentation names it.
PUBLISHED: Mapping[str, tuple[str, ...]] = {
    "applebot": ("https://search.developer.apple.com/applebot.json",),
    "bingbot": ("https://www.bing.com/toolbox/bingbot.json",),
    "duckduckbot": ("https://duckduckgo.com/duckduckbot.json",),
    "google-special": ("https://developers.google.com/static/crawling/ipranges/special-crawlers.json",),
    "googlebot": ("https://developers.google.com/static/crawling/ipranges/common-crawlers.json",),
    "openai": (
        "https://openai.com/gptbot.json",
        "https://openai.com/searchbot.json",
        "https://openai.com/chatgpt-user.json",
    ),
    "perplexity": (
        "https://www.perplexity.com/perplexitybot.json",
        "https://www.perplexity.com/perplexity-user.json",
    ),
    "pingdom": ("https://my.pingdom.com/probes/ipv4", "https://my.pingdom.com/probes/ipv6"),
}


def nameserver(value: object) -> tuple[str, int]:
    """Return address and port of a name server, written ``192.0.2.53`` or ``[2001:db8::53]:5353``."""
    allowed = 'allowed: an address such as "192.0.2.53", "192.0.2.53:5353" or "[2001:db8::53]:5353"'
    if not isinstance(value, str):
        raise Wrong(f"{describe(value)} is no name server; {allowed}")
    host, port = value, DNS_PORT
    found = re.fullmatch(r"(?:\[([0-9a-fA-F:.]+)\]|([0-9.]+)):([0-9]{1,5})", value)
    if found:
        host, port = found[1] or found[2], int(found[3])
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        raise Wrong(f"{describe(value)} is no name server; {allowed}") from None
    if not 0 < port < 65_536:
        raise Wrong(f"{describe(value)} has no port from 1 to 65535; {allowed}")
    return str(address), port


def source(value: object) -> str:
    """Return the address of a published file."""
    found = text(500, what="an address")(value)
    if ADDRESS.fullmatch(found) is None:
        raise Wrong(f'{describe(value)} is no address of a file; allowed: "https://..." (or "http://...")')
    return found


def ranges(desk: Desk, value: object, trail: Trail) -> Ranges:
    """Return the addresses of published files by robot; a table replaces the built-in one as a whole."""
    table = desk.table(value, trail)
    if len(table) > MOST_ROBOTS:
        raise Wrong(f"a table of {len(table)} is not allowed; allowed: up to {MOST_ROBOTS} robots")
    found: dict[str, tuple[str, ...]] = {}
    read = items(source, most=10, what="addresses")
    for robot, files in table.items():
        here = (*trail, robot)
        if NAME.fullmatch(robot) is None:
            desk.note(here, f"{describe(robot)} is no name of a robot; allowed: small letters, digits and -")
            continue
        try:
            found[robot] = desk.guarded(read, files, here)
        except UnreadableError:
            continue
    return tuple(sorted(found.items()))


@dataclass(frozen=True, kw_only=True)
class Robots:
    """Whether names of addresses are asked for, whom, and where ranges are published."""

    reverse_dns: bool = setting(True, flag)
    nameservers: tuple[tuple[str, int], ...] = part((), items(nameserver, most=8, what="name servers"))
    fetch_timeout: float = setting(20.0, duration("1s", "5m"))
    ranges: Ranges = part(tuple(sorted(PUBLISHED.items())), ranges)
