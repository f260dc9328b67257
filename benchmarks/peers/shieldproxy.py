"""shieldproxy itself, with every default stage and the journal on."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import ClassVar

from benchmarks.peers.peer import Peer, Shape
from benchmarks.processes import free_port

ROOT = Path(__file__).resolve().parents[2]

CONFIG = """\
[server]
listen = ["127.0.0.1:{port}"]
workers = {workers}
{trust}
[origin]
url = "{origin}"
[limits.client]
scope = "client"
rate = {rate}
burst = {burst}
action = "throttle"
[limits.clearance]
scope = "clearance"
rate = {generous}
burst = {generous}
action = "throttle"
[limits.network]
scope = "network"
rate = {generous}
burst = {generous}
action = "challenge"
[limits.asn]
scope = "asn"
rate = {generous}
burst = {generous}
action = "challenge"
[limits.robots]
scope = "client"
rate = {generous}
burst = {generous}
action = "throttle"
match = {{ crawler = "verified" }}
{challenge}
[bans]
window = "10s"
floods = {patience}
[posture]
audit = 0
[journal]
directory = "{room}/journal"
[state]
directory = "{room}/state"
[control]
listen = "127.0.0.1:{control}"
"""

STRANGERS = """
trusted_proxies = ["127.0.0.0/8"]
client_address = "x-forwarded-for"
"""
CHALLENGE = """
[challenge]
suspicion = 0
"""

GENEROUS = 1_000_000  # a second: every request is counted, none is refused
STRICT = (0.01, 1)
PATIENCE = 10_000_000  # in 10 s: a client that goes on is refused each time with 429, never banned


class Shieldproxy(Peer):
    """Started the way a user starts it."""

    name: ClassVar[str] = "shieldproxy"
    shapes: ClassVar[frozenset[Shape]] = frozenset({"pass", "deny", "challenge", "answers"})
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
        """The five limits of the defaults, wide enough for a load test.

        To deny, the first one is strict; to challenge, whoever has not answered yet is, and a forwarder is believed
        that says who asks.
        """
        strangers = self.task.shape in ("challenge", "answers")
        rate, burst = STRICT if self.task.shape == "deny" else (GENEROUS, GENEROUS)
        config = self.room / "config.toml"
        config.write_text(
            CONFIG.format(
                port=self.port,
                workers=self.task.workers,
                origin=self.task.origin,
                rate=rate,
                burst=burst,
                generous=GENEROUS,
                patience=PATIENCE,
                trust=STRANGERS if strangers else "",
                challenge=CHALLENGE if strangers else "",
                room=self.room,
                control=free_port(),
            )
        )
        return [sys.executable, "-m", "shieldproxy", "run", "-c", str(config)]
