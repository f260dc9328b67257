from __future__ import annotations

import json
from pathlib import Path

import pytest

from shieldproxy.attribution.evidence import misp
from shieldproxy.attribution.evidence.misp import event_of
from tests.fakes.evidence import filled_case

TEMPLATE = Path(__file__).parents[2] / "data" / "misp" / "ddos-object.json"


def test_objects_are_as_the_template_says() -> None:
    """Relations, types, the version and what is required, by MISP's own definition of ``ddos``."""
    template = json.loads(TEMPLATE.read_text())
    event = event_of(filled_case())["Event"]
    assert len(event["Object"]) == 10
    for found in event["Object"]:
        assert (found["name"], found["template_uuid"]) == (template["name"], template["uuid"])
        assert found["template_version"] == str(template["version"])
        relations = {attribute["object_relation"] for attribute in found["Attribute"]}
        assert relations & set(template["requiredOneOf"])
        for attribute in found["Attribute"]:
            rule = template["attributes"][attribute["object_relation"]]
            assert attribute["type"] == rule["misp-attribute"]
            assert attribute["category"] in rule.get("categories", ["Other"])


def test_sources_come_with_port_and_honest_words() -> None:
    """The country is what a database of a date says; the event is private until somebody shares it."""
    event = event_of(filled_case())["Event"]
    values = {attribute["object_relation"]: attribute["value"] for attribute in event["Object"][0]["Attribute"]}
    assert (values["ip-src"], values["src-port"], values["dst-port"]) == ("203.0.113.9", "40009", "443")
    assert "database country of 2026-06-25 places it in CH" in values["text"]
    assert event["distribution"] == "0"
    assert {"name": "tlp:amber"} in event["Tag"]


def test_an_event_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """And says that there are more sources."""
    monkeypatch.setattr(misp, "MOST_OBJECTS", 4)
    event = event_of(filled_case())["Event"]
    assert len(event["Object"]) == 4
    assert "heaviest 4 of 10" in event["info"]
