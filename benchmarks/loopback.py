"""The guard before every generator: a load test may only ever reach this machine.

A load generator is a weapon when it is pointed at somebody else. So a target is accepted only when it is
written as a literal loopback address (127.0.0.0/8 or ::1) or as the bare name ``localhost``, which we turn
into 127.0.0.1 ourselves: no resolver is asked, because a resolver may answer anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network, IPv6Address
from urllib.parse import SplitResult, urlsplit

LOOPBACK_V4 = IPv4Network("127.0.0.0/8")  # RFC 1122, 3.2.1.3 (g)
LOOPBACK_V6 = IPv6Address("::1")  # RFC 4291, 2.5.3


class NotLoopbackError(ValueError):
    """The target is not on this machine, or we cannot be certain that it is."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a generator may connect to: a literal loopback address, a port, and what to ask for.

    However it was made, it points at this machine: anything else raises NotLoopbackError.
    """

    host: str
    port: int
    path: str = "/"

    def __post_init__(self) -> None:
        """Refuses every host that is not the literal address itself."""
        if loopback_address(self.host) != self.host:
            raise NotLoopbackError(f"{self.host} is a name; a target holds the literal address")

    @property
    def authority(self) -> str:
        """Host and port as they are written in a URL and in the Host field."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The whole target as an http URL."""
        return f"http://{self.authority}{self.path}"


def loopback_address(host: str) -> str:
    """The loopback address `host` stands for, or NotLoopbackError.

    Short and numeric forms (``127.1``, ``2130706433``), IPv4 mapped into IPv6 and zone identifiers are
    refused: programs disagree about what they mean.
    """
    if host.lower() == "localhost":
        return "127.0.0.1"
    try:
        if IPv4Address(host) in LOOPBACK_V4:
            return host
    except AddressValueError:
        pass
    try:
        if IPv6Address(host) == LOOPBACK_V6:
            return "::1"
    except AddressValueError:
        pass
    raise NotLoopbackError(
        f"{host or 'an empty host'} is not a loopback address; load is sent to 127.0.0.0/8 or ::1 only"
    )


def loopback_target(url: str) -> Target:
    """Parses an http URL and promises that it points at this machine; else NotLoopbackError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise NotLoopbackError(f"{url}: {error}") from error
    if parts.scheme != "http":
        raise NotLoopbackError(f"{url}: only http:// targets are measured")
    if parts.username is not None or parts.password is not None:
        raise NotLoopbackError(f"{url}: a target carries no user name")
    return Target(loopback_address(parts.hostname or ""), port or 80, _request_target(url, parts))


def _request_target(url: str, parts: SplitResult) -> str:
    path = f"{parts.path or '/'}{'?' + parts.query if parts.query else ''}"
    if not (path.isascii() and path.isprintable()) or " " in path:
        raise NotLoopbackError(f"{url}: a path is printable ASCII without spaces")
    return path
