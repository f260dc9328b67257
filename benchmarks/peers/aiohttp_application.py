"""The aiohttp proxy that is compared: ``python aiohttp_application.py PORT ORIGIN RATE LOG``.

It is kept as light as aiohttp allows while doing the same work: one bucket an address, hop-by-hop fields removed, the
address passed on, bodies streamed, one buffered line a request.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import uvloop
from aiohttp import ClientSession, TCPConnector, web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

HOP_BY_HOP = frozenset(
    ("connection", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade", "proxy-authenticate")
)  # RFC 9110, 7.6.1
LOG_BUFFER = 64 * 1024


class Bucket:
    """One GCRA bucket an address; enough for a benchmark, without a bound because loopback is one address."""

    def __init__(self, rate: float, burst: float) -> None:
        self._interval = 1 / rate
        self._slack = burst / rate
        self._full_at: dict[str, float] = {}

    def take(self, address: str) -> bool:
        """Whether `address` may have one more."""
        now = time.monotonic()
        full_at = max(self._full_at.get(address, now), now) + self._interval
        if full_at - now > self._slack:
            return False
        self._full_at[address] = full_at
        return True


class Proxy:
    """The handler and what it needs."""

    def __init__(self, origin: str, rate: float, log: Path) -> None:
        self._origin = origin
        self._bucket = Bucket(rate, burst=max(1.0, rate))
        self._log = log
        self._session: ClientSession | None = None

    async def run(self, _app: web.Application) -> AsyncIterator[None]:
        """Holds the session and the log open while the application lives."""
        with self._log.open("w", buffering=LOG_BUFFER) as self._lines:
            async with ClientSession(
                connector=TCPConnector(limit=256), auto_decompress=False, cookie_jar=None
            ) as self._session:
                yield

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Refuses by the limit or asks the origin; writes one line either way."""
        address = request.remote or ""
        if self._bucket.take(address):
            response = await self._forward(request, address)
        else:
            response = web.Response(status=429, headers={"Retry-After": "60"}, text="Too many requests\n")
        agent = request.headers.get("User-Agent", "-")
        self._lines.write(
            f'{address} {time.monotonic()} "{request.method} {request.path_qs}" {response.status} "{agent}"\n'
        )
        return response

    async def _forward(self, request: web.Request, address: str) -> web.StreamResponse:
        assert self._session is not None
        headers = [(name, value) for name, value in request.headers.items() if name.lower() not in HOP_BY_HOP]
        headers += [("X-Forwarded-For", address), ("X-Forwarded-Proto", "http")]
        body = request.content if request.body_exists else None
        url = self._origin + request.raw_path
        async with self._session.request(
            request.method, url, headers=headers, data=body, allow_redirects=False
        ) as answer:
            kept = [(name, value) for name, value in answer.headers.items() if name.lower() not in HOP_BY_HOP]
            if (answer.content_length or LOG_BUFFER) < LOG_BUFFER:
                return web.Response(status=answer.status, headers=dict(kept), body=await answer.read())
            response = web.StreamResponse(status=answer.status, headers=dict(kept))
            await response.prepare(request)
            async for chunk in answer.content.iter_any():
                await response.write(chunk)
            return response


async def application(origin: str, rate: float, log: Path) -> web.Application:
    """The application with its one route."""
    proxy = Proxy(origin, rate, log)
    app = web.Application()
    app.cleanup_ctx.append(proxy.run)
    app.router.add_route("*", "/{path:.*}", proxy.handle)
    return app


def main() -> None:
    """Serves on 127.0.0.1 until it is ended."""
    port, origin, rate, log = sys.argv[1:]
    web.run_app(
        application(origin, float(rate), Path(log)),
        host="127.0.0.1",
        port=int(port),
        loop=uvloop.new_event_loop(),
        access_log=None,
        print=None,
    )


if __name__ == "__main__":
    main()
