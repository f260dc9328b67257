"""shieldproxy itself, with every default stage and the journal on."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import ClassVar

from benchmarks.peers.peer import Peer
from benchmarks.processes import free_port

ROOT = Path(__file__).resolve().parents[2]

CONFIG = """\
[server]
listen = ["127.0.0.1:{port}"]
workers = {workers}
[origin]
url = "{origin}"
[limits.client]
scope = "client"
rate = {rate}
burst = {burst}
action = "throttle"
[journal]
directory = "{room}/journal"
[control]
listen = "127.0.0.1:{control}"
"""

GENEROUS = (1_000_000, 1_000_000)  # every request is counted, none is refused
STRICT = (0.01, 1)


class Shieldproxy(Peer):
    """Started the way a user starts it."""

    name: ClassVar[str] = "shieldproxy"
    program: ClassVar[str] = "shieldproxy"

    @classmethod
    def missing(cls) -> str:
        """It can be measured when this interpreter can import its command line."""
        found = (ROOT / "shieldproxy" / "__main__.py").exists() and importlib.util.find_spec("shieldproxy.cli")
        return "" if found else "shieldproxy cannot be started from here yet"

    def environment(self) -> dict[str, str]:
        """The tree we stand in is measured, whatever is installed elsewhere."""
        return {"PYTHONPATH": str(ROOT)}

    def command(self) -> list[str]:
        """The limit counts in both shapes."""
        rate, burst = GENEROUS if self.task.shape == "pass" else STRICT
        config = self.room / "config.toml"
        config.write_text(
            CONFIG.format(
                port=self.port,
                workers=self.task.workers,
                origin=self.task.origin,
                rate=rate,
                burst=burst,
                room=self.room,
                control=free_port(),
            )
        )
        return [sys.executable, "-m", "shieldproxy", "run", "-c", str(config)]
