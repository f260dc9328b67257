"""A service of systemd: its socket outlives it, so that a new version takes over without a refused connection."""

from __future__ import annotations

import http.client
import itertools
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.nodes import BROWSER, PATIENCE, settings, until
from tests.e2e.origins import Moody
from tests.e2e.systemd import Systemd

OPEN = "[limits.client]\nscope = 'client'\nrate = 10000\nburst = 10000\n"


@pytest.fixture
def systemd(tmp_path: Path, moody: Moody) -> Iterator[Systemd]:
    """What starts nodes with two workers before an origin, and hands them its socket."""
    config = tmp_path / "config.toml"
    config.write_text(settings(tmp_path, moody.url, OPEN).replace("workers = 1", "workers = 2"))
    with closing(Systemd(tmp_path, config)) as playing:
        yield playing


class Visitors:
    """Some who ask again and again, each time on a new connection; ``failed`` is what went wrong."""

    def __init__(self, port: int, count: int = 4) -> None:
        self._port = port
        self.statuses: list[int] = []
        self.failed: list[BaseException] = []
        self.longest = 0.0
        self._over = threading.Event()
        self._numbers = itertools.count()
        self._threads = [threading.Thread(target=self._ask) for _ in range(count)]
        for thread in self._threads:
            thread.start()

    def _ask(self) -> None:
        while not self._over.is_set():
            begun = time.monotonic()
            client = f"198.51.100.{next(self._numbers) % 250}"
            try:
                with closing(http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)) as connection:
                    connection.request("GET", "/", headers=BROWSER | {"X-Forwarded-For": client, "Connection": "close"})
                    self.statuses.append(connection.getresponse().status)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is what the test looks for
                self.failed.append(error)
            self.longest = max(self.longest, time.monotonic() - begun)

    def more(self, count: int = 20) -> None:
        """Return when so many more were answered."""
        wanted = len(self.statuses) + count
        until(lambda: len(self.statuses) >= wanted or self.failed, "answers", 60.0)

    def end(self) -> None:
        """Let them go home."""
        self._over.set()
        for thread in self._threads:
            thread.join(60)


def test_a_new_version_takes_over_without_a_refused_connection(systemd: Systemd) -> None:
    """Under load the service is stopped in order and another started: every connection, each a new one, is answered."""
    first = systemd.start()
    visitors = Visitors(systemd.port)
    try:
        visitors.more()
        first.terminate()
        assert first.wait(PATIENCE) == 0
        systemd.told("STOPPING=1")
        # Nobody serves now; whoever connects waits in the queue of the socket.
        second = systemd.start()
        visitors.more()
        assert second.poll() is None
    finally:
        visitors.end()
    assert visitors.failed == []
    assert set(visitors.statuses) == {200}


def test_a_crash_costs_no_more_than_what_was_under_way(systemd: Systemd) -> None:
    """The whole service killed at once: the port stays open, and the next start serves who waited."""
    first = systemd.start()
    first.kill()
    first.wait(PATIENCE)
    visitors = Visitors(systemd.port, 2)
    try:
        systemd.start()
        visitors.more(4)
    finally:
        visitors.end()
    assert visitors.failed == []


def test_systemd_hears_of_each_turn_of_life(systemd: Systemd) -> None:
    """Ready with a status, alive in time, reloading and ready again, refused with a sentence, stopping; in that order."""
    service = systemd.start()
    systemd.told("WATCHDOG=1")
    systemd.told("WATCHDOG=1")
    service.send_signal(signal.SIGHUP)
    assert systemd.told("RELOADING=1")[1].startswith("MONOTONIC_USEC=")
    assert systemd.told("READY=1")[1] == "STATUS=reloaded"
    (systemd.folder / "config.toml").write_text("[server]\nworkers = -1\n")
    service.send_signal(signal.SIGHUP)
    systemd.told("RELOADING=1")
    assert "refused" in systemd.told("READY=1")[1]
    service.terminate()
    systemd.told("STOPPING=1")
    assert service.wait(PATIENCE) == 0
    assert f"shieldproxy ready http://127.0.0.1:{systemd.port} -> " in systemd.log
    assert "sockets handed over take the place of server.listen" in systemd.log
