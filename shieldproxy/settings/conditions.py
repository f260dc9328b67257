"""Conditions: which requests a limit or a rule is about, read into what the judge asks."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shieldproxy.core.addresses import Network
from shieldproxy.core.facts import NETWORK_CLASSES, Crawler
from shieldproxy.core.rules import Condition, HeaderTest, Patterns, compile_globs
from shieldproxy.settings.endpoints import network
from shieldproxy.settings.positions import Trail
from shieldproxy.settings.tables import Desk, Part, UnreadableError, items, part
from shieldproxy.settings.values import Wrong, choice, describe, integer, member, text

TOKEN = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]{1,100}")
NEVER_PLAIN = re.compile(r"%[0-9A-Fa-f]{2}|//|/\.\.?(?:/|$)")
LARGEST_ASN = 2**32 - 1
COUNTRY = re.compile(r"[A-Za-z]{2}")
METHOD = re.compile(r"[A-Z][A-Z-]{0,31}")


def one_or_more(read: Callable[[Any], Any], what: str, *, least: int = 1) -> Part:
    """Return a part that takes one value or a list of them, and gives a sorted tuple: order never changes a policy."""
    several = items(read, least=least, what=what)

    def part_of(desk: Desk, value: object, trail: Trail) -> tuple[Any, ...]:
        found = several(desk, value, trail) if isinstance(value, list) else (read(value),)
        return tuple(sorted(found, key=str))

    return part_of


def group(read: Callable[[Any], Any], what: str) -> Part:
    """Return a part that takes one value or a list of them, and gives a set."""
    several = one_or_more(read, what)

    def part_of(desk: Desk, value: object, trail: Trail) -> frozenset[Any]:
        return frozenset(several(desk, value, trail))

    return part_of


def globs(read: Callable[[Any], str], *, ignore_case: bool = False, least: int = 1) -> Part:
    """Return a part that takes one pattern or a list of them, and compiles them into one (of none: None)."""
    several = one_or_more(read, "patterns", least=least)

    def part_of(desk: Desk, value: object, trail: Trail) -> Patterns | None:
        found = several(desk, value, trail)
        if not found:
            return None
        compiled = compile_globs(found, ignore_case=ignore_case)
        desk.globs[compiled] = found
        return compiled

    return part_of


def glob(value: object) -> str:
    """Return a pattern of ``*``, ``?`` and ``[...]``."""
    found = text(300, what="a pattern with * and ?")(value)
    if not found:
        raise Wrong('"" matches nothing; allowed: a pattern with * and ?')
    return found


def path_glob(value: object) -> str:
    """Return a pattern for paths; one that could never match where a path leads (core.paths) is a fault."""
    found = glob(value)
    if not found.startswith(("/", "*", "?", "[")):
        raise Wrong(f"{describe(value)} never matches a path; allowed: a pattern that starts with / or *")
    if NEVER_PLAIN.search(found):
        raise Wrong(
            f"{describe(value)} never matches, for paths are compared with %C3%BC read as ü, // as /, /../ followed; "
            "allowed: the path as it reads"
        )
    return found


def host_glob(value: object) -> str:
    """Return a pattern for host names, lower-case."""
    return glob(value).lower()


def asn(value: object) -> int:
    """Return the number of an autonomous system."""
    return integer(1, LARGEST_ASN)(value)


def country(value: object) -> str:
    """Return a country by its two letters (ISO 3166-1), in capitals."""
    if not isinstance(value, str) or not COUNTRY.fullmatch(value):
        raise Wrong(f'{describe(value)} is not allowed; allowed: the two letters of a country, such as "CH"')
    return value.upper()


def method(value: object) -> str:
    """Return a method of HTTP."""
    if not isinstance(value, str) or not METHOD.fullmatch(value):
        raise Wrong(f'{describe(value)} is not allowed; allowed: a method in capitals, such as "GET"')
    return value


def headers(desk: Desk, value: object, trail: Trail) -> tuple[HeaderTest, ...]:
    """Return tests on headers: true for present, false for absent, a pattern for the value."""
    tests: list[HeaderTest] = []
    pattern = globs(glob, ignore_case=True)
    for name, wanted in desk.table(value, trail).items():
        here = (*trail, name)
        if not TOKEN.fullmatch(name.lower()):
            desk.note(here, f"{describe(name)} is no name of a header; allowed: letters, digits and dashes")
        elif isinstance(wanted, bool):
            tests.append(HeaderTest(name.lower().encode(), wanted))
        elif isinstance(wanted, str | list):
            try:
                tests.append(HeaderTest(name.lower().encode(), True, desk.guarded(pattern, wanted, here)))
            except UnreadableError:
                continue
        else:
            desk.note(here, f"{describe(wanted)} is not allowed; allowed: true (present), false (absent) or a pattern")
    if len({test.name for test in tests}) < len(tests):
        desk.note(trail, "one header is named twice; allowed: each header once, in small or capital letters")
    return tuple(sorted(tests, key=lambda test: test.name))


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What limits and rules can ask alike; all parts given must hold, within a part one value suffices."""

    asn: frozenset[int] = part(frozenset(), group(asn, "ASNs"))
    country: frozenset[str] = part(frozenset(), group(country, "countries"))
    network: tuple[Network, ...] = part((), one_or_more(network, "networks"))
    network_class: frozenset[str] = part(frozenset(), group(choice(*NETWORK_CLASSES), "classes"))
    path: Patterns | None = part(None, globs(path_glob))
    host: Patterns | None = part(None, globs(host_glob, ignore_case=True))
    user_agent: Patterns | None = part(None, globs(glob, ignore_case=True))
    header: tuple[HeaderTest, ...] = part((), headers)
    crawler: frozenset[Crawler] = part(frozenset(), group(member(Crawler), "words"))


@dataclass(frozen=True, kw_only=True)
class Match(Asked):
    """Which requests a limit counts."""

    methods: frozenset[str] = part(frozenset(), group(method, "methods"))


@dataclass(frozen=True, kw_only=True)
class When(Asked):
    """Which requests a rule is about."""

    method: frozenset[str] = part(frozenset(), group(method, "methods"))


def match(desk: Desk, value: object, trail: Trail) -> Condition:
    """Return the condition of a limit."""
    found = dict(vars(desk.read(Match, value, trail)))
    return Condition(method=found.pop("methods"), **found)


def when(desk: Desk, value: object, trail: Trail) -> Condition:
    """Return the condition of a rule; one that asks nothing would be about everybody and is a fault."""
    found = Condition(**vars(desk.read(When, value, trail)))
    if found == Condition() and desk.sound(trail):
        raise Wrong('asks nothing; allowed: at least one key, or { path = "*" } to mean every request')
    return found
