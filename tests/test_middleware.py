"""The second door, on a real socket: aiohttp's own server with a guard before its handlers."""

from __future__ import annotations

import asyncio
import ipaddress
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
from aiohttp import ClientSession, CookieJar, web

from shieldproxy import middleware
from shieldproxy.core.addresses import Network
from shieldproxy.core.facts import Request
from shieldproxy.core.ladder import Ban
from shieldproxy.core.policy import ChallengePolicy, Policy
from shieldproxy.core.record import Record
from shieldproxy.core.rules import Condition, Rule, compile_globs
from shieldproxy.core.verdict import Action, Mode
from shieldproxy.middleware import DECISION, shield_middleware
from tests.fakes.guarded import Guarded, make_guard
from tests.scenes import limit

BROWSER = {"User-Agent": "Mozilla/5.0", "Accept": "text/html", "Accept-Language": "en"}
GET = b"GET / HTTP/1.1\r\nHost: example.org\r\nConnection: close\r\n\r\n"
LOOPBACK = (ipaddress.ip_network("127.0.0.0/8"),)
SLOW = 3.0


class Site:
    """Somebody's application, with the shield before it; ``asked`` has what reached a handler."""

    def __init__(self, guarded: Guarded, trusted: Sequence[Network]) -> None:
        self.guarded = guarded
        self.asked: list[str] = []
        self.requests: list[Request] = []
        self.at_work = asyncio.Event()
        self.port = 0
        self.application = web.Application(middlewares=[shield_middleware(guarded.guard, trusted=trusted)])
        self.application.add_routes(
            [
                web.get("/broken", self.broken),
                web.get("/late", self.late),
                web.get("/forbidden", self.forbidden),
                web.get("/slow", self.slow),
                web.get("/moment", self.moment),
                web.get("/stream", self.stream),
                web.get("/talk", self.converse),
                web.post("/upload", self.upload),
                web.get("/{rest:.*}", self.page),
            ]
        )

    # -- its pages --------------------------------------------------------------------------------------------------

    async def page(self, request: web.Request) -> web.Response:
        self.asked.append(request.path)
        self.requests.append(request[DECISION].facts.request)
        return web.Response(text=f"page for {request[DECISION].facts.visitor.address}")

    async def broken(self, request: web.Request) -> web.Response:
        raise ValueError("a bug of the application")

    async def late(self, request: web.Request) -> web.Response:
        raise TimeoutError

    async def forbidden(self, request: web.Request) -> web.Response:
        raise web.HTTPForbidden(text="not for you")

    async def slow(self, request: web.Request) -> web.Response:
        self.at_work.set()
        await asyncio.sleep(SLOW)
        return web.Response(text="at last")

    async def moment(self, request: web.Request) -> web.Response:
        self.at_work.set()
        await asyncio.sleep(0.2)
        return web.Response(text="at last")

    async def stream(self, request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(3):
            await response.write(b"piece")
        await response.write_eof()
        return response

    async def converse(self, request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            await socket.send_str(f"you said {message.data}")
        return socket

    async def upload(self, request: web.Request) -> web.Response:
        return web.Response(text=str(len(await request.read())))

    # -- its visitors -----------------------------------------------------------------------------------------------

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    async def get(self, path: str = "/", **headers: str) -> tuple[int, str]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        async with ClientSession() as session, session.get(self.url(path), headers=named) as answer:
            return answer.status, await answer.text()

    async def talk(self, data: bytes) -> bytes:
        """Send ``data`` and return everything that comes back until the connection ends."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            writer.write(data)
            return await asyncio.wait_for(reader.read(), 5)
        except ConnectionResetError:
            return b""
        finally:
            writer.close()

    async def leave_while_asking(self, path: str) -> None:
        """Ask, wait until the handler is at it, and go away."""
        _, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: example.org\r\n\r\n".encode())
        await asyncio.wait_for(self.at_work.wait(), 5)
        writer.transport.abort()

    # -- its records ------------------------------------------------------------------------------------------------

    @property
    def records(self) -> list[Record]:
        return self.guarded.journal.records

    async def settled(self, count: int = 1) -> Record:
        """Return the last record as soon as there are ``count``."""
        for _ in range(500):
            if len(self.records) >= count:
                return self.records[-1]
            await asyncio.sleep(0.01)
        raise AssertionError(f"{len(self.records)} records, not {count}")


Open = Callable[..., Awaitable[Site]]


@pytest.fixture
async def open_site() -> AsyncIterator[Open]:
    """A function that starts an application with a policy before it; ``cancel``: handlers end with their client."""
    runners: list[web.AppRunner] = []

    async def open_one(policy: Policy | None = None, *, trusted: Sequence[Network] = (), cancel: bool = False) -> Site:
        site = Site(make_guard(policy or Policy(digest="test")), trusted)
        runner = web.AppRunner(site.application, handler_cancellation=cancel, shutdown_timeout=0.1)
        runners.append(runner)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        site.port = runner.addresses[0][1]
        return site

    yield open_one
    for runner in runners:
        await runner.cleanup()


class TestAdmitted:
    """What passes reaches the application as if nobody stood before it."""

    async def test_a_request_passes_and_is_written_down(self, open_site: Open) -> None:
        """The handler answers; the record has who asked for what, and the answer carries the record's ID."""
        site = await open_site()
        answer = await site.talk(GET.replace(b"GET /", b"GET /a%20b/?q=1"))
        record = await site.settled()
        assert answer.startswith(b"HTTP/1.1 200 OK")
        assert f"X-Request-Id: {record.id}".encode() in answer
        assert (record.client, record.method, record.host) == ("127.0.0.1", "GET", "example.org")
        assert (record.path, record.query, record.http) == ("/a%20b/", "q=1", "1.1")
        assert (record.action, record.status, record.bytes_out, record.side) == ("admit", 200, 18, "")
        assert record.src_port > 0
        assert record.dst_port == site.port

    async def test_facts_are_the_bytes_of_the_wire(self, open_site: Open) -> None:
        """Nothing is decoded; of a repeated header the first counts; names are lower-case, values read as Latin-1."""
        site = await open_site()
        head = b"GET /%C3%A9?%FF HTTP/1.0\r\nHOST: Example.ORG\r\nX-Word: \xc3\xa9\r\nx-word: two\r\n\r\n"
        await site.talk(head)
        record = await site.settled()
        assert (record.path, record.query, record.http, record.host) == ("/%C3%A9", "%FF", "1.0", "example.org")
        assert site.requests[0].header(b"x-word") == "\u00c3\u00a9"

    async def test_a_target_that_is_a_url_is_read_as_its_path(self, open_site: Open) -> None:
        """The absolute form (RFC 9112, 3.2.2) is judged by the path that the application serves."""
        policy = Policy(rules=(Rule("hidden", Condition(path=compile_globs(("/hidden*",))), Action.REFUSE),))
        site = await open_site(policy)
        answer = await site.talk(GET.replace(b"GET /", b"GET http://example.org/hidden?x=1"))
        assert answer.startswith(b"HTTP/1.1 403")
        assert (await site.settled()).path == "/hidden"
        assert site.asked == []

    async def test_browsers_and_tools_have_fingerprints(self, open_site: Open) -> None:
        """The order of header names is in the record."""
        site = await open_site()
        await site.get()
        assert re.fullmatch("[0-9a-f]{12}", (await site.settled()).fingerprint)

    async def test_a_streamed_answer_is_counted(self, open_site: Open) -> None:
        """Bytes that the handler sent itself are in the record."""
        site = await open_site()
        assert (await site.get("/stream"))[1] == "piece" * 3
        record = await site.settled()
        assert record.status == 200
        assert record.bytes_out >= 15

    async def test_a_body_goes_to_the_handler(self, open_site: Open) -> None:
        """The middleware reads nothing that is not its own."""
        site = await open_site()
        async with ClientSession() as session, session.post(site.url("/upload"), data=b"x" * 5000) as said:
            assert await said.text() == "5000"
        assert (await site.settled()).bytes_in == 5000

    async def test_websockets_pass(self, open_site: Open) -> None:
        """One record for the whole conversation."""
        site = await open_site()
        async with ClientSession() as session, session.ws_connect(site.url("/talk")) as socket:
            await socket.send_str("hello")
            assert await socket.receive_str() == "you said hello"
        assert (await site.settled()).status == 101
        assert len(site.records) == 1

    async def test_observing_lets_everything_pass(self, open_site: Open) -> None:
        """In mode observe the record says what would have been done."""
        site = await open_site(Policy(limits=(limit(rate=1, burst=1),), mode=Mode.OBSERVE))
        assert [(await site.get())[0] for _ in range(2)] == [200, 200]
        record = await site.settled(2)
        assert (record.action, record.enforced, record.status) == ("throttle", False, 200)


class TestNotAdmitted:
    """What is not admitted reaches no handler."""

    async def test_a_limit_answers_for_the_application(self, open_site: Open) -> None:
        """429 in the form the client asks for, with when to come back, kept by nobody."""
        site = await open_site(Policy(limits=(limit(rate=1, burst=1),)))
        await site.get()
        answer = await site.talk(GET.replace(b"\r\n\r\n", b"\r\nAccept: application/json\r\n\r\n"))
        head, _, body = answer.partition(b"\r\n\r\n")
        record = await site.settled(2)
        assert head.startswith(b"HTTP/1.1 429")
        assert b"Retry-After: 1" in head
        assert b"Cache-Control: no-store" in head
        assert record.id.encode() in body
        assert (record.action, record.rule, record.status, record.bytes_out) == ("throttle", "client", 429, len(body))
        assert site.asked == ["/"]

    async def test_a_head_request_gets_no_body(self, open_site: Open) -> None:
        """HEAD has the status and headers that GET would have."""
        site = await open_site(Policy(limits=(limit(rate=1, burst=1),)))
        await site.get()
        answer = await site.talk(GET.replace(b"GET", b"HEAD"))
        assert answer.startswith(b"HTTP/1.1 429")
        assert answer.endswith(b"\r\n\r\n")
        assert (await site.settled(2)).bytes_out == 0

    async def test_a_banned_client_gets_nothing(self, open_site: Open) -> None:
        """The connection is cut without a byte, and without a line in the application's log."""
        site = await open_site()
        site.guarded.bans.put(Ban("127.0.0.1", time.monotonic() + 60, "test"))
        assert await site.talk(GET) == b""
        record = await site.settled()
        assert (record.action, record.status) == ("drop", 0)
        assert site.asked == []


class TestChallenges:
    """Pages and answers of the shield live in the application, below the own path."""

    async def test_a_visitor_answers_and_is_let_through(self, open_site: Open) -> None:
        """Page, form, clearance, and on to where the visitor wanted to go."""
        challenge = ChallengePolicy(suspicion=(), form_wait=0.0)
        rule = Rule("everybody", Condition(), Action.CHALLENGE)
        site = await open_site(Policy(challenge=challenge, rules=(rule,)))
        async with ClientSession(headers=BROWSER, cookie_jar=CookieJar(unsafe=True)) as session:
            async with session.get(site.url("/wanted?a=1")) as page:
                assert page.status == 503
                assert "X-Request-Id" in page.headers
                token = re.search(r'name="?token"? value="?([^" >]+)', await page.text())
            assert token is not None
            form = {"token": token[1], "to": "/wanted?a=1"}
            async with session.post(site.url("/.shieldproxy/continue"), data=form) as passed:
                assert passed.status == 200
            async with session.get(site.url("/wanted?a=1")) as wanted:
                assert await wanted.text() == "page for 127.0.0.1"
        assert site.asked == ["/wanted"]
        assert [record.challenge for record in site.records] == ["issued", "passed", "", ""]

    async def test_an_answer_longer_than_any_is_not_read(self, open_site: Open) -> None:
        """413, and no more of the body is kept than that takes."""
        site = await open_site()
        async with ClientSession() as session:
            url = site.url("/.shieldproxy/answer")
            async with session.post(url, data=b"x" * 100_000) as said:
                assert said.status == 413
        assert (await site.settled()).status == 413

    async def test_an_answer_that_does_not_come_is_not_awaited(
        self, open_site: Open, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A body that stops arriving is answered with 408, and that was the connection's last answer."""
        monkeypatch.setattr(middleware, "BODY_SECONDS", 0.1)
        site = await open_site()
        post = b"POST /.shieldproxy/answer HTTP/1.1\r\nHost: example.org\r\nContent-Length: 9\r\n\r\nx"
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(post)
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
        writer.close()
        assert head.startswith(b"HTTP/1.1 408")
        assert b"Connection: close" in head
        record = await site.settled()
        assert (record.status, record.side) == (408, "client")


class TestForwarders:
    """Whose request it is when a server of the operator stands before the application."""

    async def test_a_trusted_forwarder_is_believed(self, open_site: Open) -> None:
        """Address, port and scheme of the visitor are in the record; what the visitor claimed itself is not."""
        site = await open_site(trusted=LOOPBACK)
        told = {"X_Forwarded_For": "6.6.6.6, 192.0.2.7:4711", "X_Forwarded_Proto": "https"}
        assert (await site.get(**told))[1] == "page for 192.0.2.7"
        record = await site.settled()
        assert (record.src_ip, record.src_port, record.tls) == ("192.0.2.7", 4711, "yes")

    async def test_a_ban_does_not_cut_the_forwarders_connection(self, open_site: Open) -> None:
        """The forwarder would take us for broken and keep others away too, so the banned visitor is told no."""
        site = await open_site(trusted=LOOPBACK)
        site.guarded.bans.put(Ban("192.0.2.7", time.monotonic() + 60, "test"))
        assert (await site.get(X_Forwarded_For="192.0.2.7"))[0] == 403
        assert (await site.get(X_Forwarded_For="192.0.2.8"))[0] == 200
        assert [record.action for record in site.records] == ["drop", "admit"]

    async def test_a_stranger_speaks_for_nobody(self, open_site: Open) -> None:
        """Without trust the connection's own address counts."""
        site = await open_site()
        assert (await site.get(X_Forwarded_For="192.0.2.7"))[1] == "page for 127.0.0.1"


class TestEndings:
    """Every request is settled once, however it ends."""

    async def test_an_answer_that_is_raised(self, open_site: Open) -> None:
        """Exceptions of aiohttp are answers: status and ID are as for any other."""
        site = await open_site()
        answer = await site.talk(GET.replace(b"GET /", b"GET /forbidden"))
        assert answer.startswith(b"HTTP/1.1 403")
        assert b"X-Request-Id: id-1" in answer
        record = await site.settled()
        assert (record.action, record.status, record.side) == ("admit", 403, "")

    @pytest.mark.parametrize(("path", "status"), [("/broken", 500), ("/late", 504)])
    async def test_a_bug_of_the_application(
        self, open_site: Open, path: str, status: int, caplog: pytest.LogCaptureFixture
    ) -> None:
        """The record says that the failure is the origin's: it never counts against the client."""
        caplog.set_level(logging.CRITICAL)
        site = await open_site()
        assert (await site.get(path))[0] == status
        record = await site.settled()
        assert (record.status, record.side) == (status, "origin")
        assert site.guarded.tallies.named["offences"] == 0

    async def test_a_page_that_does_not_exist(self, open_site: Open) -> None:
        """What the application does not route is judged and settled, too."""
        site = await open_site()
        async with ClientSession() as session, session.post(site.url("/nowhere")) as answer:
            assert answer.status == 405
        assert (await site.settled()).status == 405

    async def test_a_client_that_leaves_and_a_handler_that_is_cancelled(self, open_site: Open) -> None:
        """With handler_cancellation the record is written at once: 499, the client's doing."""
        site = await open_site(cancel=True)
        before = time.monotonic()
        await site.leave_while_asking("/slow")
        record = await site.settled()
        assert time.monotonic() - before < SLOW
        assert (record.status, record.side) == (499, "client")

    async def test_a_client_that_leaves_and_a_handler_that_goes_on(self, open_site: Open) -> None:
        """Handlers run to their end by default; the record still says that nobody was there for the answer."""
        site = await open_site()
        await site.leave_while_asking("/moment")
        record = await site.settled()
        assert (record.status, record.side) == (499, "client")
        await asyncio.sleep(0.1)
        assert len(site.records) == 1

    async def test_a_client_that_leaves_amid_its_answer_to_a_challenge(self, open_site: Open) -> None:
        """A body that breaks off is the client's doing."""
        site = await open_site()
        _, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(b"POST /.shieldproxy/answer HTTP/1.1\r\nHost: example.org\r\nContent-Length: 9\r\n\r\nx")
        await asyncio.sleep(0.1)
        writer.transport.abort()
        record = await site.settled()
        assert (record.status, record.side) == (499, "client")

    async def test_many_requests_on_one_connection(self, open_site: Open) -> None:
        """Each has its own record."""
        site = await open_site()
        await site.talk(GET.replace(b"Connection: close\r\n", b"") * 2 + GET)
        await site.settled(3)
        assert [record.status for record in site.records] == [200, 200, 200]
