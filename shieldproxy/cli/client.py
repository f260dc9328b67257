"""The client of a running node's control room, for commands: asks, and says plainly why there is no answer."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import IO, Any
from urllib.parse import quote

import aiohttp
import click
import orjson

from shieldproxy.core.printing import printable
from shieldproxy.settings.endpoints import Listen

PATIENCE = 5.0  # seconds; the node answers from memory
RELOAD_PATIENCE = 60.0  # a reload reads databases and compiles a policy
MAX_ANSWER = 32 * 1024 * 1024  # ten thousand bans are 2 MB; more is not our node


class PlainError(click.ClickException):
    """An end of a command that is said in one plain line on stderr, with an exit code."""

    def show(self, file: IO[Any] | None = None) -> None:
        """Write the line."""
        click.echo(printable(self.message), file=file, err=file is None)


class UnreachableError(PlainError):
    """No node of ours answers; the message names the address and what to do."""

    exit_code = 3


class DeclinedError(PlainError):
    """The node answered no, for the question was wrong: its sentence, and the whole problem document."""

    exit_code = 2

    def __init__(self, status: int, problem: dict[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title") or f"the node answered {status}"))
        self.problem = problem


class NoError(DeclinedError):
    """The node understood and said no: what was asked for is not there, or must not be."""

    exit_code = 1


class FailedError(DeclinedError):
    """The node failed to answer, which is as good as not reached."""

    exit_code = 3


class NodeClient:
    """Asks the node whose control room listens at ``listen``, with its ``token``."""

    def __init__(self, listen: Listen, token: str) -> None:
        self._listen = listen
        self._token = token

    def call(self, method: str, path: str, body: dict[str, Any] | None = None, patience: float = PATIENCE) -> Any:
        """Ask once and return the answer's JSON; raises UnreachableError and DeclinedError."""

        async def once() -> Any:
            async with self.session() as session:
                return await self.ask(session, method, path, body, patience)

        return asyncio.run(once())

    @asynccontextmanager
    async def session(self) -> AsyncIterator[aiohttp.ClientSession]:
        """Yield a session for several questions."""
        connector = aiohttp.UnixConnector(self._listen.path) if self._listen.unix else aiohttp.TCPConnector()
        async with aiohttp.ClientSession(
            url_of(self._listen), connector=connector, headers={"Authorization": f"Bearer {self._token}"}
        ) as session:
            yield session

    async def ask(
        self,
        session: aiohttp.ClientSession,
        method: str,
        path: str,
        body: dict[str, Any] | None = None,
        patience: float = PATIENCE,
    ) -> Any:
        """Ask within ``session``; ``path`` stands below /api/v1/."""
        try:
            async with session.request(
                method,
                f"/api/v1/{path}",
                json=body,
                timeout=aiohttp.ClientTimeout(total=patience),
                allow_redirects=False,
            ) as answer:
                content = await answer.content.read(MAX_ANSWER)
                while len(content) < MAX_ANSWER and (more := await answer.content.read(MAX_ANSWER)):
                    content += more
                return self._understood(answer.status, answer.content_type, content)
        except TimeoutError:
            raise UnreachableError(f"the node at {self._listen} did not answer within {patience:g} s") from None
        except (aiohttp.ClientError, OSError) as fault:
            raise UnreachableError(self._absence(fault)) from None

    def _understood(self, status: int, content_type: str, content: bytes) -> Any:
        if not content_type.endswith("json"):
            raise UnreachableError(f"what answers at {self._listen} is no shieldproxy node (see control.listen)")
        try:
            document = orjson.loads(content)
        except orjson.JSONDecodeError:
            raise UnreachableError(f"what answers at {self._listen} speaks no JSON (see control.listen)") from None
        if status >= 400:
            kind = FailedError if status >= 500 else NoError if status in (404, 409) else DeclinedError
            raise kind(status, document if isinstance(document, dict) else {})
        return document

    def _absence(self, fault: Exception) -> str:
        cause = fault.__cause__ or fault
        number = getattr(cause, "errno", None)
        why = os.strerror(number) if number else str(cause) or type(cause).__name__
        return (
            f"no node answers at {self._listen} ({why}); start one with: shieldproxy run, "
            "or name its configuration with -c"
        )


def url_of(listen: Listen) -> str:
    """Return the address to ask; for a socket, and for every address of a kind, that of this machine."""
    if listen.unix:
        return "http://localhost"
    local = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(listen.host, listen.host)  # noqa: S104 - compared, not bound
    return f"http://{listen._replace(host=local)}"


def segment(key: str) -> str:
    """Return ``key`` as one segment of a path."""
    return quote(key, safe="")
