"""Protection: the limits and rules that hold for a site nobody tuned, as config.toml would write them.

A file that has a ``[limits]`` table or ``[[rules]]`` of its own replaces the one or the other as a whole, so that
what a reader deletes from the file is gone. The repository's config.toml explains each of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LIMITS: Mapping[str, Mapping[str, Any]] = {
    "client": {"scope": "client", "rate": 10, "burst": 50, "action": "throttle"},
    "clearance": {"scope": "clearance", "rate": 20, "burst": 100, "action": "throttle"},
    "network": {"scope": "network", "rate": 15, "burst": 150, "action": "challenge"},
    "asn": {"scope": "asn", "rate": 5, "burst": 60, "action": "challenge", "during": "excess"},
    "robots": {"scope": "client", "rate": 5, "burst": 100, "action": "throttle", "match": {"crawler": "verified"}},
}

RULES: tuple[Mapping[str, Any], ...] = (
    {
        "name": "impostor-crawler",
        "when": {"crawler": "impostor"},
        "weight": 100,
        "why": "says it is a search engine, but its address is not one of theirs",
    },
    {
        "name": "no-user-agent",
        "when": {"header": {"user-agent": False}},
        "weight": 60,
        "why": "does not say what program it is, which every browser does",
    },
    {
        "name": "no-accept-language",
        "when": {"header": {"accept-language": False}},
        "weight": 40,
        "why": "asks for no language, which every browser does",
    },
    {
        "name": "no-accept",
        "when": {"header": {"accept": False}},
        "weight": 30,
        "why": "does not say what it can show, which every browser does",
    },
    {
        "name": "program-user-agent",
        "when": {
            "user_agent": [
                "aiohttp/*",
                "*python-requests*",
                "curl/*",
                "Go-http-client*",
                "Java/*",
                "Apache-HttpClient*",
                "axios/*",
                "libwww-perl*",
                "node-fetch*",
                "okhttp*",
                "python-httpx*",
                "Python-urllib*",
                "Python/*",
                "Ruby*",
                "Scrapy*",
                "undici*",
                "Wget*",
            ]
        },
        "weight": 30,
        "why": "is a library for programs, not a browser",
    },
    {
        "name": "hosting-network",
        "when": {"network_class": ["hosting", "vpn"]},
        "weight": 30,
        "why": "comes from a data centre or a VPN, where few visitors sit",
    },
)


def standard_sections() -> dict[str, Any]:
    """Return the sections as a document holds them."""
    return {
        "limits": {name: dict(table) for name, table in LIMITS.items()},
        "rules": [dict(table) for table in RULES],
    }
