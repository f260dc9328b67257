"""Documents: a configuration file, what the command line puts over it, and where each key was said."""

from __future__ import annotations

import copy
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from shieldproxy.core.errors import ConfigurationError, Problem
from shieldproxy.settings.positions import Trail, find_lines, split_assignment
from shieldproxy.settings.tables import written
from shieldproxy.settings.values import describe

# A list of some hundred thousand networks fits; a log file named by mistake does not.
MOST_BYTES = 8 << 20
BUILT_IN = "built-in"
COMMAND_LINE = "--set"
AT_LINE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)$")


class Place(NamedTuple):
    """Where something was said: a file and a line, or the how-manieth ``--set``."""

    file: str
    line: int

    def __str__(self) -> str:
        """Return ``config.toml:31``, or what it is when no line stands behind it."""
        return f"{self.file}:{self.line}" if self.line else self.file


class Document:
    """Tables as TOML gives them, and the place of every key in them."""

    def __init__(self, tables: dict[str, Any], places: dict[Trail, Place], start: Place) -> None:
        self.tables = tables
        self.places = places
        self.start = start

    def place(self, trail: Trail) -> Place:
        """Return where ``trail`` was said, or the nearest table around it."""
        for length in range(len(trail), 0, -1):
            found = self.places.get(trail[:length])
            if found is not None:
                return found
        return self.start

    def fill(self, standard: Mapping[str, Any]) -> None:
        """Put the sections of ``standard`` where the document has none of that name."""
        for name, section in standard.items():
            if name not in self.tables:
                self.tables[name] = copy.deepcopy(section)
                self.places[(name,)] = Place(BUILT_IN, 0)

    def put(self, trail: Trail, value: object, place: Place) -> str:
        """Set one key, whatever it was before; return why that cannot be, or ''."""
        table: Any = self.tables
        for depth, step in enumerate(trail[:-1], start=1):
            table = table.setdefault(step, {})
            if not isinstance(table, dict):
                name = written(trail[:depth])
                return f"{name} is {describe(table)}, not a table; allowed: {name}=VALUE as a whole"
        table[trail[-1]] = value
        for old in [key for key in self.places if key[: len(trail)] == trail]:
            del self.places[old]
        self.places[trail] = place
        return ""


def read_document(path: Path | None) -> Document:
    """Return the document in ``path`` (None: an empty one); raises ConfigurationError when there is none to read."""
    if path is None:
        return Document({}, {}, Place(BUILT_IN, 0))
    text = read_text(path)
    try:
        tables = tomllib.loads(text)
        lines = find_lines(text)
    except RecursionError:
        raise broken(path, 1, "lists or tables nested too deeply; allowed: what the reference shows") from None
    except ValueError as error:
        raise broken_syntax(path, text, error) from None
    places = {trail: Place(str(path), line) for trail, line in lines.items()}
    return Document(tables, places, Place(str(path), 1))


def read_text(path: Path) -> str:
    """Return the text of ``path``; raises ConfigurationError when it cannot be read or is no text."""
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise broken(path, 0, f"cannot be read ({error.strerror}); allowed: a readable TOML file", "file") from None
    except ValueError:
        raise broken(path, 0, "is no name of a file; allowed: a readable TOML file", "file") from None
    if len(data) > MOST_BYTES:
        raise broken(path, 0, f"is longer than {MOST_BYTES >> 20} MiB; allowed: a configuration, no data", "file")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise broken(path, line, "letters that are not UTF-8; allowed: a file saved as UTF-8") from None


def broken_syntax(path: Path, text: str, error: ValueError) -> ConfigurationError:
    """Return the one problem of a text that is not TOML, at the line where the parser gave up."""
    found = AT_LINE.search(str(error))
    line = int(found[1]) if found and found[1] else text.rstrip("\n").count("\n") + 1
    reason = AT_LINE.sub("", str(error))
    lines = text.splitlines()
    # The value is not quoted: problems are logged, and it may be a password.
    near = describe(lines[line - 1].partition("=")[0].strip()) if line <= len(lines) else "the end"
    return broken(path, line, f"not TOML near {near} ({reason}); allowed: [table] and key = value, text in quotes")


def broken(path: Path, line: int, message: str, key: str = "syntax") -> ConfigurationError:
    """Return an error with one problem."""
    return ConfigurationError((Problem(str(path), line, key, message),))


def apply_overrides(document: Document, overrides: Sequence[str]) -> list[Problem]:
    """Put each ``KEY=TOML`` over the document, in order; return what is wrong with them."""
    problems: list[Problem] = []
    for number, override in enumerate(overrides, start=1):
        split = split_assignment(override)
        if split is None:
            message = f"{describe(override)} is not KEY=VALUE; allowed: such as limits.client.rate=5"
            problems.append(Problem(COMMAND_LINE, number, "syntax", message))
            continue
        trail, text = split
        key = written(trail)
        try:
            value = read_value(text)
        except ValueError:
            problems.append(Problem(COMMAND_LINE, number, key, not_a_value(text)))
            continue
        refusal = document.put(trail, value, Place(COMMAND_LINE, number))
        if refusal:
            problems.append(Problem(COMMAND_LINE, number, key, refusal))
    return problems


def read_value(text: str) -> object:
    """Return one TOML value; raises ValueError when ``text`` is none, or more than one line of them."""
    try:
        tables = tomllib.loads(f"value = {text}")
    except RecursionError:
        raise ValueError("nested too deeply") from None
    if tables.keys() != {"value"}:
        raise ValueError("more than one value")
    return tables["value"]


def not_a_value(text: str) -> str:
    """Return the message for what is no TOML value; the usual cause is a shell that ate the quotes."""
    hint = ""
    if re.fullmatch(r"[\w.:/*-]{1,60}", text):
        hint = f"""; text needs quotes that the shell leaves alone: '"{text}"'"""
    return (
        f"{describe(text)} is no value of TOML{hint}; allowed: a number, true, false, a text, [a list] or {{a table}}"
    )
