"""The channel: orders arrive as they were, reports can only be read, and an end that is gone is noticed."""

from __future__ import annotations

import asyncio
import ipaddress
import pickle
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest

from shieldproxy.app.orders import Allowed, Drain
from shieldproxy.state.channel import LENGTH, MAX_MESSAGE, Channel

Pair = tuple[Channel, Channel]


@pytest.fixture
async def pair() -> AsyncIterator[Pair]:
    """The supervisor's end and the worker's."""
    ours, theirs = socket.socketpair()
    ends = await Channel.over(ours), await Channel.over(theirs)
    yield ends
    for end in ends:
        await end.close()


@pytest.fixture
async def raw() -> AsyncIterator[tuple[Channel, socket.socket]]:
    """The supervisor's end, and the bare socket at the other."""
    ours, theirs = socket.socketpair()
    channel = await Channel.over(ours)
    yield channel, theirs
    theirs.close()
    await channel.close()


async def test_orders_arrive_in_order_and_as_they_were(pair: Pair) -> None:
    """What the supervisor sends is what the worker gets, values of our own classes too."""
    supervisor, worker = pair
    sent = [Drain(1.5), Allowed((ipaddress.ip_network("192.0.2.0/24"),)), Drain(0.0)]
    for order in sent:
        supervisor.order(order)
    assert [await worker.next_order() for _ in sent] == sent


async def test_reports_arrive_in_order(pair: Pair) -> None:
    """What a worker says is what the supervisor hears."""
    supervisor, worker = pair
    sent: list[dict[str, Any]] = [{"ready": 42}, {"ban": {"key": "192.0.2.1", "until": 1.5}}, {}]
    for report in sent:
        worker.report(report)
    assert [await supervisor.next_report() for _ in sent] == sent


async def test_a_long_order_arrives_whole(pair: Pair) -> None:
    """A policy with thousands of rules is longer than any socket's buffer, and sending it waits for nobody."""
    supervisor, worker = pair
    order = bytes(5 << 20)
    supervisor.order(order)
    assert await asyncio.wait_for(worker.next_order(), 10) == order


async def test_both_directions_are_apart(pair: Pair) -> None:
    """An order and a report that cross each other arrive both."""
    supervisor, worker = pair
    supervisor.order(Drain(1.0))
    worker.report({"ready": 1})
    assert await worker.next_order() == Drain(1.0)
    assert await supervisor.next_report() == {"ready": 1}


async def test_an_end_that_is_gone_is_noticed_by_the_other(pair: Pair) -> None:
    """A worker whose supervisor died hears so, and the other way round; sending to nobody does not raise."""
    supervisor, worker = pair
    await supervisor.close()
    with pytest.raises(EOFError):
        await worker.next_order()
    worker.report({"ready": 1})
    supervisor.order(Drain(1.0))
    with pytest.raises(EOFError):
        await supervisor.next_report()


async def test_a_message_cut_short_is_the_end(raw: tuple[Channel, socket.socket]) -> None:
    """A worker that dies while it speaks is a worker that died."""
    channel, other = raw
    other.sendall(LENGTH.pack(100) + b'{"ready"')
    other.close()
    with pytest.raises(EOFError):
        await channel.next_report()


async def test_a_message_longer_than_any_is_the_end(raw: tuple[Channel, socket.socket]) -> None:
    """Nobody makes the supervisor hold more than it ever has to."""
    channel, other = raw
    other.sendall(LENGTH.pack(MAX_MESSAGE + 1))
    with pytest.raises(EOFError):
        await channel.next_report()


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'"ready"', b"null", pickle.dumps({"ready": 1})])
async def test_what_is_no_report_is_refused(data: bytes, raw: tuple[Channel, socket.socket]) -> None:
    """A report is read as JSON and as nothing else: what a worker that was taken over sends is never run."""
    channel, other = raw
    other.sendall(LENGTH.pack(len(data)) + data)
    with pytest.raises(ValueError):  # noqa: PT011 - the words are the JSON library's
        await channel.next_report()


async def test_a_supervisor_that_does_not_listen_costs_bounded_memory(pair: Pair) -> None:
    """Reports that nobody takes are kept up to a bound, then counted; those kept arrive when it listens again."""
    supervisor, worker = pair
    report = {"ban": "x" * (1 << 20)}
    for _ in range(100):
        worker.report(report)
    assert 50 < worker.unheard < 100
    for _ in range(100 - worker.unheard):
        assert await asyncio.wait_for(supervisor.next_report(), 10) == report


async def test_closing_twice_is_closing_once(pair: Pair) -> None:
    """Both ends may end at once."""
    for end in (*pair, *pair):
        await end.close()
