"""Terms: what the configuration says to the main door and its pool, flat and frozen, read many times a request."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from enum import StrEnum

from shieldproxy.core.addresses import Network
from shieldproxy.guard.gate import MAX_OWN_BODY


class ClientAddress(StrEnum):
    """Who tells us the client's address."""

    PEER = "peer"
    FORWARDED_FOR = "x-forwarded-for"
    PROXY_PROTOCOL = "proxy-protocol"


@dataclass(frozen=True, slots=True)
class Terms:
    """Times are seconds, sizes bytes.

    ``header`` bounds a head from its first byte to its last, ``idle`` a silent kept-alive connection, ``body_idle``
    the silence within a request body, ``tunnel_idle`` the silence of an upgraded connection, ``write`` how long a
    client may refuse to read. A body must come at ``body_rate`` bytes a second on average (0: at any rate).
    A handshake of TLS has ``handshake`` seconds; one client key begins ``handshake_rate`` of them a second (0: any
    number), ``handshake_burst`` at once. ``nameless`` is the Host that the origin reads where a client named none
    (HTTP/1.0). Copies of pages are shown ``stale_if_error`` beyond their freshness when the origin fails (0: none are
    kept), from ``stale_memory``.
    """

    client_address: ClientAddress = ClientAddress.PEER
    trusted: tuple[Network, ...] = ()
    hosts: frozenset[str] = frozenset()
    header: float = 10.0
    idle: float = 75.0
    body_idle: float = 30.0
    body_rate: int = 500
    tunnel_idle: float = 3_600.0
    write: float = 30.0
    response: float = 60.0
    max_head: int = 32_768
    max_target: int = 8_192
    max_headers: int = 100
    buffer: int = 65_536
    max_connections: int = 10_000
    max_connections_per_client: int = 256
    max_own_body: int = MAX_OWN_BODY
    pace_wait: float = 2.0
    handshake: float = 10.0
    handshake_rate: float = 50.0
    handshake_burst: float = 500.0
    nameless: bytes = b"localhost"
    stale_if_error: float = 0.0
    stale_memory: int = 33_554_432

    def serves(self, host: bytes) -> bool:
        """Tell whether ``host`` (with or without a port) is a name we stand for; without ``hosts`` every one is."""
        if not self.hosts:
            return True
        name = host.decode("latin-1").lower()
        if not name.endswith("]"):
            name = name.rpartition(":")[0] or name
        name = name.removesuffix(".")
        return name in self.hosts or "*." + name.partition(".")[2] in self.hosts


@dataclass(frozen=True, slots=True)
class OriginTerms:
    """Where the origin is and how it is spoken to. Times are seconds, ``buffer`` bytes. ``unix`` beats host, port.

    Upgraded connections are counted apart, up to ``max_connections`` of them too: people who sit in a chat must not
    keep the pages from others.
    """

    host: str = ""
    port: int = 0
    unix: str = ""
    tls: ssl.SSLContext | None = None
    connect: float = 5.0
    response: float = 60.0
    idle: float = 30.0
    max_connections: int = 256
    max_waiting: int = 1_024
    buffer: int = 65_536

    @property
    def place(self) -> tuple[object, ...]:
        """What makes it another origin when it changes."""
        return self.host, self.port, self.unix, self.tls
