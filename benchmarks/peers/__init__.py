"""The servers that are compared: each writes its configuration, starts on a free port, and ends by its process id."""

from __future__ import annotations

from typing import TYPE_CHECKING

from benchmarks.peers.aiohttp_session import AiohttpSession
from benchmarks.peers.caddy import Caddy, CaddyLogged
from benchmarks.peers.haproxy import HAProxy
from benchmarks.peers.nginx import Nginx, NginxBuffered
from benchmarks.peers.peer import Peer, Task
from benchmarks.peers.shieldproxy import Shieldproxy

if TYPE_CHECKING:
    from collections.abc import Mapping

ALL: Mapping[str, type[Peer]] = {
    peer.name: peer for peer in (Shieldproxy, Nginx, NginxBuffered, HAProxy, Caddy, CaddyLogged, AiohttpSession)
}
DEFAULT = ("shieldproxy", "nginx", "haproxy", "caddy", "aiohttp")

__all__ = ["ALL", "DEFAULT", "Peer", "Task"]
