"""Origins: Debian's nginx with real files, and a server that misbehaves on request."""

from __future__ import annotations

import contextlib
import gzip
import os
import random
import shutil
import socket
import socketserver
import subprocess
import threading
import time
from pathlib import Path

from tests.e2e.nodes import PATIENCE, until

NGINX = shutil.which("nginx", path=f"{os.environ.get('PATH', '')}:/usr/sbin")
BIG = 6 << 20

CONFIGURATION = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/tmp; proxy_temp_path {folder}/tmp; fastcgi_temp_path {folder}/tmp;
    uwsgi_temp_path {folder}/tmp; scgi_temp_path {folder}/tmp;
    types {{ text/html html; text/css css; application/octet-stream bin; }}
    server {{
        listen 127.0.0.1:{port};
        root {folder}/www;
        gzip_static on;
        location /list/ {{ autoindex on; }}
        location /slow/ {{ alias {folder}/www/; limit_rate 256k; }}
        location /echo {{
            default_type text/plain;
            return 200 "$request_method $http_x_forwarded_for|$http_x_forwarded_proto|$http_x_request_id|$http_host";
        }}
    }}
}}
"""


class Nginx:
    """A real web server with real files in ``folder``; ``close`` ends it."""

    def __init__(self, folder: Path) -> None:
        assert NGINX is not None
        self.folder = folder
        self.big = random.Random(7).randbytes(BIG)
        www = folder / "www"
        (www / "list").mkdir(parents=True)
        (folder / "tmp").mkdir()
        (www / "index.html").write_text("<!doctype html><title>The site</title><h1>Welcome</h1>")
        (www / "big.bin").write_bytes(self.big)
        (www / "style.css").write_text("h1 { color: navy }\n" * 200)
        (www / "style.css.gz").write_bytes(gzip.compress((www / "style.css").read_bytes(), mtime=0))
        (www / "list" / "a file.html").write_text("one")
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            self.port = held.getsockname()[1]
        configuration = folder / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(folder=folder, port=self.port))
        self._process = subprocess.Popen((NGINX, "-p", folder, "-c", configuration), stderr=subprocess.DEVNULL)
        until(self._accepts, "nginx accepts")

    @property
    def url(self) -> str:
        """Where it is, as config.toml writes it."""
        return f"http://127.0.0.1:{self.port}"

    def _accepts(self) -> bool:
        log = self.folder / "nginx.log"
        assert self._process.poll() is None, log.read_text() if log.exists() else "nginx ended"
        with socket.socket() as client:
            return client.connect_ex(("127.0.0.1", self.port)) == 0

    def close(self) -> None:
        """End it."""
        self._process.terminate()
        try:
            self._process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


class Moody:
    """An origin on a port of its own that does to each request what its path asks for; ``close`` ends it."""

    def __init__(self) -> None:
        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                with contextlib.suppress(OSError):
                    behave(self.connection)

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()

    def close(self) -> None:
        """Accept nothing more; twice is once."""
        if self._thread.is_alive():
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


def behave(connection: socket.socket) -> None:
    """Answer one request, or do not."""
    asked = b""
    while b"\r\n\r\n" not in asked:
        piece = connection.recv(65_536)
        if not piece:
            return
        asked += piece
    if asked.startswith(b"GET /silent "):
        time.sleep(5.0)
    elif asked.startswith(b"GET /garbage "):
        connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    elif asked.startswith(b"GET /cut "):
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf of it")
    elif asked.startswith(b"GET /gone "):
        return
    else:
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
