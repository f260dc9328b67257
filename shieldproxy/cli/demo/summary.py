"""The summary: the result in words, for the end of the demo and for report.txt."""

from __future__ import annotations

import textwrap
from typing import Any

WIDTH = 80
Result = dict[str, Any]


def summary(result: Result, command: str, known: frozenset[str]) -> str:
    """Return the result in at most 80 columns.

    ``command`` is how this program is called here, ``known`` the names of the commands it has.
    """
    parts = [_stopped(result), _hurt(result), _attackers(result), _places(result), _next(result, command, known)]
    return "\n\n".join(part for part in parts if part) + "\n"


def _stopped(result: Result) -> str:
    attack = result["attack"]
    first, after, plain = attack["first"], attack["after"], attack["plain_limit"]
    of = f"{attack['stopped']:,} of {attack['requests']:,} attack requests, {attack['stopped_percent']:.1f} %"
    lines = ["What was stopped", f"  {of}, did not reach the site"]
    if after["requests"]:
        lines.append(
            f"  in the first {first['seconds']:.0f} s of the flood {first['stopped_percent']:.1f} %, "
            f"after that {after['stopped_percent']:.1f} %"
        )
    limit = f"a limit of {plain['rate']:g} requests a second for each address"
    lines.append(f"  {limit} would have stopped {plain['stopped_percent']:.1f} %")
    lines += _wrapped(f"({attack['addresses_heard']} of {attack['addresses']} addresses; {attack['compressed']}.)")
    return "\n".join(lines)


def _hurt(result: Result) -> str:
    citizens = result["citizens"]
    lines = ["Who was hurt by mistake"]
    if citizens["hurt"]:
        lines.append(f"  {citizens['hurt']} of {citizens['people']} citizens:")
        for hurt in citizens["hurts"][:10]:
            lines += _wrapped(f"{hurt['who']} ({hurt['address']}): {hurt['how']}", "    ")
    else:
        lines.append(f"  nobody: all {citizens['people']} citizens got every page they asked for")
    if citizens["challenged"]:
        lines.append(
            f"  {citizens['challenged']} met the challenge, {citizens['passed']} of {citizens['challenges']} times it "
            f"was answered, in {citizens['longest_challenge_seconds']:.1f} s at most"
        )
    return "\n".join(lines)


def _attackers(result: Result) -> str:
    networks = result["attack"]["networks"]
    lines = ["Who attacked", f"  {'network':<45} {'kind':<8} {'share':>6} {'reached site':>13}"]
    for network in networks[:6]:
        mark = "*" if network["stand_in"] else ""
        name = f"AS{network['asn']} {network['name']}"
        name = (name if len(name) <= 44 else f"{name[:41]}...") + mark
        lines.append(
            f"  {name:<45} {network['network_class']:<8} {network['share_percent']:>4.1f} %"
            f" {network['reached_site']:>6} of {network['requests']}"
        )
    if len(networks) > 6:
        share = sum(network["share_percent"] for network in networks[6:])
        lines.append(f"  and {len(networks) - 6} more{'':<42} {share:>4.1f} %")
    lines += _wrapped(
        "All of it was played on this machine; nothing was sent to these networks or came from them. Networks with * "
        "stand in for those that the published figures do not name."
    )
    return "\n".join(lines)


def _places(result: Result) -> str:
    journal = result["journal"]
    sums = "as many as were sent" if journal["requests"] == journal["sent"] else f"{journal['sent']:,} were sent"
    return "\n".join(
        (
            "Where it is written",
            f"  report   {result['report']}",
            f"  journal  {journal['directory']} ({journal['requests']:,} requests, {sums})",
        )
    )


def _next(result: Result, command: str, known: frozenset[str]) -> str:
    config, ids = result["config"], result["ids"]
    lines = []
    if "logs" in known:
        lines.append(f"  {command} logs -c {config} --limit 20")
    if "explain" in known and ids["stopped"]:
        lines.append(f"  {command} explain -c {config} {ids['stopped']}")
    if "explain" in known and ids["citizen_challenged"]:
        lines.append(f"  {command} explain -c {config} {ids['citizen_challenged']}")
    if "report" in known:
        lines.append(f"  {command} report -c {config}")
    return "\n".join(["Look closer", *lines]) if lines else ""


def _wrapped(text: str, indent: str = "  ") -> list[str]:
    return textwrap.wrap(text, WIDTH, initial_indent=indent, subsequent_indent=indent)
