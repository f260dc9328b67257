"""Tables: how a table of config.toml becomes a frozen dataclass, with every fault on the way written down.

A dataclass is its own schema: each field carries the function that reads its value. So a key, its default, its
range and its type stand in one line, and nothing has to be kept in step.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeVar, cast

from shieldproxy.settings.positions import BARE_KEY, Trail
from shieldproxy.settings.values import Wrong, describe

T = TypeVar("T")

Part = Callable[["Desk", object, Trail], Any]


class Fault(NamedTuple):
    """One thing wrong: ``trail`` leads to the key from the top of the document.

    ``others`` are the keys it does not go together with; one of them may be all that was written.
    """

    trail: Trail
    message: str
    others: tuple[Trail, ...] = ()


class UnreadableError(Exception):
    """A value could not be read and the desk has noted why; whoever asked goes on with the default."""


class Desk:
    """Where one document is read: notes every fault and anchors relative paths at ``base``.

    ``homes`` tells to which sections a key belongs, for keys that stand in the wrong one. ``globs`` keeps what each
    compiled pattern was written as.
    """

    def __init__(self, base: Path, homes: Mapping[str, Sequence[str]] = MappingProxyType({})) -> None:
        self.base = base
        self.homes = homes
        self.faults: list[Fault] = []
        self.globs: dict[re.Pattern[str], tuple[str, ...]] = {}

    def note(self, trail: Trail, message: str) -> None:
        """Write down one fault."""
        self.faults.append(Fault(trail, message))

    def sound(self, *trails: Trail) -> bool:
        """Tell whether nothing at or below ``trails`` was wrong, so that a check across them makes sense."""
        return not any(fault.trail[: len(trail)] == trail for fault in self.faults for trail in trails)

    def read(self, kind: type[T], document: object, trail: Trail = ()) -> T:
        """Return ``document`` as a ``kind``; what is wrong is noted and replaced by the default.

        Raises UnreadableError when ``document`` is no table at all.
        """
        table = self.table(document, trail)
        found: dict[str, Any] = {}
        fields = dataclasses.fields(kind)  # type: ignore[arg-type]  # every kind is a dataclass
        self.note_unknown(table, [field.name for field in fields if "part" in field.metadata], trail)
        for field in fields:
            if "part" not in field.metadata:
                continue
            try:
                found[field.name] = self.value(field, table, trail)
            except UnreadableError:
                found[field.name] = field.metadata["stand_in"]
        return kind(**{name: self.anchored(value) for name, value in found.items()})

    def value(self, field: dataclasses.Field[Any], table: Mapping[str, object], trail: Trail) -> Any:
        """Return the value of ``field`` in ``table``; raises UnreadableError after noting what is wrong."""
        here = (*trail, field.name)
        if field.name in table:
            part: Part = field.metadata["part"]
            return self.guarded(part, table[field.name], here)
        if field.metadata["required"]:
            self.note(here, f"missing; allowed: {field.metadata['allowed']}")
            raise UnreadableError
        if field.metadata["section"] is not None:
            return self.guarded(field.metadata["part"], {}, here)
        return field.metadata["stand_in"]

    def guarded(self, part: Part, value: object, trail: Trail) -> Any:
        """Return ``part`` of ``value``; a Wrong is noted at ``trail`` and becomes UnreadableError."""
        try:
            return part(self, value, trail)
        except Wrong as wrong:
            self.note(trail, str(wrong))
            raise UnreadableError from wrong

    def table(self, document: object, trail: Trail) -> Mapping[str, object]:
        """Return ``document``, which must be a table; raises UnreadableError after noting that it is none."""
        if isinstance(document, dict):
            return document
        self.note(trail, f"{describe(document)} is not a table; allowed: a table of keys and values")
        raise UnreadableError

    def note_unknown(self, table: Mapping[str, object], names: Sequence[str], trail: Trail) -> None:
        """Note each key of ``table`` that is none of ``names``."""
        for key in table:
            if key not in names:
                self.note((*trail, key), unknown(key, names, self.homes.get(key, ())))

    def anchored(self, value: Any) -> Any:
        """Return ``value``; a relative path is taken from the folder of the configuration file."""
        return self.base / value if isinstance(value, Path) else value


def unknown(key: str, names: Sequence[str], homes: Sequence[str]) -> str:
    """Return the message for a key nobody knows here: where it belongs, or the nearest name; then all names."""
    twin = difflib.get_close_matches(key, names, n=1, cutoff=0.8)
    kin = difflib.get_close_matches(key, names, n=1, cutoff=0.6) or [name for name in names if name.startswith(key)]
    hint = ""
    if homes and not twin:
        hint = f" here, it belongs to {' or '.join(homes)}"
    elif kin and key:
        hint = f', did you mean "{(twin or kin)[0]}"?'
    return f"unknown key{hint}; allowed: {', '.join(sorted(names))}"


def find_homes(kind: type[Any], section: str = "") -> dict[str, list[str]]:
    """Return the sections of ``kind`` in which each key is known, as ``rate`` -> ``[origin]``."""
    homes: dict[str, list[str]] = {}
    for field in dataclasses.fields(kind):
        inner = field.metadata.get("section")
        if inner is None:
            if section and "part" in field.metadata:
                homes.setdefault(field.name, []).append(f"[{section}]")
            continue
        for key, found in find_homes(inner, f"{section}.{field.name}" if section else field.name).items():
            homes.setdefault(key, []).extend(found)
    return homes


def setting(default: Any, read: Callable[[Any], Any]) -> Any:
    """Return a field whose value ``read`` understands (it raises Wrong) and which may be left out."""
    return part(default, leaf(read))


def part(default: Any, read: Part) -> Any:
    """Return a field that reads itself at a desk: a list or a table whose items have faults of their own."""
    if isinstance(default, dict):
        return dataclasses.field(default_factory=dict, metadata=metadata(read, default))
    return dataclasses.field(default=default, metadata=metadata(read, default))


def required(read: Callable[[Any], Any], *, stand_in: Any, allowed: str) -> Any:
    """Return a field that must be given; ``stand_in`` holds its place while the other problems are looked for."""
    return dataclasses.field(metadata=metadata(leaf(read), stand_in) | {"required": True, "allowed": allowed})


def metadata(read: Part, stand_in: Any) -> dict[str, Any]:
    """Return what a desk wants to know of a field."""
    return {"part": read, "stand_in": stand_in, "required": False, "section": None}


def leaf(read: Callable[[Any], Any]) -> Part:
    """Return a part made of a function that knows nothing of desks."""

    def part_of(_desk: Desk, value: object, _trail: Trail) -> Any:
        return read(value)

    return part_of


def section(kind: type[T]) -> T:
    """Return a field that is a table of its own; one that is left out is read as if it were empty."""

    def part_of(desk: Desk, value: object, trail: Trail) -> T:
        return desk.read(kind, value, trail)

    found: Any = dataclasses.field(default=kind(), metadata=metadata(part_of, kind()) | {"section": kind})
    return cast("T", found)


def items(
    read: Callable[[Any], Any], *, least: int = 0, most: int = 10_000, what: str = "values", twice: bool = False
) -> Part:
    """Return a part that reads a list into a tuple; each item has its own fault.

    Lists are searched from end to end while judging, hence ``most``. Unless ``twice`` is allowed, an item that is
    there again is a fault: it was meant to be another one.
    """

    def part_of(desk: Desk, value: object, trail: Trail) -> tuple[Any, ...]:
        if not isinstance(value, list) or not least <= len(value) <= most:
            raise Wrong(f"{describe(value)} is not allowed; allowed: a list of {least} to {most} {what}")
        found: list[Any] = []
        seen: set[Any] = set()
        for index, item in enumerate(value):
            try:
                one = desk.guarded(leaf(read), item, (*trail, index))
            except UnreadableError:
                continue
            if one in seen and not twice:
                desk.note((*trail, index), f"{describe(item)} is there twice; allowed: each of the {what} once")
            seen.add(one)
            found.append(one)
        if len(found) < len(value):
            raise UnreadableError
        return tuple(found)

    return part_of


def written(trail: Trail) -> str:
    """Return ``trail`` as people write a key: ``rules[2].when.asn``, items counted from 1, odd names in quotes."""
    text = ""
    for step in trail:
        if isinstance(step, int):
            text += f"[{step + 1}]"
            continue
        name = step if BARE_KEY.fullmatch(step) else describe(step)
        text += f".{name}" if text else name
    return text
