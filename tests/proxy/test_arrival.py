"""An arrival: looked at before any cryptography, counted like any connection, and gone when it is to go."""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
import ssl
import struct
from pathlib import Path

import pytest

from shieldproxy.core.ladder import Ban
from shieldproxy.core.policy import BanPolicy, Exemptions, Policy
from shieldproxy.core.verdict import Mode
from shieldproxy.proxy import arrival
from shieldproxy.proxy.certificates import Certificates
from shieldproxy.proxy.client_hello import ClientHello, read_hello
from shieldproxy.proxy.ja4 import ja4
from shieldproxy.proxy.proxy_protocol import SIGNATURE
from shieldproxy.proxy.terms import ClientAddress
from tests.proxy.authority import Authority
from tests.proxy.conftest import Client, Open, RawOrigin, Shield, until
from tests.proxy.hellos import PYTHON, message, records, said_by

HOST = b"Host: site.example\r\n"
CLOSE = b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
BALANCER = {"client_address": ClientAddress.PROXY_PROTOCOL, "trusted": (ipaddress.ip_network("127.0.0.0/8"),)}
V1 = b"PROXY TCP4 192.0.2.9 198.51.100.1 4711 443\r\n"
V2 = SIGNATURE + struct.pack("!BBH", 0x21, 0x11, 12) + bytes([192, 0, 2, 9, 198, 51, 100, 1]) + struct.pack("!HH", 4711, 443)  # fmt: skip


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """Who signed the site's certificate."""
    return Authority(tmp_path)


class Spoken:
    """A client whose TLS is in our hands, so that each byte is sent when and how the test wants."""

    def __init__(self, client: Client, context: ssl.SSLContext, name: str | None = "site.example") -> None:
        self.client = client
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=name)

    def hello(self) -> bytes:
        """Return the first bytes of the handshake."""
        with contextlib.suppress(ssl.SSLWantReadError):
            self._tls.do_handshake()
        return self._outgoing.read()

    async def ask(self) -> bytes:
        """Finish the handshake, ask for a page, and return the answer's head."""
        await self._until(self._tls.do_handshake)
        self._tls.write(CLOSE)
        self.client.send(self._outgoing.read())
        return await self._until(lambda: self._tls.read(65_536))

    async def _until(self, step: object) -> bytes:
        while True:
            try:
                found = step()  # type: ignore[operator]
            except ssl.SSLWantReadError:
                self.client.send(self._outgoing.read())
                data = await asyncio.wait_for(self.client.reader.read(65_536), 5)
                assert data, "the door closed the connection"
                self._incoming.write(data)
            else:
                self.client.send(self._outgoing.read())
                return found or b""


async def spoken(shield: Shield, authority: Authority, source: str = "127.0.0.1") -> Spoken:
    return Spoken(await shield.connect(source=source), authority.client())


@pytest.mark.parametrize("size", [1, 5, 60, 10_000])
async def test_a_hello_may_come_in_segments(
    open_shield: Open, origin: RawOrigin, authority: Authority, size: int
) -> None:
    """Byte by byte too: it is looked at a bounded number of times, stays where it is, and the handshake ends well."""
    shield = await open_shield(origin, tls=authority.server("site.example"))
    client = await spoken(shield, authority)
    hello = client.hello()
    for at in range(0, len(hello), size):
        client.client.send(hello[at : at + size])
        await asyncio.sleep(0)
    assert (await client.ask()).startswith(b"HTTP/1.1 200 ")
    await shield.settled()
    found = read_hello(hello)
    assert isinstance(found, ClientHello)
    assert shield.journal.records[0].ja4 == ja4(found)
    assert shield.journal.records[0].tls == "TLSv1.3"
    assert shield.tallies.named["handshakes"] == 1


async def test_a_hello_in_many_records_is_served(open_shield: Open, origin: RawOrigin, authority: Authority) -> None:
    """Some networks cut hellos into small records; OpenSSL reads them, and so do we."""
    shield = await open_shield(origin, tls=authority.server("site.example"))
    client = await spoken(shield, authority)
    client.client.send(records(client.hello()[5:], 40))
    assert (await client.ask()).startswith(b"HTTP/1.1 200 ")


async def test_an_endless_hello_is_looked_at_a_bounded_number_of_times(
    open_shield: Open, origin: RawOrigin, authority: Authority
) -> None:
    """Records of one byte, one after the other, end long before they are a hello."""
    shield = await open_shield(origin, tls=authority.server("site.example"))
    client = await shield.connect()
    cut = records(message(), 1)
    sent = 0
    while not client.writer.transport.is_closing() and sent < len(cut):
        client.send(cut[sent : sent + 6])
        sent += 6
        await asyncio.sleep(0.002)
    assert 6 * 10 < sent < len(cut)
    assert (400, "a TLS handshake failed: a ClientHello in too many pieces") in shield.failures
    assert shield.tallies.named["handshakes_failed"] == 1


async def test_a_name_chooses_the_certificate(open_shield: Open, origin: RawOrigin, authority: Authority) -> None:
    """Its own, a wildcard's, or the usual one; another set is shown from the next hello on, and nobody is cut off."""
    shield = await open_shield(origin, tls=authority.server("usual.example"))
    usual, own = authority.server("usual.example"), authority.server("www.site.example")
    shield.door.show(
        Certificates(usual, {"www.site.example": own, "*.site.example": authority.server("*.site.example")})
    )

    async def shown(name: str | None) -> str:
        context = authority.client()
        context.check_hostname = False
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", shield.port, ssl=context, server_hostname=name or ""
        )
        certificate = writer.get_extra_info("peercert")
        writer.write(CLOSE)
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
        writer.close()
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await writer.wait_closed()
        return str(certificate["subjectAltName"][0][1])

    assert await shown("www.site.example") == "www.site.example"
    assert await shown("WWW.Site.Example") == "www.site.example"
    assert await shown("a.site.example") == "*.site.example"
    assert await shown("a.b.site.example") == "usual.example"
    assert await shown("usual.example") == "usual.example"
    assert await shown(None) == "usual.example"

    kept = await spoken(shield, authority)
    kept.client.send(kept.hello()[:50])
    shield.door.show(Certificates(own))
    assert await shown("usual.example") == "www.site.example"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (CLOSE, "no TLS"),
        (b"\x80\x2e\x01\x03\x01", "no TLS"),
        (b"\x16\x03\x01\x00\x05\x02\x00\x00\x01\x00", "TLS that does not begin with a ClientHello"),
        (records(message(versions=(0x0302,), version=0x0302)), "UNSUPPORTED_PROTOCOL"),
        (records(message(ciphers=(0x002F, 0x0035), versions=(0x0303,))), ""),
    ],
)
async def test_what_is_no_handshake_ends_it(
    open_shield: Open, origin: RawOrigin, authority: Authority, data: bytes, why: str
) -> None:
    """Clear text, old protocols, ciphers nobody should use: closed, counted, and said why."""
    shield = await open_shield(origin, tls=authority.server("site.example"))
    assert b"HTTP/" not in await shield.talk(data)
    await until(lambda: shield.door.open_connections == 0)
    assert shield.tallies.named["handshakes_failed"] == 1
    assert shield.tallies.named["handshakes"] == 0
    (failure,) = shield.failures
    assert why in failure[1]


async def test_who_speaks_no_http_is_told_so(open_shield: Open, origin: RawOrigin, authority: Authority) -> None:
    """A client that offers other protocols alone gets the alert that TLS has for it, and nothing else."""
    server = authority.server("site.example")
    server.set_alpn_protocols(["http/1.1"])
    shield = await open_shield(origin, tls=server)
    context = authority.client()
    context.set_alpn_protocols(["h2", "ftp"])
    with pytest.raises(ssl.SSLError, match="no application protocol"):
        await asyncio.open_connection("127.0.0.1", shield.port, ssl=context, server_hostname="site.example")
    assert shield.tallies.named["handshakes_failed"] == 1
    context.set_alpn_protocols(["h2", "http/1.1"])
    _, writer = await asyncio.open_connection("127.0.0.1", shield.port, ssl=context, server_hostname="site.example")
    assert writer.get_extra_info("ssl_object").selected_alpn_protocol() == "http/1.1"
    writer.close()


async def test_a_check_of_the_port_is_no_failure(open_shield: Open, origin: RawOrigin, authority: Authority) -> None:
    """Who connects and leaves without a word leaves nothing behind; who leaves within a hello has failed."""
    shield = await open_shield(origin, tls=authority.server("site.example"))
    assert await shield.talk(b"", half_close=True) == b""
    await until(lambda: shield.door.open_connections == 0)
    assert shield.tallies.named["handshakes_failed"] == 0
    assert await shield.talk(PYTHON[:100], half_close=True) == b""
    await until(lambda: shield.door.open_connections == 0)
    assert shield.tallies.named["handshakes_failed"] == 1
    client = await shield.connect()
    client.send(PYTHON[:100])
    await until(lambda: shield.door.open_connections == 1)
    client.reset()
    await until(lambda: shield.door.open_connections == 0)


@pytest.mark.parametrize("said", [b"", PYTHON[:3], PYTHON[:300], PYTHON])
async def test_a_handshake_that_hangs_ends_in_its_time(
    open_shield: Open, origin: RawOrigin, authority: Authority, said: bytes
) -> None:
    """Before the hello, within it, and behind it: closed, counted among the timeouts, and the place is free."""
    shield = await open_shield(origin, terms={"handshake": 0.3}, tls=authority.server("site.example"))
    client = await shield.connect()
    client.send(said)
    await client.read_all()
    await until(lambda: shield.door.open_connections == 0)
    assert shield.tallies.named["timeouts"] == 1
    assert shield.tallies.named["handshakes_failed"] == 1


async def test_time_for_the_head_begins_behind_the_handshake(
    open_shield: Open, origin: RawOrigin, authority: Authority
) -> None:
    """A handshake over a slow line takes nothing of it."""
    shield = await open_shield(origin, terms={"handshake": 5.0, "header": 0.8}, tls=authority.server("site.example"))
    client = await spoken(shield, authority)
    hello = client.hello()
    client.client.send(hello[:100])
    await asyncio.sleep(1.0)
    client.client.send(hello[100:])
    assert (await client.ask()).startswith(b"HTTP/1.1 200 ")


async def test_handshakes_count_among_the_connections_of_their_key(
    open_shield: Open, origin: RawOrigin, authority: Authority
) -> None:
    """Half-open ones fill one client's places, make room for its newer ones, and leave those of others alone."""
    shield = await open_shield(origin, terms={"max_connections_per_client": 20}, tls=authority.server("site.example"))
    other = await spoken(shield, authority, "127.0.0.9")
    other.client.send(other.hello())
    hanging = [await shield.connect() for _ in range(100)]
    for client in hanging:
        client.send(PYTHON[:200])
    await until(lambda: shield.door.open_connections == 21)
    assert await hanging[0].read_all() == b""
    assert (await other.ask()).startswith(b"HTTP/1.1 200 ")
    good = await spoken(shield, authority)
    good.client.send(good.hello())
    assert (await good.ask()).startswith(b"HTTP/1.1 200 ")


async def test_handshakes_count_among_all_connections(
    open_shield: Open, origin: RawOrigin, authority: Authority
) -> None:
    """When all places are taken, the half-open ones that are there longest make room."""
    shield = await open_shield(origin, terms={"max_connections": 10}, tls=authority.server("site.example"))
    hanging = [await shield.connect(source=f"127.0.1.{number}") for number in range(1, 31)]
    await until(lambda: shield.door.open_connections == 10)
    good = await spoken(shield, authority, "127.0.0.9")
    good.client.send(good.hello())
    assert (await good.ask()).startswith(b"HTTP/1.1 200 ")
    assert shield.door.open_connections <= 10
    assert await hanging[0].read_all() == b""


async def test_one_client_begins_only_so_many_handshakes(
    open_shield: Open, origin: RawOrigin, authority: Authority
) -> None:
    """Beyond its rate it is closed before a byte is read; others, and itself a moment later, are served."""
    terms = {"handshake_rate": 2.0, "handshake_burst": 4.0}
    shield = await open_shield(origin, terms=terms, tls=authority.server("site.example"))
    for _ in range(4):
        client = await spoken(shield, authority)
        client.client.send(client.hello())
        assert (await client.ask()).startswith(b"HTTP/1.1 200 ")
    for _ in range(5):
        assert await (await shield.connect()).read_all() == b""
    assert shield.tallies.named["handshakes_refused"] >= 4
    assert shield.tallies.named["connections_refused"] == shield.tallies.named["handshakes_refused"]
    other = await spoken(shield, authority, "127.0.0.9")
    other.client.send(other.hello())
    assert (await other.ask()).startswith(b"HTTP/1.1 200 ")
    await asyncio.sleep(0.6)
    again = await spoken(shield, authority)
    again.client.send(again.hello())
    assert (await again.ask()).startswith(b"HTTP/1.1 200 ")


async def test_who_goes_on_beyond_it_is_banned(open_shield: Open, origin: RawOrigin, authority: Authority) -> None:
    """Handshakes refused count as a flood: so the kernel can take it over."""
    bans = BanPolicy(floods=5, window=60.0)
    terms = {"handshake_rate": 0.01, "handshake_burst": 1.0}
    shield = await open_shield(origin, policy=Policy(bans=bans), terms=terms, tls=authority.server("site.example"))
    for _ in range(9):
        await shield.talk(CLOSE)  # no TLS: the first of them ends by itself, the others are not looked at
    assert shield.bans.find("127.0.0.1", "127.0.0.1", 0.0) is not None
    assert shield.tallies.named["handshakes_refused"] == 6


@pytest.mark.parametrize(
    "policy",
    [Policy(mode=Mode.OBSERVE), Policy(exempt=Exemptions((ipaddress.ip_network("127.0.0.1"),)))],
    ids=["observe", "exempt"],
)
async def test_nobody_is_refused_who_must_not_be(
    open_shield: Open, origin: RawOrigin, authority: Authority, policy: Policy
) -> None:
    """In observe mode, and whoever is exempt."""
    terms = {"handshake_rate": 0.01, "handshake_burst": 1.0}
    shield = await open_shield(origin, policy=policy, terms=terms, tls=authority.server("site.example"))
    for _ in range(4):
        client = await spoken(shield, authority)
        client.client.send(client.hello())
        assert (await client.ask()).startswith(b"HTTP/1.1 200 ")
    assert shield.tallies.named["handshakes_refused"] == 0


async def test_a_banned_client_gets_no_handshake(open_shield: Open, origin: RawOrigin, authority: Authority) -> None:
    """It is let go before a byte is looked at."""
    shield = await open_shield(origin, tls=authority.server("site.example"))
    shield.bans.put(Ban("127.0.0.1", 1e12, "test"))
    assert await shield.talk(PYTHON) == b""
    assert shield.tallies.named["connections_refused"] == 1
    assert shield.tallies.named["handshakes_failed"] == 0


@pytest.mark.parametrize("announcement", [V1, V2], ids=["v1", "v2"])
@pytest.mark.parametrize("size", [1, 13, 10_000])
async def test_an_announcement_comes_before_tls(
    open_shield: Open, origin: RawOrigin, authority: Authority, announcement: bytes, size: int
) -> None:
    """As the PROXY protocol says, in the clear: the client is who it names, over our TLS and with its own JA4."""
    shield = await open_shield(origin, terms=BALANCER, tls=authority.server("site.example"))
    client = await spoken(shield, authority)
    hello = client.hello()
    for at in range(0, len(announcement + hello), size):
        client.client.send((announcement + hello)[at : at + size])
        await asyncio.sleep(0)
    assert (await client.ask()).startswith(b"HTTP/1.1 200 ")
    await shield.settled()
    record = shield.journal.records[0]
    assert (record.client, record.src_port, record.dst_port, record.tls) == ("192.0.2.9", 4711, 443, "TLSv1.3")
    found = read_hello(hello)
    assert isinstance(found, ClientHello)
    assert record.ja4 == ja4(found)
    assert b"X-Forwarded-Proto: https\r\n" in origin.heads[0]


async def test_who_is_announced_is_who_is_counted(open_shield: Open, origin: RawOrigin, authority: Authority) -> None:
    """Bans and rates are those of the visitor, never of the balancer; and a stranger announces nobody."""
    terms = {**BALANCER, "handshake_rate": 0.01, "handshake_burst": 1.0}
    shield = await open_shield(origin, terms=terms, tls=authority.server("site.example"))
    shield.bans.put(Ban("192.0.2.66", 1e12, "test"))
    assert await shield.talk(V1.replace(b"192.0.2.9", b"192.0.2.66") + PYTHON) == b""
    assert shield.tallies.named["connections_refused"] == 1
    for number in (1, 2, 3):
        client = await spoken(shield, authority)
        client.client.send(V1.replace(b"192.0.2.9", b"192.0.2.%d" % number) + client.hello())
        assert (await client.ask()).startswith(b"HTTP/1.1 200 ")
    assert await shield.talk(V1.replace(b"192.0.2.9", b"192.0.2.1") + PYTHON) == b""
    assert shield.tallies.named["handshakes_refused"] == 1
    assert await shield.talk(b"PROXY nonsense\r\n" + PYTHON) == b""
    assert "PROXY line is not" in shield.failures[-1][1]

    strict = await open_shield(
        origin, terms={**BALANCER, "trusted": (ipaddress.ip_network("10.0.0.0/8"),)}, tls=authority.server("a.example")
    )
    assert await strict.talk(V1 + PYTHON) == b""
    assert "not trusted" in strict.failures[-1][1]


async def test_a_drain_waits_a_moment_for_handshakes(
    open_shield: Open, origin: RawOrigin, authority: Authority
) -> None:
    """Who is in the middle of one is answered once; who says nothing is let go, and the drain ends."""
    shield = await open_shield(origin, tls=authority.server("site.example"))
    silent, half = await shield.connect(), await spoken(shield, authority)
    half.client.send(half.hello())
    await until(lambda: shield.door.open_connections == 2)
    drained = asyncio.ensure_future(shield.door.drain(5.0))
    await asyncio.sleep(0.05)
    answer = await half.ask()
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"Connection: close" in answer
    assert await silent.read_all() == b""
    await asyncio.wait_for(drained, 5)
    assert shield.door.open_connections == 0


async def test_a_unix_socket_speaks_tls_too(
    open_shield: Open, origin: RawOrigin, authority: Authority, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """There the kernel does not wait for enough bytes, so we look again: whole in the end, gone when the peer is."""
    monkeypatch.setattr(arrival, "AGAIN", 0.01)
    shield = await open_shield(origin, tls=authority.server("site.example"))
    listening = socket.socket(socket.AF_UNIX)
    listening.bind(str(tmp_path / "door"))
    await shield.door.open([listening], Certificates(authority.server("site.example")))
    reader, writer = await asyncio.open_unix_connection(tmp_path / "door")
    client = Spoken(Client(reader, writer), authority.client())
    hello = client.hello()
    writer.write(hello[:100])
    await asyncio.sleep(0.1)
    writer.write(hello[100:])
    assert (await client.ask()).startswith(b"HTTP/1.1 200 ")
    writer.close()
    _, leaving = await asyncio.open_unix_connection(tmp_path / "door")
    leaving.write(hello[:100])
    await until(lambda: shield.door.open_connections == 1)
    leaving.close()
    await until(lambda: shield.door.open_connections == 0)


def test_pythons_own_hello_is_what_openssl_says_today() -> None:
    """The example of the other tests is of a kind that is still sent."""
    found = read_hello(said_by(ssl.create_default_context(), "site.example"))
    assert isinstance(found, ClientHello)
    assert found.name == "site.example"
