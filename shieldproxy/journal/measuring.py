"""Measuring: what stands in a segment, taken in one pass: digest, Merkle leaves, counts and what the records name."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
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
    if b"\r" not in block:  # JSON escapes it, so only a file that somebody changed has one
        return block.splitlines(keepends=True)
    return [line for line in _with_newlines(block) if line]


def leaf_hashes(file: int) -> list[bytes]:
    """Return the leaf hash of each line of the open ``file``."""
    return [found for block in raw_blocks(file) for found in _leaves(block)]


def _leaves(block: bytes) -> list[bytes]:
    sha256 = hashlib.sha256
    return [sha256(line).digest() for line in _marked(block)]


def _marked(block: bytes) -> list[bytes]:
    """Return the lines of ``block`` as they are hashed, behind the byte that marks a leaf (RFC 6962)."""
    if b"\r" in block:
        return [b"\x00" + line for line in lines_of(block)]
    # The mark is put before all lines at once: a third quicker than before each.
    whole = b"\x00" + block[:-1].replace(b"\n", b"\n\x00") + block[-1:]
    return whole.splitlines(keepends=True)


def _with_newlines(block: bytes) -> Iterator[bytes]:
    *whole, last = block.split(b"\n")
    for line in whole:
        yield line + b"\n"
    yield last


def measure(file: int) -> Measured:
    """Return what stands in the open ``file``."""
    whole, sha256 = hashlib.sha256(), hashlib.sha256
    leaves: list[bytes] = []
    ends: dict[bytes, int] = {}
    counts = _Counts()
    size = 0
    first = last = b""
    for block in raw_blocks(file):
        whole.update(block)
        size += len(block)
        lines = _marked(block)
        leaves += [sha256(line).digest() for line in lines]
        for line in lines:
            # Policy, database and weight stand together, after all text that a client chooses, whose quotes are
            # escaped: records agree in them, so few of these pieces are ever read.
            end = line[line.rfind(_POLICY) : line.rfind(_END)]
            ends[end] = ends.get(end, 0) + 1
        if len(ends) > MOST_ENDS:
            counts.take(ends)
            ends = {}
        first, last = first or lines[0][1:], lines[-1][1:]
    counts.take(ends)
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
    """What the ends of lines add up to."""

    def __init__(self) -> None:
        self.weight = self.broken = 0
        self.policies: set[str] = set()
        self.geo: set[str] = set()

    def take(self, ends: dict[bytes, int]) -> None:
        """Add the lines that end so."""
        for end, count in ends.items():
            fields = _fields(b"{%b}" % end)
            if type(fields.get("weight")) is not int:
                self.broken += count
                continue
            self.weight += fields["weight"] * count
            for names, name in ((self.policies, fields.get("policy")), (self.geo, fields.get("geo"))):
                if name and len(names) < MOST_ENDS:
                    names.add(str(name))


def _seq(line: bytes) -> int:
    seq = _fields(line).get("seq")
    return seq if type(seq) is int else 0


def _fields(line: bytes) -> dict[str, Any]:
    try:
        fields = orjson.loads(line)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}
