"""Bounded replies: a server that is not ours any more cannot fill our memory. Imports the optional library."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from valkey._parsers import _AsyncRESP2Parser
from valkey.exceptions import InvalidResponse

if TYPE_CHECKING:
    from valkey.asyncio.connection import AbstractConnection

# The largest honest reply is a page of some hundred rulings of up to 4 KiB each.
MOST_BYTES = 8 << 20


class BoundedReader:
    """Reads from ``stream`` until ``MOST_BYTES`` are used up; then InvalidResponse is raised until ``renew``."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self._stream = stream
        self._left = MOST_BYTES

    def renew(self) -> None:
        """Begin another reply."""
        self._left = MOST_BYTES

    async def readexactly(self, count: int) -> bytes:
        """Return ``count`` bytes."""
        self._use(count)
        return await self._stream.readexactly(count)

    async def readline(self) -> bytes:
        """Return one line; StreamReader bounds it to 64 KiB and raises ValueError beyond."""
        line = await self._stream.readline()
        self._use(len(line))
        return line

    def at_eof(self) -> bool:
        """Tell whether the server has closed and all was read."""
        return self._stream.at_eof()

    def _use(self, count: int) -> None:
        self._left -= count
        if self._left < 0 or count < 0:
            raise InvalidResponse(f"a reply of more than {MOST_BYTES >> 20} MiB")


class BoundedParser(_AsyncRESP2Parser):
    """The library's own parser of RESP 2, with the number of bytes in one reply bounded."""

    _stream: Any

    def on_connect(self, connection: AbstractConnection) -> None:
        """Read from now on from ``connection``."""
        super().on_connect(connection)  # type: ignore[no-untyped-call]  # the library's
        self._stream = BoundedReader(self._stream)

    async def read_response(self, disable_decoding: bool = False) -> Any:  # noqa: FBT001, FBT002 - as the library has it
        """Return one reply."""
        self._stream.renew()
        return await super().read_response(disable_decoding=disable_decoding)
