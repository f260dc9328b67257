"""Orders: what the supervisor tells a worker over their channel."""

from __future__ import annotations

from typing import NamedTuple

from shieldproxy.core.addresses import Network
from shieldproxy.core.ladder import Ban
from shieldproxy.settings.schema import Settings


class Boot(NamedTuple):
    """The first order: what to serve, and the descriptors to accept on. ``workers`` is how many share the node."""

    settings: Settings
    sockets: tuple[int, ...]
    node: str
    workers: int = 1
    allowed: tuple[Network, ...] = ()
    banned_networks: tuple[Ban, ...] = ()


class Adopt(NamedTuple):
    """Judge by these settings from now on."""

    settings: Settings


class Allowed(NamedTuple):
    """The networks an operator let through for a while."""

    networks: tuple[Network, ...]


class BannedNetworks(NamedTuple):
    """The networks an operator banned."""

    bans: tuple[Ban, ...]


class Learn(NamedTuple):
    """A ban another worker imposed: its cause."""

    ban: Ban


class Drain(NamedTuple):
    """Stop accepting, let exchanges end for so many seconds, then exit."""

    seconds: float


Order = Adopt | Allowed | BannedNetworks | Learn | Drain
