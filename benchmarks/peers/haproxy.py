"""HAProxy with a stick table that counts each source address and an HTTP log line for each request."""

from __future__ import annotations

from typing import ClassVar

from benchmarks.peers.peer import Peer

CONFIG = """\
global
    nbthread {workers}
    maxconn 8192
    log stdout format raw local0 info
defaults
    mode http
    log global
    option httplog
    option forwardfor
    option http-keep-alive
    http-reuse always
    timeout connect 5s
    timeout client 75s
    timeout server 60s
frontend web
    bind 127.0.0.1:{port} backlog 4096
    stick-table type ip size 1m expire 60s store http_req_rate(10s)
    http-request track-sc0 src
    http-request deny deny_status 429 if {{ sc_http_req_rate(0) gt {limit} }}
    http-request set-header X-Forwarded-Proto http
    http-request set-header X-Forwarded-Host %[req.hdr(host)]
    unique-id-format %{{+X}}o%ci:%cp_%Ts_%rt
    http-request set-header X-Request-Id %[unique-id]
    default_backend origin
backend origin
    server origin {origin} pool-max-conn 256
"""

GENEROUS = 2_000_000_000  # every request is counted, none is refused
STRICT = 1


class HAProxy(Peer):
    """In the foreground; its log goes to its output, which is a file."""

    name: ClassVar[str] = "haproxy"
    program: ClassVar[str] = "haproxy"

    def command(self) -> list[str]:
        """The stick table counts in both shapes."""
        config = self.room / "haproxy.cfg"
        config.write_text(
            CONFIG.format(
                workers=self.task.workers,
                port=self.port,
                limit=GENEROUS if self.task.shape == "pass" else STRICT,
                origin=self.task.origin_authority,
            )
        )
        return [self.program, "-db", "-f", str(config)]
