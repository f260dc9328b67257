"""The shared server: a Valkey (or Redis) through which the nodes of one site tell each other their rulings.

On it lie two things under the prefix: the set ``rulings`` (a sorted set; each member is one signed line, its score the
moment from which it means nothing) for whoever comes later, and the stream ``changes`` for whoever follows. Both are
written in one transaction. So a node that was away reads on where it stopped, and one for which the stream is too short
reads the set; a ruling may be read twice, never missed.

The set also holds the name of its era, of chance, above all scores: it is gone when the server has forgotten all.
"""

from __future__ import annotations

import asyncio
import math
from contextlib import suppress
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
    from pathlib import Path

    from valkey.asyncio import Valkey

# Lines in one entry of the stream, entries of the stream, and entries read at once. A flood that has 1,000 clients
# banned a second fills the stream in a minute and a half.
BATCH, STREAM, AT_ONCE = 100, 1_000, 20
# The set holds as many rulings as a node's list; those that end soonest give way.
MOST_RULINGS = 100_000
PAGE = 200
# Small sets come in pages of another size, lines may come twice: a set that takes more than this is not one of ours.
MOST_PAGES = 4 * MOST_RULINGS // PAGE
# Nothing stays for ever on a server that nobody writes to any more (seconds): longer than any ban.
LEFT_BEHIND = 400 * 86_400
ERA = b"era "
MOST_ERAS = 8
LONGEST_REASON = 200

_T = TypeVar("_T")


class SharedServerError(Exception):
    """The server cannot be used; the message says why, in one line."""


class Place(NamedTuple):
    """Where the server is: ``host`` and ``port``, or the ``path`` of a unix socket; ``tls`` is checked by ``ca``."""

    host: str = ""
    port: int = 6379
    path: str = ""
    database: int = 0
    tls: bool = False
    ca: Path | None = None
    user: str = ""


class Look(NamedTuple):
    """What is new behind a cursor: signed lines, the ``cursor`` behind them, and whether there is ``more``.

    ``whole``: the stream tells all that happened since; ``eras`` are the names that the set has.
    """

    lines: tuple[bytes, ...]
    cursor: tuple[int, int]
    more: bool
    whole: bool
    eras: frozenset[bytes]


class SharedServer:
    """One connection to the server, made when it is needed and after a failure anew.

    Everything raises SharedServerError, within ``timeout`` seconds. ``password`` is asked at each connection; it
    raises OSError or StartError where it cannot be had.
    """

    def __init__(self, place: Place, prefix: str, timeout: float, password: Callable[[], str]) -> None:
        self._place = place
        self._rulings, self._changes = f"{prefix}:rulings", f"{prefix}:changes"
        self._timeout = timeout
        self._password = password
        self._client: Valkey | None = None

    async def look(self, cursor: tuple[int, int]) -> Look:
        """Return what is new behind ``cursor``."""

        async def ask(client: Valkey) -> Look:
            async with client.pipeline(transaction=False) as asked:
                asked.zrangebyscore(self._rulings, math.inf, math.inf, 0, MOST_ERAS)
                asked.xrange(self._changes, count=1)
                asked.xrevrange(self._changes, count=1)
                asked.xrange(self._changes, min=f"({cursor[0]}-{cursor[1]}", count=AT_ONCE)
                eras, first, last, entries = await asked.execute()
            return _look_of(cursor, eras, first, last, entries)

        return await self._use(ask)

    async def tail(self) -> tuple[int, int]:
        """Return the cursor behind all that is in the stream."""

        async def ask(client: Valkey) -> tuple[int, int]:
            last = await client.xrevrange(self._changes, count=1)
            return _number(last[0][0]) if last else (0, 0)

        return await self._use(ask)

    async def everything(self) -> AsyncIterator[tuple[bytes, ...]]:
        """Yield the signed lines of the set, page by page; a line may come twice."""
        cursor, pages = 0, 0
        while pages == 0 or cursor:
            pages += 1
            if pages > MOST_PAGES:
                raise SharedServerError("the set of rulings has no end")
            cursor, page = await self._page(cursor)
            yield page

    async def _page(self, cursor: int) -> tuple[int, tuple[bytes, ...]]:
        async def ask(client: Valkey) -> tuple[int, tuple[bytes, ...]]:
            following, page = await client.zscan(self._rulings, cursor, count=PAGE)
            return int(following), tuple(line for line, _ in page if not line.startswith(ERA))

        return await self._use(ask)

    async def begin_era(self, name: bytes) -> None:
        """Name the era of a set that has none."""

        async def ask(client: Valkey) -> None:
            await client.zadd(self._rulings, {ERA + name: math.inf}, nx=True)

        await self._use(ask)

    async def publish(self, lines: Mapping[bytes, float]) -> None:
        """Tell all nodes up to BATCH signed lines, each with the moment (unix seconds) from which it means nothing."""

        async def ask(client: Valkey) -> None:
            async with client.pipeline(transaction=True) as told:
                told.zadd(self._rulings, lines)
                told.zremrangebyrank(self._rulings, 0, -MOST_RULINGS - 1)
                told.xadd(self._changes, {"r": b"\n".join(lines)}, maxlen=STREAM, approximate=False)
                await told.execute()

        await self._use(ask)

    async def tidy(self, wall: float) -> None:
        """Take away what means nothing any more at ``wall`` (unix seconds)."""

        async def ask(client: Valkey) -> None:
            async with client.pipeline(transaction=False) as asked:
                asked.zremrangebyscore(self._rulings, 0, wall)
                asked.expire(self._rulings, LEFT_BEHIND)
                asked.expire(self._changes, LEFT_BEHIND)
                await asked.execute()

        await self._use(ask)

    async def count(self) -> int:
        """Return how many rulings the set holds."""

        async def ask(client: Valkey) -> int:
            return max(0, int(await client.zcount(self._rulings, 0, 1e15)))

        return await self._use(ask)

    async def close(self) -> None:
        """Close the connection; a second time does nothing."""
        client, self._client = self._client, None
        if client is not None:
            with suppress(Exception):
                async with asyncio.timeout(self._timeout):
                    await client.aclose()
                    await client.connection_pool.disconnect()

    async def _use(self, ask: Callable[[Valkey], Awaitable[_T]]) -> _T:
        try:
            if self._client is None:
                self._client = await asyncio.to_thread(_client_for, self._place, self._password)
            async with asyncio.timeout(self._timeout):
                return await ask(self._client)
        except TimeoutError:
            await self.close()
            raise SharedServerError(f"does not answer within {self._timeout:g} s") from None
        except Exception as error:  # noqa: BLE001 - whatever the library makes of what a server says, we go on without it
            await self.close()
            raise SharedServerError(_reason(error)) from None


def _reason(error: Exception) -> str:
    """Return what ``error`` says in one line, without the command that it quotes."""
    _, _, text = str(error).partition("\n")[0].rpartition("caused error: ")
    return text[:LONGEST_REASON].rstrip(". ") or type(error).__name__


def _client_for(place: Place, password: Callable[[], str]) -> Valkey:
    """Return a client with one connection, not opened yet; imports the library, a quarter of a second."""
    from valkey.asyncio import Connection, ConnectionPool, SSLConnection, UnixDomainSocketConnection, Valkey  # noqa: PLC0415

    from shieldproxy.state.bounded_replies import BoundedParser  # noqa: PLC0415 - it imports the library

    where: dict[str, Any] = {"path": place.path} if place.path else {"host": place.host, "port": place.port}
    kind: type[Any] = UnixDomainSocketConnection if place.path else Connection
    if place.tls:
        kind = SSLConnection
        where |= {"ssl_ca_certs": str(place.ca) if place.ca else None, "ssl_check_hostname": True}
    pool = ConnectionPool(
        connection_class=kind,
        max_connections=1,
        parser_class=BoundedParser,
        db=place.database,
        username=place.user or None,
        password=password() or None,
        # One deadline around each question is ours. The library's own would wait in ways that may lose a cancellation.
        socket_timeout=None,
        client_name="shieldproxy",
        lib_name=None,
        lib_version=None,
        **where,
    )
    return Valkey(connection_pool=pool)


def _look_of(cursor: tuple[int, int], eras: Any, first: Any, last: Any, entries: Any) -> Look:
    end = _number(last[0][0]) if last else (0, 0)
    begins = _number(first[0][0]) if first else (0, 0)
    found = [_number(entry[0]) for entry in entries]
    # Not whole: the stream begins behind the cursor, or ends before it, as one does that was begun anew.
    whole = begins <= cursor <= end
    lines = tuple(line for _, fields in entries for line in fields[b"r"].split(b"\n", BATCH)[:BATCH])
    return Look(lines, found[-1] if found else cursor, len(found) == AT_ONCE, whole, frozenset(eras))


def _number(identifier: bytes) -> tuple[int, int]:
    """Return the two numbers of an ID of a stream."""
    moment, _, number = identifier.decode("ascii").partition("-")
    return int(moment), int(number)
