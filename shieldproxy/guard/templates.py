"""Templates: pages filled once with what stays the same, and cut where each answer differs."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from importlib import resources

SLOT = re.compile(r"\{\{(\w+)\}\}")
SECTION = re.compile(r"<!--\[(\w+)\]-->(.*?)<!--\[/\1\]-->\n?", re.DOTALL)
# A line that is a comment and nothing else; what follows code on its line stays, it may be part of a string.
COMMENT_LINE = re.compile(r"^\s*//.*$", re.MULTILINE)


class Cut:
    """A page in pieces: ``fill`` joins them with the values of one answer. Made once, filled very often."""

    def __init__(self, page: str) -> None:
        pieces = SLOT.split(page)  # text and names of slots in turn
        self._pieces = [piece.encode() for piece in pieces]
        self._places = [(2 * place + 1, name) for place, name in enumerate(pieces[1::2])]

    @property
    def slots(self) -> frozenset[str]:
        """The names of what each answer must give."""
        return frozenset(name for _, name in self._places)

    def fill(self, values: Mapping[str, bytes]) -> bytes:
        """Return the page with ``values`` in its slots. Raises KeyError when one is missing."""
        pieces = self._pieces.copy()
        for place, name in self._places:
            pieces[place] = values[name]
        return b"".join(pieces)


def read_page(name: str) -> str:
    """Return the text of a file in pages/, as the package carries it."""
    return resources.files("shieldproxy.guard").joinpath("pages", name).read_text(encoding="utf-8")


def squeeze(code: str) -> str:
    """Return style or script without indentation, empty lines and comment lines: a third of its bytes."""
    lines = (line.strip() for line in COMMENT_LINE.sub("", code).splitlines())
    return "\n".join(line for line in lines if line)


def keep(template: str, sections: Collection[str]) -> str:
    """Return ``template`` with only the marked sections named in ``sections``; they may nest."""
    while True:
        kept = SECTION.sub(lambda found: found[2] if found[1] in sections else "", template)
        if kept == template:
            return kept
        template = kept


def fill(template: str, values: Mapping[str, str]) -> str:
    """Return ``template`` with each known slot filled with HTML; unknown slots stay for a Cut."""
    return SLOT.sub(lambda found: values.get(found[1], found[0]), template)
