"""The site behind every compared server: one small page, served as cheaply as this machine can.

nginx where it is installed, else a few lines of our own, so that the comparison works without it.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, cast

import uvloop

from benchmarks.processes import Process, free_port

if TYPE_CHECKING:
    from typing import Self

ROOT = Path(__file__).resolve().parents[1]

PAGE = (
    b"<!doctype html><html lang=en><head><meta charset=utf-8><title>Residence permit</title></head><body>"
    + b"<p>Your form has been received. We answer within ten working days.</p>" * 13
    + b"</body></html>\n"
)
"""About one kilobyte."""

CONFIG = """\
daemon off;
{user}
worker_processes 1;
pid {room}/origin.pid;
error_log {room}/origin-error.log error;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    types {{ text/html html; }}
    client_body_temp_path {room}/body; proxy_temp_path {room}/proxy; fastcgi_temp_path {room}/fastcgi;
    uwsgi_temp_path {room}/uwsgi; scgi_temp_path {room}/scgi;
    keepalive_requests 100000000;
    open_file_cache max=100 inactive=1h;
    open_file_cache_valid 1h;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        root {room}/site;
        location = /quick {{ default_type text/plain; return 200 "ok\\n"; }}
    }}
}}
"""

REPLY = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: %d\r\n"
    b"Last-Modified: Mon, 03 Jun 2024 08:00:00 GMT\r\n\r\n"
) % len(PAGE) + PAGE


class Origin:
    """A running origin; use it in a ``with`` statement."""

    def __init__(self, room: Path, cores: frozenset[int]) -> None:
        self.port = free_port()
        self.kind = "nginx" if shutil.which("nginx") else "own"
        command = self._nginx(room) if self.kind == "nginx" else self._own()
        self._process = Process(command, log=room / "origin.log", cores=cores, cwd=ROOT)
        self._process.wait_until_open(self.port)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stop()

    @property
    def pid(self) -> int:
        """The process id of the origin."""
        return self._process.pid

    @property
    def url(self) -> str:
        """The origin as http://127.0.0.1:PORT."""
        return f"http://127.0.0.1:{self.port}"

    def _own(self) -> list[str]:
        return [sys.executable, "-m", "benchmarks.origin", str(self.port)]

    def _nginx(self, room: Path) -> list[str]:
        site = room / "site"
        site.mkdir()
        site.chmod(0o755)
        (site / "page.html").write_bytes(PAGE)
        config = room / "origin.conf"
        user = "user root;" if os.geteuid() == 0 else ""
        config.write_text(CONFIG.format(user=user, room=room, port=self.port))
        return ["nginx", "-c", str(config), "-e", str(room / "origin-error.log")]


class Answerer(asyncio.Protocol):
    """Answers every request without a body with the page; enough for a proxy, which sends clean requests."""

    def __init__(self) -> None:
        self._pending = b""
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Remembers where answers go."""
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        """One answer for each end of a head."""
        *heads, self._pending = (self._pending + data).split(b"\r\n\r\n")
        if heads and self._transport is not None:
            self._transport.write(REPLY * len(heads))


async def serve(port: int) -> None:
    """Answers on 127.0.0.1:`port` until cancelled."""
    server = await asyncio.get_running_loop().create_server(Answerer, "127.0.0.1", port, backlog=4096)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1])))
