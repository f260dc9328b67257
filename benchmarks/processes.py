"""Starting a server for a measurement, and ending exactly the process that was started."""

from __future__ import annotations

import contextlib
import os
import random
import socket
import subprocess
import time
from typing import TYPE_CHECKING

from benchmarks.cores import on_cores

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

START_SECONDS = 15.0  # a cold Python start on a busy machine takes two; beyond this something is wrong
STOP_SECONDS = 10.0


class StartError(RuntimeError):
    """A server did not come up; the message ends with the last lines it wrote."""


# Below what Linux gives to outgoing connections (32768 and up), where a port that is free now may not be in a moment.
PORTS = range(20_000, 32_000)


def free_port(host: str = "127.0.0.1") -> int:
    """A port that nobody listens on at this moment."""
    for port in random.sample(PORTS, 100):
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe, contextlib.suppress(OSError):
            probe.bind((host, port))
            return port
    raise StartError(f"no free port on {host} from {PORTS.start} to {PORTS.stop}")


class Process:
    """One started program with its output in a file."""

    def __init__(
        self,
        argv: Sequence[str],
        *,
        log: Path,
        cores: frozenset[int],
        cwd: Path,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._argv = list(argv)
        self._log = log
        with log.open("wb") as output, on_cores(cores):
            self._popen = subprocess.Popen(
                self._argv,
                cwd=cwd,
                env={**os.environ, **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        """The process id of what was started (its children are found from it)."""
        return self._popen.pid

    def wait_until_open(self, port: int) -> None:
        """Returns when something accepts on 127.0.0.1:`port`; StartError if the process ends or takes too long."""
        give_up = time.monotonic() + START_SECONDS
        while time.monotonic() < give_up:
            if self._popen.poll() is not None:
                raise StartError(f"{self._argv[0]} ended with {self._popen.returncode}: {self.tail()}")
            try:
                socket.create_connection(("127.0.0.1", port), timeout=1.0).close()
            except OSError:
                time.sleep(0.02)
            else:
                return
        raise StartError(f"{self._argv[0]} did not accept on port {port} in {START_SECONDS:.0f} s: {self.tail()}")

    def tail(self) -> str:
        """The end of what the process wrote."""
        lines = self._log.read_text(errors="replace").splitlines()
        return lines[-1][-300:] if lines else "it wrote nothing"

    def stop(self) -> None:
        """Ends the process by its id: asks first, insists after STOP_SECONDS. Safe to call twice."""
        if self._popen.poll() is None:
            self._popen.terminate()
            try:
                self._popen.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._popen.kill()
        self._popen.wait()
