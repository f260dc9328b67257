"""Looks: the traits of a request and the names under which they are marked, remembered, for a program keeps its own."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from shieldproxy.core.traits import Kind, agent_family, path_template, referring_host, trait

if TYPE_CHECKING:
    from collections.abc import Callable

    from shieldproxy.core.facts import Request

# Under these names traits are marked: of a cohort, and paths that the excess asks for.
COHORT = "@cohort"
ASKED = "@asked"
# Combinations and paths that are remembered. A flood that changes both with each request pays for it: some 10 µs.
COMBINATIONS, PATHS = 8_192, 8_192
# How much of a header is looked at.
MAX_HEADER = 512


class Look(NamedTuple):
    """What a request looks like: its traits, the slots under which they are marked, and that of its path."""

    traits: tuple[str, ...]
    slots: tuple[int, ...]
    asked: int


class Looks:
    """Tells looks. ``slot`` names marks."""

    def __init__(self, slot: Callable[[str, str], int]) -> None:
        self._slot = slot
        self._combined = lru_cache(COMBINATIONS)(self._combine)
        self._template = lru_cache(PATHS)(lambda place, queried: path_template(place, queried=queried))

    def look(self, request: Request, ja4: str) -> Look:
        """Return the look of ``request``, whose ``place`` is known, on a connection with that ``ja4`` ('': unknown)."""
        headers = request.headers
        return self._combined(
            self._template(request.place, bool(request.query)),
            request.fingerprint,
            headers.get(b"user-agent", b"")[:MAX_HEADER],
            ja4,
            headers.get(b"referer", b"")[:MAX_HEADER],
        )

    def _combine(self, path: str, fingerprint: str, agent: bytes, ja4: str, referer: bytes) -> Look:
        found = (
            trait(Kind.PATH, path),
            trait(Kind.FINGERPRINT, fingerprint),
            trait(Kind.AGENT, agent_family(agent.decode("latin-1"))),
            trait(Kind.JA4, ja4),
            trait(Kind.REFERER, referring_host(referer.decode("latin-1"))),
        )
        traits = tuple(text for text in found if text)
        return Look(traits, tuple(self._slot(COHORT, text) for text in traits), self._slot(ASKED, found[0]))
