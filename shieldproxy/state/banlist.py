"""The list of bans and allowances on disk: what the supervisor remembers over a restart, with wall-clock times.

The file is a log of JSON lines, the last line about a key holds. Changes are appended; when more of it is past than
present it is written anew. A line that cannot be read (a crash in the middle of one, a hand edit) is counted and left
aside, never a reason not to start.
"""

from __future__ import annotations

import ipaddress
import json
import math
import os
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path
from typing import IO, Any, NamedTuple

from shieldproxy.core.ladder import Ban

# 100,000 entries are about 15 MB on disk. Those that end soonest give way, and are counted.
MAX_ENTRIES = 100_000
# A reason is a sentence for people; JSON may need twelve bytes for a character of it.
MAX_WHY = 250
# A line of ours is shorter; a longer one is damage and is not parsed.
MAX_LINE = 4_096
# The log is written anew when it has this many lines more than twice the entries.
SLACK_LINES = 1_000


class List(StrEnum):
    """Which list an entry is on."""

    BAN = "ban"
    ALLOW = "allow"


class Entry(NamedTuple):
    """One entry. ``key`` is a client key or a network; ``until`` and ``remembered`` are unix seconds.

    ``remembered`` is until when the rung of a ban counts, 0 where it does not. ``by`` is ``ladder`` or ``operator``.
    ``made`` (unix milliseconds) puts what was ruled about a key in order; ``node`` is who ruled, '' this node.
    """

    list: List
    key: str
    until: float
    why: str = ""
    rung: int = 0
    remembered: float = 0.0
    by: str = "ladder"
    made: int = 0
    node: str = ""

    @property
    def ends(self) -> float:
        """When the entry means nothing any more."""
        return max(self.until, self.remembered)


def entry_of(ban: Ban, remembered: float, *, by: str, wall: float, now: float) -> Entry:
    """Return the entry of a ban in force. ``wall`` and ``now`` are one moment on the wall and the monotonic clock."""
    offset = wall - now
    kept = remembered + offset if remembered > now else 0.0
    return Entry(List.BAN, ban.key, ban.until + offset, ban.cause, ban.rung, kept, by)


def ban_of(entry: Entry, *, wall: float, now: float) -> tuple[Ban, float]:
    """Return the ban of an entry and until when its rung counts, on the monotonic clock (see ``entry_of``)."""
    offset = now - wall
    return Ban(entry.key, entry.until + offset, entry.why, entry.rung), entry.remembered + offset


class BanList:
    """Bans and allowances by key, kept in ``path``. Changes are in memory at once and on disk with ``save``.

    ``corrupt`` counts lines that could not be read, ``dropped`` entries that gave way for want of room.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[tuple[List, str], Entry] = {}
        self._unsaved: list[str] = []
        self._lines = 0
        self._stale = False
        self.corrupt = 0
        self.dropped = 0

    def load(self, wall: float) -> None:
        """Read the file, leaving out what has ended by ``wall``; no file is an empty list. Raises OSError."""
        try:
            with self._path.open("rb") as file:
                for line in _lines(file):
                    self._lines += 1
                    self._replay(line)
        except FileNotFoundError:
            return
        self._stale = self.corrupt > 0  # also: a torn last line must not swallow the next one appended
        self.sweep(wall)

    def put(self, entry: Entry) -> None:
        """Put ``entry`` on its list, in place of the one of the same key; which ban is the longer one the table says.

        A reason longer than MAX_WHY is cut.
        """
        entry = entry._replace(why=entry.why[:MAX_WHY])
        self._entries[(entry.list, entry.key)] = entry
        self._note(_spell(entry))
        if len(self._entries) > MAX_ENTRIES + MAX_ENTRIES // 100:
            self._make_room()

    def remove(self, which: List, key: str) -> bool:
        """Take exactly ``key`` off a list; False when it was not on it."""
        if self._entries.pop((which, key), None) is None:
            return False
        self._note(json.dumps({"list": which, "key": key, "until": 0}))
        return True

    def entries(self, which: List, wall: float) -> tuple[Entry, ...]:
        """Return what a list holds at ``wall``, remembered rungs too, the one that ends last first."""
        held = (entry for entry in self._entries.values() if entry.list is which and entry.ends > wall)
        return tuple(sorted(held, key=lambda entry: entry.ends, reverse=True))

    def snapshot(self) -> tuple[Entry, ...]:
        """Return what is kept, both lists, ended ones too, in no order: quick, to be looked at in another thread."""
        return tuple(self._entries.values())

    def find(self, which: List, key: str, wall: float) -> Entry | None:
        """Return the entry of exactly ``key`` in force at ``wall``."""
        entry = self._entries.get((which, key))
        return entry if entry is not None and entry.until > wall else None

    def known(self, which: List, key: str) -> Entry | None:
        """Return the entry of exactly ``key``, also one that is over and not yet swept."""
        return self._entries.get((which, key))

    def __len__(self) -> int:
        """Return how many entries are kept, ended ones not yet swept included."""
        return len(self._entries)

    def sweep(self, wall: float) -> None:
        """Let go of what has ended by ``wall``."""
        self._entries = {place: entry for place, entry in self._entries.items() if entry.ends > wall}
        self._make_room()

    def save(self) -> None:
        """Bring all changes to disk. Raises OSError; the next call then writes the whole list, so nothing is lost."""
        if not self._unsaved and not self._stale:
            return
        unsaved, self._unsaved = self._unsaved, []
        grown = self._lines + len(unsaved) > 2 * len(self._entries) + SLACK_LINES
        whole = self._stale or grown or not self._path.exists()
        self._stale = True  # until the write has succeeded
        if whole:
            self._rewrite()
        else:
            self._append(unsaved)
        self._stale = False

    def _append(self, lines: list[str]) -> None:
        with self._path.open("a", encoding="utf-8") as file:
            file.writelines(f"{line}\n" for line in lines)
            file.flush()
            os.fsync(file.fileno())
        self._lines += len(lines)

    def _rewrite(self) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        with fresh.open("w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o600)  # addresses of people are nobody else's business
            file.writelines(f"{_spell(entry)}\n" for entry in self._entries.values())
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
        self._lines = len(self._entries)

    def _note(self, line: str) -> None:
        # While the disk refuses, the list itself is what is unsaved; lines would grow without bound.
        if len(self._unsaved) >= MAX_ENTRIES:
            self._stale = True
        if self._stale:
            self._unsaved = []
        else:
            self._unsaved.append(line)

    def _make_room(self) -> None:
        surplus = len(self._entries) - MAX_ENTRIES
        if surplus <= 0:
            return
        ending = sorted(self._entries.items(), key=lambda item: item[1].ends)[:surplus]
        for place, _ in ending:
            del self._entries[place]
        self.dropped += surplus
        self._stale = True

    def _replay(self, line: bytes) -> None:
        try:
            entry = _read(line)
        except (ValueError, TypeError, KeyError, OverflowError, RecursionError):
            self.corrupt += 1
            return
        place = (entry.list, entry.key)
        self._entries.pop(place, None)
        if entry.until > 0.0:
            self._entries[place] = entry
            if len(self._entries) > 2 * MAX_ENTRIES:
                self._make_room()


def _lines(file: IO[bytes]) -> Iterator[bytes]:
    """Yield lines, of one too long only the beginning: whatever the file holds, it is never in memory as one piece."""
    while line := file.readline(MAX_LINE + 1):
        yield line
        while line and not line.endswith(b"\n"):
            line = file.readline(MAX_LINE + 1)


def _spell(entry: Entry) -> str:
    return json.dumps(entry._asdict(), separators=(",", ":"))


def _read(line: bytes) -> Entry:
    if len(line) > MAX_LINE:
        raise ValueError("too long a line")
    told: dict[str, Any] = json.loads(line)
    entry = Entry(
        List(told["list"]),
        str(told["key"]),
        float(told["until"]),
        str(told.get("why", "")),
        int(told.get("rung", 0)),
        float(told.get("remembered", 0.0)),
        str(told.get("by", "ladder")),
        int(told.get("made", 0)),
        str(told.get("node", "")),
    )
    ipaddress.ip_network(entry.key)
    if not all(math.isfinite(moment) for moment in (entry.until, entry.remembered)) or not 0 <= entry.rung < 1_000:
        raise ValueError("a moment or rung that is none")
    return entry
