"""Resolving: the two questions to name servers that confirm a robot, asked by dnspython."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from ipaddress import ip_address

import dns.asyncresolver
import dns.exception
import dns.resolver

from shieldproxy.intel.witness import LookupFailedError

# Seconds for one question, over all servers and tries.
LIFETIME = 4.0
PORT = 53
# The servers say it for sure: such a name, or such an entry of it, is not there.
ABSENT = (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer)
FAILED = (dns.exception.DNSException, OSError, ValueError)


class Resolver:
    """Asks the ``servers`` (address, port), or those of the system when there are none."""

    def __init__(self, servers: Sequence[tuple[str, int]] = ()) -> None:
        self._servers = tuple(servers)
        self._resolver: dns.asyncresolver.Resolver | None = None

    async def names_of(self, address: str) -> list[str]:
        """Return the names of ``address`` (PTR, RFC 1035). Raises LookupFailedError when nobody can tell."""
        return await self._ask(ip_address(address).reverse_pointer, "PTR")

    async def addresses_of(self, name: str) -> list[str]:
        """Return the addresses of ``name`` (A and AAAA). Raises LookupFailedError when nobody can tell."""
        found = await asyncio.gather(self._ask(name, "A"), self._ask(name, "AAAA"))
        return [address for answers in found for address in answers]

    async def _ask(self, name: str, kind: str) -> list[str]:
        try:
            answer = await self._made().resolve(name, kind, search=False, lifetime=LIFETIME)
        except ABSENT:
            return []
        except FAILED as error:
            raise LookupFailedError(f"{name} {kind}: {error}") from error
        return [entry.to_text() for entry in answer]

    def _made(self) -> dns.asyncresolver.Resolver:
        """Return the resolver, made when it is first needed: most sites meet a robot, none needs one to start."""
        if self._resolver is None:
            made = dns.asyncresolver.Resolver(configure=not self._servers)
            if self._servers:
                made.nameservers = [address for address, _ in self._servers]
                made.nameserver_ports = dict(self._servers)
            made.cache = None
            self._resolver = made
        return self._resolver
