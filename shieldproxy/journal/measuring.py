"""Measuring: what stands in a segment, taken in one pass: digest, Merkle leaves, counts and what the records name."""

from __future__ import annotations

import hashlib
import os
from collections import Counter
from collections.abc import Iterable, Iterator
from io import BytesIO
from typing import Any, NamedTuple

import orjson

from shieldproxy.core.merkle import root_of

# Large enough that a system call is cheap beside it.
PIECE = 1 << 18

# A segment names few policies and databases; more than so many are not listed.
MOST_NAMES = 64
# Lines that end alike are counted together, so many kinds at a time: a flood that is summed has many weights.
MOST_ENDS = 4_096

_POLICY, _END = b'"policy":"', b',"buckets":'
# So many ends of lines are looked for in a whole piece at once before lines are looked at one by one.
USUAL_ENDS = 4

LEAF = hashlib.sha256(b"\x00")


class Measured(NamedTuple):
    """One segment. ``sha256`` and ``root`` are of its bytes and of its lines (each with its newline).

    ``weight`` is how many requests the lines stand for; ``broken`` counts lines that are no records. ``policies``
    and ``geo`` are the digests and the database names in the records, sorted.
    """

    size: int
    sha256: str
    root: bytes
    records: int
    weight: int
    broken: int
    first_seq: int
    last_seq: int
    policies: tuple[str, ...]
    geo: tuple[str, ...]


def raw_blocks(file: int) -> Iterator[bytes]:
    """Yield the bytes of the open ``file`` in pieces that end with a line; only the last may have no newline."""
    rest: list[bytes] = []
    position = 0
    while piece := os.pread(file, PIECE, position):
        position += len(piece)
        end = piece.rfind(b"\n") + 1
        if end:
            yield b"".join((*rest, piece[:end]))
            rest = []
        if end < len(piece):
            rest.append(piece[end:])
    if rest:
        yield b"".join(rest)


def lines_of(block: bytes) -> list[bytes]:
    """Return the lines of ``block``, each with its newline; the last as it is."""
    return BytesIO(block).readlines()  # at newlines only, unlike bytes.splitlines, and three times as quick


def leaf_hashes(file: int) -> list[bytes]:
    """Return the leaf hash of each line of the open ``file``."""
    found: list[bytes] = []
    for block in raw_blocks(file):
        hash_leaves(lines_of(block), found)
    return found


def hash_leaves(lines: Iterable[bytes], leaves: list[bytes]) -> None:
    """Add the leaf hash of each of ``lines`` to ``leaves``; the tight loop is half of what sealing costs."""
    add, begun = leaves.append, LEAF.copy
    for line in lines:
        leaf = begun()  # behind the byte that marks a leaf; a copy is cheaper than to put the byte before the line
        leaf.update(line)
        add(leaf.digest())


def measure(file: int) -> Measured:
    """Return what stands in the open ``file``."""
    whole = hashlib.sha256()
    leaves: list[bytes] = []
    counts = _Counts()
    size = 0
    first = last = b""
    for block in raw_blocks(file):
        whole.update(block)
        size += len(block)
        lines = lines_of(block)
        hash_leaves(lines, leaves)
        counts.take(block, lines)
        first, last = first or lines[0], lines[-1]
    counts.close()
    return Measured(
        size,
        whole.hexdigest(),
        root_of(leaves),
        len(leaves),
        counts.weight,
        counts.broken,
        _seq(first),
        _seq(last),
        tuple(sorted(counts.policies)[:MOST_NAMES]),
        tuple(sorted(counts.geo)[:MOST_NAMES]),
    )


class _Counts:
    """What the ends of lines add up to.

    Policy, database and weight stand together, after all text that a client chooses, whose quotes are escaped. Most
    records agree in them, so few of these ends are ever read as JSON.
    """

    def __init__(self) -> None:
        self.weight = self.broken = 0
        self.policies: set[str] = set()
        self.geo: set[str] = set()
        self._ends: dict[bytes, int] = {}
        self._usual: list[bytes] = []

    def take(self, block: bytes, lines: list[bytes]) -> None:
        """Count the ``lines`` of ``block``."""
        found = {end: block.count(end) for end in self._usual}
        if sum(found.values()) != len(lines):
            found = _ends_of(lines)
            self._usual = sorted(filter(None, found), key=lambda end: -found[end])[:USUAL_ENDS]
        ends = self._ends
        for end, count in found.items():
            ends[end] = ends.get(end, 0) + count
        if len(ends) > MOST_ENDS:
            self.close()

    def close(self) -> None:
        """Add up what was counted."""
        for end, count in self._ends.items():
            fields = _fields(b"{%b}" % end.removesuffix(_END))
            if type(fields.get("weight")) is not int:
                self.broken += count
                continue
            self.weight += fields["weight"] * count
            for names, name in ((self.policies, fields.get("policy")), (self.geo, fields.get("geo"))):
                if name and len(names) < MOST_ENDS:
                    names.add(str(name))
        self._ends = {}


def _ends_of(lines: list[bytes]) -> dict[bytes, int]:
    length = len(_END)
    return Counter([line[line.rfind(_POLICY) : line.rfind(_END) + length] for line in lines])


def _seq(line: bytes) -> int:
    seq = _fields(line).get("seq")
    return seq if type(seq) is int else 0


def _fields(line: bytes) -> dict[str, Any]:
    try:
        fields = orjson.loads(line)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
