"""The channel between the supervisor and one worker: a socket pair with length-prefixed messages.

Orders (supervisor to worker) are pickled values of our own classes: the supervisor is trusted, the pair has no name,
and a compiled policy needs no second serialisation. Reports (worker to supervisor) are JSON: a worker faces the
Internet, and what it says must not be able to do anything but be read.
"""

from __future__ import annotations

import asyncio
import pickle
import socket
import struct
from typing import Any

import orjson

LENGTH = struct.Struct("!I")
# A settings file with thousands of rules pickles to a megabyte; a longer message is a fault.
MAX_MESSAGE = 64 << 20
# So much of what a worker said may wait for a supervisor that does not listen: about a hundred thousand bans.
MAX_UNHEARD = 16 << 20


class Channel:
    """One end. Sending never waits: what the other end does not take yet is kept, of reports up to MAX_UNHEARD.

    ``unheard`` counts reports beyond that.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.unheard = 0
        self._reader = reader
        self._writer = writer

    @classmethod
    async def over(cls, end: socket.socket) -> Channel:
        """Return the channel over one end of a socket pair."""
        reader, writer = await asyncio.open_unix_connection(sock=end)
        return cls(reader, writer)

    def order(self, value: object) -> None:
        """Send an order to a worker."""
        self._send(pickle.dumps(value))

    def report(self, value: dict[str, Any]) -> None:
        """Send a report to the supervisor."""
        if self._writer.transport.get_write_buffer_size() > MAX_UNHEARD:
            self.unheard += 1
            return
        self._send(orjson.dumps(value))

    async def next_order(self) -> Any:
        """Return the next order; raises EOFError when the supervisor is gone."""
        return pickle.loads(await self._receive())  # noqa: S301 - only the supervisor holds the other end

    async def next_report(self) -> dict[str, Any]:
        """Return the next report; raises EOFError when the worker is gone, ValueError when it is no report."""
        report = orjson.loads(await self._receive())
        if not isinstance(report, dict):
            raise ValueError("a report is an object")
        return report

    async def close(self) -> None:
        """Close this end."""
        self._writer.close()
        try:
            await self._writer.wait_closed()
        except OSError:
            return

    def abandon(self) -> None:
        """Close this end at once, whatever is unsent; who waits for a message hears that the other end is gone."""
        self._writer.transport.abort()

    def _send(self, data: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(LENGTH.pack(len(data)) + data)

    async def _receive(self) -> bytes:
        try:
            (length,) = LENGTH.unpack(await self._reader.readexactly(LENGTH.size))
            if length > MAX_MESSAGE:
                raise EOFError("a message longer than any")
            return await self._reader.readexactly(length)
        except (asyncio.IncompleteReadError, OSError) as error:
            raise EOFError("the other end is gone") from error
