"""A name server on loopback that answers from a table, over UDP."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self, cast

import dns.flags
import dns.message
import dns.rcode
import dns.rrset


class NameServer(asyncio.DatagramProtocol):
    """Answers from ``table``: (name, kind) -> texts; ``failing`` names get SERVFAIL, all others do not exist."""

    def __init__(self, table: dict[tuple[str, str], list[str]], failing: frozenset[str] = frozenset()) -> None:
        self._table = table
        self._failing = failing
        self._transport: asyncio.DatagramTransport | None = None
        self.asked: list[tuple[str, str]] = []

    async def __aenter__(self) -> Self:
        loop = asyncio.get_running_loop()
        await loop.create_datagram_endpoint(lambda: self, ("127.0.0.1", 0))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._transport is not None
        self._transport.close()

    @property
    def place(self) -> tuple[str, int]:
        """Address and port."""
        assert self._transport is not None
        address, port = self._transport.get_extra_info("sockname")
        return address, port

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep the socket."""
        self._transport = cast("asyncio.DatagramTransport", transport)  # uvloop's is no subclass

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        """Answer a question."""
        question = dns.message.from_wire(data)
        asked = question.question[0]
        name, kind = asked.name.to_text(), dns.rdatatype.to_text(asked.rdtype)
        self.asked.append((name, kind))
        answer = dns.message.make_response(question)
        answer.flags |= dns.flags.RA
        found = self._table.get((name, kind))
        if name in self._failing:
            answer.set_rcode(dns.rcode.SERVFAIL)
        elif found:
            answer.answer.append(dns.rrset.from_text(asked.name, 60, "IN", kind, *found))
        elif not any(known == name for known, _ in self._table):
            answer.set_rcode(dns.rcode.NXDOMAIN)
        assert self._transport is not None
        self._transport.sendto(answer.to_wire(), addr)
