"""Traits: what requests of one program have in common, so that a flood can be told by what it shares. Pure.

A trait is a text such as ``path /search?`` or ``agent Mozilla/5.0 (Windows NT 10.0) Firefox/144``, short and with what
changes from request to request left out. A request has at most one of each kind.
"""

from __future__ import annotations

import re
from enum import StrEnum

# Longer ones are cut: a trait has a place of fixed size in shared memory.
MOST_BYTES = 95
DIGITS = re.compile(r"\d+")
# Version numbers count up to the first dot: of one browser there are a hundred builds in use.
MINOR = re.compile(r"(\d+)(?:[._]\d+)+")
# What must not stand in a line that people read, and a marker of what was cut.
UNREADABLE = re.compile(r"[^\x20-\x7e]")


class Kind(StrEnum):
    """What is compared."""

    PATH = "path"
    FINGERPRINT = "fingerprint"
    AGENT = "agent"
    JA4 = "ja4"
    REFERER = "referer"


def trait(kind: Kind, value: str) -> str:
    """Return the text of a trait; of a ``value`` that is empty '', for what is not there has nothing in common."""
    return f"{kind.value} {UNREADABLE.sub('.', value)}"[:MOST_BYTES].rstrip() if value else ""


def kind_of(text: str) -> str:
    """Return the kind of a trait as a word."""
    return text.partition(" ")[0]


def path_template(place: str, *, queried: bool) -> str:
    """Return where a path leads with what is one of many left out: its first segment, numbers as ``#``.

    A trailing ``?`` says that there was a query; which one is left out, for floods put chance there to pass caches.
    """
    first = place.lstrip("/").partition("/")
    folder = "/" if first[1] else ""
    return f"/{DIGITS.sub('#', first[0])}{folder}{'?' if queried else ''}"


def agent_family(agent: str) -> str:
    """Return a user agent without minor versions."""
    return MINOR.sub(r"\1", agent.strip())


def referring_host(referer: str) -> str:
    """Return the host that a Referer names, lower-case; '' where it names none."""
    scheme, found, rest = referer.partition("://")
    if not found or scheme.lower() not in {"http", "https"}:
        return ""
    return rest.partition("/")[0].partition("?")[0].rpartition("@")[2].lower()
