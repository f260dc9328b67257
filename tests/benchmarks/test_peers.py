"""The compared servers, each started for real where it is installed."""

from __future__ import annotations

import http.client
from typing import TYPE_CHECKING

import pytest

from benchmarks.browser import FIELDS
from benchmarks.cores import available_cores
from benchmarks.origin import PAGE, Origin
from benchmarks.peers import ALL, Task

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from benchmarks.peers.peer import Shape


@pytest.fixture(scope="module")
def origin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Origin]:
    with Origin(tmp_path_factory.mktemp("origin"), available_cores()) as running:
        yield running


def ask(port: int, times: int) -> tuple[list[int], bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    statuses = []
    body = b""
    for _ in range(times):
        connection.request("GET", "/page.html", headers=dict(FIELDS))
        answer = connection.getresponse()
        statuses.append(answer.status)
        body = answer.read()
    connection.close()
    return statuses, body


@pytest.mark.parametrize(
    ("name", "shape"),
    [(name, shape) for name in ALL for shape in ("pass", "deny", "challenge") if shape in ALL[name].shapes],
)
def test_does_what_it_is_measured_for(name: str, shape: Shape, origin: Origin, tmp_path: Path) -> None:
    """The origin's page arrives every time; a client that goes on gets 429; a stranger gets the page of a challenge."""
    kind = ALL[name]
    if kind.missing():
        pytest.skip(kind.missing())
    page = b"a page that asks who you are"
    peer = kind(Task(shape, origin.url, available_cores(), page=page), tmp_path)
    try:
        peer.start()
        statuses, body = ask(peer.port, 5)
    finally:
        peer.stop()
    if shape == "pass":
        assert (statuses, body) == ([200] * 5, PAGE)
    elif shape == "challenge":
        assert statuses == [503] * 5 if name == "shieldproxy" else (statuses, body) == ([200] * 5, page)
    else:
        assert statuses[-1] == 429
