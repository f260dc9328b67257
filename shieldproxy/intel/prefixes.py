"""Prefixes of addresses: what a table says of an address, and for how wide a network it says so. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from shieldproxy.core.addresses import Network


def cover(first: int, last: int, bits: int) -> Iterator[tuple[int, int]]:
    """The fewest prefixes (network number, length) that cover first..last exactly; bits is 32 or 128."""
    while first <= last:
        # A block can be no larger than its alignment allows and no larger than what is left.
        aligned = first & -first or 1 << bits
        size = min(aligned, 1 << ((last - first + 1).bit_length() - 1))
        yield first, bits - size.bit_length() + 1
        first += size


# Most addresses share not even these first bits with any entry, and one look tells.
_HEAD = {4: 8, 6: 16}


class PrefixTable:
    """A few thousand networks with a word each; the longest that holds an address speaks for it.

    One dict for each prefix length in use, so a look-up costs one dict access for each length: good for tables of tens
    of lengths, which is what published ranges look like. Immutable after construction, safe from any thread.
    """

    def __init__(self, entries: Iterable[tuple[Network, str]]) -> None:
        by_length: dict[int, dict[int, dict[int, str]]] = {4: {}, 6: {}}
        self._heads: dict[int, set[int]] = {4: set(), 6: set()}
        for network, word in entries:
            number = int(network.network_address) >> (network.max_prefixlen - network.prefixlen)
            by_length[network.version].setdefault(network.prefixlen, {})[number] = word
            self._heads[network.version].update(_heads(network))
        self._lengths = {version: sorted(tables.items(), reverse=True) for version, tables in by_length.items()}

    def __len__(self) -> int:
        return sum(len(table) for tables in self._lengths.values() for _, table in tables)

    def find(self, number: int, version: int) -> str:
        """The word of the longest prefix that holds the address, "" when none does. The address comes as a number."""
        bits = 32 if version == 4 else 128
        if number >> (bits - _HEAD[version]) not in self._heads[version]:
            return ""
        for length, table in self._lengths[version]:
            word = table.get(number >> (bits - length))
            if word is not None:
                return word
        return ""

    def divided(self, version: int, length: int) -> frozenset[int]:
        """Networks of this length that hold a longer prefix, as numbers shifted down to it: no one answer fits them."""
        return frozenset(
            number >> (longer - length)
            for longer, table in self._lengths[version]
            if longer > length
            for number in table
        )


def _heads(network: Network) -> range:
    head, number = _HEAD[network.version], int(network.network_address)
    first = number >> (network.max_prefixlen - head)
    return range(first, first + (1 << max(0, head - network.prefixlen)))
