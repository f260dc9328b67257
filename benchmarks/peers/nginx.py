"""nginx with limit_req and an access log, as its manual says for a proxy with kept upstream connections."""

from __future__ import annotations

import os
from typing import ClassVar

from benchmarks.peers.peer import Peer, Shape

CONFIG = """\
daemon off;
{user}
worker_processes {workers};
pid {room}/nginx.pid;
error_log {room}/error.log error;
events {{ worker_connections 8192; }}
http {{
    access_log {room}/access.log combined{buffer};
    client_body_temp_path {room}/body; proxy_temp_path {room}/proxy; fastcgi_temp_path {room}/fastcgi;
    uwsgi_temp_path {room}/uwsgi; scgi_temp_path {room}/scgi;
    keepalive_requests 100000000;
    limit_req_zone $binary_remote_addr zone=clients:16m rate={rate};
    limit_req_status 429;
    limit_req_log_level info;
    open_file_cache max=100 inactive=1h;
    open_file_cache_valid 1h;
    upstream origin {{
        server {origin};
        keepalive 256;
        keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{ {location} }}
    }}
}}
"""

PROXY = """
            limit_req zone=clients{burst};
            proxy_pass http://origin;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header Host $host;
            proxy_set_header X-Forwarded-For $remote_addr;
            proxy_set_header X-Forwarded-Proto $scheme;
            proxy_set_header X-Forwarded-Host $host;
            proxy_set_header X-Request-Id $request_id;
"""
FILE = "root {room}/site; default_type text/html;"

GENEROUS = ("1000000r/s", " burst=1000000 nodelay")  # every request is counted, none is refused
STRICT = ("1r/m", "")


class Nginx(Peer):
    """One write to the access log for each request, which is what nginx does when nobody tells it otherwise."""

    name: ClassVar[str] = "nginx"
    shapes: ClassVar[frozenset[Shape]] = frozenset({"pass", "deny", "challenge"})
    program: ClassVar[str] = "nginx"
    buffer: ClassVar[str] = ""

    def command(self) -> list[str]:
        """Limit_req counts where it proxies; what it refuses goes to the access log, not to the error log as well."""
        rate, burst = STRICT if self.task.shape == "deny" else GENEROUS
        location = PROXY.format(burst=burst)
        if self.task.shape == "challenge":
            location = FILE.format(room=self.room)
            (self.room / "site").mkdir()
            (self.room / "site" / "page.html").write_bytes(self.task.page)
        config = self.room / "nginx.conf"
        config.write_text(
            CONFIG.format(
                user="user root;" if os.geteuid() == 0 else "",
                workers=self.task.workers,
                room=self.room,
                buffer=self.buffer,
                rate=rate,
                location=location,
                origin=self.task.origin_authority,
                port=self.port,
            )
        )
        return [self.program, "-c", str(config), "-e", str(self.room / "error.log")]


class NginxBuffered(Nginx):
    """The same with a buffered access log."""

    name: ClassVar[str] = "nginx-buffered"
    buffer: ClassVar[str] = " buffer=64k flush=1s"
