"""A real node before a real web server. Whatever happens, no process is left behind."""

from __future__ import annotations

import os
import statistics
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

from tests.e2e.nodes import Node
from tests.e2e.origins import NGINX, Moody, Nginx

Start = Callable[..., Node]
# Seconds from the command to its "ready"; told at the end of the run, asserted nowhere.
STARTS: list[float] = []


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tell how long nodes took to start on this machine."""
    if STARTS:
        spread = f"{min(STARTS):.1f} to {max(STARTS):.1f} s, median {statistics.median(STARTS):.1f} s"
        terminalreporter.write_line(f"from start to ready: {spread} ({len(STARTS)} nodes, {os.cpu_count()} cores)")


@pytest.fixture(scope="session")
def nginx(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Nginx]:
    """Debian's nginx with real files."""
    if NGINX is None:
        pytest.skip("nginx")
    with closing(Nginx(tmp_path_factory.mktemp("nginx"))) as server:
        yield server


@pytest.fixture
def moody() -> Iterator[Moody]:
    """An origin that misbehaves on request."""
    with closing(Moody()) as server:
        yield server


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """A function that starts a node before an origin: ``start(url, more_configuration, workers=2)``."""
    with ExitStack() as nodes:

        def started(origin: str, more: str = "", *, workers: int = 1) -> Node:
            node = nodes.enter_context(closing(Node(tmp_path, origin, more, workers=workers))).start()
            STARTS.append(node.seconds_to_ready)
            return node

        yield started
