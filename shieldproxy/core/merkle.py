"""Merkle trees as RFC 6962, section 2.1 defines them: one hash stands for a list, a short path proves one item of it.

One network's records can be handed over with their paths, and nobody needs to see the other visitors to check them.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

# What the tree of no leaves hashes to.
EMPTY = sha256(b"").digest()


def leaf_hash(data: bytes) -> bytes:
    """Return the hash of one item. Its first byte differs from that of a node, so no node passes for an item."""
    return sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Return the hash of two subtrees."""
    return sha256(b"\x01" + left + right).digest()


class Tree:
    """The whole tree over ``leaves`` (leaf hashes), for roots and for many paths; 64 bytes of hashes a leaf.

    Pairing level by level, the odd one carried up, gives the same tree as the recursion of the standard.
    """

    def __init__(self, leaves: Sequence[bytes]) -> None:
        self.size = len(leaves)
        self._levels: list[Sequence[bytes]] = [leaves]
        while len(self._levels[-1]) > 1:
            self._levels.append(_above(self._levels[-1]))

    @property
    def root(self) -> bytes:
        """The hash that stands for all leaves."""
        return self._levels[-1][0] if self.size else EMPTY

    def path(self, index: int) -> list[bytes]:
        """Return the audit path of leaf ``index`` (RFC 6962, 2.1.1), from below; raises IndexError."""
        if not 0 <= index < self.size:
            raise IndexError(f"leaf {index} of {self.size}")
        found = []
        for level in self._levels[:-1]:
            sibling = index ^ 1
            if sibling < len(level):  # the last of an odd level has none: it is carried up as it is
                found.append(level[sibling])
            index >>= 1
        return found


def root_of(leaves: Sequence[bytes]) -> bytes:
    """Return the root over ``leaves`` (leaf hashes) in the memory of one level."""
    level = leaves
    while len(level) > 1:
        level = _above(level)
    return level[0] if level else EMPTY


def root_by_path(leaf: bytes, index: int, size: int, path: Sequence[bytes]) -> bytes:
    """Return the root of a tree of ``size`` leaves in which ``leaf`` (a leaf hash) stands at ``index``.

    Raises ValueError when a path of this length leads nowhere: it then proves nothing.
    """
    if not 0 <= index < size:
        raise ValueError(f"no leaf {index} in a tree of {size}")
    found, last, rest = leaf, size - 1, iter(path)
    for sibling in rest:
        while index == last and not index & 1 and last:  # carried up without a sibling
            index, last = index >> 1, last >> 1
        if last == 0:
            raise ValueError("the path is too long")
        found = node_hash(sibling, found) if index & 1 else node_hash(found, sibling)
        index, last = index >> 1, last >> 1
    while last and index == last and not index & 1:
        index, last = index >> 1, last >> 1
    if last:
        raise ValueError("the path is too short")
    return found


class Frontier:
    """A tree that only grows: the roots of its complete subtrees, at most one for each power of two."""

    def __init__(self, leaves: Iterable[bytes] = ()) -> None:
        self.size = 0
        self._peaks: list[bytes] = []
        for leaf in leaves:
            self.append(leaf)

    def append(self, leaf: bytes) -> None:
        """Add one leaf hash."""
        size, found = self.size, leaf
        while size & 1:
            found = node_hash(self._peaks.pop(), found)
            size >>= 1
        self._peaks.append(found)
        self.size += 1

    @property
    def root(self) -> bytes:
        """The hash that stands for all leaves so far."""
        if not self._peaks:
            return EMPTY
        *others, found = self._peaks
        for peak in reversed(others):
            found = node_hash(peak, found)
        return found


def _above(level: Sequence[bytes]) -> list[bytes]:
    """Return the level above; the tight loop is what sealing costs."""
    pairs = iter(level)
    above = [sha256(b"\x01" + left + right).digest() for left, right in zip(pairs, pairs, strict=False)]
    if len(level) & 1:
        above.append(level[-1])
    return above
