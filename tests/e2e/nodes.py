"""A node as people run it: a process of its own, spoken to by the wire, by signals and by the command line."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner

from shieldproxy.cli.commands import shieldproxy

# Bounds, not expectations: two busy cores start a node in some seconds, and a hang is a failure with a message.
START, PATIENCE = 60.0, 20.0
READY = re.compile(r"shieldproxy ready https?://127\.0\.0\.1:(\d+)(?:, \S+)* -> \S+\n")
RUN = (sys.executable, "-m", "shieldproxy", "run")
BROWSER = {
    "User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language": "en-GB,en;q=0.5",
}


class Answer(NamedTuple):
    """What came back: the status (0: the connection ended without an answer), headers and body."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def id(self) -> str:
        """The ID that a visitor sees, and the journal knows."""
        return self.headers.get("x-request-id", "")

    @property
    def worker(self) -> str:
        """The number of the worker that answered; it stands in the ID."""
        return self.id.split(".")[1] if self.id else ""


class Said(NamedTuple):
    """What a command said: exit code, stdout, stderr."""

    code: int
    out: str
    err: str

    @property
    def objects(self) -> list[dict[str, Any]]:
        """The lines of ``--format json``."""
        return [json.loads(line) for line in self.out.splitlines()]


def until(holds: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Return what ``holds`` returns once that is true; fails after ``patience`` seconds."""
    end = time.monotonic() + patience
    while not (found := holds()):
        assert time.monotonic() < end, f"not within {patience:g} s: {what}"
        time.sleep(0.02)
    return found


def settings(folder: Path, origin: str, more: str = "") -> str:
    """Return a configuration for ``folder``: any free port, control on a unix socket, ``more`` behind it."""
    return f"""\
[server]
listen = ["127.0.0.1:0"]
workers = 1
trusted_proxies = ["127.0.0.1"]
client_address = "x-forwarded-for"
[origin]
url = "{origin}"
[control]
listen = "unix:{folder}/control"
[posture]
audit = 0  # chance is for its own tests
{more}
"""


class Node:
    """One node in ``folder``. ``close`` ends it whatever happened, and every process of its."""

    def __init__(self, folder: Path, origin: str, more: str = "", *, workers: int = 1) -> None:
        self.folder = folder
        self.config = folder / "config.toml"
        self.config.write_text(settings(folder, origin, more).replace("workers = 1", f"workers = {workers}"))
        self.port = 0
        self.seconds_to_ready = 0.0
        self._process: subprocess.Popen[bytes] | None = None
        self._listener: threading.Thread | None = None
        self._said: list[str] = []
        self._children: set[int] = set()

    # -- life ---------------------------------------------------------------------------------------------------------

    def start(self) -> Node:
        """Start it and return when it says that it is ready."""
        begun = time.monotonic()
        with (self.folder / "stdout").open("w") as out:
            self._process = process = subprocess.Popen(
                (*RUN, "-c", str(self.config)), cwd=self.folder, stdout=out, stderr=subprocess.PIPE
            )
        self._listener = threading.Thread(target=self._listen)
        self._listener.start()

        def ready() -> re.Match[str] | None:
            said = (self.folder / "stdout").read_text()
            assert process.poll() is None, f"it ended: {said}{self.log}"
            # One line and nothing else: scripts wait for it.
            return READY.fullmatch(said)

        found = until(ready, "ready", START)
        self.seconds_to_ready = time.monotonic() - begun
        self.port = int(found[1])
        self._children |= set(self.worker_pids())
        return self

    def _listen(self) -> None:
        assert self._process is not None
        assert self._process.stderr is not None
        with self._process.stderr as log:
            self._said.extend(line.decode() for line in log)

    @property
    def pid(self) -> int:
        """The process id of the supervisor."""
        assert self._process is not None
        return self._process.pid

    def worker_pids(self) -> list[int]:
        """Return the process ids of its workers."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(pid) for pid in listed if b"worker" in Path(f"/proc/{pid}/cmdline").read_bytes()]

    def signal(self, number: signal.Signals) -> None:
        """Send the supervisor a signal."""
        os.kill(self.pid, number)

    def wait(self, patience: float = PATIENCE) -> int:
        """Return its exit code once it has ended."""
        assert self._process is not None
        return self._process.wait(patience)

    def close(self) -> None:
        """End it: in order if it will, by force else, and whatever it left."""
        process = self._process
        if process is not None:
            with contextlib.suppress(OSError):
                self._children |= set(self.worker_pids())
            if process.poll() is None:
                process.terminate()
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        left = [pid for pid in self._children if lives(pid)]
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        if self._listener is not None:
            self._listener.join(PATIENCE)
        assert not left, f"workers outlived their supervisor: {left}"

    # -- what it says -------------------------------------------------------------------------------------------------

    @property
    def log(self) -> str:
        """Its operational log."""
        return "".join(self._said)

    @property
    def events(self) -> list[dict[str, Any]]:
        """The operational log, line by line."""
        return [json.loads(line) for line in self._said]

    def cli(self, *arguments: str) -> Said:
        """Return what a command says that reads this node's configuration."""
        done = CliRunner().invoke(shieldproxy, [*arguments, "-c", str(self.config)], prog_name="shieldproxy")
        return Said(done.exit_code, done.stdout, done.stderr)

    def status(self) -> dict[str, Any]:
        """Return ``shieldproxy status``."""
        said = self.cli("status", "--format", "json")
        assert said.code == 0, said.err
        return said.objects[0]

    def metric(self, name: str) -> float:
        """Return the value of a metric that has no labels."""
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self.folder / "control"))
            control.sendall(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")
            with control.makefile() as text:
                return next(float(line.split()[1]) for line in text if line.startswith(f"{name} "))

    def logged(self, *arguments: str) -> list[dict[str, Any]]:
        """Return ``shieldproxy logs`` with these arguments."""
        said = self.cli("logs", "--format", "json", *arguments)
        assert said.code == 0, said.err
        return said.objects

    def edit(self, old: str, new: str) -> None:
        """Edit its configuration as an operator does."""
        text = self.config.read_text()
        assert text.count(old) == 1, f"{old!r} stands {text.count(old)} times in it"
        self.config.write_text(text.replace(old, new))

    # -- the wire -----------------------------------------------------------------------------------------------------

    def connect(self) -> http.client.HTTPConnection:
        """Return a new connection to it."""
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)

    def get(self, path: str = "/", client: str = "", *, method: str = "GET", **headers: str) -> Answer:
        """Ask on a new connection, as a browser, on behalf of ``client`` where one is named."""
        with contextlib.closing(self.connect()) as connection:
            return ask(connection, path, client, method=method, **headers)


def ask(
    connection: http.client.HTTPConnection, path: str = "/", client: str = "", *, method: str = "GET", **headers: str
) -> Answer:
    """Ask on ``connection``; underscores in the names of ``headers`` are dashes."""
    sent = BROWSER | {name.replace("_", "-"): value for name, value in headers.items()}
    if client:
        sent["X-Forwarded-For"] = client
    try:
        connection.request(method, path, headers=sent)
        answer = connection.getresponse()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, answer.read())
    except (http.client.RemoteDisconnected, ConnectionResetError):
        return Answer(0, {}, b"")


def lives(pid: int) -> bool:
    """Tell whether a process is there and is not merely waiting to be reaped; gives it a moment to end."""

    def state() -> str:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return ""

    end = time.monotonic() + PATIENCE
    while state() not in ("", "Z"):
        if time.monotonic() > end:
            return True
        time.sleep(0.02)
    return False


def run_once(folder: Path, *arguments: str) -> Said:
    """Run ``shieldproxy run`` in ``folder``, which is expected to end by itself; return what it said."""
    done = subprocess.run((*RUN, *arguments), cwd=folder, capture_output=True, text=True, timeout=START, check=False)
    return Said(done.returncode, done.stdout, done.stderr)
