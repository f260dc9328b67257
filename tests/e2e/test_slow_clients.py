"""slowhttptest, the tool people try slow attacks with, against a node: who behaves is served, who is slow is let go."""

from __future__ import annotations

import csv
import http.client
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from tests.e2e.nodes import BROWSER, Node, until
from tests.e2e.origins import Nginx

TOOL = shutil.which("slowhttptest")
# Nobody is refused for what he asks: patience alone is tried here. The times are short, so that the test is.
CONFIG = """
[server.timeouts]
header = "2s"
body_idle = "2s"
write = "2s"
"""
# More than one client may hold (256), so that its cap is met too; bounded in time by -l.
SECONDS = 6
MANY = ("-c", "400", "-r", "200", "-i", "1", "-l", str(SECONDS), "-p", "3")
MODES = {
    "slow heads": ("-H", "-x", "24"),
    "slow bodies": ("-B", "-s", "8192", "-x", "10"),
    "slow reading": ("-X", "-w", "10", "-y", "20", "-n", "5", "-z", "32", "-k", "3"),
    "ranges": ("-R", "-a", "5", "-b", "3000"),
}
# Another address of this machine: nobody who behaves shares the attacker's.
GOOD = "127.0.0.77"


@pytest.fixture
def node(nginx: Nginx, tmp_path: Path) -> Iterator[Node]:
    """A node that takes its peers for its clients."""
    with closing(Node(tmp_path, nginx.url, CONFIG)) as running:
        said = running.config.read_text()
        for line in ('trusted_proxies = ["127.0.0.1"]\n', 'client_address = "x-forwarded-for"\n'):
            said = said.replace(line, "")
        running.config.write_text(said.replace("[server]", '[server]\nmode = "observe"', 1))
        yield running.start()


def visit(port: int) -> int:
    """Return the status of a page asked for by somebody who behaves."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10, source_address=(GOOD, 0))
    with closing(connection):
        connection.request("GET", "/", headers=BROWSER)
        answer = connection.getresponse()
        answer.read()
        return answer.status


def open_files(node: Node) -> int:
    """Return how many descriptors the workers hold."""
    return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in node.worker_pids())


def connections_told(told: Path) -> int:
    """Return how many connections the tool had, by its own count for each second."""
    with told.open() as table:
        return max(int(row["Connected"]) + int(row["Closed"]) for row in csv.DictReader(table))


@pytest.mark.skipif(TOOL is None, reason="slowhttptest is not installed")
@pytest.mark.parametrize("mode", MODES)
def test_whoever_behaves_is_served_while_hundreds_are_slow(node: Node, mode: str, tmp_path: Path) -> None:
    """During the whole attack each visit is answered, and afterwards nothing of it is left."""
    assert TOOL is not None
    assert visit(node.port) == 200
    before = open_files(node)
    target = f"http://127.0.0.1:{node.port}/big.bin"
    command = (TOOL, *MODES[mode], *MANY, "-g", "-o", str(tmp_path / "told"), "-u", target)
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as attack:
        try:
            visits = [visit(node.port)]
            while attack.poll() is None:
                visits.append(visit(node.port))
                time.sleep(0.05)
        finally:
            attack.kill()
    assert set(visits) == {200}
    assert connections_told(tmp_path / "told.csv") >= 100, "the attack took place"
    until(lambda: open_files(node) <= before + 2, "everything of the attack is let go")
