"""Rulings on their way: one line of signed JSON each. The server that keeps them can neither make nor change one."""

from __future__ import annotations

import ipaddress
import json
import math
from collections.abc import Callable
from enum import StrEnum
from hashlib import blake2b
from hmac import compare_digest
from typing import TYPE_CHECKING, Any

from shieldproxy.core.rulings import Ruling
from shieldproxy.state.banlist import MAX_WHY, List

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shieldproxy.state.keys import KeyRing

# The longest one we make: a reason of 250 characters, each up to six bytes of JSON, and 400 bytes around it.
LONGEST = 2_048
SIGNATURE = 16  # bytes; 128 bits are more than anybody guesses
# A ruling from further in the future (seconds) says that the clocks of two nodes do not agree.
LARGEST_SKEW = 600.0
# No ban is ordered for longer (control/requests.py), no rung remembered for longer after it (bans.memory). Seconds.
LONGEST_HOLD, LONGEST_MEMORY = 365 * 86_400.0, 2 * 365 * 86_400.0
# As control/keys.py: what is wider is no ban but a mistake.
WIDEST = {4: 8, 6: 19}
CLIENT_V6 = 64
LONGEST_NAME = 64
MAX_RUNG = 1_000


class Fault(StrEnum):
    """Why a line is refused."""

    UNSIGNED = "not signed with a key of ours: give all nodes the same clearance.keys"
    CLOCK = "from the future: the clocks of the nodes do not agree"
    UNREADABLE = "not as we write them"


class RefusedRulingError(Exception):
    """A line that is no ruling for us; ``fault`` says why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


def signing_keys(ring: KeyRing) -> tuple[bytes, ...]:
    """Return the keys of rulings, the one that signs first: they follow from the ring that all nodes share."""
    return tuple(blake2b(b"rulings of nodes", key=key, digest_size=32).digest() for key in ring.keys)


def spell(ruling: Ruling, key: bytes) -> bytes:
    """Return ``ruling`` as one line, signed with ``key`` (keyed BLAKE2b, RFC 7693); the same one always the same."""
    ruling = ruling._replace(why=ruling.why[:MAX_WHY], node=ruling.node[:LONGEST_NAME])
    text = json.dumps(ruling, separators=(",", ":"), ensure_ascii=False).encode(errors="replace")
    return _signature(text, key) + b" " + text


def read(line: bytes, keys: Iterable[bytes], wall: float) -> Ruling:
    """Return the ruling in ``line``; ``wall`` is unix seconds. Raises RefusedRulingError."""
    signature, _, text = line.partition(b" ")
    if len(line) > LONGEST or not any(compare_digest(signature, _signature(text, key)) for key in keys):
        raise RefusedRulingError(Fault.UNSIGNED)
    try:
        ruling = _ruling_of(json.loads(text))
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise RefusedRulingError(Fault.UNREADABLE) from None
    if ruling.made > (wall + LARGEST_SKEW) * 1_000:
        raise RefusedRulingError(Fault.CLOCK)
    if ruling.until > wall + LONGEST_HOLD + LARGEST_SKEW or ruling.remembered > wall + LONGEST_MEMORY + LARGEST_SKEW:
        raise RefusedRulingError(Fault.UNREADABLE)
    return ruling


def _signature(text: bytes, key: bytes) -> bytes:
    return blake2b(text, key=key, digest_size=SIGNATURE).hexdigest().encode()


# What must be of which kind; JSON has no others, but true is a whole number to Python.
KINDS: tuple[tuple[Any, Callable[[Ruling], tuple[object, ...]]], ...] = (
    (str, lambda ruling: (ruling.list, ruling.key, ruling.node, ruling.why, ruling.by)),
    (int, lambda ruling: (ruling.made, ruling.rung)),
    (int | float, lambda ruling: (ruling.until, ruling.remembered)),
    (bool, lambda ruling: (ruling.ends,)),
)


def _ruling_of(told: Sequence[Any]) -> Ruling:
    ruling = Ruling(*told)
    if len(told) != len(Ruling._fields):
        raise TypeError("another version")
    moments = (ruling.until, ruling.remembered)
    for kind, values in KINDS:
        if not all(isinstance(value, kind) for value in values(ruling)):
            raise TypeError("a value of another kind")
    if not all(map(math.isfinite, moments)):
        raise ValueError("a moment that is none")
    if min(ruling.made, ruling.rung, *moments) < 0 or ruling.rung >= MAX_RUNG:
        raise ValueError("a number that is none of ours")
    if len(ruling.why) > MAX_WHY or len(ruling.node) > LONGEST_NAME or ruling.by not in ("ladder", "operator"):
        raise ValueError("a text that is none of ours")
    if ruling.key != _canonical(ruling.key):
        raise ValueError("no key as the tables write it")
    return ruling._replace(list=List(ruling.list), until=float(ruling.until), remembered=float(ruling.remembered))


def _canonical(key: str) -> str:
    """Return ``key`` as the node's tables write it; raises ValueError for a network that nobody may ban or allow."""
    if "/" not in key:
        return str(ipaddress.IPv4Address(key))
    network = ipaddress.ip_network(key)
    if network.prefixlen < WIDEST[network.version] or (network.version == 6 and network.prefixlen > CLIENT_V6):
        raise ValueError("too wide, or less than a client")
    return str(network.network_address if network.prefixlen == 32 and network.version == 4 else network)
