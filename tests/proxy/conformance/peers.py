"""nginx and HAProxy as one would set them up before a site, so that the table can be run against them too."""

from __future__ import annotations

import asyncio
import contextlib
import shutil
from collections.abc import AsyncIterator
from pathlib import Path

from benchmarks.processes import free_port

NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log crit;
events {{ worker_connections 512; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy;
  fastcgi_temp_path {folder}/fastcgi; uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{origin};
      proxy_http_version 1.1;
      proxy_set_header Host $http_host;
      proxy_set_header Connection "";
    }}
  }}
}}
"""

HAPROXY = """
global
  log stdout format raw local0 emerg
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
frontend front
  bind 127.0.0.1:{port}
  default_backend site
backend site
  server origin 127.0.0.1:{origin}
"""


def installed() -> list[str]:
    """Return which of the two are here."""
    return [name for name in ("nginx", "haproxy") if found(name)]


def found(name: str) -> str | None:
    """Return where ``name`` is; Debian keeps servers out of the way of ordinary users."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/usr/local/sbin")


@contextlib.asynccontextmanager
async def running(name: str, origin: int, folder: Path) -> AsyncIterator[int]:
    """Run ``name`` before 127.0.0.1:``origin`` and give the port it listens on."""
    port = free_port()
    file = folder / f"{name}.conf"
    template = {"nginx": NGINX, "haproxy": HAPROXY}[name]
    file.write_text(template.format(folder=folder, port=port, origin=origin), encoding="utf-8")
    orders = {"nginx": ["-c", str(file), "-e", "stderr"], "haproxy": ["-f", str(file), "-db"]}
    process = await asyncio.create_subprocess_exec(str(found(name)), *orders[name])
    try:
        await listening(port)
        yield port
    finally:
        process.terminate()
        await process.wait()


async def listening(port: int) -> None:
    """Return when something listens on ``port``."""
    for _ in range(200):
        with contextlib.suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.close()
            return
        await asyncio.sleep(0.05)
    raise RuntimeError(f"nothing listens on {port}")
