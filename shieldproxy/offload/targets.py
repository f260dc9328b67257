"""Targets: which set of the kernel a ban belongs in, and as what."""

from __future__ import annotations

import ipaddress
import socket
from enum import StrEnum
from typing import NamedTuple

from shieldproxy.core.ladder import Ban
from shieldproxy.offload.spans import Span, span_of

# The least one subscriber owns; the kernel looks an address up by its first 64 bits.
CLIENT_V6 = 64
SUBSCRIBER = (1 << (128 - CLIENT_V6)) - 1


class SetName(StrEnum):
    """The sets of our table. Clients lie in hash tables; networks, of which there are few, in a tree of intervals."""

    CLIENTS4 = "clients4"
    CLIENTS6 = "clients6"
    NETWORKS4 = "networks4"
    NETWORKS6 = "networks6"

    @property
    def version(self) -> int:
        """4 or 6: the family of the addresses inside."""
        return 4 if self in (SetName.CLIENTS4, SetName.NETWORKS4) else 6

    @property
    def of_networks(self) -> bool:
        """Whether its elements are intervals."""
        return self in (SetName.NETWORKS4, SetName.NETWORKS6)


class Target(NamedTuple):
    """One element: all addresses in ``span`` of the family of ``set``. Of CLIENTS6 it is one whole /64."""

    set: SetName
    span: Span


class Element(NamedTuple):
    """A target with the ban it enforces; ``until`` is seconds of the monotonic clock."""

    target: Target
    key: str
    until: float


def target_of(key: str) -> Target:
    """Return where the ban of ``key`` (a client key or a network) belongs. Raises ValueError when it is neither."""
    if "/" not in key and ":" not in key:
        # Nearly every key is an address of IPv4, and ipaddress takes ten times as long for one.
        number = int.from_bytes(_packed(key), "big")
        return Target(SetName.CLIENTS4, Span(number, number))
    network = ipaddress.ip_network(key)
    if network.version == 4:
        return Target(SetName.CLIENTS4 if network.prefixlen == 32 else SetName.NETWORKS4, span_of(network))
    return Target(SetName.CLIENTS6 if network.prefixlen == CLIENT_V6 else SetName.NETWORKS6, span_of(network))


def _packed(text: str) -> bytes:
    try:
        return socket.inet_pton(socket.AF_INET, text)
    except OSError:
        raise ValueError(f"{text!r} is no address") from None


def element_of(ban: Ban) -> Element:
    """Return the element that would enforce ``ban`` if nobody inside were spared. Raises ValueError for a bad key."""
    return Element(target_of(ban.key), ban.key, ban.until)
