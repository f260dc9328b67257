"""Filters: which records somebody asks for, as one frozen value."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import orjson

from shieldproxy.core.addresses import Address, Network, client_key, network_key, parse_address
from shieldproxy.core.facts import NETWORK_CLASSES
from shieldproxy.core.rules import compile_globs
from shieldproxy.core.verdict import ACTIONS

ADMIT = "admit"
NOT_ADMITTED = frozenset(ACTIONS) - {ADMIT}

_T = TypeVar("_T")


@dataclass(frozen=True)
class Filter:
    """What a record must be. Parts that are empty ask nothing; within a part one of the values suffices.

    ``since`` and ``until`` are ts as records write them, both included. ``clients`` and ``networks`` hold the
    address or the client key; ``classes`` are network classes; ``paths``, ``rules``, ``hosts`` and ``ja4s`` are
    globs (``*`` crosses slashes), hosts in any case.
    """

    since: str = ""
    until: str = ""
    actions: frozenset[str] = frozenset()
    clients: tuple[Network, ...] = ()
    networks: tuple[Network, ...] = ()
    classes: frozenset[str] = frozenset()
    asns: frozenset[int] = frozenset()
    countries: frozenset[str] = frozenset()
    paths: tuple[str, ...] = ()
    rules: tuple[str, ...] = ()
    hosts: tuple[str, ...] = ()
    ja4s: tuple[str, ...] = ()
    episodes: frozenset[str] = frozenset()

    def holds(self, record: Mapping[str, Any]) -> bool:
        """Tell whether ``record`` (a journal line read as JSON) is asked for.

        Raises KeyError, TypeError or ValueError when it is no decision record.
        """
        return (
            (not self.since or record["ts"] >= self.since)
            and (not self.until or record["ts"] <= self.until)
            and (not self.actions or record["action"] in self.actions)
            and (not self.asns or record["asn"] in self.asns)
            and (not self.countries or record["country"] in self.countries)
            and (not self.classes or record["network_class"] in self.classes)
            and (not self.episodes or record["episode"] in self.episodes)
            and (not self.paths or self._path.match(record["path"]) is not None)
            and (not self.hosts or self._host.match(record["host"]) is not None)
            and (not self.ja4s or self._ja4.match(record["ja4"]) is not None)
            and (not self.rules or self._names_rule(record))
            and (not self.clients or _lies_within(record, self.clients))
            and (not self.networks or _lies_within(record, self.networks))
        )

    @cached_property
    def needles(self) -> tuple[bytes, ...]:
        """What each line that is asked for has in it, so that most others are passed over unread.

        A client cannot forge a needle: quotes inside JSON text are escaped.
        """
        found = [needle_of("episode", value) for value in _single(self.episodes)]
        found += [needle_of("country", value) for value in _single(self.countries)]
        found += [needle_of("network_class", value) for value in _single(self.classes)]
        found += [needle_of("action", value) for value in _single(self.actions)]
        found += [b'"asn":%d,' % value for value in _single(self.asns)]
        if len(self.clients) == 1 and self.clients[0].version == 4 and self.clients[0].prefixlen == 32:
            found.append(f'"{self.clients[0].network_address}"'.encode())
        return tuple(found)

    @cached_property
    def unwanted(self) -> bytes:
        """What no line that is asked for has in it; b'' when nothing is known."""
        return needle_of("action", ADMIT) if self.actions and ADMIT not in self.actions else b""

    @cached_property
    def _path(self) -> re.Pattern[str]:
        return compile_globs(self.paths)

    @cached_property
    def _host(self) -> re.Pattern[str]:
        return compile_globs(self.hosts, ignore_case=True)

    @cached_property
    def _ja4(self) -> re.Pattern[str]:
        return compile_globs(self.ja4s)

    @cached_property
    def _rule(self) -> re.Pattern[str]:
        return compile_globs(self.rules)

    def _names_rule(self, record: Mapping[str, Any]) -> bool:
        return any(self._rule.match(name) for name in (record["rule"], record["stage"], *record["reasons"]))


def parse_client(text: str) -> tuple[Network, ...]:
    """Return whom ``text`` (an address, a client key or a CIDR) means: of an IPv6 address the /64 that is its client.

    Raises ValueError naming what is allowed.
    """
    network = _cidr(text)
    if network is not None:
        return (network,)
    address = _address(text, "an address (203.0.113.7, 2001:db8::1) or a network (203.0.113.0/24)")
    return (ipaddress.ip_network(client_key(address)),)


def parse_network(text: str) -> tuple[Network, ...]:
    """Return the network ``text`` means: a CIDR, or of an address its neighbourhood (/24 or /48); raises ValueError."""
    network = _cidr(text)
    if network is not None:
        return (network,)
    classes = ", ".join(NETWORK_CLASSES)
    address = _address(text, f"a network (203.0.113.0/24), an address, or a class of networks ({classes})")
    return (ipaddress.ip_network(network_key(address)),)


def parse_asn(text: str) -> int:
    """Return the number of ``AS64500`` or ``64500``; raises ValueError naming what is allowed."""
    match = re.fullmatch(r"(?:AS)?(\d{1,10})", text.strip(), re.IGNORECASE | re.ASCII)
    if match is None or int(match[1]) >= 1 << 32:
        raise ValueError(f"{text!r} is no ASN; allowed: a number such as 64500 or AS64500")
    return int(match[1])


def parse_country(text: str) -> str:
    """Return the country code in capitals; raises ValueError naming what is allowed."""
    code = text.strip().upper()
    if re.fullmatch(r"[A-Z]{2}", code) is None:
        raise ValueError(f"{text!r} is no country; allowed: two letters such as CH (ISO 3166-1)")
    return code


def parse_actions(words: Iterable[str]) -> frozenset[str]:
    """Return the actions of ``words`` (each may list several with commas); ``any`` is no condition.

    Raises ValueError naming what is allowed.
    """
    found: set[str] = set()
    for word in ",".join(words).lower().split(","):
        if word.strip() == "any":
            return frozenset()
        if word.strip() not in ACTIONS:
            raise ValueError(f"{word!r} is no action; allowed: any, {', '.join(ACTIONS)}")
        found.add(word.strip())
    return frozenset(found)


def _cidr(text: str) -> Network | None:
    if "/" not in text:
        return None
    try:
        return ipaddress.ip_network(text.strip(), strict=False)
    except ValueError:
        return None


def _address(text: str, allowed: str) -> Address:
    address = parse_address(text)
    if address is None:
        raise ValueError(f"{text!r} is neither; allowed: {allowed}")
    return address


def _lies_within(record: Mapping[str, Any], networks: tuple[Network, ...]) -> bool:
    # The client key first: behind a forwarder the two may differ, and people ask for the client.
    for text in (record["client"].partition("/")[0], record["src_ip"]):
        address = parse_address(text)
        if address is not None and any(address in network for network in networks):
            return True
    return False


def _single(values: frozenset[_T]) -> tuple[_T, ...]:
    return tuple(values) if len(values) == 1 else ()


def needle_of(field: str, value: str) -> bytes:
    """Return the bytes that stand in the line of every record whose ``field`` is ``value``."""
    return b'"%s":%s' % (field.encode(), orjson.dumps(value.encode("utf-8", "backslashreplace").decode()))
