"""A worker: it accepts, obeys and ends, and an order it cannot follow changes nothing."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from shieldproxy.app import worker as module
from shieldproxy.app.orders import Adopt, Allowed, BannedNetworks, Boot, Drain, Learn
from shieldproxy.app.worker import Worker
from shieldproxy.core.ladder import Ban
from shieldproxy.settings.reading import load
from shieldproxy.settings.schema import Settings
from shieldproxy.state.beats import Beats
from shieldproxy.state.channel import Channel
from shieldproxy.state.memory import NodeMemory, Region, Sizes
from tests.fakes.databases import asn_record, country_record, write_mmdb

# Loopback is no network of the Internet, so visitors come from somewhere that a trusted server tells.
CLIENT = "5.6.7.8"


class Supervised:
    """A worker, its supervisor's end of the channel, and the port where it accepts."""

    def __init__(self, channel: Channel, port: int, task: asyncio.Task[None], folder: Path, memory: NodeMemory) -> None:
        self.channel = channel
        self.port = port
        self.task = task
        self.folder = folder
        self.memory = memory

    async def report(self, name: str) -> Any:
        """Return the next report of a kind."""
        async with asyncio.timeout(20):
            while name not in (report := await self.channel.next_report()):
                pass
        return report[name]

    async def ask(self, client: str = CLIENT) -> int:
        """Return the status a client gets."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"GET / HTTP/1.1\r\nHost: a\r\nX-Forwarded-For: {client}\r\nConnection: close\r\n\r\n".encode())
        answer = await asyncio.wait_for(reader.read(), 20)
        writer.close()
        await writer.wait_closed()
        return int(answer.split()[1])

    async def eventually(self, status: int, client: str = CLIENT) -> None:
        """Return when ``client`` is answered with ``status``: an order crosses to the worker on its own time."""
        for _ in range(1_000):
            if await self.ask(client) == status:
                return
            await asyncio.sleep(0.01)
        raise AssertionError(f"{client} is never answered with {status}")


def settings_in(folder: Path, origin: int, *more: str) -> Settings:
    """Return settings that keep everything in ``folder``."""
    return load(
        None,
        (
            f"state={{directory='{folder}/state', buckets=1024}}",
            f"journal.directory='{folder}/journal'",
            f"geo={{asn='{folder}/asn.mmdb', country='{folder}/country.mmdb'}}",
            f"origin.url='http://127.0.0.1:{origin}'",
            "server.trusted_proxies=['127.0.0.1']",
            "server.client_address='x-forwarded-for'",
            "server.drain='1s'",
            "limits={}",
            "rules=[]",
            *more,
        ),
    )


async def origin_that_says(word: bytes) -> asyncio.Server:
    """Start an origin that answers everything with ``word`` as its status."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 %b\r\nContent-Length: 0\r\nConnection: close\r\n\r\n" % word)
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    return await asyncio.start_server(answer, "127.0.0.1", 0)


def port_of(server: asyncio.Server) -> int:
    """Return where a server listens."""
    port: int = server.sockets[0].getsockname()[1]
    return port


@pytest.fixture
async def origin() -> AsyncIterator[asyncio.Server]:
    """An origin that says 200."""
    server = await origin_that_says(b"200 OK")
    async with server:
        yield server


Start = Callable[..., Awaitable[Supervised]]


@pytest.fixture
async def start(tmp_path: Path, origin: asyncio.Server) -> AsyncIterator[Start]:
    """A function that starts a worker with more settings, and fields of its Boot."""
    write_mmdb(tmp_path / "asn.mmdb", {"5.6.7.0/24": asn_record(64500, "Flood Hosting")})
    write_mmdb(tmp_path / "country.mmdb", {"5.6.7.0/24": country_record("CH")}, "GeoLite2-Country")
    memory = NodeMemory.create(Sizes(buckets=1_024, bans=64, spent=64, workers=2), bytes(32))
    started: list[Supervised] = []

    async def begin(*more: str, **boot: Any) -> Supervised:
        ours, theirs = socket.socketpair()
        listening = socket.create_server(("127.0.0.1", 0))
        port = listening.getsockname()[1]
        channel = await Channel.over(ours)
        order = Boot(settings_in(tmp_path, port_of(origin), *more), (listening.detach(),), "edge", **boot)
        worker = Worker(order, 0, memory, await Channel.over(theirs))
        task = asyncio.get_running_loop().create_task(worker.serve(order.sockets))
        started.append(Supervised(channel, port, task, tmp_path, memory))
        await started[-1].report("ready")
        return started[-1]

    yield begin
    for worker in started:
        worker.channel.order(Drain(0.0))
        await asyncio.wait_for(worker.task, 20)
        await worker.channel.close()
    memory.close()


async def test_it_accepts_serves_and_ends_when_told(start: Start) -> None:
    """Ready, an answer, and after the order to drain the port is closed and the worker gone."""
    worker = await start()
    assert await worker.ask() == 200
    worker.channel.order(Drain(0.0))
    await asyncio.wait_for(worker.task, 20)
    with pytest.raises(ConnectionRefusedError):
        await worker.ask()


async def test_it_ends_when_nobody_supervises_it_any_more(start: Start) -> None:
    """No orphan holds a port."""
    worker = await start()
    await worker.channel.close()
    await asyncio.wait_for(worker.task, 20)


async def test_what_was_ordered_before_it_started_holds(start: Start) -> None:
    """A worker that is started again has the present allowances and bans with its first order."""
    network = ipaddress.ip_network("5.6.7.0/24")
    worker = await start(banned_networks=(Ban(str(network), 1e12, "rented"),))
    assert await worker.ask() == 403
    assert await worker.ask("5.6.8.1") == 200
    other = await start(banned_networks=(Ban(str(network), 1e12, "rented"),), allowed=(network,))
    assert await other.ask() == 200


async def test_orders_are_followed_while_it_serves(start: Start) -> None:
    """Networks banned and allowed, and back again, on a worker that never stops."""
    worker = await start()
    network = ipaddress.ip_network("5.6.7.0/24")
    worker.channel.order(BannedNetworks((Ban(str(network), 1e12, "rented"),)))
    await worker.eventually(403)
    worker.channel.order(Allowed((network,)))
    await worker.eventually(200)
    worker.channel.order(Allowed(()))
    await worker.eventually(403)
    worker.channel.order(BannedNetworks(()))
    await worker.eventually(200)


async def test_a_ban_it_imposes_is_told(start: Start) -> None:
    """The supervisor hears whom, until when and why, and from which network."""
    worker = await start(
        "bans={offences=1, ladder=['1h']}", 'rules=[{name="no", when={country="CH"}, action="refuse", why="no"}]'
    )
    assert [await worker.ask() for _ in range(2)] == [403, 403]
    told = await worker.report("ban")
    assert (told["key"], told["cause"], told["rung"]) == (CLIENT, "offences against rules", 0)
    worker.channel.order(Learn(Ban(CLIENT, told["until"], "told again")))
    assert await worker.ask() == 403


async def test_new_settings_are_taken_over_whole(start: Start, origin: asyncio.Server) -> None:
    """Limits, terms and the origin change together; the digest of what is in force is reported."""
    worker = await start()
    async with await origin_that_says(b"204 No Content") as other:
        refusing = "rules=[{name='no', when={country='CH'}, action='refuse'}]"
        settings = settings_in(worker.folder, port_of(other), refusing, "server.hosts=['a']")
        worker.channel.order(Adopt(settings))
        assert len(await worker.report("adopted")) == 16
        assert await worker.ask() == 403
        assert await worker.ask("5.6.8.1") == 204


async def test_an_order_that_fails_leaves_all_as_it_was(start: Start, origin: asyncio.Server) -> None:
    """Keys that cannot be read: the old policy stays, the worker serves, and obeys the next order."""
    worker = await start()
    refusing = "rules=[{name='no', when={country='CH'}, action='refuse'}]"
    keys = worker.folder / "state" / "clearance.keys"
    text = keys.read_text()
    keys.write_text("damaged")
    worker.channel.order(Adopt(settings_in(worker.folder, port_of(origin), refusing)))
    worker.channel.order(BannedNetworks((Ban("5.6.9.0/24", 1e12, "rented"),)))
    await worker.eventually(403, "5.6.9.1")
    assert await worker.ask() == 200
    keys.write_text(text)
    worker.channel.order(Adopt(settings_in(worker.folder, port_of(origin), refusing)))
    await worker.eventually(403)


async def test_names_of_busy_networks_are_told_once(start: Start) -> None:
    """The supervisor counts by number; it hears the name with the second in which the network first came."""
    worker = await start()
    await worker.ask()
    assert await worker.report("networks") == [[64500, "Flood Hosting", "CH", "other"]]


async def test_a_journal_that_fails_and_works_again_is_told(start: Start) -> None:
    """What the supervisor shows is how it stands now, not how it once was."""
    worker = await start("journal.segment='1s'")
    await worker.ask()
    journal = worker.folder / "journal"
    journal.rename(worker.folder / "elsewhere")
    journal.write_text("a file where the folder was")

    async def keep_asking() -> None:
        while True:
            assert await worker.ask() == 200
            await asyncio.sleep(0.05)

    asking = asyncio.ensure_future(keep_asking())
    assert await worker.report("journal_problem") != ""
    journal.unlink()
    assert await worker.report("journal_problem") == ""
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


async def test_a_worker_shows_that_its_loop_comes_round(start: Start, monkeypatch: pytest.MonkeyPatch) -> None:
    """The number under its index grows, in memory that the supervisor reads, whatever its tasks wait for."""
    monkeypatch.setattr(module, "BEAT", 0.01)
    worker = await start()
    beats = Beats(worker.memory.region(Region.BEATS))
    first = beats.count(0)
    for _ in range(2_000):
        if beats.count(0) >= first + 3:
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it does not grow")
