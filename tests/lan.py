"""A network of the test's own: two namespaces and a cable between them. No packet leaves them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SHIELD4, SHIELD6 = "192.0.2.1", "2001:db8:ffff::1"
VISITORS4 = ("192.0.2.11", "192.0.2.12", "192.0.2.13", "192.0.2.200")
# The first two are one client: they share a /64.
VISITORS6 = ("2001:db8:0:1::1", "2001:db8:0:1::2", "2001:db8:0:2::1")
DOOR, SSH = 8080, 2222
# CAP_NET_ADMIN and CAP_SYS_ADMIN: to make namespaces and what is in them.
NEEDED = 1 << 12 | 1 << 21
# The kernel sends a second SYN after a second: whoever gives up before has tried once.
GIVE_UP = 0.7

SERVER = """
import selectors, socket, sys
chosen = selectors.DefaultSelector()
for family, host in ((socket.AF_INET, "0.0.0.0"), (socket.AF_INET6, "::")):
    for port in map(int, sys.argv[1:]):
        opened = socket.socket(family)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        opened.bind((host, port))
        opened.listen(100)
        chosen.register(opened, selectors.EVENT_READ, True)
print("ready", flush=True)
while True:
    for key, _ in chosen.select():
        if key.data:
            accepted, _ = key.fileobj.accept()
            chosen.register(accepted, selectors.EVENT_READ, False)
            continue
        data = key.fileobj.recv(100)
        if data:
            key.fileobj.sendall(data)
        else:
            chosen.unregister(key.fileobj)
            key.fileobj.close()
"""

VISIT = """
import socket, sys
source, host, port, patience, wait = sys.argv[1:]
try:
    client = socket.create_connection((host, int(port)), float(patience), source_address=(source, 0) if source else None)
    print("open", flush=True)
    if wait == "wait":
        sys.stdin.readline()
    client.sendall(b"hello")
    print("answered" if client.recv(10) == b"hello" else "silent")
except TimeoutError:
    print("timeout")
except ConnectionError as error:
    print("refused", error)
"""


def missing() -> str:
    """Return in a word what this machine lacks for such a network, '' when nothing; half a root, in a container, is none."""
    rights = int(Path("/proc/self/status").read_text().partition("CapEff:")[2].split()[0], 16)
    if os.geteuid() != 0 or rights & NEEDED != NEEDED:
        return "root"
    return next((name for name in ("ip", "nft") if shutil.which(name) is None), "")


class Lan:
    """``shield`` and ``visitors`` are the names of the namespaces."""

    def __init__(self) -> None:
        mark = f"{os.getpid()}-{time.monotonic_ns() % 1_000_000:06d}"
        self.shield, self.visitors = f"sp-shield-{mark}", f"sp-visit-{mark}"

    def command(self, *words: str, inside: str = "") -> list[str]:
        """Return a command that runs in a namespace, the shield's by default."""
        program = shutil.which(words[0]) or words[0]
        return [shutil.which("ip") or "ip", "netns", "exec", inside or self.shield, program, *words[1:]]

    def run(self, *words: str, inside: str = "", given: str = "") -> str:
        """Run a command to its end and return what it said."""
        done = subprocess.run(
            self.command(*words, inside=inside), input=given, capture_output=True, text=True, check=True, timeout=60
        )
        return done.stdout

    def visit(self, source: str, *, port: int = DOOR, patience: float = GIVE_UP, inside: str = "") -> str:
        """Connect, say hello, and return ``answered``, ``timeout`` or ``refused``; the source '' is any."""
        host = SHIELD6 if ":" in source else SHIELD4
        words = (sys.executable, "-SEc", VISIT, source, host, str(port), str(patience), "")
        return self.run(*words, inside=inside or self.visitors).split("\n")[-2]

    def linger(self, source: str) -> subprocess.Popen[str]:
        """Connect and say hello only when told a line."""
        words = (sys.executable, "-SEc", VISIT, source, SHIELD4, str(DOOR), "5", "wait")
        started = subprocess.Popen(
            self.command(*words, inside=self.visitors), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert started.stdout is not None
        assert started.stdout.readline() == "open\n"
        return started

    @contextmanager
    def server(self) -> Iterator[None]:
        """Have somebody answer on the door and on the port of the administrator."""
        words = self.command(sys.executable, "-SEc", SERVER, str(DOOR), str(SSH))
        with subprocess.Popen(words, stdout=subprocess.PIPE, text=True) as running:
            try:
                assert running.stdout is not None
                assert running.stdout.readline() == "ready\n"
                yield
            finally:
                running.kill()


@contextmanager
def lan() -> Iterator[Lan]:
    """Make the network, and take it away."""
    made = Lan()
    try:
        _build(made)
        yield made
    finally:
        for name in (made.shield, made.visitors):
            subprocess.run(["ip", "netns", "del", name], check=False, capture_output=True)


def _build(made: Lan) -> None:
    def ip(*words: str) -> None:
        subprocess.run(["ip", *words], check=True, timeout=30)

    for name in (made.shield, made.visitors):
        ip("netns", "add", name)
        ip("-n", name, "link", "set", "lo", "up")
    ip("-n", made.shield, "link", "add", "cable", "type", "veth", "peer", "name", "cable", "netns", made.visitors)
    for name, addresses in ((made.shield, (SHIELD4, SHIELD6)), (made.visitors, VISITORS4 + VISITORS6)):
        for address in addresses:
            plan = (f"{address}/32", "nodad") if ":" in address else (f"{address}/24",)
            ip("-n", name, "addr", "add", *plan, "dev", "cable")
        ip("-n", name, "link", "set", "cable", "up")
