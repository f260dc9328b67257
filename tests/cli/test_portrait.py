"""Portraits: what is known, in words that claim no more."""

from __future__ import annotations

from typing import Any

from shieldproxy.cli.counting import Counts
from shieldproxy.cli.portrait import asn_portrait, key_portrait, moment

NOTHING = {"since": "2026-11-23T10:00:00.000000Z"} | Counts().fields(3)


def found(**fields: Any) -> dict[str, Any]:
    return {
        "key": "192.0.2.7",
        "address": "192.0.2.7",
        "asn": 64500,
        "as_name": "EXAMPLE",
        "network": "192.0.2.0/24",
        "network_class": "hosting",
        "country": "CH",
        "country_name": "Switzerland",
        "crawler": "",
        "reserved_for": "",
        "databases": ["asn database X"],
        "standing": {"bans": [], "allowances": [], "exempt": False},
        "journal": NOTHING,
    } | fields


def text(**fields: Any) -> str:
    return "\n".join(f"{name}: {value}" for name, value in key_portrait(found(**fields)))


def test_whose_it_is_and_not_who_uses_it() -> None:
    """A portrait names network, class and country, and says that a country is no person."""
    told = text()
    assert "network: AS64500 EXAMPLE, hosting, within 192.0.2.0/24" in told
    assert "country: CH Switzerland (where the address is registered or located, not who uses it)" in told
    assert "banned: no" in told
    assert "journal: nothing since 2026-11-23 10:00:00 UTC" in told


def test_what_is_not_known_is_said() -> None:
    """Unknown network, unknown country and a node that was not reached are said, not left out."""
    told = text(asn=0, country="", standing=None)
    assert "network: in no ASN database of this node" in told
    assert "country: unknown" in told
    assert "banned: not known" in told


def test_reserved_addresses_have_no_network() -> None:
    """A private address is said to be one."""
    told = text(reserved_for="private")
    assert "reserved: private: belongs to no network of the Internet" in told
    assert "country" not in told


def test_standing_and_robots() -> None:
    """Bans around the key, allowances, exemption and a robot's published range are named."""
    standing = {
        "bans": [{"key": "192.0.2.0/24", "remaining": 90.0, "cause": "flood", "by": "ladder"}],
        "allowances": [{"key": "192.0.2.7", "remaining": 60.0, "why": ""}],
        "exempt": True,
    }
    told = text(standing=standing, crawler="googlebot", key="192.0.2.0/28", address="192.0.2.0")
    assert "banned: 192.0.2.0/24 for another 1m 30s (ladder): flood" in told
    assert "allowed: 192.0.2.7 for another 1m: no reason given" in told
    assert "exempt: yes, in exempt.clients" in told
    assert "robot: the range is published by googlebot" in told
    assert "address: 192.0.2.0 (of 192.0.2.0/28, whose first address is described)" in told


def test_an_autonomous_system() -> None:
    """Name, class, counts and the heaviest clients of an ASN stand in its portrait."""
    journal = NOTHING | {
        "requests": 1_500,
        "actions": {"drop": 500, "admit": 1_000},
        "first": "2026-11-24T10:00:00.000000Z",
        "last": "2026-11-24T11:00:00.000000Z",
        "clients": {"192.0.2.7": 1_400},
        "countries": {"": 3},
    }
    lines = dict(asn_portrait({"asn": 64500, "name": "", "network_class": "vpn", "journal": journal}))
    assert lines["network"] == "AS64500 (in no database of this node)"
    assert lines["journal"] == "1,500 requests since 2026-11-23 10:00:00 UTC: admit 1,000, drop 500"
    assert lines["clients"].split() == ["1,400", "192.0.2.7"]
    assert lines["countries"].split() == ["3", "unknown"]
    assert moment("2026-11-24T11:00:00.123456Z") == "2026-11-24 11:00:00 UTC"
