"""Phrasebook: the sentences of our pages in the visitor's language, read once from pages/texts.toml."""

from __future__ import annotations

import math
import tomllib
from collections.abc import Callable, Mapping
from functools import lru_cache
from importlib import resources
from types import MappingProxyType
from typing import Any, NamedTuple

from shieldproxy.guard.languages import MAX_HEADER, preferred

FALLBACK = "en"
# One browser sends one header; a city has some hundreds. Beyond that the oldest are worked out again (some 5 µs).
HEADERS_KEPT = 1_024


class Phrases(NamedTuple):
    """The sentences of one language. ``direction`` is ltr or rtl, ``units`` seconds, minutes and hours in short."""

    language: str
    direction: str
    units: tuple[str, str, str]
    sentences: Mapping[str, str]

    def text(self, name: str) -> str:
        """Return the sentence called ``name``. Raises KeyError when there is none."""
        return self.sentences[name]

    def time(self, seconds: int) -> str:
        """Return a waiting time as people write it, rounded up: ``12 s``, ``5 min``, ``2 h``."""
        number, unit = clock_face(seconds)
        return f"{number}\u00a0{self.units[unit]}"


def clock_face(seconds: int) -> tuple[int, int]:
    """Return the number and the unit (0 seconds, 1 minutes, 2 hours) in which a wait is told, rounded up."""
    if seconds <= 120:
        return seconds, 0
    if seconds <= 7_200:
        return math.ceil(seconds / 60), 1
    return math.ceil(seconds / 3_600), 2


class Phrasebook:
    """All languages. ``speak`` is fast: the choice for a header that was seen before is remembered."""

    def __init__(self, tables: Mapping[str, Any] | None = None) -> None:
        self._phrases = read_phrases(load_tables() if tables is None else tables)
        self._choose: Callable[[bytes], Phrases] = lru_cache(HEADERS_KEPT)(self._choose_anew)

    @property
    def languages(self) -> tuple[str, ...]:
        """The languages spoken, as BCP 47 tags."""
        return tuple(self._phrases)

    def of(self, language: str) -> Phrases:
        """Return the phrases of ``language``. Raises KeyError when it is not spoken."""
        return self._phrases[language]

    def speak(self, accept_language: bytes) -> Phrases:
        """Return the phrases that the header likes best; English when it likes none of ours."""
        return self._choose(accept_language if len(accept_language) <= MAX_HEADER else b"")

    def _choose_anew(self, accept_language: bytes) -> Phrases:
        return self._phrases[preferred(accept_language, self._phrases, FALLBACK)]


def load_tables() -> dict[str, Any]:
    """Return pages/texts.toml as it is."""
    source = resources.files("shieldproxy.guard").joinpath("pages", "texts.toml")
    return tomllib.loads(source.read_text(encoding="utf-8"))


def read_phrases(tables: Mapping[str, Any]) -> dict[str, Phrases]:
    """Return the phrases of all ``tables``. Raises ValueError when a language lacks what English has."""
    wanted = set(tables[FALLBACK])
    found: dict[str, Phrases] = {}
    for language, table in tables.items():
        if set(table) != wanted:
            raise ValueError(f"texts.toml: [{language}] differs from [{FALLBACK}] in {sorted(wanted ^ set(table))}")
        sentences = {name: text for name, text in table.items() if name not in ("dir", "units")}
        seconds, minutes, hours = table["units"]
        found[language] = Phrases(language, table["dir"], (seconds, minutes, hours), MappingProxyType(sentences))
    return found
