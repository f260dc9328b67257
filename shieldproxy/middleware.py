"""The second door: an aiohttp middleware over the same guard, for people who own an aiohttp application."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Sequence
from dataclasses import dataclass

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from shieldproxy.core.addresses import Network, parse_address
from shieldproxy.core.facts import Request
from shieldproxy.core.verdict import Side
from shieldproxy.guard.decisions import Decision, Outcome
from shieldproxy.guard.fingerprints import Field, Fingerprints
from shieldproxy.guard.forwarders import Caller, caller_of
from shieldproxy.guard.gate import MAX_OWN_BODY
from shieldproxy.guard.guard import Guard
from shieldproxy.guard.replies import Reply
from shieldproxy.guard.visits import Peer

# What handlers may look at: ``request[DECISION].id`` stands on error pages, ``.facts.visitor`` tells who asks.
DECISION = web.RequestKey("shieldproxy", Decision)
# An answer to a challenge is some hundred bytes; whoever needs longer (seconds) only holds a connection.
BODY_SECONDS = 30.0


@dataclass(slots=True)
class Ending:
    """How an exchange ended; until we know better, by the client's leaving (499, which only records carry)."""

    status: int = 499
    side: Side = Side.CLIENT
    challenge: str = ""
    sent: int = 0


def shield_middleware(guard: Guard, *, trusted: Sequence[Network] = ()) -> Middleware:
    """Return the middleware that judges every request by ``guard``; put it first, so that it sees all of them.

    ``trusted`` are the networks whose X-Forwarded-For and X-Forwarded-Proto are believed. Each request is settled
    once, when its handler has answered, raised or was cancelled; what is not admitted reaches no handler.
    """
    fingerprints = Fingerprints()

    @web.middleware
    async def shield(request: web.Request, handler: Handler) -> web.StreamResponse:
        clock = asyncio.get_running_loop().time
        started = clock()
        fields = [(name.lower(), name, value) for name, value in request.raw_headers]
        caller = caller_of(fields, here := connection_of(request), trusted)
        known, asked = guard.meet(caller.address), request_of(request, fields, fingerprints.of(fields))
        decision = request[DECISION] = guard.decide(caller.peer, known, asked)
        ending = Ending()
        try:
            reply = guard.reply(decision)
            if reply is not None and reply.status == 0 and caller.address != here.address:
                # To hang up would hit the forwarder, on whose connection other visitors come too.
                reply = guard.refusal(decision)
            if reply is None and decision.own:
                reply = await _serve_own(guard, request, caller, ending)
            if reply is None:
                return await _forward(request, handler, ending)
            ending.status, ending.sent = reply.status, len(reply.body)
            ending.side = Side.CLIENT if reply.status == 408 else Side.NONE
            return response_of(request, reply)
        finally:
            sent = 0 if request.method == "HEAD" else ending.sent
            elapsed, received = int((clock() - started) * 1e6), request.content.total_bytes
            guard.settle(decision, Outcome(ending.status, received, sent, elapsed, ending.side, ending.challenge))

    return shield


async def _serve_own(guard: Guard, request: web.Request, caller: Caller, ending: Ending) -> Reply:
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            # One byte more than is allowed is enough for the gate to say so.
            while len(body) <= MAX_OWN_BODY and (piece := await request.content.readany()):
                body += piece
    except TimeoutError:
        return guard.failure(request[DECISION], 408)._replace(close=True)
    reply, ending.challenge, _ = guard.serve_own(request[DECISION], bytes(body), secure=caller.secure)
    return reply


async def _forward(request: web.Request, handler: Handler, ending: Ending) -> web.StreamResponse:
    """Let the application answer. What it raises goes on to aiohttp, which turns it into an answer."""
    try:
        response = await handler(request)
    except web.HTTPException as answer:
        _note(request, answer, ending)
        raise
    except BaseException as error:
        if not gone(request):
            ending.side, ending.status = Side.ORIGIN, 504 if isinstance(error, TimeoutError) else 500
        raise
    _note(request, response, ending)
    return response


def _note(request: web.Request, response: web.StreamResponse, ending: Ending) -> None:
    if not response.prepared:
        response.headers["X-Request-Id"] = request[DECISION].id
        if gone(request):
            return
    ending.status, ending.side = response.status, Side.NONE
    ending.sent = response.body_length or response.content_length or 0


def gone(request: web.Request) -> bool:
    """Tell whether the client has left."""
    return request.transport is None or request.transport.is_closing()


def connection_of(request: web.Request) -> Caller:
    """Return who is at the other end of the connection."""
    transport = request.transport
    ends = [transport.get_extra_info(name) if transport else None for name in ("peername", "sockname")]
    # A unix socket has names and no addresses: its peer is this machine.
    source, target = (end if isinstance(end, tuple) else ("", 0) for end in ends)
    tls = transport.get_extra_info("ssl_object") if transport else None
    version = (tls.version() or "yes") if tls is not None else ""
    address = parse_address(source[0] or request.remote or "") or ipaddress.IPv4Address("127.0.0.1")
    return Caller(address, Peer(str(address), source[1], target[0], target[1], version), bool(version))


def request_of(request: web.Request, fields: list[Field], fingerprint: str) -> Request:
    """Return what is asked for, in the bytes of the wire: nothing decoded, of each header the first value."""
    target = request.raw_path if request.raw_path[:1] == "/" else str(request.rel_url)
    path, _, query = target.encode("utf-8", "surrogateescape").decode("latin-1").partition("?")
    headers = {lower: value for lower, _, value in reversed(fields)}
    host, version = headers.get(b"host", b"").decode("latin-1").lower(), request.version
    return Request(request.method, host, path, query, f"{version.major}.{version.minor}", headers, fingerprint)


def response_of(request: web.Request, reply: Reply) -> web.Response:
    """Return ``reply`` as aiohttp sends it; for one that is none the connection is cut, and nothing goes out."""
    if reply.status == 0:
        if request.transport is not None:
            request.transport.abort()
        return web.Response()
    headers = [(name.decode("latin-1"), value.decode("latin-1")) for name, value in reply.headers]
    response = web.Response(status=reply.status, headers=headers, body=reply.body)
    if reply.close:
        response.force_close()
    return response
