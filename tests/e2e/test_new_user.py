"""What somebody does on the first day: floods it, reads the log, changes a limit, makes a typo."""

from __future__ import annotations

import signal
import subprocess
from contextlib import closing
from pathlib import Path

from tests.e2e.conftest import Start
from tests.e2e.nodes import BROWSER, RUN, Answer, Node, run_once, until
from tests.e2e.origins import Nginx

LIMITS = """
[limits.client]
scope = "client"
rate = 1
burst = 20
"""


def flood(node: Node, times: int, client: str = "") -> list[Answer]:
    """Ask as fast as a loop of curl, and faster."""
    return [node.get("/", client) for _ in range(times)]


def test_the_first_day(start: Start, nginx: Nginx) -> None:
    """A flood gets 429 after its burst; logs lists it, explain explains it; a reload changes it, a typo does not."""
    node = start(nginx.url, LIMITS)
    answers = flood(node, 100)
    statuses = [answer.status for answer in answers]
    refused = answers[statuses.index(429)]
    assert set(statuses) == {200, 429}
    assert 20 <= statuses.count(200) < 60
    assert statuses[:20] == [200] * 20
    assert refused.id.encode() in refused.body
    assert int(refused.headers["retry-after"]) >= 1

    logged = until(lambda: [line for line in node.logged("--limit", "0") if line["id"] == refused.id], "logs shows it")
    assert (logged[0]["action"], logged[0]["stage"], logged[0]["rule"]) == ("throttle", "over_own_limit", "client")
    table = node.cli("logs", "--limit", "0")
    assert refused.id in table.out
    assert max(map(len, table.out.splitlines())) <= 100

    explained = node.cli("explain", refused.id)
    assert explained.code == 0
    line = node.config.read_text().splitlines().index("rate = 1") + 1
    assert f"{node.config}:{line}" in explained.out
    assert "1 request" in explained.out

    reload_with_a_new_limit(node)
    reload_with_a_typo(node, line)


def reload_with_a_new_limit(node: Node) -> None:
    """What is edited holds at once; whoever was beyond the limit still is, because its bucket was kept."""
    node.edit("rate = 1\nburst = 20", "rate = 1\nburst = 25")
    before = node.status()["policy"]
    said = node.cli("reload")
    assert (said.code, said.err) == (0, "")
    until(lambda: 429 in {answer.status for answer in flood(node, 7)}, "the bucket was kept")
    assert node.status()["policy"] != before
    fresh = [answer.status for answer in flood(node, 40, "192.0.2.50")]
    assert fresh[:25] == [200] * 25
    assert 429 in fresh
    node.edit("rate = 1\nburst = 25", "rate = 10000\nburst = 10000")
    assert node.cli("reload").code == 0
    until(lambda: {answer.status for answer in flood(node, 5)} == {200}, "the new limit holds")


def reload_with_a_typo(node: Node, line: int) -> None:
    """It is refused with file and line, and what held before holds."""
    policy = node.status()["policy"]
    node.edit("rate = 10000", "rite = 10000")
    said = node.cli("reload")
    assert said.code == 2
    assert f"config.toml:{line}: limits.client.rite" in said.err
    assert "keeps the configuration it has" in said.err
    status = node.status()
    assert status["policy"] == policy
    assert status["reload_refused"]
    assert {answer.status for answer in flood(node, 5)} == {200}
    node.edit("rite = 10000", "rate = 10000")
    assert node.cli("reload").code == 0
    assert node.status()["reload_refused"] == []


def test_a_hangup_reloads_and_a_terminate_drains(start: Start, nginx: Nginx) -> None:
    """SIGHUP takes a new configuration; SIGTERM lets a download end, takes nobody new, and ends with 0."""
    node = start(nginx.url, LIMITS)
    node.edit("burst = 20", "burst = 3")
    node.signal(signal.SIGHUP)
    until(lambda: any(event["event"] == "reloaded" for event in node.events), "reloaded")
    until(lambda: 429 in {answer.status for answer in flood(node, 4, "192.0.2.60")}, "the new limit holds")
    node.edit("burst = 3", "burst = 'three'")
    node.signal(signal.SIGHUP)
    refused = until(lambda: [event for event in node.events if "refused" in event["event"]], "refused")
    assert "limits.client.burst" in str(refused[0]["problems"])

    with closing(node.connect()) as connection:
        connection.request("GET", "/slow/big.bin", headers=BROWSER | {"Range": "bytes=0-499999"})
        answer = connection.getresponse()
        assert answer.status == 206
        node.signal(signal.SIGTERM)
        until(lambda: turned_away(node), "nobody new is taken")
        assert len(answer.read()) == 500_000
    assert node.wait() == 0


def turned_away(node: Node) -> bool:
    """Tell whether a new client is refused at once, not left waiting."""
    try:
        node.get("/")
    except ConnectionRefusedError:
        return True
    return False


def test_without_any_configuration(tmp_path: Path, nginx: Nginx) -> None:
    """In an empty folder the defaults protect a site: one command, one line, and it serves."""
    process = subprocess.Popen(
        (*RUN, "--origin", nginx.url, "--listen", "127.0.0.1:0", "--set", f"control.listen='unix:{tmp_path}/control'"),
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line.startswith("shieldproxy ready http://127.0.0.1:")
        assert line.endswith(f" -> {nginx.url}\n")
        asked = subprocess.run(
            ("curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", line.split()[2]),
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        assert asked.stdout == "200"
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
        if process.stdout is not None:
            process.stdout.close()
    assert {path.name for path in tmp_path.iterdir()} == {"var"}
    assert sorted(path.name for path in (tmp_path / "var").iterdir()) == ["journal", "state"]


BROKEN = """
[server]
listen = ["127.0.0.1:99999"]
[limits.client]
scope = "client"
rate = 0
[limits.asn]
scope = "asn"
rate = 1
action = "refuse"
[exempt]
clients = ["192.0.2.1/24"]
[colour]
"""


def test_a_broken_configuration_never_starts(tmp_path: Path) -> None:
    """Every problem at once, each with its line and key, exit 2, and nothing was made."""
    (tmp_path / "config.toml").write_text(BROKEN)
    said = run_once(tmp_path)
    assert (said.code, said.out) == (2, "")
    for line, key in (
        (3, "server.listen"),
        (6, "limits.client.rate"),
        (10, "limits.asn.action"),
        (12, "exempt.clients"),
    ):
        assert f"config.toml:{line}: {key}" in said.err
    assert "config.toml:13: colour" in said.err
    assert "Traceback" not in said.err
    assert [path.name for path in tmp_path.iterdir()] == ["config.toml"]


def test_a_journal_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    """Better no start than a shield that cannot prove what it did; the place is named."""
    (tmp_path / "journal").write_text("a file where the folder should be")
    said = run_once(tmp_path, "--listen", "127.0.0.1:0", "--set", f"journal.directory='{tmp_path}/journal'")
    assert (said.code, said.out) == (2, "")
    assert f"{tmp_path}/journal" in said.err
    assert "Traceback" not in said.err


def test_a_port_that_is_taken_stops_the_start(nginx: Nginx, tmp_path: Path) -> None:
    """The address is named, whether visitors or operators were to come there."""
    said = run_once(tmp_path, "--listen", f"127.0.0.1:{nginx.port}")
    assert (said.code, said.out) == (2, "")
    assert f"cannot listen on 127.0.0.1:{nginx.port}: Address already in use" in said.err
    control = f"control.listen='127.0.0.1:{nginx.port}'"
    said = run_once(tmp_path, "--listen", "127.0.0.1:0", "--set", control, "--set", "server.workers=1")
    assert (said.code, said.out) == (2, "")
    assert f"127.0.0.1:{nginx.port}" in said.err
    assert "Traceback" not in said.err
