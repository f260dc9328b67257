"""The main door: listens, keeps the connections and their deadlines, and wires client side to pool and guard."""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import ipaddress
import math
from email.utils import formatdate
from typing import TYPE_CHECKING

from shieldproxy.core.verdict import Side
from shieldproxy.guard.fingerprints import Fingerprints
from shieldproxy.proxy.client_side import ClientConnection
from shieldproxy.proxy.copies import copies_for
from shieldproxy.proxy.known_heads import KnownHeads
from shieldproxy.proxy.passage import Passage
from shieldproxy.proxy.patience import LAST_CALL
from shieldproxy.proxy.queue import Queue
from shieldproxy.proxy.reasons import REASONS
from shieldproxy.proxy.reception import Reception

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable, Coroutine, Iterable

    from aiolimiter import AsyncLimiter

    from shieldproxy.core.ports import Monotonic, Tallies, WallClock
    from shieldproxy.guard.guard import Guard
    from shieldproxy.guard.replies import Reply
    from shieldproxy.guard.waiting import WaitingRoom
    from shieldproxy.proxy.arrival import Arrival
    from shieldproxy.proxy.certificates import Certificates
    from shieldproxy.proxy.forwarding import ForwardedExchange
    from shieldproxy.proxy.pool import Pool
    from shieldproxy.proxy.terms import Terms

    # Whoever has a place: over TLS first as an arrival, then as a connection.
    Guest = ClientConnection | Arrival

# Deadlines are checked this often (seconds): one loop over all connections costs less than a timer for each.
SWEEP = 0.5
# When all places are taken, a hundredth of them is made free at once, of one client's a sixteenth; and when nobody is
# idle, so many seconds pass before anybody is asked again.
ROOM, ROOM_OF_ONE = 100, 16
CROWDED = 0.1


class Door:
    """The main door of one worker.

    ``pace`` is aiolimiter's bucket for what reaches the origin, or None; ``room`` where people wait while it is full.
    ``on_failure`` hears of exchanges that failed: (status, what the operator needs to know, whose fault).
    ``admit`` sends an admitted exchange to the origin.
    """

    def __init__(  # noqa: PLR0913 - one argument for each collaborator
        self,
        terms: Terms,
        *,
        guard: Guard,
        pool: Pool,
        tallies: Tallies,
        clock: Monotonic,
        wall: WallClock,
        pace: AsyncLimiter | None,
        max_pacing: int,
        room: WaitingRoom | None = None,
        on_failure: Callable[[int, str, Side | None], None],
    ) -> None:
        self.terms = terms
        self.guard = guard
        self.pool = pool
        self.tallies = tallies
        self.clock = clock
        self.note_failure = on_failure
        self.fingerprints = Fingerprints()
        self.known_heads = KnownHeads()
        self.copies = copies_for(terms, None, clock=clock, tallies=tallies)
        self.nowhere = ipaddress.ip_address("0.0.0.0")  # noqa: S104 - stands for "no address known", nothing binds to it
        self._wall = wall
        self.passage = Passage(self, pace, max_pacing, room, self._lead)
        self.admit: Callable[[ForwardedExchange], None] = self.passage.way
        self._clients: set[Guest] = set()
        self._by_key: dict[str, set[Guest]] = {}
        self._crowded_at = -math.inf
        self._accepted = 0
        self._queue = Queue(())
        self.certificates: Certificates | None = None
        self._servers: list[asyncio.Server | Reception] = []
        self._tasks: set[asyncio.Task[object]] = set()
        self._sweeper: asyncio.TimerHandle | None = None
        self._draining = False
        self._left = asyncio.Event()
        self._head_end: tuple[bytes, bytes] = (b"", b"")
        self._tell_time()

    def adopt(self, terms: Terms) -> None:
        """Keep to ``terms`` from now on, on connections that are open too."""
        self.terms = terms
        self.copies = copies_for(terms, self.copies, clock=self.clock, tallies=self.tallies)
        self.known_heads.forget()

    def show(self, certificates: Certificates | None) -> None:
        """Show ``certificates`` to whoever comes from now on; connections and handshakes under way keep theirs."""
        if self.certificates is not None and certificates is not None:
            self.certificates = certificates

    # -- listening ----------------------------------------------------------------------------------------------------

    async def open(self, sockets: list[socket.socket], certificates: Certificates | None) -> None:
        """Accept on ``sockets`` (bound and listening or not) until ``drain``; with ``certificates`` over TLS."""
        loop = asyncio.get_running_loop()
        self.certificates = certificates
        self._queue = Queue(sockets)
        for listening in sockets:
            if certificates is not None:
                self._servers.append(Reception(self, listening))
            else:
                server = await loop.create_server(lambda: ClientConnection(self), sock=listening, backlog=4096)
                self._servers.append(server)
        self._sweep()

    async def drain(self, seconds: float) -> None:
        """Accept nothing more, let exchanges end for ``seconds`` at most, then close everything.

        Who was accepted and not heard yet is answered once: nobody else knows of that connection.
        """
        self._draining = True
        accepted = [asyncio.ensure_future(server.wait_closed()) for server in self._servers]
        await asyncio.sleep(0)  # uvloop's servers tell when their connections are gone to those who asked before
        for server in self._servers:
            server.close()
        for client in list(self._clients):
            client.answer_once_more()
        now = self.clock()
        deadline, last_call = now + seconds, now + min(seconds, LAST_CALL)
        while now < deadline and (self._clients or (now < last_call and not all(each.done() for each in accepted))):
            self._left.clear()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._left.wait(), (deadline if self._clients else last_call) - now)
            now = self.clock()
        for client in list(self._clients):
            client.abort()
        if self._sweeper is not None:
            self._sweeper.cancel()
        self.pool.close()
        for task in (*accepted, *self._tasks):
            task.cancel()
        await asyncio.sleep(0)

    def spawn(self, work: Coroutine[object, object, object]) -> None:
        """Run ``work`` beside the connections, and keep it until it ends."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- connections --------------------------------------------------------------------------------------------------

    @property
    def open_connections(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    def enter(self, client: Guest) -> bool:
        """Take a new connection in; False when there are too many in all.

        When all places are taken, the connections that have been idle longest are closed to make room.
        """
        self._accepted += 1
        if len(self._clients) >= self.terms.max_connections and not self._make_room():
            self.refuse_connection()
            return False
        self._clients.add(client)
        self.tallies.count("connections")
        if self._draining:  # accepted before the end began, and known to us only now
            client.answer_once_more()
        return True

    def _make_room(self) -> bool:
        """Close idle connections; looks through all at once, so that a flood at a full house costs little each."""
        now = self.clock()
        if now - self._crowded_at < CROWDED:
            return False
        idle = self._close_idle(self._clients, max(1, self.terms.max_connections // ROOM))
        self.note_failure(
            503, f"all {self.terms.max_connections} connections are in use: idle ones are closed", Side.SHIELD
        )
        if not idle:
            self._crowded_at = now
        return bool(idle)

    def _close_idle(self, among: Iterable[Guest], most: int) -> int:
        """Close up to ``most`` of the connections that have been idle longest; return how many."""
        idle = heapq.nsmallest(
            most, (client for client in among if client.patience.idle), key=lambda client: client.patience.since
        )
        for client in idle:
            client.close_when_idle()
            self.leave_client(client)
        return len(idle)

    def count_client(self, client: Guest, key: str) -> bool:
        """Count the connection for its client key; False when that key has too many, all of them busy."""
        counted = self._by_key.get(key)
        if counted is None:
            counted = self._by_key[key] = set()
        most = self.terms.max_connections_per_client
        if len(counted) >= most and not self._close_idle(list(counted), max(1, most // ROOM_OF_ONE)):
            return False
        # An idle one that left may have been the last of its key.
        self._by_key.setdefault(key, counted).add(client)
        client.key = key
        return True

    def hand_over(self, arrival: Arrival, client: ClientConnection) -> None:
        """Give the place of ``arrival``, in all and of its key, to the connection it has become."""
        self._clients.discard(arrival)
        self._clients.add(client)
        counted = self._by_key.get(arrival.key)
        if counted is not None:
            counted.discard(arrival)
            counted.add(client)
        client.key, arrival.key = arrival.key, ""
        if self._draining:
            client.answer_once_more()

    def refuse_connection(self) -> None:
        """Count a connection that was closed before a byte was read."""
        self.tallies.count("connections_refused")

    def leave_client(self, client: Guest) -> None:
        """Forget a connection that ended."""
        self._clients.discard(client)
        self._left.set()
        counted = self._by_key.get(client.key)
        if counted is not None:
            counted.discard(client)
            if not counted:
                del self._by_key[client.key]
        client.key = ""

    def _sweep(self) -> None:
        # First the next time: nothing that happens in this one may stop the sweeping.
        self._sweeper = asyncio.get_running_loop().call_later(SWEEP, self._sweep)
        now = self.clock()
        self._tell_time()
        for client in [client for client in self._clients if client.patience.over(now)]:
            client.expire()
        self.pool.sweep(now)

    # -- what reaches the origin --------------------------------------------------------------------------------------

    def look_at_queue(self) -> None:
        """Once a second: keep the queue before accept so short that nobody is served who has gone meanwhile."""
        accepted, self._accepted = self._accepted, 0
        self._queue.turn(accepted)

    def _lead(self) -> None:
        """Take admitted exchanges the way that is right now; looked up here, not for each of them."""
        self.admit = self.passage.way

    # -- our own answers ----------------------------------------------------------------------------------------------

    @property
    def dated(self) -> object:
        """What answers take their date from; another object each time it changes."""
        return self._head_end

    def serialise(self, reply: Reply, *, close: bool, bodiless: bool) -> bytes:
        """Return ``reply`` on the wire: status line, its headers, Date, Content-Length, Connection, body."""
        lines = b"".join([b"%b: %b\r\n" % header for header in reply.headers])
        return b"HTTP/1.1 %d %b\r\n%bContent-Length: %d%b%b" % (
            reply.status,
            REASONS.get(reply.status, b"Unknown"),
            lines,
            len(reply.body),
            self._head_end[close],
            b"" if bodiless else reply.body,
        )

    def _tell_time(self) -> None:
        date = formatdate(self._wall(), usegmt=True).encode()
        self._head_end = (
            b"\r\nDate: %b\r\n\r\n" % date,
            b"\r\nDate: %b\r\nConnection: close\r\n\r\n" % date,
        )
