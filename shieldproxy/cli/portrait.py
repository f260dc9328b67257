"""Portraits: what is known of an address or an autonomous system, as lines of (name, text) for people."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from shieldproxy.cli.spans import written_count, written_span
from shieldproxy.core.verdict import ACTIONS

Lines = list[tuple[str, str]]


def key_portrait(found: Mapping[str, Any]) -> Lines:
    """Return the portrait of an address or network."""
    portrait: Lines = [("address", _address(found))]
    if found["reserved_for"]:
        portrait.append(("reserved", f"{found['reserved_for']}: belongs to no network of the Internet"))
    else:
        portrait += [("network", _network(found)), ("country", _country(found))]
    if found["crawler"]:
        portrait.append(("robot", f"the range is published by {found['crawler']}"))
    portrait += _standing(found["standing"])
    portrait += _journal(found["journal"], ("paths",))
    return [*portrait, *(("database", text) for text in found["databases"])]


def asn_portrait(found: Mapping[str, Any]) -> Lines:
    """Return the portrait of an autonomous system."""
    return [
        ("network", f"AS{found['asn']} {found['name'] or '(in no database of this node)'}"),
        ("class", found["network_class"]),
        *_journal(found["journal"], ("clients", "paths", "countries")),
    ]


def _address(found: Mapping[str, Any]) -> str:
    if found["key"] == found["address"]:
        return str(found["address"])
    return f"{found['address']} (of {found['key']}, whose first address is described)"


def _network(found: Mapping[str, Any]) -> str:
    if not found["asn"]:
        return "in no ASN database of this node"
    within = f", within {found['network']}" if found["network"] else ""
    return f"AS{found['asn']} {found['as_name']}, {found['network_class']}{within}"


def _country(found: Mapping[str, Any]) -> str:
    if not found["country"]:
        return "unknown"
    # Egress is not origin: a database tells where an address is registered or seen, never who sits behind it.
    name = f" {found['country_name']}" if found["country_name"] else ""
    return f"{found['country']}{name} (where the address is registered or located, not who uses it)"


def _standing(standing: Mapping[str, Any] | None) -> Lines:
    if standing is None:
        return [("banned", "not known: the running node was not reached")]
    lines: Lines = [
        ("banned", f"{ban['key']} for another {written_span(ban['remaining'])} ({ban['by']}): {ban['cause']}")
        for ban in standing["bans"]
    ]
    lines = lines or [("banned", "no")]
    lines += [
        (
            "allowed",
            f"{entry['key']} for another {written_span(entry['remaining'])}: {entry['why'] or 'no reason given'}",
        )
        for entry in standing["allowances"]
    ]
    if standing["exempt"]:
        lines.append(("exempt", "yes, in exempt.clients"))
    return lines


def _journal(journal: Mapping[str, Any], kinds: Iterable[str]) -> Lines:
    if not journal["requests"]:
        return [("journal", f"nothing since {moment(journal['since'])}")]
    actions = journal["actions"]
    parts = ", ".join(f"{action} {written_count(actions[action])}" for action in ACTIONS if actions.get(action))
    lines: Lines = [
        ("journal", f"{written_count(journal['requests'])} requests since {moment(journal['since'])}: {parts}"),
        ("seen", f"first {moment(journal['first'])}, last {moment(journal['last'])}"),
    ]
    for kind in kinds:
        lines += [(kind, f"{written_count(count):>9}  {key or 'unknown'}") for key, count in journal[kind].items()]
    return lines


def moment(ts: str) -> str:
    """Return a moment of a record as people read it: UTC, to the second."""
    return f"{ts[:19].replace('T', ' ')} UTC"
