"""A small site behind the gate, over real HTTP: what a browser needs to meet a challenge."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Self

from aiohttp import web
from multidict import CIMultiDict

from shieldproxy.core.addresses import parse_address
from shieldproxy.core.clearance import Clearance
from shieldproxy.core.facts import NetworkLabel, Request, Visitor
from shieldproxy.core.policy import ChallengePolicy
from shieldproxy.core.verdict import Action, Verdict
from shieldproxy.guard.appearance import Appearance
from shieldproxy.guard.gate import Gate
from shieldproxy.guard.kept_forms import keepable
from shieldproxy.guard.phrasebook import Phrasebook
from shieldproxy.guard.replies import Replies, Reply
from shieldproxy.guard.visits import visitor_of
from shieldproxy.state.keys import KeyRing
from tests.fakes.puzzles import DictPuzzles

if TYPE_CHECKING:
    from types import TracebackType

CHALLENGE = Verdict(Action.CHALLENGE, "over_shared_limit", "asn", 0.0, 503)
THROTTLE = Verdict(Action.THROTTLE, "over_own_limit", "client", 12.0, 429)
REFUSE = Verdict(Action.REFUSE, "denied", "scanner", 0.0, 403)
# Paths that are always answered with a notice.
NOTICES = {"/throttled": THROTTLE, "/refused": REFUSE}
OWN = "/.shieldproxy"


# A page of the site with a form, open while the challenges begin; what is in it survives only if nothing is rewritten.
FORM_PAGE = """<!doctype html><html lang="en"><title>A form</title><h1>Application</h1>
<form method="post" action="/apply?x=1"><input name="name" value="Ada &amp; \u00e9"><input type="hidden" name="submit" value="">
<textarea name="text">two
lines, 50% + "more"</textarea><button name="send" value="yes">Send</button></form></html>"""


# A page that is served by a worker of its own from its second visit on, and what the worker does: pass everything on.
WORKED_PAGE = """<!doctype html><html lang="en"><title>Worked</title><h1>Welcome</h1><p id="state">waiting</p><script>
navigator.serviceWorker.register("/sw.js").then(() => navigator.serviceWorker.ready)
  .then(() => { document.getElementById("state").textContent = "a worker is ready"; });</script></html>"""
PASSING_WORKER = """self.addEventListener("activate", (event) => event.waitUntil(self.clients.claim()));
self.addEventListener("fetch", (event) => event.respondWith(fetch(event.request)));"""
# A page that speaks over a WebSocket.
SOCKET_PAGE = """<!doctype html><html lang="en"><title>Socket</title><h1>Welcome</h1><p id="state">waiting</p><script>
const line = new WebSocket(`ws://${location.host}/ws`);
line.onopen = () => line.send("hello");
line.onmessage = (event) => { document.getElementById("state").textContent = `heard ${event.data}`; };</script></html>"""
# A form with a file.
UPLOAD_PAGE = """<!doctype html><html lang="en"><title>A form</title><h1>Application</h1>
<form method="post" action="/apply?x=1" enctype="multipart/form-data"><input name="name" value="Ada &amp; \u00e9">
<input type="file" name="plan"><button>Send</button></form></html>"""
PAGES = {"/form": FORM_PAGE, "/upload": UPLOAD_PAGE, "/worked": WORKED_PAGE, "/socket": SOCKET_PAGE}


class GatedSite:
    """An origin and the gate in one aiohttp server on a port of its own; ``log`` has what was asked and answered."""

    def __init__(self, policy: ChallengePolicy | None = None, appearance: Appearance | None = None) -> None:
        appearance = appearance or Appearance(contact="help@example.org", title="Residents' Portal")
        phrasebook = Phrasebook()
        self.replies = Replies(appearance, phrasebook)
        self.gate = Gate(
            policy or ChallengePolicy(),
            KeyRing((os.urandom(32),)),
            appearance=appearance,
            phrasebook=phrasebook,
            replies=self.replies,
            own_path=OWN,
            spent=DictPuzzles(),
            clock=time.time,
            chance=os.urandom,
        )
        self.log: list[tuple[str, str, int]] = []
        self.outcomes: list[str] = []
        self.posted: list[bytes] = []
        # Addresses that the next requests seem to come from; the last one stays.
        self.addresses = ["192.0.2.1"]
        # Where /leave redirects to.
        self.elsewhere = ""
        # Paths that nobody is challenged for.
        self.open: set[str] = {"/form", "/upload", "/sw.js"}
        # A site that sends the challenge whatever was earned.
        self.challenge_all = False
        self.port = 0
        self._runner: web.AppRunner | None = None

    @property
    def url(self) -> str:
        """The address of the site; browsers hold localhost for a secure context."""
        return f"http://localhost:{self.port}"

    async def __aenter__(self) -> Self:
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._handle)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=1.0)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.port = self._runner.addresses[0][1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._runner is not None
        await self._runner.cleanup()

    def asked(self, path: str) -> int:
        """Return how often ``path`` was asked for."""
        return sum(1 for _, asked, _ in self.log if asked == path)

    async def _handle(self, asked: web.Request) -> web.StreamResponse:
        address = parse_address(self.addresses.pop(0) if len(self.addresses) > 1 else self.addresses[0])
        assert address is not None
        who = visitor_of(address, NetworkLabel())
        path, _, query = asked.raw_path.partition("?")
        headers = {name.lower(): value for name, value in reversed(asked.raw_headers)}
        request = Request(asked.method, asked.host, path, query, "1.1", headers)
        reply = self._judge(who, request, await asked.read())
        if reply is None:
            return await self._serve(asked)
        self.log.append((asked.method, path, reply.status))
        fields = CIMultiDict((name.decode(), value.decode()) for name, value in reply.headers)
        return web.Response(status=reply.status, headers=fields, body=reply.body)

    def _judge(self, who: Visitor, request: Request, body: bytes) -> Reply | None:
        if self.gate.is_own(request.path):
            answer = self.gate.serve(who, request, body, "01JD4ZK8Q2M7", secure=False)
            self.outcomes.append(answer.challenge)
            return answer.reply
        if request.path in NOTICES:
            return self.replies.refusal(NOTICES[request.path], request, "01JD4ZK8Q2M7")
        agent = request.headers.get(b"user-agent", b"")
        cookies = request.headers.get(b"cookie", b"")
        found = self.gate.read_clearance(cookies, who, agent)
        if (isinstance(found, Clearance) and not self.challenge_all) or request.path in self.open:
            return None
        kept = body if keepable(request) else b""
        return self.gate.challenge(who, request, CHALLENGE, "01JD4ZK8Q2M7", 0, kept)

    async def _serve(self, asked: web.Request) -> web.StreamResponse:
        self.log.append((asked.method, asked.path, 200))
        if asked.method == "POST":
            self.posted.append(await asked.read())
        if asked.path == "/ws":
            line = web.WebSocketResponse()
            await line.prepare(asked)
            async for message in line:
                await line.send_str(message.data)
            return line
        if asked.path == "/leave":
            raise web.HTTPFound(self.elsewhere)
        if asked.path == "/download":
            return web.Response(body=b"data", headers={"Content-Disposition": 'attachment; filename="data.bin"'})
        if asked.path in PAGES:
            return web.Response(text=PAGES[asked.path], content_type="text/html")
        if asked.path == "/sw.js":
            return web.Response(text=PASSING_WORKER, content_type="text/javascript")
        page = "<!doctype html><title>The site</title><h1>Welcome</h1><p><a href='/next'>next</a></p>"
        return web.Response(text=page, content_type="text/html")
