"""A form with a file, sent by a real browser to a real node that challenges it: nothing of it is lost."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from tests.e2e.conftest import Start
from tests.guard.chromium import ARGUMENTS, CHROMIUM
from tests.pems import write_pair

FORM = (
    b"<!doctype html><title>A form</title><form method=post enctype=multipart/form-data action='/apply?x=1'>"
    b"<input name=name value='Ada &amp; Co'><input type=file name=plan><button>Send</button></form>"
)
# Everybody is challenged but for the form itself: as if the attack had begun while it was filled in.
MEANWHILE = "[challenge]\nsuspicion = 0\ncost = 20\n[exempt]\npaths = ['/form']\n"


class Office:
    """An origin with the form, which keeps every body that it is sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        sent = self.sent

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                """Say nothing."""

            def do_GET(self) -> None:
                self._say(FORM)

            def do_POST(self) -> None:
                sent.append(self.rfile.read(int(self.headers["Content-Length"])))
                self._say(b"<!doctype html><title>Thanks</title><h1>Received</h1>")

            def _say(self, page: bytes) -> None:
                self.send_response(200)
                self.send_header("Content-Type", "text/html")
                self.send_header("Content-Length", str(len(page)))
                self.end_headers()
                self.wfile.write(page)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        """Accept nothing more."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


@pytest.fixture
def office() -> Iterator[Office]:
    """The origin."""
    origin = Office()
    yield origin
    origin.close()


@pytest.mark.skipif(not CHROMIUM.exists(), reason="chromium")
@pytest.mark.parametrize("tls", [False, True], ids=["http", "https"])
def test_a_challenged_upload_arrives_whole(start: Start, office: Office, tmp_path: Path, *, tls: bool) -> None:
    """Small and large files arrive once, whole and unasked: the answer comes although the body is not read to its end."""
    more = MEANWHILE
    if tls:
        pair = write_pair(tmp_path, "usual", "localhost")
        more += f"[server.tls]\ncertificate = '{pair.certificate}'\nkey = '{pair.key}'\n"
    node = start(office.url, more)
    file = tmp_path / "plan.pdf"
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
        try:
            for size in (200 << 10, 20 << 20):
                file.write_bytes(bytes(range(256)) * (size // 256))
                page = browser.new_context(ignore_https_errors=True).new_page()
                page.goto(f"{'https' if tls else 'http'}://localhost:{node.port}/form")
                page.set_input_files("input[type=file]", file)
                page.get_by_role("button", name="Send").click()
                page.get_by_role("heading", name="Received").wait_for(timeout=60_000)
                assert page.url.endswith("/apply?x=1")
                page.context.close()
                assert [body.count(file.read_bytes()) for body in office.sent] == [1]
                office.sent.clear()
        finally:
            browser.close()
