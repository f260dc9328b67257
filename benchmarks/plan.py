"""The plan of a run: how much load, from how many clients, and where the bounds lie."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING

from benchmarks.addresses import CLAIMED_SPACE, ONE_SITE_SPACE, SOURCE_SPACE

if TYPE_CHECKING:
    from benchmarks.loopback import Target

MAX_SECONDS = 900.0  # a soak is ten minutes; nothing of ours needs more
MAX_REQUESTS = 50_000_000
MAX_CONNECTIONS = 10_000  # file descriptors of one process, with room to spare


class Via(Enum):
    """How a run shows many clients."""

    ONE = "one"
    """All connections come from 127.0.0.1."""
    SOURCE = "source"
    """Each connection is bound to a loopback address of its own."""
    PROXY = "proxy-protocol"
    """Each connection claims an IPv4 address of its own by a PROXY protocol v2 header."""
    FORWARDED = "x-forwarded-for"
    """Each request claims an IPv4 address of its own."""
    FORWARDED_V6 = "x-forwarded-for-v6"
    """Each request claims an IPv6 address in a /64 of its own."""
    ONE_SITE = "x-forwarded-for-one-site"
    """Each request claims an IPv6 address of its own, all of one /48."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run shall do. Both bounds hold: it ends after `count` requests or after `seconds`."""

    target: Target
    seconds: float = 5.0
    count: int = MAX_REQUESTS
    connections: int = 64
    clients: int = 1
    via: Via = Via.ONE
    per_connection: int = 0
    """Requests on one connection before the next client takes its place; 0: for ever."""
    form: str | None = None
    """Posted as a form where given, else the run sends GETs."""

    def __post_init__(self) -> None:
        """Refuses what is out of bounds (ValueError)."""
        space = {Via.SOURCE: SOURCE_SPACE, Via.ONE_SITE: ONE_SITE_SPACE}.get(self.via, CLAIMED_SPACE)
        for name, value, limit in (
            ("seconds", self.seconds, MAX_SECONDS),
            ("count", self.count, MAX_REQUESTS),
            ("connections", self.connections, MAX_CONNECTIONS),
            ("clients", self.clients, space),
        ):
            if not 0 < value <= limit:
                raise ValueError(f"{name} = {value}: must be above 0 and at most {limit}")
        if self.per_connection < 0:
            raise ValueError("per_connection must be 0, for ever, or above")
        if self.via is Via.SOURCE and ":" in self.target.host:
            raise ValueError("many source addresses exist only in 127.0.0.0/8, not for ::1")
