"""Asking: the options by which records are chosen, and the filter they make."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar

import click

from shieldproxy.core.facts import NETWORK_CLASSES
from shieldproxy.core.record import rfc3339
from shieldproxy.core.verdict import ACTIONS
from shieldproxy.journal.filters import (
    NOT_ADMITTED,
    Filter,
    parse_actions,
    parse_asn,
    parse_client,
    parse_country,
    parse_network,
)
from shieldproxy.journal.moments import ALLOWED, parse_moment

Command = TypeVar("Command", bound=Callable[..., Any])


class Parsed(click.ParamType[Any]):
    """An option whose text a function reads; the ValueError it raises is what the user sees."""

    def __init__(self, name: str, parse: Callable[[str], Any]) -> None:
        self.name = name
        self._parse = parse

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return what ``value`` means; fails with what is allowed."""
        if not isinstance(value, str):
            return value
        try:
            return self._parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


def _since(text: str) -> str:
    return rfc3339(parse_moment(text, time.time()))


def _until(text: str) -> str:
    return rfc3339(parse_moment(text, time.time(), end=True))


def _network(text: str) -> Any:
    word = text.strip().lower()
    return word if word in NETWORK_CLASSES else parse_network(text)


def span_options(command: Command) -> Command:
    """Add ``--since`` and ``--until``, each as a ts or None."""
    for name, parse, what in (
        ("--until", _until, "Up to this moment; a day counts to its end."),
        ("--since", _since, "From this moment on: 2h, 3d, 2026-11-24, 10:15."),
    ):
        command = click.option(name, type=Parsed("TIME", parse), metavar="TIME", help=what)(command)
    return command


def filter_options(command: Command) -> Command:
    """Add the options that choose records; all may be given several times. Hand them to ``filter_of``."""
    for name, kind, metavar, what in reversed(
        (
            ("--action", str, "ACTION", f"any, {', '.join(ACTIONS)}; default: all but admit."),
            ("--client", Parsed("CLIENT", parse_client), "CLIENT", "Address or network in CIDR notation."),
            ("--network", Parsed("NETWORK", _network), "NETWORK", f"CIDR, or a class: {', '.join(NETWORK_CLASSES)}."),
            ("--asn", Parsed("ASN", parse_asn), "ASN", "Autonomous system, such as 64500."),
            ("--country", Parsed("COUNTRY", parse_country), "CC", "Two letters, such as CH."),
            ("--path", str, "GLOB", "Path; * stands for anything, also slashes."),
            ("--rule", str, "GLOB", "Limit, rule or stage that decided, or a reason."),
            ("--host", str, "GLOB", "Name of the site."),
            ("--ja4", str, "GLOB", "Fingerprint of the client's TLS; * stands for anything."),
            ("--episode", str, "ID", "Attack episode."),
        )
    ):
        command = click.option(name, type=kind, multiple=True, metavar=metavar, help=what)(command)
    return command


def filter_of(asked: dict[str, Any], default_actions: frozenset[str] = NOT_ADMITTED) -> Filter:
    """Return the filter of what ``span_options`` and ``filter_options`` took in; raises click.BadParameter."""
    try:
        actions = parse_actions(asked["action"]) if asked["action"] else default_actions
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="--action") from error
    networks = [found for found in asked["network"] if not isinstance(found, str)]
    found = Filter(
        since=asked["since"] or "",
        until=asked["until"] or "",
        actions=actions,
        clients=tuple(network for found in asked["client"] for network in found),
        networks=tuple(network for found in networks for network in found),
        classes=frozenset(found for found in asked["network"] if isinstance(found, str)),
        asns=frozenset(asked["asn"]),
        countries=frozenset(asked["country"]),
        paths=asked["path"],
        rules=asked["rule"],
        hosts=asked["host"],
        ja4s=asked["ja4"],
        episodes=frozenset(asked["episode"]),
    )
    if found.since and found.until and found.since > found.until:
        raise click.BadParameter(f"{found.since} is after {found.until}; {ALLOWED}", param_hint="--since")
    return found
