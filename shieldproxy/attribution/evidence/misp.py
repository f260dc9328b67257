"""MISP: the case as one event with an object ``ddos`` (template version 10) for each source."""

from __future__ import annotations

import uuid
from typing import Any

from shieldproxy.attribution.evidence import wording
from shieldproxy.attribution.evidence.case import Case, Source

TEMPLATE = "e2f124d6-f57c-4f93-99e6-8450545fa05d"
TEMPLATE_VERSION = "10"
# An event with more objects cannot be worked with; the CSV has all.
MOST_OBJECTS = 5_000
_NAMESPACE = uuid.UUID("4fc95565-14c3-5356-b615-0b09f9315b0e")
# Distribution 0: your organisation only. Whoever imports it decides whom to share it with.
_PRIVATE = "0"
_KINDS = {
    "ip-src": "ip-src",
    "src-port": "port",
    "ip-dst": "ip-dst",
    "dst-port": "port",
    "domain-dst": "domain",
    "first-seen": "datetime",
    "last-seen": "datetime",
    "protocol": "text",
    "type": "text",
    "text": "text",
    "capture-origin": "text",
}
_NETWORK = {"ip-src", "src-port", "ip-dst", "dst-port", "domain-dst"}


def event_of(case: Case) -> dict[str, Any]:
    """Return the event; the heaviest MOST_OBJECTS sources are in it."""
    sources = case.heaviest()
    left = len(sources) - MOST_OBJECTS
    note = f" The heaviest {MOST_OBJECTS} of {len(sources)} sources are here." if left > 0 else ""
    return {
        "Event": {
            "uuid": _uuid(case, "event"),
            "info": f"HTTP flood {case.key}: {case.requests} requests from {len(sources)} addresses.{note}",
            "date": case.since[:10],
            "threat_level_id": "3",
            "analysis": "2",
            "distribution": _PRIVATE,
            "Orgc": {"name": case.terms.organisation, "uuid": _uuid(case, "organisation")},
            "Tag": [{"name": f"tlp:{case.terms.tlp}"}, {"name": 'rsit:availability="ddos"'}],
            "Object": [_object(case, source) for source in sources[:MOST_OBJECTS]],
        }
    }


def _object(case: Case, source: Source) -> dict[str, Any]:
    address, port = case.target
    values: list[tuple[str, str]] = [("ip-src", source.address)]
    values += [("src-port", str(number)) for number in source.ports]
    values += [("ip-dst", address)] if address else []
    values += [("dst-port", str(port))] if port else []
    values += [
        ("first-seen", source.first),
        ("last-seen", source.last),
        ("protocol", "TCP"),
        ("type", "flooding-attack"),
        ("capture-origin", "Logs"),
        ("text", f"{source.count} requests; AS{source.asn} {source.as_name}; {wording.place_of(source)}"),
    ]
    return {
        "name": "ddos",
        "meta-category": "network",
        "template_uuid": TEMPLATE,
        "template_version": TEMPLATE_VERSION,
        "uuid": _uuid(case, source.address),
        "distribution": _PRIVATE,
        "Attribute": [_attribute(case, source, name, value) for name, value in values],
    }


def _attribute(case: Case, source: Source, name: str, value: str) -> dict[str, Any]:
    return {
        "uuid": _uuid(case, f"{source.address} {name} {value}"),
        "object_relation": name,
        "type": _KINDS[name],
        "category": "Network activity" if name in _NETWORK else "Other",
        "to_ids": name == "ip-src",
        "value": value,
    }


def _uuid(case: Case, name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, f"{case.key} {name}"))
