"""Positions: on which line of a TOML text each key stands, which the parser of the standard library does not say."""

from __future__ import annotations

import re
import tomllib

Trail = tuple[str | int, ...]

BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
SPACE = re.compile(r"[ \t]*")
# Up to two quotes may stand before the three that end a string of several lines (TOML 1.0, "String").
STRING = re.compile(
    r'"""(?:[^\\]|\\.)*?"""(?:"{0,2})' r"|'''.*?'''(?:'{0,2})" r'|"(?:[^"\\\n]|\\.)*"' r"|'[^'\n]*'",
    re.DOTALL,
)
BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
# A number, a date or a truth value ends where anything follows that none of them contains.
SCALAR = re.compile(r"[^,\]}#\r\n]*")


def find_lines(text: str) -> dict[Trail, int]:
    """Return the line (from 1) of every key, table and list item of ``text``, which must be valid TOML."""
    return Scanner(text.replace("\r\n", "\n")).scan()


def split_assignment(text: str) -> tuple[Trail, str] | None:
    """Return the steps of the key and the value in ``limits.client.rate = 5``, or None when it is none."""
    scanner = Scanner(text)
    try:
        scanner.skip(SPACE)
        steps = scanner.key()
    except tomllib.TOMLDecodeError:
        return None
    equals, value = text[scanner.position : scanner.position + 1], text[scanner.position + 1 :]
    return (steps, value.strip()) if equals == "=" else None


class Scanner:
    """One walk through a text."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.counted_to = 0
        self.line = 1
        self.lines: dict[Trail, int] = {}
        self.lengths: dict[Trail, int] = {}

    def scan(self) -> dict[Trail, int]:
        """Return the lines of the whole text."""
        table: Trail = ()
        self.skip(BLANK)
        while self.position < len(self.text):
            if self.text[self.position] == "[":
                table = self.header()
            else:
                self.pair(table)
            self.skip(BLANK)
        return self.lines

    def header(self) -> Trail:
        """Read ``[table]`` or ``[[list of tables]]`` and return where the keys below it belong."""
        doubled = self.text.startswith("[[", self.position)
        self.position += 2 if doubled else 1
        self.skip(SPACE)
        steps = self.key()
        self.position += 2 if doubled else 1
        trail: Trail = ()
        for depth, step in enumerate(steps, start=1):
            trail = (*trail, step)
            self.mark(trail)
            if doubled and depth == len(steps):
                self.lengths[trail] = self.lengths.get(trail, 0) + 1
            if trail in self.lengths:
                trail = (*trail, self.lengths[trail] - 1)
                self.mark(trail)
        return trail

    def pair(self, table: Trail) -> None:
        """Read ``key = value``."""
        trail = table
        here = self.here()
        for step in self.key():
            trail = (*trail, step)
            self.lines.setdefault(trail, here)
        self.position += 1  # the equals sign
        self.skip(SPACE)
        self.value(trail)

    def key(self) -> Trail:
        """Read a key of one or more steps and the blanks after it."""
        steps: list[str] = []
        while True:
            quoted = STRING.match(self.text, self.position)
            found = quoted or BARE_KEY.match(self.text, self.position)
            if found is None:
                raise tomllib.TOMLDecodeError("no key")
            self.position = found.end()
            steps.append(str(tomllib.loads(f"k = {found[0]}")["k"]) if quoted else found[0])
            self.skip(SPACE)
            if not self.text.startswith(".", self.position):
                return tuple(steps)
            self.position += 1
            self.skip(SPACE)

    def value(self, trail: Trail) -> None:
        """Read one value; the items of a list and the keys of an inline table have lines of their own."""
        match self.text[self.position]:
            case "[":
                self.listing(trail)
            case "{":
                self.inline_table(trail)
            case '"' | "'":
                self.skip(STRING)
            case _:
                self.skip(SCALAR)

    def listing(self, trail: Trail) -> None:
        """Read ``[a, b]``, which may go over several lines with comments between."""
        self.position += 1
        index = 0
        self.skip(BLANK)
        while self.text[self.position] != "]":
            self.mark((*trail, index))
            self.value((*trail, index))
            index += 1
            self.skip(BLANK)
            if self.text[self.position] == ",":
                self.position += 1
                self.skip(BLANK)
        self.position += 1

    def inline_table(self, trail: Trail) -> None:
        """Read ``{ a = 1, b = 2 }``."""
        self.position += 1
        self.skip(BLANK)
        while self.text[self.position] != "}":
            self.pair(trail)
            self.skip(BLANK)
            if self.text[self.position] == ",":
                self.position += 1
                self.skip(BLANK)
        self.position += 1

    def skip(self, pattern: re.Pattern[str]) -> None:
        """Go beyond what ``pattern`` matches here."""
        found = pattern.match(self.text, self.position)
        if found is not None:
            self.position = found.end()

    def mark(self, trail: Trail) -> None:
        """Note that ``trail`` is here, unless it was met before."""
        self.lines.setdefault(trail, self.here())

    def here(self) -> int:
        """Return the line of the position."""
        self.line += self.text.count("\n", self.counted_to, self.position)
        self.counted_to = self.position
        return self.line
