"""The control room's server: health, metrics, the API and the dashboard, on loopback or a unix socket."""

from __future__ import annotations

import asyncio
import contextlib
import os
from collections.abc import Callable, Iterable
from pathlib import Path

from aiohttp import web

from shieldproxy import __version__
from shieldproxy.control.api import Api
from shieldproxy.control.dashboard import Dashboard
from shieldproxy.control.gate import Gate, Handler
from shieldproxy.control.metrics import Metrics
from shieldproxy.control.node import Node
from shieldproxy.control.problems import SAFE_HEADERS, RefusalError
from shieldproxy.control.requests import MAX_BODY
from shieldproxy.core.errors import StartError
from shieldproxy.oplog import MinuteLog, logger
from shieldproxy.settings.endpoints import Listen

# Operators and scrapers come every few seconds; a connection idle for longer only holds a descriptor.
KEEP_ALIVE = 75.0
# How long answers under way may take when the node stops, in seconds.
STOP_PATIENCE = 2.0
SOCKET_MODE = 0o660  # its owner and group; who may connect still needs the token


class ControlServer:
    """Serves what operators see of ``node``.

    ``token`` is what the API asks for, ``clock`` a monotonic clock, ``hosts`` further names it is asked by. Raises
    ValueError for a token that is short.
    """

    def __init__(
        self,
        node: Node,
        listen: Listen,
        token: str,
        clock: Callable[[], float],
        *,
        hosts: Iterable[str] = (),
    ) -> None:
        self._node = node
        self._listen = listen
        self._gate = Gate(listen, token, hosts)
        self._metrics = Metrics(node, __version__)
        self._log = MinuteLog(logger("control"), clock)
        self._runner: web.AppRunner | None = None

    @property
    def listen(self) -> Listen:
        """Where it listens; once started with the port it really got."""
        return self._listen

    async def start(self) -> None:
        """Listen; raises StartError naming the place when that cannot be."""
        if self._listen.path and await _answers(Path(self._listen.path)):
            raise StartError(f"control.listen {self._listen}: another node listens there")
        runner = web.AppRunner(
            self._application(), access_log=None, keepalive_timeout=KEEP_ALIVE, shutdown_timeout=STOP_PATIENCE
        )
        await runner.setup()
        try:
            if self._listen.path:
                # The socket file of a node that died is replaced; any other file is not.
                await web.UnixSite(runner, self._listen.path).start()
                os.chmod(self._listen.path, SOCKET_MODE)  # noqa: PTH101 - of the socket itself
            else:
                await web.TCPSite(runner, self._listen.host, self._listen.port).start()
                self._listen = self._listen._replace(port=runner.addresses[0][1])
        except OSError as fault:
            await runner.cleanup()
            raise StartError(f"control.listen {self._listen}: {fault.strerror or fault}") from fault
        self._runner = runner

    async def stop(self) -> None:
        """Stop listening and let answers under way end; a second time does nothing."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        await runner.cleanup()
        if self._listen.path:
            _forget_socket(Path(self._listen.path))

    def _application(self) -> web.Application:
        application = web.Application(client_max_size=MAX_BODY, middlewares=[self._answer_faults, self._guard])
        application.add_routes(
            [
                web.get("/healthz", self._health),
                web.get("/readyz", self._readiness),
                web.get("/metrics", self._scrape),
                web.get("/", Dashboard().page),
                *Api(self._node).routes(),
            ]
        )
        return application

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        self._gate.check(request)
        return await handler(request)

    @web.middleware
    async def _answer_faults(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Turn every failure into a problem document; one of ours is logged and tells the client nothing."""
        try:
            return await handler(request)
        except RefusalError as refusal:
            if refusal.status in (401, 403, 421):
                self._log.warning("control request refused", status=refusal.status, peer=request.remote or "")
            return refusal.answer()
        except web.HTTPMethodNotAllowed as fault:
            allowed = sorted(fault.allowed_methods)
            detail = f"{request.method} is not served here; allowed: {', '.join(allowed)}."
            return RefusalError(405, detail, headers={"Allow": ", ".join(allowed)}, allowed=allowed).answer()
        except web.HTTPRequestEntityTooLarge:
            return RefusalError(413, f"The body is too long; allowed: {MAX_BODY} bytes.").answer()
        except web.HTTPNotFound:
            return RefusalError(404, "Nothing is served under this path; see /api/v1/status.").answer()
        except web.HTTPException as fault:
            return RefusalError(fault.status, fault.reason).answer()
        except Exception as fault:  # noqa: BLE001 - whatever it is, the operator gets an answer and we a log line
            self._log.error("control request failed", path=request.path, exc_info=fault)
            return RefusalError(500, "The control room failed to answer; its log says why.").answer()

    async def _health(self, _request: web.Request) -> web.Response:
        return _word(ok=self._node.alive(), good="alive", bad="not alive")

    async def _readiness(self, _request: web.Request) -> web.Response:
        readiness = self._node.ready()
        why = readiness.why if self._listen.loopback else ""
        degraded = f"\ndegraded: {why}" if why else ""
        return _word(ok=readiness.ready, good=f"ready{degraded}", bad=f"not ready{f': {why}' if why else ''}")

    async def _scrape(self, request: web.Request) -> web.Response:
        body, content_type = self._metrics.text(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={**SAFE_HEADERS, "Content-Type": content_type})


def _word(*, ok: bool, good: str, bad: str) -> web.Response:
    return web.Response(status=200 if ok else 503, text=f"{good if ok else bad}\n", headers=SAFE_HEADERS)


def _forget_socket(path: Path) -> None:
    path.unlink(missing_ok=True)


async def _answers(path: Path) -> bool:
    """Tell whether somebody listens on the unix socket ``path``."""
    try:
        _, writer = await asyncio.open_unix_connection(str(path))
    except OSError:
        return False
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return True
