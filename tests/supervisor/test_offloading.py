"""Offloading: a real node in a network of the test's own, with a kernel that drops for it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from shieldproxy.journal.filters import Filter
from shieldproxy.journal.reader import Reader
from shieldproxy.offload.scripts import Door
from shieldproxy.supervisor.offloading import doors_of
from tests.lan import DOOR, SHIELD4, VISITORS4, VISITORS6, Lan, lan, missing

ONE, TWO, THREE, _ = VISITORS4
CONFIG = """
[server]
listen = ["0.0.0.0:8080", "[::]:8080"]
workers = 1
drain = "1s"
mode = "{mode}"
[origin]
url = "http://127.0.0.1:9000"
[bans]
offences = 3
ladder = ["2m"]
[exempt]
clients = ["{exempt}"]
[control]
listen = "unix:{folder}/control.sock"
[offload]
backend = "{backend}"
"""
# A service manager that gives the right to change the firewall and no other; root is nobody special then.
ALONE = (
    "setpriv",
    "--securebits=+noroot,+noroot_locked",
    "--inh-caps=-all,+net_admin",
    "--ambient-caps=-all,+net_admin",
    "--bounding-set=-all,+net_admin",
)
# No parser reads two Host lines alike: an offence.
BROKEN = "GET / HTTP/1.1\\r\\nHost: a\\r\\nHost: b\\r\\n\\r\\n"
ASK = """
import socket, sys
source, host, port, text = sys.argv[1:]
with socket.create_connection((host, int(port)), 3, source_address=(source, 0)) as client:
    client.sendall(text.encode().decode("unicode_escape").encode())
    print(client.recv(12).decode())
"""


class RunningNode:
    """A node in the shield's namespace, with its own configuration, journal and state."""

    def __init__(self, lan: Lan, folder: Path) -> None:
        self.lan = lan
        self.folder = folder
        self.log = folder / "log"
        self._running: subprocess.Popen[str] | None = None

    def start(self, backend: str = "nftables", mode: str = "enforce", exempt: str = "203.0.113.1") -> None:
        """Start it, and return when it is ready."""
        text = CONFIG.format(folder=self.folder, backend=backend, mode=mode, exempt=exempt)
        (self.folder / "config.toml").write_text(text)
        setpriv = shutil.which("setpriv") or "setpriv"
        words = (
            setpriv,
            *ALONE[1:],
            sys.executable,
            "-m",
            "shieldproxy",
            "run",
            "-c",
            str(self.folder / "config.toml"),
        )
        with self.log.open("a") as log:
            self._running = subprocess.Popen(self.lan.command(*words), stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._running.stdout is not None
        assert self._running.stdout.readline().startswith("shieldproxy ready"), self.log.read_text()

    @property
    def pid(self) -> int:
        assert self._running is not None
        return self._running.pid

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """End it and wait for it."""
        running, self._running = self._running, None
        if running is not None:
            running.send_signal(how)
            running.wait(30)
            assert running.stdout is not None
            running.stdout.close()

    def command(self, *words: str) -> str:
        """Say something to it, as an operator on that machine."""
        return self.lan.run(sys.executable, "-m", "shieldproxy", *words, "-c", str(self.folder / "config.toml"))

    def table(self) -> str:
        """Return our table, '' when there is none."""
        ruleset = self.lan.run("nft", "list", "ruleset")
        return ruleset if "table inet shieldproxy" in ruleset else ""

    def ask(self, source: str, text: str = BROKEN) -> str:
        """Send some bytes from an address and return the first words of the answer."""
        return self.lan.run(sys.executable, "-SEc", ASK, source, SHIELD4, str(DOOR), text, inside=self.lan.visitors)

    def earn_a_ban(self, source: str) -> None:
        """Misbehave more often than three times, and return when the kernel knows of it."""
        for _ in range(4):
            assert self.ask(source).startswith("HTTP/1.1 400")
        until(lambda: source in self.table())

    def records(self, rule: str = "offload") -> list[dict[str, Any]]:
        return list(Reader(self.folder / "var" / "journal").records(Filter(rules=(rule,))))


def until(holds: Callable[[], object], seconds: float = 60.0) -> None:
    """Return when something holds."""
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.1)


@pytest.fixture
def node(tmp_path: Path) -> Iterator[RunningNode]:
    """A node that is not started yet, before a site that answers."""
    if missing() or shutil.which("setpriv") is None:
        pytest.skip(missing() or "setpriv")
    with lan() as made:
        made_node = RunningNode(made, tmp_path)
        words = made.command(
            sys.executable, "-m", "http.server", "--bind", "127.0.0.1", "--directory", str(tmp_path), "9000"
        )
        with subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as site:
            try:
                yield made_node
            finally:
                made_node.stop()
                site.kill()


def capabilities(pid: int) -> int:
    """Return what a process may do at the moment, as a number."""
    return int(Path(f"/proc/{pid}/status").read_text().partition("CapEff:")[2].split()[0], 16)


def children(pid: int) -> list[int]:
    """Return the processes a process has started and that still run."""
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    return [int(word) for word in text.split()]


def test_a_client_that_earns_a_ban_is_dropped_by_the_kernel_and_counted_back(node: RunningNode) -> None:
    """The node serves; who misbehaves meets silence, others are served, the journal has every attempt, and nothing stays.

    The supervisor has one right and its worker none.
    """
    node.start()
    assert node.ask(TWO, "GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n").startswith("HTTP/1.1")
    node.earn_a_ban(ONE)
    assert capabilities(node.pid) == 1 << 12
    workers = [pid for pid in children(node.pid) if b"shieldproxy" in Path(f"/proc/{pid}/cmdline").read_bytes()]
    assert [capabilities(pid) for pid in workers] == [0]
    assert [node.lan.visit(address, patience=0.7) for address in (ONE, ONE, ONE)] == ["timeout"] * 3
    assert node.ask(TWO, "GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n").startswith("HTTP/1.1")
    status = json.loads(node.command("status", "--format", "json"))
    assert status["degraded"] == []
    node.stop()
    assert node.table() == ""
    assert node.records("bans") == [], "no attempt came as far as the worker"
    written = node.records()
    assert sum(record["weight"] for record in written) == 3
    assert {record["client"] for record in written} == {ONE}
    assert {record["reasons"][0] for record in written} == {"offences against rules"}
    assert {record["dst_port"] for record in written} == {DOOR}
    sealed = "".join(path.read_text() for path in (node.folder / "var" / "journal" / "log").rglob("*.jsonl"))
    assert '.kernel"' in sealed, "evidence covers what the kernel did"


def test_orders_of_an_operator_reach_the_kernel(node: RunningNode) -> None:
    """A banned network, an allowance inside it, and a pardon: each within a second or two."""
    node.start()
    node.command("ban", "192.0.2.0/24", "--for", "10m")
    node.command("ban", VISITORS6[0], "--for", "10m")
    until(lambda: node.lan.visit(ONE) == "timeout")
    # The second order may have come too late for the kernel's turn that took the first.
    until(lambda: node.lan.visit(VISITORS6[0]) == "timeout")
    assert node.lan.visit(VISITORS6[1]) == "timeout"
    assert node.lan.visit(VISITORS6[2]) != "timeout"
    node.command("allow", TWO)
    until(lambda: node.lan.visit(TWO) != "timeout")
    assert node.lan.visit(THREE) == "timeout"
    node.command("unban", "192.0.2.0/24")
    until(lambda: node.lan.visit(THREE) != "timeout")
    node.stop()


def test_a_node_that_was_killed_leaves_a_table_that_the_next_one_replaces(node: RunningNode) -> None:
    """The bans of the file are back in the kernel, and what had been left behind is gone."""
    node.start()
    node.earn_a_ban(ONE)
    until(lambda: (node.folder / "var" / "state" / "bans.jsonl").exists())
    node.stop(signal.SIGKILL)
    assert ONE in node.table()
    node.lan.run("nft", "add", "element", "inet", "shieldproxy", "clients4", f"{{ {TWO} timeout 1h }}")
    node.start()
    until(lambda: TWO not in node.table())
    assert ONE in node.table()
    node.stop()
    assert node.table() == ""


def test_observing_and_rehearsing_drop_nobody(node: RunningNode) -> None:
    """A node that observes hands nothing over; a dry run says in the log what it would do, and does nothing."""
    node.start(mode="observe")
    node.command("ban", ONE)
    until(node.table)
    time.sleep(2.0)
    assert ONE not in node.table()
    node.stop()
    node.start(backend="dry-run")
    until(lambda: f"add element inet shieldproxy clients4 {{ {ONE} timeout" in node.log.read_text())
    assert node.table() == ""
    node.stop()


def test_an_exempt_client_is_never_handed_over(node: RunningNode) -> None:
    """Also when an operator bans the network around it, and from the first moment."""
    node.start(exempt=ONE)
    node.command("ban", "192.0.2.0/24")
    until(lambda: node.lan.visit(TWO) == "timeout")
    assert node.ask(ONE, "GET / HTTP/1.1\\r\\nHost: a\\r\\n\\r\\n").startswith("HTTP/1.1")
    node.stop()


def test_a_table_that_somebody_flushes_is_put_back(node: RunningNode) -> None:
    """An administrator who loads a firewall anew takes ours away too: it is said, counted, and back in seconds."""
    node.start()
    node.earn_a_ban(ONE)
    node.lan.run("nft", "flush", "ruleset")
    until(lambda: "the kernel takes bans again" in node.log.read_text())
    assert ONE in node.table()
    node.stop()


def test_doors_are_where_tcp_is_accepted(tmp_path: Path) -> None:
    """With the port the system chose; a unix socket has no packets."""
    with socket.socket() as four, socket.socket(socket.AF_UNIX) as unix:
        four.bind(("127.0.0.1", 0))
        unix.bind(os.fspath(tmp_path / "socket"))
        assert doors_of([four, unix]) == [Door("127.0.0.1", four.getsockname()[1])]
