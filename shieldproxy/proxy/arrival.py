"""An arrival: a connection over TLS before its handshake is done.

What can be found out without cryptography is found out first: who comes, how many they are and how fast, what they
ask for. The ClientHello is looked at and left where it is (MSG_PEEK), so that OpenSSL reads it as it came.
"""

from __future__ import annotations

import asyncio
import select
import socket
from typing import TYPE_CHECKING

from shieldproxy.core.addresses import parse_address
from shieldproxy.core.verdict import Side
from shieldproxy.proxy.client_hello import MAX_HELLO, ClientHello, Unfinished, read_hello
from shieldproxy.proxy.client_side import ClientConnection
from shieldproxy.proxy.identity import Identity, peer_between
from shieldproxy.proxy.ja4 import ja4
from shieldproxy.proxy.patience import LAST_CALL, Patience

if TYPE_CHECKING:
    import ssl

    from shieldproxy.proxy.door import Door

# Looking again costs up to a millisecond. A hello comes in one to three segments; one that some middlebox cuts into
# records of a hundred bytes needs 40 looks.
MAX_LOOKS = 64
# What one look takes: two records of the greatest size. A hello that needs more is too long anyway.
LOOK = 2 * (MAX_HELLO + 5)
# Where the kernel wakes us before enough is there (a unix socket, or little memory), we look again after so long.
AGAIN = 0.05
# The door's sweep ends what takes too long; the loop's own timer only has to be later (seconds).
SWEEPS = 5.0
# A fatal alert, no_application_protocol (RFC 7301, section 3.2).
NO_PROTOCOL = b"\x15\x03\x03\x00\x02\x02\x78"


class Arrival:
    """One connection from its accept to the end of its handshake; it counts like any other. ``key``: whose it is."""

    __slots__ = (
        "_gone",
        "_ja4",
        "_later",
        "_looks",
        "_loop",
        "_socket",
        "_task",
        "_wanted",
        "_watching",
        "door",
        "identity",
        "key",
        "patience",
    )

    def __init__(self, door: Door, connection: socket.socket, source: object) -> None:
        self.door = door
        self.key = ""
        self.patience = Patience(door.clock, door.terms)
        self.patience.deadline = self.patience.since + door.terms.handshake
        peer = peer_between(source, connection.getsockname())
        address = parse_address(peer.src_ip) or door.nowhere
        self.identity = Identity(door.guard, door.terms, peer, address, secure=True)
        self._socket = connection
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[object] | None = None
        self._later: asyncio.TimerHandle | None = None
        self._wanted = 1
        self._watching = False
        self._looks = 0
        self._ja4 = ""
        self._gone = False

    # -- before the hello ---------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Find a place, and wait for what the client says first."""
        if not self.door.enter(self):
            self.abort()
        elif (not self.identity.announced or self._meet()) and not self._look():
            self._watch()

    def _meet(self) -> bool:
        """Let go who is banned, who begins too many handshakes, and who has too many connections."""
        if self.identity.speaks_for_others:
            return True
        door, visit = self.door, self.identity.meet()
        if door.guard.banned(visit):
            return self._refuse()
        rate, burst = door.terms.handshake_rate, door.terms.handshake_burst
        if rate and door.guard.hurries(visit, 1.0 / rate, burst / rate):
            door.tallies.count("handshakes_refused")
            return self._refuse()
        return door.count_client(self, visit.visitor.client) or self._refuse()

    def _refuse(self) -> bool:
        self.door.refuse_connection()
        self.abort()
        return False

    def _watch(self) -> None:
        self._later = None
        if not self._watching:
            self._watching = True
            self._loop.add_reader(self._socket, self._look)

    def _unwatch(self) -> None:
        if self._watching:
            self._watching = False
            self._loop.remove_reader(self._socket)

    def _look(self) -> bool:
        """Look at all that is there; False when nothing is. The hello mostly comes together with the connection."""
        try:
            data = self._socket.recv(LOOK, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except (BlockingIOError, InterruptedError):
            return False
        except OSError:
            data = b""
        self._looks += 1
        if not data:
            # A check whether the port is open says nothing and leaves; nothing has failed.
            self._fail("") if self._looks > 1 else self.abort()
        elif self._looks > MAX_LOOKS:
            self._fail("a ClientHello in too many pieces")
        elif len(data) < self._wanted:
            self._look_later()
        elif self.identity.announced:
            self._read(data)
        else:
            self._announce(data)
        return True

    def _look_later(self) -> None:
        """The kernel says there is something, and it is not enough: the other side has ended, or it could not wait."""
        asked = select.poll()
        asked.register(self._socket, select.POLLRDHUP)
        if asked.poll(0):
            self._fail("")
            return
        self._unwatch()
        self._later = self._loop.call_later(AGAIN, self._watch)

    def _need(self, wanted: int) -> None:
        """Be woken when there are ``wanted`` bytes: what was looked at stays there, and would wake us without end."""
        if wanted != self._wanted:
            self._wanted = wanted
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVLOWAT, wanted)

    def _announce(self, data: bytes) -> None:
        """Read the PROXY announcement, which comes before TLS in the clear; it alone is taken from the socket."""
        try:
            said = self.identity.hear(data)
        except ValueError as error:
            self._fail(str(error))
            return
        if said is None:
            self._need(len(data) + 1)
            self._watch()
            return
        self._socket.recv(said.size)
        self.identity.adopt(said)
        self._need(1)
        if self._meet() and (len(data) == said.size or not self._look()):
            self._watch()

    # -- the hello ----------------------------------------------------------------------------------------------------

    def _read(self, data: bytes) -> None:
        try:
            hello = read_hello(data)
        except ValueError as error:
            self._fail(str(error))
            return
        if isinstance(hello, Unfinished):
            self._need(hello.wanted)
            self._watch()
        elif hello.protocols and not any(protocol.startswith(b"http/1.") for protocol in hello.protocols):
            self._decline()
        else:
            self._shake_hands(hello)

    def _decline(self) -> None:
        """The client speaks another protocol, and says so: our answer could be taken for one of that protocol's."""
        try:
            # What stays unread would turn the end into a reset, and the alert would be lost.
            self._socket.recv(LOOK, socket.MSG_DONTWAIT)
            self._socket.send(NO_PROTOCOL, socket.MSG_DONTWAIT)
        except OSError:
            pass
        self._fail("a client that speaks no HTTP/1.1")

    def _shake_hands(self, hello: ClientHello) -> None:
        """Let OpenSSL read the hello again, and do the rest."""
        door = self.door
        assert door.certificates is not None
        self._unwatch()
        self._need(1)
        self._ja4 = ja4(hello)
        self._task = self._loop.create_task(self._handshake(door.certificates.shown_to(hello.name)))
        self._task.add_done_callback(self._shaken)

    async def _handshake(self, context: ssl.SSLContext) -> None:
        await self._loop.connect_accepted_socket(
            lambda: ClientConnection(self.door, self),
            self._socket,
            ssl=context,
            ssl_handshake_timeout=self.door.terms.handshake + SWEEPS,
        )

    def _shaken(self, task: asyncio.Task[object]) -> None:
        """The handshake ended: then the connection has taken the place of this arrival, or there is none."""
        if task.cancelled():
            self._socket.close()
            return
        error = task.exception()
        if error is None:
            self._gone = True
            self.door.tallies.count("handshakes")
            return
        self._fail(getattr(error, "reason", None) or type(error).__name__)
        if not isinstance(error, OSError):
            self._loop.call_exception_handler({"message": "a handshake raised", "exception": error})

    def hand_over(self, connection: ClientConnection, version: str) -> bool:
        """Give ``connection`` the place, the key and what was learned; False when the arrival is gone already."""
        if self._gone:
            return False
        caller = self.identity.caller
        self.identity.caller = caller._replace(peer=caller.peer._replace(tls=version, ja4=self._ja4), secure=True)
        self.door.hand_over(self, connection)
        return True

    # -- the end ------------------------------------------------------------------------------------------------------

    def _fail(self, why: str) -> None:
        self.door.tallies.count("handshakes_failed")
        if why:
            self.door.note_failure(400, f"a TLS handshake failed: {why}", Side.CLIENT)
        self.abort()

    def close_when_idle(self) -> None:
        """Nothing is under way yet."""
        self.abort()

    def answer_once_more(self) -> None:
        """The door closes: a handshake that ends in a moment is followed by an answer."""
        self.patience.hurry(LAST_CALL)

    def expire(self) -> None:
        """The client let us wait too long."""
        self.door.tallies.count("timeouts")
        self._fail("")

    def abort(self) -> None:
        """End it now."""
        if self._gone:
            return
        self._gone = True
        self.door.leave_client(self)
        if self._later is not None:
            self._later.cancel()
        self._unwatch()
        if self._task is not None and not self._task.done():
            self._task.cancel()  # the loop's transport has the socket, and lets go of it before it is closed
            return
        self._socket.close()
