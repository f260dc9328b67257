"""From start to ready: how long a server takes until it answers its first request, and what processor time that costs.

    python -m benchmarks.start [--rounds 5] [--workers N] [--patience SECONDS] [--peer NAME ...]

Rounds alternate between servers. The clock begins before the process is made and ends with the first whole HTTP answer.
Behind the server stands a page of one byte: without any, HAProxy tries for three seconds before it answers 503.
"""

from __future__ import annotations

import http.client
import http.server
import statistics
import tempfile
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import click

from benchmarks.comparison import room_in
from benchmarks.cores import available_cores, processor_seconds
from benchmarks.peers import ALL, Task
from benchmarks.processes import START_SECONDS
from benchmarks.quiet import busy_cores, wait_for_quiet

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from benchmarks.peers import Peer

USUAL = ("shieldproxy", "nginx", "haproxy", "caddy")
# Between two attempts (seconds): finer than what is measured, coarse enough to leave the processor to the server.
STEP = 0.005


class Start(NamedTuple):
    """One start: seconds until the first answer, and processor seconds of the server and its children by then."""

    wall: float
    processor: float


def measure(peer: Peer) -> Start:
    """Start ``peer``, wait for its first answer, end it. Raises benchmarks.processes.StartError."""
    begun = time.perf_counter()
    try:
        peer.start()
        while not answers(peer.port) and time.perf_counter() - begun < START_SECONDS:
            time.sleep(STEP)
        return Start(time.perf_counter() - begun, processor_seconds(peer.pid))
    finally:
        peer.stop()


def answers(port: int) -> bool:
    """Tell whether an HTTP answer comes from 127.0.0.1:`port`; waits for it when somebody accepts."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=START_SECONDS)
    try:
        connection.request("GET", "/")
        return connection.getresponse().status > 0
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def line(name: str, starts: Sequence[Start]) -> str:
    """One row: the median and the best of each figure, in milliseconds."""
    cells = [
        f"{1e3 * figure(column):7.0f}" for column in zip(*starts, strict=True) for figure in (statistics.median, min)
    ]
    return f"{name:14}" + "".join(cells)


class Page(http.server.BaseHTTPRequestHandler):
    """The origin: the same byte for whatever is asked."""

    def do_GET(self) -> None:
        """Answer."""
        self.send_response(200)
        self.send_header("Content-Length", "1")
        self.end_headers()
        self.wfile.write(b"x")

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def origin() -> Iterator[str]:
    """Where the origin is, while it is needed."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()


@click.command()
@click.option("--rounds", default=5, show_default=True, type=click.IntRange(1, 100))
@click.option("--workers", default=len(available_cores()), show_default=True, type=click.IntRange(1, 64))
@click.option("--patience", default=0.0, help="Seconds to wait at most for a quiet machine before each start.")
@click.option("--peer", "peers", multiple=True, type=click.Choice(list(ALL)), help=f"Default: {', '.join(USUAL)}.")
def main(rounds: int, workers: int, patience: float, peers: tuple[str, ...]) -> None:
    """Measure starts of servers, and print the table."""
    wanted = {name: ALL[name].missing() for name in peers or USUAL}
    found: dict[str, list[Start]] = {name: [] for name, missing in wanted.items() if not missing}
    busy = []
    for _ in range(rounds):
        for name, starts in found.items():
            wait_for_quiet(patience)
            busy.append(busy_cores(0.2))
            with room_in(Path(tempfile.gettempdir()), name) as room, origin() as behind:
                starts.append(measure(ALL[name](Task("pass", behind, available_cores(), workers), room)))
    click.echo(f"{rounds} rounds, {workers} workers; others kept {statistics.median(busy):.1f} cores busy (median)")
    click.echo("ms from start    wall   best    cpu   best")
    for name, starts in found.items():
        click.echo(line(name, starts))
    for name, missing in wanted.items():
        if missing:
            click.echo(f"{name}: left out, {missing}")


if __name__ == "__main__":
    main()
