"""The shared server, a real one: what is told is read by all, its memory is bounded, and whatever it does has an end."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest

from shieldproxy.state import shared_server
from shieldproxy.state.shared_server import BATCH, Place, SharedServer, SharedServerError
from tests.pems import write_pair
from tests.redis_servers import RedisServer

FAR = 4e9


def without() -> str:
    return ""


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    """A server for all tests that do it no harm."""
    server = RedisServer(tmp_path_factory.mktemp("redis")).start()
    yield server
    server.close()


@asynccontextmanager
async def using(
    place: Place, patience: float = 5.0, password: Callable[[], str] = without
) -> AsyncIterator[SharedServer]:
    """A connection that is closed in the end."""
    server = SharedServer(place, "site", patience, password)
    try:
        yield server
    finally:
        await server.close()


@pytest.fixture
async def server(lasting: RedisServer) -> AsyncIterator[SharedServer]:
    """A connection to an empty server."""
    lasting.ask("FLUSHALL")
    async with using(Place(path=str(lasting.path))) as made:
        yield made


async def everything(server: SharedServer) -> list[bytes]:
    """Return the whole set."""
    return [line async for page in server.everything() for line in page]


async def test_what_is_told_is_new_to_others_and_stays_for_those_to_come(server: SharedServer) -> None:
    """In the order told, once; a second look at the same place brings nothing."""
    start = await server.tail()
    assert start == (0, 0)
    await server.publish({b"one": FAR, b"two": FAR})
    await server.publish({b"three": FAR})
    look = await server.look(start)
    assert (look.lines, look.more, look.whole) == ((b"one", b"two", b"three"), False, False)
    again = await server.look(look.cursor)
    assert (again.lines, again.cursor, again.whole) == ((), look.cursor, True)
    assert look.cursor == await server.tail()
    assert sorted(await everything(server)) == [b"one", b"three", b"two"]
    assert await server.count() == 3


async def test_a_stream_cut_or_begun_anew_is_told(
    server: SharedServer, lasting: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A cursor whose successors may be missing is not whole, nor one that lies behind the end."""
    monkeypatch.setattr(shared_server, "STREAM", 3)
    await server.publish({b"first": FAR})
    cursor = await server.tail()
    await server.publish({b"second": FAR})
    assert (await server.look(cursor)).whole
    for number in range(3):
        await server.publish({b"%d" % number: FAR})
    assert not (await server.look(cursor)).whole
    assert b"XLEN" not in lasting.ask("XLEN", "site:changes")
    assert lasting.ask("XLEN", "site:changes") == b":3\r\n"
    lasting.ask("FLUSHALL")
    assert not (await server.look(cursor)).whole


async def test_more_is_read_in_pieces(server: SharedServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever was away for long reads a bounded answer at a time."""
    monkeypatch.setattr(shared_server, "AT_ONCE", 2)
    for number in range(3):
        await server.publish({b"%d" % number: FAR})
    look = await server.look((0, 0))
    assert (look.lines, look.more) == ((b"0", b"1"), True)
    look = await server.look(look.cursor)
    assert (look.lines, look.more) == ((b"2",), False)


async def test_the_set_is_bounded_and_what_is_over_goes(
    server: SharedServer, lasting: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Those that end soonest give way; the era stays; and nothing stays for ever on a server nobody writes to."""
    monkeypatch.setattr(shared_server, "MOST_RULINGS", 3)
    await server.begin_era(b"a")
    for number in range(5):
        await server.publish({b"%d" % number: 100.0 + number})
    assert sorted(await everything(server)) == [b"3", b"4"]
    await server.tidy(103.0)
    assert await everything(server) == [b"4"]
    assert (await server.look((0, 0))).eras == {b"era a"}
    for key in ("site:rulings", "site:changes"):
        assert 0 < int(lasting.ask("TTL", key)[1:]) <= shared_server.LEFT_BEHIND


async def test_a_large_set_is_read_page_by_page(server: SharedServer) -> None:
    """Every line at least once."""
    told = {b"%d" % number: FAR for number in range(3_000)}
    names = list(told)
    for start in range(0, len(names), BATCH):
        await server.publish(dict.fromkeys(names[start : start + BATCH], FAR))
    assert set(await everything(server)) == set(told)


async def test_what_others_keep_on_it_is_left_alone(server: SharedServer, lasting: RedisServer) -> None:
    """All of ours lies in two keys below the prefix."""
    await server.begin_era(b"a")
    await server.publish({b"one": FAR})
    await server.tidy(1.0)
    assert sorted(lasting.ask("KEYS", "*").split(b"\r\n")[2::2]) == [b"site:changes", b"site:rulings"]


async def test_a_key_of_another_kind_is_told(server: SharedServer, lasting: RedisServer) -> None:
    """A prefix that another program uses: the answer names the mistake."""
    lasting.ask("SET", "site:rulings", "mine")
    with pytest.raises(SharedServerError, match="wrong kind of value"):
        await server.look((0, 0))
    with pytest.raises(SharedServerError):
        await server.publish({b"one": FAR})


async def test_nobody_there(tmp_path: Path) -> None:
    """Told in one line, with the place."""
    async with using(Place(path=str(tmp_path / "none"))) as server:
        with pytest.raises(SharedServerError, match="No such file") as caught:
            await server.tail()
        assert "\n" not in str(caught.value)
        assert not str(caught.value).endswith(".")
    async with using(Place("127.0.0.1", 1)) as server:
        with pytest.raises(SharedServerError, match=r"127\.0\.0\.1:1"):
            await server.tail()


async def test_a_password_is_asked_for_at_each_connection(tmp_path: Path) -> None:
    """A wrong one is told without being quoted; once the file holds the right one, the next attempt succeeds."""
    real = RedisServer(tmp_path / "redis", "--requirepass", "correct horse").start()
    words = ["wrong secret", "correct horse"]
    try:
        async with using(Place(path=str(real.path)), password=lambda: words.pop(0)) as server:
            with pytest.raises(SharedServerError, match=r"(?i)password") as caught:
                await server.tail()
            assert "secret" not in str(caught.value)
            assert await server.tail() == (0, 0)
    finally:
        real.close()


@asynccontextmanager
async def speaking(path: Path, said: bytes) -> AsyncIterator[Place]:
    """A server that greets as it should, and then answers whatever it is asked with ``said``, again and again."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(65_536)
        writer.write(b"+OK\r\n")
        while await reader.read(65_536):
            writer.write(said)
            await writer.drain()
        writer.close()

    opened = await asyncio.start_unix_server(answer, path)
    try:
        yield Place(path=str(path))
    finally:
        opened.close()


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"HTTP/1.1 400 Bad Request\r\n\r\n",
        b"$999999999999\r\n",
        b"*999999999\r\n",
        b"*1\r\n" * 5_000,
        b"+OK\r\n+OK\r\n+OK\r\n+OK\r\n",
        b"*1\r\n$3\r\nabc\r\n" * 4,
        b"*-1\r\n" * 4,
        b":1\r\n" * 4,
        b"$-5\r\n",
        b"-ERR \x1b[2J\xff\r\n" * 4,
        b"\xff\x00" * 40_000,
        b"$16777216\r\n" + bytes(1 << 20),
    ],
    ids=range(13),
)
async def test_nonsense_has_an_end(tmp_path: Path, said: bytes) -> None:
    """Whatever a server says, every question ends in its time, with an answer of its kind or the one kind of error."""
    async with speaking(tmp_path / "s", said) as place, using(place, patience=0.5) as server:
        with pytest.raises(SharedServerError):
            await server.look((1, 2))
        for ask in (server.tail(), everything(server), server.publish({b"x": 1.0}), server.tidy(1.0), server.count()):
            with suppress(SharedServerError):
                await ask


async def test_silence_has_an_end(tmp_path: Path) -> None:
    """A server that accepts and never answers is given up after the time of an answer, whichever question it is."""
    real = RedisServer(tmp_path / "redis").start()
    try:
        async with using(Place(path=str(real.path)), patience=0.2) as server:
            assert await server.tail() == (0, 0)
            real.hang()
            for _ in range(2):
                with pytest.raises(SharedServerError, match=r"within 0\.2 s"):
                    await server.tail()
            real.go_on()
            assert await server.tail() == (0, 0)
    finally:
        real.close()


async def test_over_tls_the_certificate_is_checked(tmp_path: Path) -> None:
    """With the authority that is named the server is used; one that is signed by nobody we know is refused."""
    pair = write_pair(tmp_path, "valkey", "localhost")
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
    files = ("--tls-cert-file", str(pair.certificate), "--tls-key-file", str(pair.key), "--tls-auth-clients", "no")
    trusted = ("--tls-ca-cert-file", str(pair.certificate))
    real = RedisServer(tmp_path / "redis", "--tls-port", str(port), *files, *trusted).start()
    try:
        async with using(Place("localhost", port, tls=True, ca=pair.certificate)) as server:
            assert await server.tail() == (0, 0)
        async with using(Place("localhost", port, tls=True)) as server:
            with pytest.raises(SharedServerError, match="CERTIFICATE_VERIFY_FAILED"):
                await server.tail()
    finally:
        real.close()
