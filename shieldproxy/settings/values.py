"""Values: how one value of config.toml is read; each function says what is wrong and what is allowed."""

from __future__ import annotations

import re
from collections.abc import Callable
from enum import Enum
from pathlib import Path
from typing import TypeVar

E = TypeVar("E", bound=Enum)

SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
BYTES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
DURATION = re.compile(r"([0-9]{1,12}(?:\.[0-9]{1,6})?)(ms|s|m|h|d)")
SIZE = re.compile(r"([0-9]{1,15}) ?(B|KiB|MiB|GiB)")
# Longer values are cut where a message quotes them, so that one line of the terminal shows the reason too.
QUOTED = 60
# Beyond it a number is no number anybody meant, and printing it may take minutes.
HUGE = 10**18


class Wrong(ValueError):  # noqa: N818 - it is read as a word in "raise Wrong(...)", never seen by users
    """A value that is not allowed; the message says what is wrong and what is allowed."""


def describe(value: object) -> str:
    """Return ``value`` as TOML writes it, cut when long, in one line; lists and tables by their kind only."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return f'"{visible(value[:QUOTED])}{"…" if len(value) > QUOTED else ""}"'
    if isinstance(value, int) and abs(value) > HUGE:
        return "a number of more than 18 digits"
    if isinstance(value, int | float):
        return f"{value}"
    if isinstance(value, list):
        return f"a list of {len(value)}" if value else "an empty list"
    return "a table" if isinstance(value, dict) else "a date or time"


def visible(text: str) -> str:
    """Return ``text`` with what moves the cursor or hides letters written out, so that a message stays one line."""
    return "".join(mark if mark.isprintable() else f"\\u{ord(mark):04x}" for mark in text)


def number(least: float, most: float, *, or_zero: bool = False) -> Callable[[object], float]:
    """Return a reader of a number from ``least`` to ``most``, both included; ``or_zero`` allows 0 beside them."""
    allowed = f"allowed: {'0, or ' if or_zero else ''}a number from {plain(least)} to {plain(most)}"

    def read(value: object) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise Wrong(f"{describe(value)} is not allowed; {allowed}")
        if not least <= value <= most and not (or_zero and value == 0):
            raise Wrong(f"{describe(value)} is not allowed; {allowed}")
        return float(value)

    return read


def plain(value: float) -> str:
    """Return a number without an exponent, as people write it."""
    return f"{value:.6f}".rstrip("0").rstrip(".")


def integer(least: int, most: int) -> Callable[[object], int]:
    """Return a reader of a whole number from ``least`` to ``most``."""

    def read(value: object) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise Wrong(f"{describe(value)} is not allowed; allowed: a whole number from {least} to {most}")
        return value

    return read


def flag(value: object) -> bool:
    """Return true or false."""
    if not isinstance(value, bool):
        raise Wrong(f"{describe(value)} is not allowed; allowed: true or false")
    return value


def seconds(text: str) -> float | None:
    """Return a duration such as ``10s``, ``1h30m`` or ``180d`` in seconds, or None when it is none."""
    position, total = 0, 0.0
    while position < len(text):
        match = DURATION.match(text, position)
        if match is None:
            return None
        total += float(match[1]) * SECONDS[match[2]]
        position = match.end()
    return total if text else None


def duration(least: str, most: str, *, or_zero: bool = False) -> Callable[[object], float]:
    """Return a reader of durations between ``least`` and ``most`` (both included), in seconds; or 0 if ``or_zero``."""
    low, high = seconds(least), seconds(most)
    if low is None or high is None:
        raise ValueError(f"{least} or {most} is no duration")
    zero = ", or 0 (never)" if or_zero else ""
    allowed = f'allowed: a duration from {least} to {most}, written like "10s", "5m", "1h", "7d", or as seconds{zero}'

    def read(value: object) -> float:
        found = seconds(value.replace(" ", "")) if isinstance(value, str) else value
        if isinstance(found, bool) or not isinstance(found, int | float):
            raise Wrong(f"{describe(value)} is not allowed; {allowed}")
        if not (low <= found <= high or (or_zero and found == 0)):
            raise Wrong(f"{describe(value)} is not allowed; {allowed}")
        return float(found)

    return read


def size(least: str, most: str) -> Callable[[object], int]:
    """Return a reader of sizes between ``least`` and ``most`` (both included), in bytes."""
    low, high = read_size(least), read_size(most)
    if low is None or high is None:
        raise ValueError(f"{least} or {most} is no size")
    allowed = f'allowed: a size from {least} to {most}, written like "32KiB", "64MiB", or as bytes'

    def read(value: object) -> int:
        found = read_size(value) if isinstance(value, str) else value
        if isinstance(found, bool) or not isinstance(found, int) or not low <= found <= high:
            raise Wrong(f"{describe(value)} is not allowed; {allowed}")
        return found

    return read


def read_size(text: str) -> int | None:
    """Return a size such as ``32KiB`` in bytes, or None when it is none."""
    match = SIZE.fullmatch(text)
    return int(match[1]) * BYTES[match[2]] if match else None


def choice(*words: str) -> Callable[[object], str]:
    """Return a reader of one of ``words``."""
    allowed = ", ".join(f'"{word}"' for word in words)

    def read(value: object) -> str:
        if not isinstance(value, str) or value not in words:
            raise Wrong(f"{describe(value)} is not allowed; allowed: {allowed}")
        return value

    return read


def member(kind: type[E], written: dict[str, E] | None = None) -> Callable[[object], E]:
    """Return a reader of one member of an enumeration, by the word ``written`` for it (else by its value)."""
    words = written or {str(item.value): item for item in kind}
    pick = choice(*words)

    def read(value: object) -> E:
        return words[pick(value)]

    return read


def text(most: int, *, what: str = "text") -> Callable[[object], str]:
    """Return a reader of text of at most ``most`` characters without control characters."""

    def read(value: object) -> str:
        if not isinstance(value, str) or len(value) > most or any(not mark.isprintable() for mark in value):
            raise Wrong(f"{describe(value)} is not allowed; allowed: {what} in quotes, up to {most} characters")
        return value

    return read


def contact(value: object) -> str:
    """Return a mail address or a web address to show to visitors, or ''."""
    found = text(200)(value)
    mail = re.fullmatch(r"[^\s@<>\"'&]+@[^\s@<>\"'&]+\.[^\s@<>\"'&]+", found)
    link = re.fullmatch(r"https?://[^\s<>\"']+", found)
    if found and not mail and not link:
        raise Wrong(f'{describe(value)} is not allowed; allowed: a mail address, an https:// address, or ""')
    return found


def path(value: object) -> Path:
    """Return the path of a file or a directory; the desk anchors it at the folder of config.toml."""
    found = text(1_000, what="a path")(value)
    if not found.strip():
        raise Wrong(f"{describe(value)} is not allowed; allowed: the path of a file or a directory")
    return Path(found)


def optional_path(value: object) -> Path | None:
    """Return a path, or None for ''."""
    return None if value == "" else path(value)


def token_path(value: object) -> Path:
    """Return the path of the control token; '' stands for the usual one, which moves with the state directory."""
    return optional_path(value) or Path("var/state/control.token")
