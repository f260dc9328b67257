"""Scripts: what nft is told, in its own language. One script is one transaction: all of it is done, or nothing.

Everything in a script is written by us from numbers and fixed words; no text from outside reaches it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from shieldproxy.offload.ledger import MAX_CLIENTS, MAX_PIECES, Changes
from shieldproxy.offload.spans import Span, spelled
from shieldproxy.offload.targets import Element, SetName, Target

FAMILY, TABLE = "inet", "shieldproxy"
COUNTER = "dropped"
# So many elements are one transaction: half a second in which the kernel changes no other table.
BATCH = 10_000
# So many stand in one line: nft quotes the whole line when it refuses one of them.
LINE = 500

# "add" of what is there does nothing, so "delete" always finds something: right after a crash and on a fresh machine.
REMOVAL = f"add table {FAMILY} {TABLE}\ndelete table {FAMILY} {TABLE}\n"

TYPES = {4: "ipv4_addr", 6: "ipv6_addr"}
SELECTORS = {
    SetName.CLIENTS4: "ip saddr",
    SetName.CLIENTS6: "ip6 saddr & ffff:ffff:ffff:ffff::",
    SetName.NETWORKS4: "ip saddr",
    SetName.NETWORKS6: "ip6 saddr",
}

# What is there and is to go, and what is to come.
_Pair = tuple[Target | None, Element | None]


class Door(NamedTuple):
    """An address and a port that we listen on; ``host`` 0.0.0.0 or :: is every address of its family."""

    host: str
    port: int


def batches(changes: Changes, doors: Sequence[Door], now: float) -> Iterator[str]:
    """Yield the scripts that do ``changes``, to be run in order.

    The first of a whole change takes the old table away, makes the new one and fills it as far as one transaction
    goes, so there is no moment without a table.
    """
    head = table(doors) if changes.whole else ""
    if changes.networks is not None:
        head += _refilled(changes.networks, now)
    pairs = _pairs(changes)
    batch = list(islice(pairs, BATCH))
    while head or batch:
        yield head + _done(batch, now)
        head, batch = "", list(islice(pairs, BATCH))


def table(doors: Sequence[Door]) -> str:
    """Return the script that puts our table, empty, in place of whatever has its name.

    Only what begins a connection to one of ``doors`` is looked at, so nobody loses their ssh, and connections that
    are open end in our own words. The hook is input, not prerouting: what is only passed on to other machines or
    containers is not ours to drop, and a redirected port has the number we listen on.
    """
    sets = "".join(_set(name) for name in SetName)
    knocks = "".join(f"    {match} goto refusal\n" for match in _matches(doors))
    refusals = "".join(f"    {SELECTORS[name]} @{name} counter name {COUNTER} drop\n" for name in SetName)
    return (
        f"{REMOVAL}table {FAMILY} {TABLE} {{\n"
        f"  counter {COUNTER} {{ }}\n{sets}"
        f"  chain refusal {{\n{refusals}  }}\n"
        "  chain arrival {\n"
        "    type filter hook input priority -300; policy accept;\n"
        "    iif lo accept\n"
        f"    tcp flags & (fin | syn | rst | ack) != syn accept\n{knocks}"
        "  }\n}\n"
    )


def _set(name: SetName) -> str:
    flags, size = ("interval, timeout", 4 * MAX_PIECES) if name.of_networks else ("timeout", 2 * MAX_CLIENTS)
    return f"  set {name} {{ type {TYPES[name.version]}; flags {flags}; size {size}; counter; }}\n"


def _matches(doors: Sequence[Door]) -> Iterator[str]:
    ports: dict[str, set[int]] = {}
    for host, port in doors:
        ports.setdefault(host, set()).add(port)
    for host, numbers in sorted(ports.items()):
        where = {"0.0.0.0": "meta nfproto ipv4", "::": "meta nfproto ipv6"}.get(host)  # noqa: S104 - read, not bound
        if where is None:
            where = f"{'ip6' if ':' in host else 'ip'} daddr {host}"
        yield f"{where} tcp dport {{ {', '.join(map(str, sorted(numbers)))} }}"


def _pairs(changes: Changes) -> Iterator[_Pair]:
    return chain(
        ((target, None) for target in changes.removed),
        ((element.target, element) for element in changes.replaced),
        ((None, element) for element in changes.added),
    )


def _refilled(networks: Sequence[Element], now: float) -> str:
    # One by one the kernel takes 12 s to forget 5,000 intervals; all at once, no time at all.
    flushed = "".join(f"flush set {FAMILY} {TABLE} {name}\n" for name in SetName if name.of_networks)
    return flushed + _lines("add", ((element.target.set, _timed(element, now)) for element in networks))


def _done(pairs: Sequence[_Pair], now: float) -> str:
    """Return the script that deletes the first of each pair and adds the second.

    What is deleted is added first: it may have ended in the kernel a moment ago, and deleting what is not there undoes
    the transaction. What gets another end is deleted first: the kernel leaves the end of what it has as it is.
    """
    before = [(target.set, spelled_target(target)) for target, _ in pairs if target is not None]
    after = [(element.target.set, _timed(element, now)) for _, element in pairs if element is not None]
    return _lines("add", before) + _lines("delete", before) + _lines("add", after)


def _lines(verb: str, orders: Iterable[tuple[SetName, str]]) -> str:
    by_set: dict[SetName, list[str]] = {}
    for name, words in orders:
        by_set.setdefault(name, []).append(words)
    return "".join(
        f"{verb} element {FAMILY} {TABLE} {name} {{ {', '.join(words[at : at + LINE])} }}\n"
        for name, words in by_set.items()
        for at in range(0, len(words), LINE)
    )


def spelled_target(target: Target) -> str:
    """Return a target as nft writes it; a client of IPv6 is the first address of its /64."""
    span = target.span if target.set.of_networks else Span(target.span.low, target.span.low)
    return spelled(span, target.set.version)


def _timed(element: Element, now: float) -> str:
    # Rounded down: nobody is kept out longer than the ban lasts, and the workers know of its last second.
    return f"{spelled_target(element.target)} timeout {int(element.until - now)}s"
