"""Bounded replies: what a server says has an end, for us."""

from __future__ import annotations

import asyncio

import pytest
from valkey.exceptions import InvalidResponse

from shieldproxy.state.bounded_replies import MOST_BYTES, BoundedReader


async def test_a_reply_has_a_budget() -> None:
    """Bytes and lines draw from one; the next reply has its own."""
    stream = asyncio.StreamReader(limit=MOST_BYTES)
    reader = BoundedReader(stream)
    stream.feed_data(b"+OK\r\n" + bytes(10))
    assert await reader.readline() == b"+OK\r\n"
    assert await reader.readexactly(10) == bytes(10)
    with pytest.raises(InvalidResponse):
        await reader.readexactly(MOST_BYTES)
    reader.renew()
    stream.feed_data(bytes(20))
    assert len(await reader.readexactly(20)) == 20
    stream.feed_eof()
    assert reader.at_eof()


async def test_a_length_below_nothing_is_refused() -> None:
    """Such a length would give budget back."""
    with pytest.raises(InvalidResponse):
        await BoundedReader(asyncio.StreamReader()).readexactly(-5)
