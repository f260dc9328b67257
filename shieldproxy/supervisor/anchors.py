"""Anchors: checkpoints are shown to somebody outside, who can later tell whether the journal was rewritten.

Both are optional, neither is waited for: what fails is said in the log, and the next checkpoint is tried anew.
"""

from __future__ import annotations

import asyncio
import logging
import logging.handlers
import socket
from typing import TYPE_CHECKING

from shieldproxy.journal.timestamps import MOST_BYTES, NONCE_BYTES, keep, query_of, refusal_in

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from shieldproxy.core.ports import Chance

# An authority answers in a second; one that does not is asked again an hour later.
PATIENCE = 20.0


class AnchorError(Exception):
    """No anchor could be had; the sentence says why."""


async def stamp(url: str, log: Path, note: bytes, chance: Chance) -> Path:
    """Ask the authority at ``url`` for a timestamp of ``note`` and keep it; raises AnchorError."""
    import aiohttp  # noqa: PLC0415 - a third of a second, and only for who wants timestamps

    query = query_of(note, chance(NONCE_BYTES))
    headers = {"Content-Type": "application/timestamp-query", "Accept": "application/timestamp-reply"}
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE)) as session,
            session.post(url, data=query, headers=headers, allow_redirects=False) as reply,
        ):
            answer = await reply.content.read(MOST_BYTES)
            if reply.status != 200:
                raise AnchorError(f"{url}: answers with status {reply.status}")
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        raise AnchorError(f"{url}: {str(error) or type(error).__name__}") from error
    if refusal := refusal_in(answer, note, query):
        raise AnchorError(f"{url}: {refusal}")
    try:
        return await asyncio.to_thread(keep, log, note, answer)
    except (OSError, ValueError) as error:
        raise AnchorError(str(error)) from error


def tell_syslog(place: str, line: str, connect: Callable[..., logging.Handler] | None = None) -> None:
    """Send ``line`` to the syslog at ``place`` (``unix:/dev/log`` or ``udp:host:port``); raises AnchorError.

    May wait for a name to be looked up: call it in a thread.
    """
    kind, _, rest = place.partition(":")
    host, _, port = rest.rpartition(":")
    address = rest if kind == "unix" else (host.strip("[]"), int(port))
    handler: logging.Handler | None = None
    try:
        handler = (connect or logging.handlers.SysLogHandler)(
            address=address, facility=logging.handlers.SysLogHandler.LOG_AUTHPRIV, socktype=socket.SOCK_DGRAM
        )
        handler.handleError = _raise  # type: ignore[method-assign, assignment]
        handler.emit(logging.LogRecord("shieldproxy", logging.INFO, "", 0, f"shieldproxy: {line}", None, None))
    except OSError as error:
        raise AnchorError(f"{place}: {error.strerror or error}") from error
    finally:
        if handler is not None:
            handler.close()


def _raise(_record: logging.LogRecord) -> None:
    raise  # noqa: PLE0704 - called while the error is being handled
