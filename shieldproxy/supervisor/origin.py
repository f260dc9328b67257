"""The origin as the supervisor sees it: whether it accepts a connection, asked every few seconds.

Only told, never acted upon: the proxy learns from its own exchanges, and a site that is down for one moment must not be
shut off by a probe.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from shieldproxy.settings.endpoints import OriginUrl

# Often enough for whoever looks at `status` after starting the site, rare enough to be nothing in its log.
INTERVAL = 5.0


class Health(NamedTuple):
    """Whether the origin accepted the last connection (None: not asked yet), and if not, why in words."""

    up: bool | None = None
    why: str = ""


async def knock(url: OriginUrl, patience: float) -> Health:
    """Open a connection to the origin and close it again; no byte is sent. Never raises. ``patience`` is seconds."""
    try:
        async with asyncio.timeout(patience):
            if url.path:
                _, writer = await asyncio.open_unix_connection(url.path)
            else:
                _, writer = await asyncio.open_connection(url.host, url.port)
    except TimeoutError:
        return Health(up=False, why=f"no connection within {patience:g} s")
    except OSError as error:
        return Health(up=False, why=reason(error))
    writer.close()
    with contextlib.suppress(OSError):
        await writer.wait_closed()
    return Health(up=True)


def reason(error: OSError) -> str:
    """Return the system's own words; asyncio wraps them in a sentence that names the address once more."""
    if error.errno is not None and error.errno > 0:  # getaddrinfo has numbers of its own, below zero
        return os.strerror(error.errno)
    return error.strerror or str(error)
