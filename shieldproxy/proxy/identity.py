"""Identity: on whose behalf a connection speaks, and what the origin is told of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from shieldproxy.core.addresses import Address, parse_address, within
from shieldproxy.guard.forwarders import Caller, caller_of
from shieldproxy.guard.visits import Peer, Visit
from shieldproxy.proxy.proxy_protocol import Announcement, read_announcement
from shieldproxy.proxy.terms import ClientAddress

if TYPE_CHECKING:
    from shieldproxy.guard.guard import Guard
    from shieldproxy.proxy.fields import Field
    from shieldproxy.proxy.terms import Terms


class Identity:
    """Whose requests one connection carries: its peer's, those of the client a balancer announced, or forwarded ones.

    ``announced`` is False as long as a PROXY announcement is waited for. ``caller`` is who speaks when no header says
    otherwise.
    """

    __slots__ = ("_early", "_forwarding", "_guard", "_lines", "_lines_for", "_trusted", "_visit", "announced", "caller")

    def __init__(self, guard: Guard, terms: Terms, peer: Peer, address: Address, *, secure: bool) -> None:
        self._guard = guard
        self._trusted = bool(terms.trusted) and within(address, terms.trusted)
        self._forwarding = self._trusted and terms.client_address is ClientAddress.FORWARDED_FOR
        self._early = b""
        self._visit: Visit | None = None
        self._lines = b""
        self._lines_for: tuple[str, str, bool] | tuple[None, None, None] = None, None, None
        self.announced = terms.client_address is not ClientAddress.PROXY_PROTOCOL
        self.caller = Caller(address, peer, secure)

    @property
    def speaks_for_others(self) -> bool:
        """Whether its requests are those of many clients, told apart by a header.

        Such a connection counts as nobody's, and no ban closes it: that of one client would be that of all.
        """
        return self._forwarding

    def announce(self, data: bytes) -> bytes | None:
        """Read ``data`` as (the next part of) a PROXY announcement; return what stands behind it, None for more.

        Raises ValueError when it is none, or when the peer is not trusted to announce anybody.
        """
        data = self._early + data
        said = self.hear(data)
        if said is None:
            self._early = data
            return None
        self._early = b""
        self.adopt(said)
        return data[said.size :]

    def hear(self, data: bytes) -> Announcement | None:
        """Return the PROXY announcement at the start of ``data``, None for more. Raises ValueError as ``announce``."""
        if not self._trusted:
            raise ValueError("a PROXY announcement from a peer that is not trusted")
        return read_announcement(data)

    def adopt(self, said: Announcement) -> None:
        """Speak for whom the announcement names; one that names nobody is the peer's own."""
        self.announced = True
        address = parse_address(said.src_ip)
        if address is not None:
            peer = Peer(str(address), said.src_port, said.dst_ip, said.dst_port, said.tls, said.ja4)
            self.caller = Caller(address, peer, bool(said.tls))

    def meet(self) -> Visit:
        """Return the visit of whoever the connection itself speaks for."""
        address = self.caller.address
        known = self._visit
        self._visit = self._guard.meet(address) if known is None else self._guard.renew(known, address)
        return self._visit

    def whose(self, fields: Sequence[Field], terms: Terms) -> tuple[Visit, Caller]:
        """Return whose request it is that came with ``fields``: a trusted forwarder may speak for others."""
        if self._forwarding:
            caller = caller_of(fields, self.caller, terms.trusted)
            return self._guard.meet(caller.address), caller
        return self.meet(), self.caller

    def lines(self, address: str, host: str, *, secure: bool) -> bytes:
        """Return the X-Forwarded-* lines for the origin: the trusted chain and the peer, nobody's mere claim.

        Kept from one request to the next, because most connections carry one client to one site.
        """
        for_address, for_host, for_secure = self._lines_for
        # The very same words come with each request; whether equal ones are others is not worth a comparison.
        if address is not for_address or host is not for_host or secure is not for_secure:
            self._lines_for = address, host, secure
            here = self.caller.peer.src_ip
            chain = f"{address}, {here}" if here and address != here else address
            site = f"X-Forwarded-Host: {host}\r\n" if host else ""
            scheme = "https" if secure else "http"
            self._lines = f"X-Forwarded-For: {chain}\r\nX-Forwarded-Proto: {scheme}\r\n{site}".encode("latin-1")
        return self._lines


def peer_of(transport: asyncio.BaseTransport) -> Peer:
    """Return both ends of ``transport``."""
    return peer_between(transport.get_extra_info("peername"), transport.get_extra_info("sockname"))


def peer_between(source: object, destination: object) -> Peer:
    """Return both ends of a connection between two addresses as sockets tell them; a unix socket's peer is us."""
    if not isinstance(source, tuple) or not isinstance(destination, tuple):
        return Peer("127.0.0.1")
    address = str(parse_address(source[0]) or source[0])
    return Peer(address, source[1], str(parse_address(destination[0]) or destination[0]), destination[1])


def tls_of(transport: asyncio.BaseTransport) -> str:
    """Return the version of TLS that ``transport`` speaks, '' for none."""
    tls = transport.get_extra_info("ssl_object")
    return (tls.version() or "") if tls is not None else ""
