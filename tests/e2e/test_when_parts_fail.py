"""When parts fail: one test a row of the table in docs; the site stays open, and somebody is told."""

from __future__ import annotations

import os
import resource
import signal
from pathlib import Path

from tests.e2e.conftest import Start
from tests.e2e.nodes import until
from tests.e2e.origins import Moody

OPEN = "[limits.client]\nscope = 'client'\nrate = 10000\nburst = 10000\n"


def test_databases_missing_and_damaged(start: Start, moody: Moody, tmp_path: Path) -> None:
    """Each is named once, by one process of the node; networks are unknown or older, and requests go on."""
    (tmp_path / "broken.mmdb").write_bytes(b"no database" * 100)
    geo = f"[geo]\nasn = '{tmp_path}/missing.mmdb'\ncountry = '{tmp_path}/broken.mmdb'\nrefresh = '1s'\n"
    node = start(moody.url, geo + OPEN, workers=2)
    assert node.get("/").status == 200
    degraded = node.status()["degraded"]
    assert any("missing.mmdb" in problem for problem in degraded)
    assert any("broken.mmdb" in problem for problem in degraded)
    said = until(lambda: [event for event in node.events if event["event"] == "geo"], "said")
    until(lambda: node.status()["uptime"] > 3.0, "two more looks")
    said = [event["said"] for event in node.events if event["event"] == "geo"]
    assert sum("missing.mmdb" in line for line in said) == 1
    assert sum("broken.mmdb" in line for line in said) == 1


def test_a_disk_that_fills_while_serving(start: Start, moody: Moody) -> None:
    """Requests go on, the problem is told and not repeated; when there is room again, records are written again."""
    node = start(moody.url, OPEN)
    first = node.get("/first")
    until(lambda: [line for line in node.logged("--action", "any") if line["id"] == first.id], "the first record")
    (worker,) = node.worker_pids()
    limits = resource.prlimit(worker, resource.RLIMIT_FSIZE)
    try:
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (1, limits[1]))
        assert {node.get("/full").status for _ in range(5)} == {200}
        problem = until(lambda: node.status()["journal"]["problem"], "status tells the problem")
        assert "File too large" in problem
        assert node.get("/full").status == 200
        said = [event for event in node.events if event["event"] == "journal"]
        assert len(said) == 1
        assert "requests go on" in said[0]["problem"]
    finally:
        resource.prlimit(worker, resource.RLIMIT_FSIZE, limits)
    last = node.get("/last")
    until(lambda: [line for line in node.logged("--action", "any") if line["id"] == last.id], "the last record")
    until(lambda: not node.status()["journal"]["problem"], "the problem is over")
    paths = [line["path"] for line in node.logged("--action", "any")]
    assert paths.count("/full") == 6
    until(lambda: node.status()["journal"]["records"] >= 8, "records are counted")


def test_an_origin_that_fails(start: Start, moody: Moody) -> None:
    """Garbage and broken connections are 502, silence is 504, nobody there is 502; nothing counts against the client."""
    node = start(moody.url, "[bans]\noffences = 1\n" + OPEN)
    node.edit("[control]", "response_timeout = '500ms'\n[control]")
    assert node.cli("reload").code == 0
    client = "192.0.2.20"
    expected = {"/": 200, "/garbage": 502, "/gone": 502, "/silent": 504}
    for path, status in expected.items():
        answer = node.get(path, client)
        assert (path, answer.status) == (path, status)
        assert status == 200 or answer.id.encode() in answer.body
    assert until(lambda: node.status()["origin"]["up"], "the origin is up")
    moody.close()
    assert node.get("/", client).status == 502
    assert node.get("/", client).status == 502
    until(lambda: node.status()["origin"]["up"] is False, "the origin is down", 30.0)
    records = until(lambda: (found := node.logged("--action", "any"))[5:] and found, "records")
    assert {record["status"]: record["side"] for record in records} == {200: "", 502: "origin", 504: "origin"}
    found = node.status()
    assert found["bans"] == 0
    assert found["requests"] == {"admit": 6, "challenge": 0, "throttle": 0, "refuse": 0, "drop": 0}


def test_a_worker_that_hangs(start: Start, moody: Moody) -> None:
    """A worker that lives and does nothing is ended within some seconds of silence and replaced; the log says so once."""
    node = start(moody.url, OPEN)
    assert node.get("/").status == 200
    (stuck,) = node.worker_pids()
    os.kill(stuck, signal.SIGSTOP)
    said = until(lambda: [event for event in node.events if "stuck" in event["event"]], "found", 60.0)
    assert [(line["worker"], line["pid"], line["doing"]) for line in said] == [(0, stuck, "stopped by a signal")]
    assert said[0]["silent"] >= 10.0
    until(lambda: [pid for pid in node.worker_pids() if pid != stuck], "another worker")
    # Who connected meanwhile waited in the queue of the socket, and is served by the successor.
    assert node.get("/").status == 200
    assert node.status()["worker_restarts"] == 1


def test_a_site_that_is_down_is_shown_as_it_was(start: Start, moody: Moody) -> None:
    """With the key set at a reload, pages of strangers stay up; visitors with cookies read 502; both are written down."""
    node = start(moody.url, OPEN)
    node.edit("[control]", "stale_if_error = '1h'\n[control]")
    assert node.cli("reload").code == 0
    page = node.get("/")
    assert (page.status, node.get("/", Cookie="a=b").status) == (200, 200)
    moody.close()
    shown = node.get("/")
    assert (shown.status, shown.body) == (200, page.body)
    assert shown.headers["cache-status"] == "shieldproxy; hit; detail=stale-if-error"
    assert int(shown.headers["age"]) >= 0
    assert node.get("/", Cookie="a=b").status == 502
    found = until(lambda: [line for line in node.logged("--action", "any") if line["id"] == shown.id], "its record")
    assert (found[0]["status"], found[0]["side"]) == (200, "origin")
    assert found[0]["reasons"][-1].startswith("served stale: ")
