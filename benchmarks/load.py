"""Our own load generator: many kept connections, many client addresses, bounded in count and in time.

One uvloop thread does some tens of thousands of requests a second. Where one address is enough, wrk is
faster (wrk.py); this one is for crowds. A crowd is made in one of three ways (`Via`): connections bound to
many loopback addresses, a PROXY protocol v2 header that claims any address, or an X-Forwarded-For field with
a new address in every request.

By hand: ``python -m benchmarks.load http://127.0.0.1:8080/ --seconds 5 --clients 1000 --via source``.
"""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections import Counter
from typing import cast

import click
import httptools
import uvloop

from benchmarks.addresses import address_in_one_site, claimed_address, claimed_network, proxy_v2, source_address
from benchmarks.browser import request_bytes
from benchmarks.latencies import Latencies
from benchmarks.loopback import loopback_target
from benchmarks.plan import MAX_CONNECTIONS, MAX_REQUESTS, Plan, Via
from benchmarks.reading import Reading

GRACE = 2.0  # seconds an answer may still take after the last request was due

_MARK = "@client@"
_IN_EACH_REQUEST = {
    Via.FORWARDED: claimed_address,
    Via.FORWARDED_V6: claimed_network,
    Via.ONE_SITE: address_in_one_site,
}


class Run:
    """The state all visitors of one run share: what is left to do, and what has been seen."""

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.over = False
        self.latencies = Latencies()
        self.statuses: Counter[int] = Counter()
        self.errors: Counter[str] = Counter()
        self.open: set[Visitor] = set()
        self._sent = 0
        self._opened = 0
        self._request = self._prepare()

    def next_request(self) -> bytes | None:
        """The bytes of the next request, or None when the run is over."""
        n = self._sent
        if self.over or n >= self.plan.count:
            return None
        self._sent = n + 1
        if self._claim is None:
            return self._request
        return self._before + self._claim(n % self.plan.clients).encode() + self._after

    def next_client(self) -> int:
        """The number of the client that opens the next connection."""
        n = self._opened
        self._opened = n + 1
        return n % self.plan.clients

    def has_more(self) -> bool:
        """Whether another connection is worth opening."""
        return not self.over and self._sent < self.plan.count

    def end(self) -> None:
        """No further requests; answers under way may still come."""
        self.over = True

    def abort(self) -> None:
        """Gives up on what has not been answered."""
        for visitor in list(self.open):
            visitor.give_up()

    def clients_seen(self) -> int:
        """How many distinct clients the server has seen."""
        return min(self.plan.clients, self._opened if self._claim is None else self._sent)

    def _prepare(self) -> bytes:
        self._claim = _IN_EACH_REQUEST.get(self.plan.via)
        extra = () if self._claim is None else (("X-Forwarded-For", _MARK),)
        target = self.plan.target
        request = request_bytes(target.path, target.authority, extra=extra, form=self.plan.form)
        self._before, _, self._after = request.partition(_MARK.encode())
        return request


class Visitor(asyncio.Protocol):
    """One connection: asks, waits for the whole answer, asks again."""

    def __init__(self, run: Run, preamble: bytes, closed: asyncio.Future[None]) -> None:
        self._run = run
        self._preamble = preamble
        self._closed = closed
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._asked_at = 0.0
        self._waiting = False
        self._answering = False
        self._left = run.plan.per_connection

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Sends who we are, where that is claimed, and the first request."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has the methods, not the base class
        self._run.open.add(self)
        if self._preamble:
            self._transport.write(self._preamble)
        self._ask()

    def data_received(self, data: bytes) -> None:
        """Hands the bytes to the parser; a server that does not speak HTTP ends the connection."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._fail("not-http")

    def on_message_begin(self) -> None:
        """An answer starts (called by the parser)."""
        self._answering = True

    def on_message_complete(self) -> None:
        """An answer is whole (called by the parser)."""
        self._settle()
        self._left -= 1
        if self._left == 0 or not self._parser.should_keep_alive():
            self._close()
        else:
            self._ask()

    def connection_lost(self, exc: Exception | None) -> None:
        """The end: an answer without a length is whole now, a question without an answer is an error."""
        if self._waiting and self._answering and exc is None:
            self._settle()
        elif self._waiting:
            self._fail("reset" if exc else "closed")
        self._run.open.discard(self)
        if not self._closed.done():
            self._closed.set_result(None)

    def give_up(self) -> None:
        """The run's time is over."""
        if self._waiting:
            self._fail("timeout")
        self._close()

    def _ask(self) -> None:
        request = self._run.next_request()
        if request is None:
            self._close()
            return
        assert self._transport is not None
        self._waiting, self._answering = True, False
        self._asked_at = time.perf_counter()
        self._transport.write(request)

    def _settle(self) -> None:
        self._waiting = False
        self._run.latencies.add(time.perf_counter() - self._asked_at)
        self._run.statuses[self._parser.get_status_code()] += 1

    def _fail(self, word: str) -> None:
        self._waiting = False
        self._run.errors[word] += 1
        self._close()

    def _close(self) -> None:
        if self._transport is not None:
            self._transport.close()


async def send(plan: Plan) -> Reading:
    """Carries out `plan` on the running loop and says what came back."""
    run = Run(plan)
    loop = asyncio.get_running_loop()
    timers = (
        loop.call_later(plan.seconds, run.end),
        loop.call_later(plan.seconds + GRACE, run.abort),
    )
    began = time.perf_counter()
    try:
        async with asyncio.timeout(plan.seconds + 2 * GRACE):
            await asyncio.gather(*(_keep_visiting(run) for _ in range(min(plan.connections, plan.count))))
    except TimeoutError:
        run.errors["stuck"] += 1
    seconds = time.perf_counter() - began
    for timer in timers:
        timer.cancel()
    return Reading(
        requests=run.latencies.count,
        seconds=seconds,
        p50_us=run.latencies.percentile(0.50),
        p99_us=run.latencies.percentile(0.99),
        refused=sum(count for status, count in run.statuses.items() if status >= 400),
        errors=dict(run.errors),
        statuses={str(status): count for status, count in sorted(run.statuses.items())},
        clients=run.clients_seen(),
    )


def send_now(plan: Plan) -> Reading:
    """Carries out `plan` on a loop of its own and returns when it is done."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(send(plan))


async def _keep_visiting(run: Run) -> None:
    loop = asyncio.get_running_loop()
    while run.has_more():
        client = run.next_client()
        closed: asyncio.Future[None] = loop.create_future()
        try:
            await _open(run.plan, client, Visitor(run, _preamble(run.plan, client), closed))
        except OSError as error:
            run.errors[f"connect: {error.strerror or error}"] += 1
            await asyncio.sleep(0.01)  # a refused connection must not turn into a busy loop
            continue
        await closed


async def _open(plan: Plan, client: int, visitor: Visitor) -> None:
    loop = asyncio.get_running_loop()
    connection = _socket(plan, client)
    try:
        await loop.sock_connect(connection, (plan.target.host, plan.target.port))
        await loop.create_connection(lambda: visitor, sock=connection)
    except OSError:
        connection.close()
        raise


def _socket(plan: Plan, client: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in plan.target.host else socket.AF_INET
    connection = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if plan.via is Via.SOURCE:
        connection.bind((source_address(client), 0))
    return connection


def _preamble(plan: Plan, client: int) -> bytes:
    if plan.via is not Via.PROXY:
        return b""
    target = plan.target
    source = claimed_network(client) if ":" in target.host else claimed_address(client)
    return proxy_v2(source, 40_000 + client % 20_000, target.host, target.port)


@click.command()
@click.argument("url")
@click.option("--seconds", default=5.0, show_default=True)
@click.option("--count", default=MAX_REQUESTS, show_default=True, help="Requests at most.")
@click.option("--connections", default=64, show_default=True, help=f"At one time; at most {MAX_CONNECTIONS}.")
@click.option("--clients", default=1, show_default=True, help="Distinct client addresses.")
@click.option("--via", default="one", show_default=True, type=click.Choice([via.value for via in Via]))
@click.option("--per-connection", default=0, help="Requests on a connection; 0: for ever.")
@click.option("--form", default=None, help="POST this form instead of asking with GET.")
def main(url: str, via: str, **bounds: object) -> None:
    """Sends load to URL on this machine and prints the result as one JSON object."""
    try:
        plan = Plan(loopback_target(url), via=Via(via), **bounds)  # type: ignore[arg-type]  # click made the types
    except ValueError as error:
        raise click.UsageError(str(error)) from error
    click.echo(json.dumps(send_now(plan).as_dict()))


if __name__ == "__main__":
    main()
