"""The site behind a soak: pages, uploads that are answered with their hash, slow answers, and a WebSocket that echoes.

``python -m benchmarks.soak_site PORT`` serves on loopback until it is ended.
"""

from __future__ import annotations

import asyncio
import hashlib
import sys

from aiohttp import WSMsgType, web

from benchmarks.origin import PAGE

SLOW_S = 0.5
LARGE = 1 << 20


def site() -> web.Application:
    """The application."""
    app = web.Application(client_max_size=64 << 20)
    app.add_routes(
        [
            web.get("/open/echo", echo),
            web.post("/open/upload", upload),
            web.get("/slow", slow),
            web.get("/large", large),
            web.get("/open/large", large),
            web.get("/{page:.*}", page),
        ]
    )
    return app


async def page(_: web.Request) -> web.Response:
    """A page of one kilobyte."""
    return web.Response(body=PAGE, content_type="text/html")


async def slow(_: web.Request) -> web.Response:
    """The same, later."""
    await asyncio.sleep(SLOW_S)
    return web.Response(body=PAGE, content_type="text/html")


async def large(_: web.Request) -> web.Response:
    """A megabyte, for those who read slowly."""
    return web.Response(body=bytes(LARGE), content_type="application/octet-stream")


async def upload(request: web.Request) -> web.Response:
    """The hash of what was sent."""
    taken = hashlib.sha256()
    async for chunk in request.content.iter_any():
        taken.update(chunk)
    return web.Response(text=taken.hexdigest())


async def echo(request: web.Request) -> web.WebSocketResponse:
    """Every message comes back."""
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    async for message in socket:
        if message.type is WSMsgType.BINARY:
            await socket.send_bytes(message.data)
    return socket


if __name__ == "__main__":
    web.run_app(site(), host="127.0.0.1", port=int(sys.argv[1]), print=None, access_log=None)
