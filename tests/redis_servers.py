"""A real redis-server (Valkey speaks the same) in a folder of its own, on a unix socket; ended by its process id."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest

REDIS = shutil.which("valkey-server") or shutil.which("redis-server")
PATIENCE = 20.0


class RedisServer:
    """One server; ``options`` are words of its command line. ``start`` after ``kill`` begins with nothing, as a cache."""

    def __init__(self, folder: Path, *options: str) -> None:
        if REDIS is None:
            pytest.skip("redis-server")
        folder.mkdir(exist_ok=True)
        self.path = folder / "redis.sock"
        self.options = options
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> RedisServer:
        """Start it and return when it answers."""
        assert REDIS is not None
        settled = ("--port", "0", "--unixsocket", str(self.path), "--save", "", "--dir", str(self._folder))
        command = (REDIS, *settled, *self.options)
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        end = time.monotonic() + PATIENCE
        while not self._answers():
            assert self._process.poll() is None, "it ended"
            assert time.monotonic() < end, "it does not answer"
            time.sleep(0.01)
        return self

    def ask(self, *words: str | bytes) -> bytes:
        """Return the bytes of its answer to one command."""
        sent = b"*%d\r\n" % len(words)
        for word in words:
            data = word.encode() if isinstance(word, str) else word
            sent += b"$%d\r\n%s\r\n" % (len(data), data)
        with socket.socket(socket.AF_UNIX) as asked:
            asked.settimeout(PATIENCE)
            asked.connect(str(self.path))
            asked.sendall(sent)
            return asked.recv(65_536)

    def _answers(self) -> bool:
        try:
            return bool(self.ask("PING"))
        except OSError:
            return False

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def kill(self) -> None:
        """End it as a power cut does."""
        self._signal(signal.SIGKILL)
        assert self._process is not None
        self._process.wait(PATIENCE)

    def hang(self) -> None:
        """Let it accept and never answer."""
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again."""
        self._signal(signal.SIGCONT)

    def close(self, *_: Any) -> None:
        """End it, however it is."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait(PATIENCE)
