"""What else one could put before the site: nginx with a limit for each address."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
import signal
import socket
from pathlib import Path

from benchmarks.field.node import HERE, Moment, Ports

CONFIG = """\
worker_processes auto;
pid {room}/nginx.pid;
error_log {room}/error.log crit;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    client_body_temp_path {room}/body;
    proxy_temp_path {room}/proxy;
    fastcgi_temp_path {room}/fastcgi;
    uwsgi_temp_path {room}/uwsgi;
    scgi_temp_path {room}/scgi;
    limit_req_zone $binary_remote_addr zone=clients:64m rate={rate}r/s;
    limit_req_status 429;
    set_real_ip_from 127.0.0.0/8;
    real_ip_header proxy_protocol;
    upstream site {{ server {here}:{origin}; keepalive 64; }}
    server {{
        listen {here}:{shield} proxy_protocol backlog=4096;
        location / {{
            limit_req zone=clients burst={burst} nodelay;
            proxy_pass http://site;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_set_header X-Forwarded-For $remote_addr;
        }}
    }}
}}
"""
# A page comes with its pictures at once; a limit without a burst would refuse every second picture.
BURST = 20


def nginx() -> str | None:
    """Return where nginx is, None when it is not installed."""
    return shutil.which("nginx") or ("/usr/sbin/nginx" if Path("/usr/sbin/nginx").exists() else None)


class Nginx:
    """nginx with ``limit_req`` of so many requests a second for each address."""

    def __init__(self, ports: Ports, directory: Path, rate: int) -> None:
        self._ports = ports
        self._directory = directory
        self._rate = rate
        self._process: asyncio.subprocess.Process | None = None
        self.moments: list[Moment] = []

    async def open(self) -> None:
        """Start it and wait until it accepts."""
        program = nginx()
        assert program is not None
        file = self._directory / "nginx.conf"
        text = CONFIG.format(
            room=self._directory,
            here=HERE,
            rate=self._rate,
            burst=BURST,
            origin=self._ports.origin,
            shield=self._ports.shield,
        )
        await asyncio.to_thread(file.write_text, text, "ascii")
        self._process = await asyncio.create_subprocess_exec(
            *(program, "-p", str(self._directory), "-c", str(file), "-g", "daemon off;"), start_new_session=True
        )
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex((HERE, self._ports.shield)) == 0:
                    return
            await asyncio.sleep(0.1)
        raise RuntimeError("nginx did not start")

    @property
    def pid(self) -> int:
        """Its number; 0 before it was started."""
        return self._process.pid if self._process else 0

    async def watch(self) -> None:
        """It has no posture to ask for."""
        await asyncio.Event().wait()

    async def stop(self) -> None:
        """End it."""
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.terminate()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5.0):
                await process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
