"""What plays systemd: keeps a listening socket, hands it to one node after the other, and hears how they are."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

from tests.e2e.nodes import PATIENCE, RUN, START, lives

# What systemd does between fork and exec: the socket becomes descriptor 3, and the words name this very process.
HAND_OVER = """\
import os, sys
os.dup2(int(sys.argv[1]), 3)
os.environ |= {"LISTEN_FDS": "1", "LISTEN_FDNAMES": "shieldproxy.socket", "LISTEN_PID": str(os.getpid())}
os.environ |= {"NOTIFY_SOCKET": sys.argv[2], "WATCHDOG_PID": str(os.getpid()), "WATCHDOG_USEC": "500000"}
os.execv(sys.argv[3], sys.argv[3:])
"""


class Systemd:
    """A socket on any free port, for services that come and go; ``close`` ends whatever runs."""

    def __init__(self, folder: Path, config: Path) -> None:
        self.folder = folder
        self._config = config
        self.socket = socket.create_server(("127.0.0.1", 0), backlog=4_096)
        self.port: int = self.socket.getsockname()[1]
        self._notified = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._notified.bind(str(folder / "notify"))
        self._notified.settimeout(START)
        self.services: list[subprocess.Popen[bytes]] = []
        self._children: set[int] = set()

    def start(self) -> subprocess.Popen[bytes]:
        """Start the service and return when it says that it is ready."""
        command = (sys.executable, "-c", HAND_OVER, str(self.socket.fileno()), str(self.folder / "notify"))
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                (*command, *RUN, "-c", str(self._config)),
                cwd=self.folder,
                pass_fds=(self.socket.fileno(),),
                stdout=log,
                stderr=log,
            )
        self.services.append(process)
        self.told("READY=1")
        children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text()
        self._children |= {int(pid) for pid in children.split()}
        return process

    def told(self, word: str) -> list[str]:
        """Return the message with ``word`` in it, once it comes."""
        while word not in (lines := self._notified.recv(4_096).decode().split("\n")):
            pass
        return lines

    @property
    def log(self) -> str:
        """What all services said."""
        return (self.folder / "log").read_text()

    def close(self) -> None:
        """End everything, by its id."""
        for process in self.services:
            if process.poll() is None:
                process.terminate()
                with contextlib.suppress(subprocess.TimeoutExpired):
                    process.wait(PATIENCE)
                process.kill()
                process.wait()
        self.socket.close()
        self._notified.close()
        left = [pid for pid in self._children if lives(pid)]
        for pid in left:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, 9)
        assert not left, f"workers outlived their supervisor: {left}"
