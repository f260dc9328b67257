"""The client side on the wire: what one connection may carry, and what it may not do to the next request."""

from __future__ import annotations

import asyncio

import pytest
from aiolimiter import AsyncLimiter

from shieldproxy.core.addresses import Network
from shieldproxy.core.buckets import Limit, Scope
from shieldproxy.core.ladder import Ban
from shieldproxy.core.policy import Policy
from shieldproxy.core.verdict import Action
from shieldproxy.proxy.terms import ClientAddress
from tests.proxy.conftest import Open, RawOrigin, StartOrigin, answering_when, until

HOST = b"Host: site.example\r\n"
GET = b"GET / HTTP/1.1\r\n" + HOST + b"\r\n"


def trusted(*networks: str) -> tuple[Network, ...]:
    import ipaddress  # noqa: PLC0415

    return tuple(ipaddress.ip_network(network) for network in networks)


async def test_a_connection_is_kept_for_the_next_request(open_shield: Open, origin: RawOrigin) -> None:
    """Two requests share one client connection and one origin connection."""
    shield = await open_shield(origin)
    client = await shield.connect()
    for _ in range(2):
        client.send(GET)
        head, body = await client.response()
        assert head.startswith(b"HTTP/1.1 200 OK\r\n")
        assert body == b"ok"
    client.close()
    assert origin.connections == 1
    await shield.settled(2)


async def test_pipelined_requests_are_answered_in_order(open_shield: Open, origin: RawOrigin) -> None:
    """A hundred requests in one packet get a hundred answers, each its own, in order."""
    origin.answers = [b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n%03d" % number for number in range(100)]
    shield = await open_shield(origin)
    client = await shield.connect()
    client.send(b"".join(b"GET /%03d HTTP/1.1\r\n%b\r\n" % (number, HOST) for number in range(100)))
    assert [(await client.response())[1] for _ in range(100)] == [b"%03d" % number for number in range(100)]
    assert [head.split()[1] for head in origin.heads] == [b"/%03d" % number for number in range(100)]
    client.close()


async def test_a_request_may_come_byte_by_byte(open_shield: Open, origin: RawOrigin) -> None:
    """However a request is cut into packets, the origin reads the same."""
    shield = await open_shield(origin)
    client = await shield.connect()
    for byte in b"POST /a?b HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nxyz":
        client.send(bytes([byte]))
        await asyncio.sleep(0.001)
    assert (await client.response())[1] == b"ok"
    assert origin.heads[0].startswith(b"POST /a?b HTTP/1.1\r\n")
    assert origin.bodies == [b"xyz"]
    client.close()


async def test_a_chunked_body_arrives_whole_without_trailers(open_shield: Open, origin: RawOrigin) -> None:
    """Chunks are re-framed, trailers dropped: nothing behind the body reaches the origin as a header."""
    shield = await open_shield(origin)
    answer = await shield.talk(
        b"POST / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
        b"3;ext=1\r\nabc\r\n4\r\ndefg\r\n0\r\nX-Trailer: evil\r\n\r\n"
    )
    assert answer.endswith(b"\r\n\r\nok")
    assert origin.bodies == [b"abcdefg"]
    assert b"evil" not in origin.received
    assert b"ext" not in origin.received


async def test_a_body_that_breaks_off_in_a_bad_chunk_reaches_no_second_request(
    open_shield: Open, origin: RawOrigin
) -> None:
    """A broken chunk ends the exchange with 400 and the connection with it."""
    shield = await open_shield(origin)
    answer = await shield.talk(
        b"POST / HTTP/1.1\r\n"
        + HOST
        + b"Transfer-Encoding: chunked\r\n\r\n3\r\nabcGET /evil HTTP/1.1\r\n"
        + HOST
        + b"\r\n"
    )
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert b"evil" not in origin.received


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
        (b"GET / HTTP/1.1\r\nHost : site.example\r\n\r\n", 400),
        (b"GET / HTTP/1.1\nHost: site.example\n\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n c\r\n\r\n", 400),
        (b"GET / HTTP/1.1\r\n" + HOST + b"A: \x00\r\n\r\n", 400),
        (b"GET  / HTTP/1.1\r\n" + HOST + b"\r\n", 400),
        (b"GET / HTTP/0.9\r\n" + HOST + b"\r\n", 505),
        (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        (b"GET /" + b"a" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n", 414),
        (b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"b" * 40_000, 431),
        (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 101 + b"\r\n", 431),
        (b"CONNECT site.example:443 HTTP/1.1\r\n" + HOST + b"\r\n", 405),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400),
    ],
)
async def test_what_cannot_be_served_is_told_so_and_closed(
    open_shield: Open, origin: RawOrigin, data: bytes, status: int
) -> None:
    """A malformed message has its status and a closed connection, a record with a reason, and no way to the origin."""
    shield = await open_shield(origin)
    answer = await shield.talk(data)
    assert answer.startswith(b"HTTP/1.1 %d " % status)
    assert b"Connection: close\r\n" in answer
    assert origin.received == b""
    record = shield.journal.records[0]
    assert (record.action, record.stage, record.status, record.side) == ("refuse", "malformed", status, "client")
    assert record.reasons


async def test_a_foreign_host_gets_421(open_shield: Open, origin: RawOrigin) -> None:
    """With ``hosts`` set, requests by bare address or another name never reach the site."""
    shield = await open_shield(origin, terms={"hosts": frozenset(("site.example", "*.site.example"))})
    for host, status in [(b"site.example:8080", 200), (b"WWW.Site.Example", 200), (b"127.0.0.1", 421), (b"a.b", 421)]:
        answer = await shield.talk(b"GET / HTTP/1.1\r\nHost: " + host + b"\r\nConnection: close\r\n\r\n")
        assert answer.startswith(b"HTTP/1.1 %d " % status), host


async def test_an_old_client_gets_an_old_answer(open_shield: Open, origin: RawOrigin) -> None:
    """HTTP/1.0: closed behind the answer, unless it asked to be kept; never a chunk."""
    shield = await open_shield(origin)
    answer = await shield.talk(b"GET / HTTP/1.0\r\n\r\n")
    assert answer.endswith(b"\r\n\r\nok")
    assert b"Connection: close" in answer
    origin.answers = [b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"]
    answer = await shield.talk(b"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert b"chunked" not in answer
    assert answer.endswith(b"\r\n\r\nabc")


async def test_a_client_that_half_closes_still_gets_its_answer(open_shield: Open, origin: RawOrigin) -> None:
    """A FIN behind a whole request does not cancel it."""
    shield = await open_shield(origin)
    assert (await shield.talk(GET, half_close=True)).endswith(b"ok")


async def test_who_closes_its_side_gives_up_its_place_in_the_line(open_shield: Open, start_origin: StartOrigin) -> None:
    """One connection to the origin, three who wait: the one who sent a FIN is passed over with 503 and never sent."""
    answer = asyncio.Event()
    origin = await start_origin(script=answering_when(answer))
    shield = await open_shield(origin, origin_terms={"max_connections": 1})
    first, second, third = [await shield.connect() for _ in range(3)]
    for number, client in enumerate((first, second, third)):
        client.send(b"GET /%d HTTP/1.1\r\n" % number + HOST + b"\r\n")
        await asyncio.sleep(0.05)
    second.writer.write_eof()
    await asyncio.sleep(0.1)
    answer.set()
    assert (await first.response())[1] == b"ok"
    assert (await third.response())[1] == b"ok"
    head, _ = await second.response()
    assert head.startswith(b"HTTP/1.1 503 ")
    await shield.settled(3)
    found = {record.path: (record.status, record.side) for record in shield.journal.records}
    assert found == {"/0": (200, ""), "/1": (503, "client"), "/2": (200, "")}


async def test_who_closes_its_side_gives_up_its_place_before_the_pace(open_shield: Open, origin: RawOrigin) -> None:
    """Requests that wait for ``origin.rate`` are a line too."""
    shield = await open_shield(origin)
    shield.door.passage.pace(AsyncLimiter(1, 0.3), 10)
    assert (await shield.talk(GET, half_close=True)).endswith(b"ok")
    assert (await shield.talk(GET, half_close=True)).startswith(b"HTTP/1.1 503 ")
    assert len(origin.heads) == 1


async def test_expect_continue_is_answered_when_the_request_is_admitted(open_shield: Open, origin: RawOrigin) -> None:
    """100 Continue comes from us, once, and the origin is not asked to send another."""
    shield = await open_shield(origin)
    client = await shield.connect()
    client.send(b"POST / HTTP/1.1\r\n" + HOST + b"Expect: 100-continue\r\nContent-Length: 2\r\n\r\n")
    assert (await client.response())[0] == b"HTTP/1.1 100 Continue\r\n\r\n"
    client.send(b"hi")
    assert (await client.response())[1] == b"ok"
    assert b"xpect" not in origin.heads[0]
    client.close()


async def test_a_slow_head_and_a_slow_body_end_in_time(open_shield: Open, origin: RawOrigin) -> None:
    """A head that never ends is closed; a body that stops gets 408; neither waits for the other's deadline."""
    shield = await open_shield(origin, terms={"header": 0.2, "body_idle": 0.2})
    assert await shield.talk(b"GET / HTTP/1.1\r\nHost:") == b""
    answer = await shield.talk(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 5\r\n\r\nab")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert shield.tallies.named["timeouts"] == 2


async def test_an_idle_connection_is_closed(open_shield: Open, origin: RawOrigin) -> None:
    """A kept-alive connection that says nothing is closed after ``idle``."""
    shield = await open_shield(origin, terms={"idle": 0.2})
    assert (await shield.talk(GET)).endswith(b"ok")


async def test_connections_of_one_client_are_capped(open_shield: Open, start_origin: StartOrigin) -> None:
    """A client with two busy connections gets no third; when one of them is idle, that one makes room."""
    answer = asyncio.Event()
    origin = await start_origin(script=answering_when(answer))
    shield = await open_shield(origin, terms={"max_connections_per_client": 2})
    first, second = await shield.connect(), await shield.connect()
    for client in (first, second):
        client.send(GET)
    await until(lambda: origin.connections == 2)
    assert await (await shield.connect()).read_all() == b""
    assert shield.tallies.named["connections_refused"] == 1
    answer.set()
    assert (await first.response())[1] == b"ok"
    assert (await second.response())[1] == b"ok"
    third = await shield.connect()
    assert await first.read_all() == b""
    third.send(GET)
    assert (await third.response())[1] == b"ok"


async def test_a_banned_client_is_closed_before_a_byte_is_parsed(open_shield: Open, origin: RawOrigin) -> None:
    """A ban in force costs one accept."""
    shield = await open_shield(origin)
    shield.bans.put(Ban("127.0.0.1", 1e12, "test"))
    assert await shield.talk(GET) == b""
    assert origin.connections == 0


async def test_a_ban_drops_the_connection_it_finds_open(open_shield: Open, origin: RawOrigin) -> None:
    """Who is banned meanwhile is dropped at the next request, and the record says so."""
    shield = await open_shield(origin)
    client = await shield.connect()
    client.send(GET)
    await client.response()
    shield.bans.put(Ban("127.0.0.1", 1e12, "test"))
    client.send(GET)
    assert await client.read_all() == b""
    assert shield.journal.records[-1].action == "drop"
    assert shield.journal.records[-1].status == 0


async def test_a_client_beyond_its_limit_is_told_to_wait(open_shield: Open, origin: RawOrigin) -> None:
    """A burst of two admits two; the third gets 429 with Retry-After and the ID that its record carries."""
    limit = Limit("client", Scope.CLIENT, 0.1, 2, Action.THROTTLE)
    shield = await open_shield(origin, policy=Policy(limits=(limit,), digest="p"))
    client = await shield.connect()
    heads = []
    for _ in range(3):
        client.send(GET)
        heads.append((await client.response())[0])
    assert [head.split()[1] for head in heads] == [b"200", b"200", b"429"]
    assert b"Retry-After: 10\r\n" in heads[2]
    record = shield.journal.records[-1]
    assert b"X-Request-Id: " + record.id.encode() in heads[2]
    assert (record.action, record.stage, record.rule, record.status) == ("throttle", "over_own_limit", "client", 429)
    client.close()


class TestForwarders:
    """Who the client is, when somebody else speaks for it."""

    async def test_what_a_stranger_claims_is_nothing(self, open_shield: Open, origin: RawOrigin) -> None:
        """X-Forwarded-For of an untrusted peer neither counts nor reaches the origin."""
        shield = await open_shield(
            origin, terms={"client_address": ClientAddress.FORWARDED_FOR, "trusted": trusted("10.0.0.0/8")}
        )
        await shield.talk(GET[:-2] + b"X-Forwarded-For: 192.0.2.9\r\nConnection: close\r\n\r\n")
        assert shield.journal.records[0].client == "127.0.0.1"
        assert b"X-Forwarded-For: 127.0.0.1\r\n" in origin.heads[0]
        assert b"192.0.2.9" not in origin.received

    async def test_a_trusted_forwarder_is_believed_one_hop(self, open_shield: Open, origin: RawOrigin) -> None:
        """The last address that a trusted hop wrote is the client; what stands before it is a mere claim."""
        shield = await open_shield(
            origin, terms={"client_address": ClientAddress.FORWARDED_FOR, "trusted": trusted("127.0.0.0/8")}
        )
        await shield.talk(GET[:-2] + b"X-Forwarded-For: 6.6.6.6, 192.0.2.9\r\nConnection: close\r\n\r\n")
        assert shield.journal.records[0].client == "192.0.2.9"
        assert b"X-Forwarded-For: 192.0.2.9, 127.0.0.1\r\n" in origin.heads[0]

    async def test_a_trusted_forwarder_tells_port_and_scheme(self, open_shield: Open, origin: RawOrigin) -> None:
        """The record has the port that stands beside the address, and the origin learns that the visitor has TLS."""
        shield = await open_shield(
            origin, terms={"client_address": ClientAddress.FORWARDED_FOR, "trusted": trusted("127.0.0.0/8")}
        )
        told = b"X-Forwarded-For: 192.0.2.9:4711\r\nX-Forwarded-Proto: https\r\nConnection: close\r\n\r\n"
        await shield.talk(GET[:-2] + told)
        record = shield.journal.records[0]
        assert (record.src_ip, record.src_port, record.tls) == ("192.0.2.9", 4711, "yes")
        assert b"X-Forwarded-For: 192.0.2.9, 127.0.0.1\r\n" in origin.heads[0]
        assert b"X-Forwarded-Proto: https\r\n" in origin.heads[0]

    async def test_a_strangers_scheme_is_nothing(self, open_shield: Open, origin: RawOrigin) -> None:
        """X-Forwarded-Proto of an untrusted peer, or of a client behind a PROXY announcement, never arrives."""
        shield = await open_shield(origin, terms={"client_address": ClientAddress.FORWARDED_FOR})
        await shield.talk(GET[:-2] + b"X-Forwarded-Proto: https\r\nConnection: close\r\n\r\n")
        assert b"X-Forwarded-Proto: http\r\n" in origin.heads[0]
        assert b"https" not in origin.received

    async def test_the_proxy_protocol_names_client_and_port(self, open_shield: Open, origin: RawOrigin) -> None:
        """Version 1, in two packets: the record has the client's address and port, evidence needs both."""
        shield = await open_shield(
            origin, terms={"client_address": ClientAddress.PROXY_PROTOCOL, "trusted": trusted("127.0.0.0/8")}
        )
        client = await shield.connect()
        client.send(b"PROXY TCP4 192.0.2.9 198.51.100.1 4711 443")
        await asyncio.sleep(0.05)
        client.send(b"\r\n" + GET)
        assert (await client.response())[1] == b"ok"
        client.close()
        record = shield.journal.records[0]
        assert (record.src_ip, record.src_port, record.dst_ip, record.dst_port) == (
            "192.0.2.9",
            4711,
            "198.51.100.1",
            443,
        )

    async def test_an_announcement_of_a_stranger_closes(self, open_shield: Open, origin: RawOrigin) -> None:
        """Only trusted peers may announce; a peer that announces nothing is closed too."""
        shield = await open_shield(
            origin, terms={"client_address": ClientAddress.PROXY_PROTOCOL, "trusted": trusted("10.0.0.0/8")}
        )
        assert await shield.talk(b"PROXY TCP4 192.0.2.9 198.51.100.1 4711 443\r\n" + GET) == b""
        shield = await open_shield(
            origin, terms={"client_address": ClientAddress.PROXY_PROTOCOL, "trusted": trusted("127.0.0.0/8")}
        )
        assert await shield.talk(GET) == b""
        assert origin.connections == 0
