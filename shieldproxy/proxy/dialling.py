"""Dialling: how a connection to the origin is made: which addresses its name has, and which of them answers."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from shieldproxy.core.ports import Monotonic
    from shieldproxy.proxy.terms import OriginTerms

P = TypeVar("P", bound=asyncio.Protocol)
# host, port -> addresses; raises OSError. Never called twice at once.
Resolve = Callable[[str, int], Awaitable[list[str]]]

# Seconds for which the addresses of a name are used again: a flood asks the resolver once, and a name that moves is
# followed in time. When the resolver fails, the addresses it gave last are used on.
REMEMBERED = 5.0
# Names of sites have one or two addresses; each gets its part of the time to connect.
MOST_ADDRESSES = 8


async def resolve(host: str, port: int) -> list[str]:
    """Return the addresses of ``host`` in the system's order. Raises OSError when there are none."""
    found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))[:MOST_ADDRESSES]


class Dialler:
    """Makes connections to one origin."""

    def __init__(self, terms: OriginTerms, *, clock: Monotonic, resolver: Resolve = resolve) -> None:
        self._terms = terms
        self._clock = clock
        self._resolve = resolver
        self._known = [terms.host] if is_address(terms.host) else []
        self._literal = bool(self._known)
        self._asked = -REMEMBERED
        self._asking: asyncio.Task[None] | None = None
        self._good = ""

    async def dial(self, protocol: Callable[[], P]) -> P:
        """Return a connected protocol; ``connect`` of the terms bounds all attempts together.

        Raises TimeoutError, OSError or ssl.SSLError: what the last address said.
        """
        terms = self._terms
        if terms.unix:
            loop = asyncio.get_running_loop()
            return (await asyncio.wait_for(loop.create_unix_connection(protocol, terms.unix), terms.connect))[1]
        end = self._clock() + terms.connect
        addresses = await asyncio.wait_for(self._addresses(), terms.connect)
        last: OSError = OSError(f"{terms.host} has no address")
        for index, address in enumerate(addresses):
            share = (end - self._clock()) / (len(addresses) - index)
            try:
                reached = await asyncio.wait_for(self._reach(protocol, address), share)
            except OSError as error:  # TimeoutError and ssl.SSLError are OSErrors
                last = error
                continue
            self._good = address
            return reached
        raise last

    async def _reach(self, protocol: Callable[[], P], address: str) -> P:
        terms = self._terms
        name = terms.host if terms.tls else None
        loop = asyncio.get_running_loop()
        return (await loop.create_connection(protocol, address, terms.port, ssl=terms.tls, server_hostname=name))[1]

    async def _addresses(self) -> list[str]:
        """Return the addresses to try, the one that answered last first."""
        if not self._literal and self._clock() - self._asked >= REMEMBERED:
            if self._asking is None:
                self._asking = asyncio.get_running_loop().create_task(self._ask())
            # Whoever gives up waiting must not take the answer from the others.
            await asyncio.shield(self._asking)
        return sorted(self._known, key=lambda address: address != self._good)

    async def _ask(self) -> None:
        try:
            self._known = await self._resolve(self._terms.host, self._terms.port)
        except OSError:
            if not self._known:
                raise
        finally:
            self._asking = None
        self._asked = self._clock()


def is_address(host: str) -> bool:
    """Tell whether ``host`` is an address, which needs no resolver."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
