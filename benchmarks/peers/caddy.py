"""Caddy as a reverse proxy. Debian's build has no limit, so it takes part in passing only."""

from __future__ import annotations

from typing import ClassVar

from benchmarks.peers.peer import Peer, Shape

CONFIG = """\
{{
    admin off
    auto_https off
}}
http://127.0.0.1:{port} {{
    {log}
    reverse_proxy {origin} {{
        header_up X-Request-Id {{http.request.uuid}}
        transport http {{
            keepalive_idle_conns_per_host 256
        }}
    }}
}}
"""


class Caddy(Peer):
    """Without an access log, which is how Caddy comes; it is the faster of the two."""

    name: ClassVar[str] = "caddy"
    program: ClassVar[str] = "caddy"
    shapes: ClassVar[frozenset[Shape]] = frozenset({"pass"})
    logged: ClassVar[bool] = False

    def environment(self) -> dict[str, str]:
        """Caddy keeps its last configuration and its own files where these point."""
        return {"HOME": str(self.room), "XDG_CONFIG_HOME": str(self.room), "XDG_DATA_HOME": str(self.room)}

    def command(self) -> list[str]:
        """Caddy takes as many threads as it has cores, so pinning it to one core makes it one."""
        config = self.room / "Caddyfile"
        config.write_text(
            CONFIG.format(
                port=self.port,
                log=f"log {{\n output file {self.room}/access.log {{\n roll_disabled\n }}\n }}" if self.logged else "",
                origin=self.task.origin_authority,
            )
        )
        return [self.program, "run", "--adapter", "caddyfile", "--config", str(config)]


class CaddyLogged(Caddy):
    """The same with an access log line for each request, as the others have it."""

    name: ClassVar[str] = "caddy-logged"
    logged: ClassVar[bool] = True
