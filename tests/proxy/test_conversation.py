"""A conversation: one request after the other, and no more of them in memory than one."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from shieldproxy.core.facts import Posture
from shieldproxy.core.policy import ChallengePolicy, Policy
from shieldproxy.guard.kept_forms import MAX_BODY
from shieldproxy.proxy.client_side import ClientConnection
from shieldproxy.proxy.conversation import MAX_PIPELINED
from tests.proxy.conftest import OK, Open, RawOrigin, Shield, StartOrigin, answering_when, until

HOST = b"Host: site.example\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"
# Answered by us with a page of some kilobytes: thousands of them are more than the kernel keeps for anybody.
OWN = b"GET /.shieldproxy/nothing HTTP/1.1\r\n" + HOST + b"Accept: text/html\r\n\r\n"
UPGRADE = b"GET /ws HTTP/1.1\r\n" + HOST + b"Connection: Upgrade\r\nUpgrade: echo\r\n\r\n"


def connected(shield: Shield) -> ClientConnection:
    """Return the one connection there is."""
    (connection,) = shield.door._clients
    assert isinstance(connection, ClientConnection)
    return connection


async def test_requests_wait_as_bytes_until_it_is_their_turn(open_shield: Open, start_origin: StartOrigin) -> None:
    """Behind a request that is not answered yet nothing is judged: a thousand pipelined ones cost a thousand lines."""
    answer = asyncio.Event()
    origin = await start_origin(script=answering_when(answer))
    shield = await open_shield(origin)
    client = await shield.connect()
    client.send(GET * 1_000)
    await until(lambda: origin.connections == 1)
    connection = connected(shield)
    assert len(connection._line) == 1
    assert len(connection._unread) == len(GET) * 999
    assert shield.journal.records == []
    answer.set()
    for _ in range(1_000):
        assert (await client.response())[1] == b"ok"
    await shield.settled(1_000)


async def test_a_form_to_be_kept_is_awaited_whole_however_small_the_buffer(
    open_shield: Open, origin: RawOrigin
) -> None:
    """A challenged form of 40 KiB is read to its end and kept in the page, where 4 KiB of other bodies are held."""
    everybody = ChallengePolicy(suspicion=((Posture.CALM, 0),))
    shield = await open_shield(origin, policy=Policy(challenge=everybody), terms={"buffer": 4_096})
    client = await shield.connect()
    kind = b"Content-Type: application/x-www-form-urlencoded\r\nSec-Fetch-Site: same-origin\r\nAccept: text/html\r\n"
    head = b"POST /apply HTTP/1.1\r\n" + HOST + kind + b"Content-Length: %d\r\n\r\n" % MAX_BODY
    client.send(head + b"text=" + b"x" * (MAX_BODY - 5))
    answer, page = await client.response()
    assert answer.startswith(b"HTTP/1.1 503 ")
    assert b"It has been kept" in page
    assert origin.heads == []


async def test_who_pipelines_without_end_hears_one_answer(open_shield: Open, start_origin: StartOrigin) -> None:
    """More than is kept for later: the request under way is answered, then the connection closes."""
    answer = asyncio.Event()
    origin = await start_origin(script=answering_when(answer))
    shield = await open_shield(origin)
    client = await shield.connect()
    client.send(GET)
    await until(lambda: origin.connections == 1)
    client.send(GET * (2 * MAX_PIPELINED // len(GET)))
    await asyncio.sleep(0.1)
    answer.set()
    head, body = await client.response()
    assert body == b"ok"
    assert b"Connection: close" in head
    assert await client.read_all() == b""
    await shield.settled()
    assert len(shield.journal.records) == 1


async def test_who_does_not_read_is_not_answered_on(open_shield: Open, origin: RawOrigin) -> None:
    """Answers of our own to a client that takes none of them stop at the buffer; when it reads, they go on."""
    shield = await open_shield(origin, terms={"buffer": 16_384, "write": 30.0})
    client = await shield.connect(receive_buffer=4_096)
    client.writer.transport.pause_reading()  # type: ignore[attr-defined]
    count = 6_000
    client.send(OWN * count)
    answered = await steady(lambda: len(shield.journal.records))
    assert 0 < answered < count
    connection = connected(shield)
    assert connection.transport.get_write_buffer_size() < 32_768
    client.writer.transport.resume_reading()  # type: ignore[attr-defined]
    for _ in range(count):
        assert (await client.response())[0].split()[1] in (b"404", b"429")


async def steady(number: Callable[[], int]) -> int:
    """Return ``number`` once it has not changed for a while."""
    before, unchanged = -1, 0
    while unchanged < 10:
        await asyncio.sleep(0.05)
        unchanged = unchanged + 1 if number() == before else 0
        before = number()
    return before


async def test_all_that_was_sent_before_a_half_close_is_answered(open_shield: Open, origin: RawOrigin) -> None:
    """Three requests and a FIN get three answers, as from any server; then it closes."""
    shield = await open_shield(origin)
    answer = await shield.talk(GET * 3, half_close=True)
    assert answer.count(b"HTTP/1.1 200 OK") == 3
    assert await shield.talk(GET + b"GET / HT", half_close=True) != b""


async def test_early_bytes_of_a_granted_upgrade_reach_the_other_side(
    open_shield: Open, start_origin: StartOrigin
) -> None:
    """What a client sends before it has read the 101, in the same packet or the next, is not lost and not misread."""

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await asyncio.sleep(0.1)
        writer.write(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
        while data := await reader.read(100):
            writer.write(data)

    shield = await open_shield(await start_origin(script=echo))
    client = await shield.connect()
    client.send(UPGRADE + b"\x81\x00one")
    await asyncio.sleep(0.05)
    client.send(b"GET /two HTTP/1.1\r\n\r\n")
    head, _ = await client.response()
    assert head.startswith(b"HTTP/1.1 101 ")
    expected = b"\x81\x00oneGET /two HTTP/1.1\r\n\r\n"
    assert await asyncio.wait_for(client.reader.readexactly(len(expected)), 5) == expected
    client.close()
    await shield.settled()
    assert [record.path for record in shield.journal.records] == ["/ws"]


async def test_a_partial_head_does_not_cut_the_answer_before_it(open_shield: Open, start_origin: StartOrigin) -> None:
    """The time for a head runs when it is its turn: a slow answer is not cut because the next request is half here."""
    answer = asyncio.Event()
    shield = await open_shield(await start_origin(script=answering_when(answer)), terms={"header": 0.3})
    client = await shield.connect()
    client.send(GET + b"GET / HTTP/1.1\r\nHo")
    await asyncio.sleep(1.2)
    answer.set()
    assert (await client.response())[1] == b"ok"
    client.send(b"st: s\r\n\r\n")
    assert (await client.response())[1] == b"ok"


async def test_a_refusal_of_a_large_upload_is_read(open_shield: Open, start_origin: StartOrigin) -> None:
    """An origin that refuses at once is heard by a client that still sends megabytes, in whichever order it reads."""

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nno!")
        await writer.drain()
        await reader.read()

    shield = await open_shield(await start_origin(script=refuse))
    client = await shield.connect()
    client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 200000\r\n\r\n" + bytes(150_000))
    head, body = await client.response()
    assert head.startswith(b"HTTP/1.1 413 ")
    assert body == b"no!"


async def test_an_origin_that_stood_still_does_not_stop_the_next_request(open_shield: Open, origin: RawOrigin) -> None:
    """What held one body back is forgotten with its exchange: the next body is read."""
    origin.script = grudging
    shield = await open_shield(origin)
    client = await shield.connect()
    client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc")
    await until(lambda: origin.connections == 1)
    # The origin's transport says that it is full, and never again that it is not: the answer came before that.
    connected(shield).hold_body()
    assert (await client.response())[1] == b"ok"
    client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\n")
    await asyncio.sleep(0.05)
    client.send(b"abc")
    assert (await client.response())[1] == b"ok"


async def grudging(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        await reader.readuntil(b"abc")
        await asyncio.sleep(0.1)
        writer.write(OK)


async def test_a_connection_that_ends_takes_what_waits_with_it(open_shield: Open, start_origin: StartOrigin) -> None:
    """A reset while a request is under way and more wait: nothing is kept, and at most the next one is still served."""
    answer = asyncio.Event()
    origin = await start_origin(script=answering_when(answer))
    shield = await open_shield(origin)
    client = await shield.connect()
    client.send(GET * 10)
    await until(lambda: origin.connections == 1)
    client.reset()
    # While something waits, nothing is read: the end is noticed when the answer cannot be written.
    answer.set()
    await until(lambda: shield.door.open_connections == 0)
    await shield.settled()
    assert len(shield.journal.records) <= 2
