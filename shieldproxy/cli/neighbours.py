"""Neighbours: what the doctor says of the server over which nodes share their bans."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from shieldproxy.cli.checkups import Finding, Level

if TYPE_CHECKING:
    from shieldproxy.settings.schema import Settings

TODO = "start it, or look at nodes.server, nodes.user and nodes.password_file; meanwhile each node decides by itself"


def check_shared(settings: Settings) -> Finding | None:
    """Ask the shared server how much it holds; None where there is one node."""
    if settings.nodes.server is None:
        return None
    return asyncio.run(ask_shared(settings))


async def ask_shared(settings: Settings) -> Finding:
    """Return whether the server answers this user, with the password it is to be asked with."""
    from shieldproxy.state.shared_server import SharedServerError  # noqa: PLC0415 - only who shares pays for it
    from shieldproxy.supervisor.neighbours import server_for  # noqa: PLC0415

    url, server = settings.nodes.server, server_for(settings.nodes)
    assert server is not None
    try:
        held = await server.count()
    except SharedServerError as fault:
        return Finding(Level.FAIL, "shared", f"{url}: {fault}", TODO)
    finally:
        await server.close()
    return Finding(Level.OK, "shared", f"{url} answers and holds {held} rulings")
