"""A node of shieldproxy for a row of the table: its own configuration, started as users start it."""

from __future__ import annotations

import http.client
import re
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from benchmarks.cores import on_cores
from benchmarks.processes import STOP_SECONDS, StartError, free_port

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Self

ROOT = Path(__file__).resolve().parents[1]
HERE = "127.0.0.1"
DRAIN_SECONDS = 5.0
COUNTED_SECONDS = 1.2  # the node adds up what its workers counted once a second
_SAMPLE = re.compile(r"^(shieldproxy_\w+)(?:\{[^}]*\})? (\S+)$", re.MULTILINE)

CONFIG = """\
[server]
listen = ["{listen}"]
workers = {workers}
drain = "2s"
{server}
[origin]
url = "{origin}"
{site}
[journal]
directory = "{room}/journal"
[state]
directory = "{room}/state"
{state}
[control]
listen = "127.0.0.1:{control}"
{more}
"""


class Node:
    """Use it in a ``with`` statement.

    `server`, `site` and `state` are lines for the sections server, origin and state, `more` is further sections.
    `before` are words of a command in which it runs, such as ``ip netns exec``. What is not named has its default.
    """

    def __init__(  # noqa: PLR0913 - what differs from row to row
        self,
        room: Path,
        cores: frozenset[int],
        *,
        origin: str = "http://127.0.0.1:9",
        site: str = "",
        workers: int = 1,
        listen: str = "",
        server: str = "",
        state: str = "",
        more: str = "",
        before: Sequence[str] = (),
    ) -> None:
        self.room = room
        self.config = room / "node.toml"
        self.control = free_port()
        self.port = int(listen.rpartition(":")[2]) if listen else free_port()
        self.ready_s = 0.0
        self._cores = cores
        self._before = tuple(before)
        self._popen: subprocess.Popen[str] | None = None
        self.config.write_text(
            CONFIG.format(
                listen=listen or f"{HERE}:{self.port}",
                workers=workers,
                server=server,
                origin=origin,
                site=site,
                room=room,
                state=state,
                control=self.control,
                more=more,
            )
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Return when it says that it is ready; StartError when it ends instead."""
        began = time.monotonic()
        with (self.room / "node.log").open("ab") as log, on_cores(self._cores):
            self._popen = subprocess.Popen(
                [*self._before, sys.executable, "-m", "shieldproxy", "run", "-c", str(self.config)],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._popen.stdout is not None
        line = self._popen.stdout.readline()
        self.ready_s = time.monotonic() - began
        if not line.startswith("shieldproxy ready"):
            self.stop()
            raise StartError(f"the node did not start: {(self.room / 'node.log').read_text()[-300:]}")

    def stop(self) -> None:
        """End it in order; what is in the journal after that is all there will be. Safe to call twice."""
        popen, self._popen = self._popen, None
        if popen is None:
            return
        popen.terminate()
        try:
            popen.wait(STOP_SECONDS + DRAIN_SECONDS)
        except subprocess.TimeoutExpired:
            popen.kill()
            popen.wait()
        if popen.stdout is not None:
            popen.stdout.close()

    def signal(self, number: int) -> None:
        """Send it a signal."""
        assert self._popen is not None
        self._popen.send_signal(number)

    @property
    def pid(self) -> int:
        """The supervisor; its workers are its children."""
        assert self._popen is not None
        return self._popen.pid

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HERE}:{self.port}"

    def counters(self) -> Counter[str]:
        """Its metrics as of now, each added up over its labels. Takes COUNTED_SECONDS, for so old they may be."""
        time.sleep(COUNTED_SECONDS)
        connection = http.client.HTTPConnection(HERE, self.control, timeout=10)
        try:
            connection.request("GET", "/metrics")
            text = connection.getresponse().read().decode()
        finally:
            connection.close()
        counted: Counter[str] = Counter()
        for name, value in _SAMPLE.findall(text):
            counted[name] += float(value)  # type: ignore[assignment]  # a Counter adds floats as well
        return counted

    def weights(self) -> Counter[str]:
        """How many requests stand in its journal, by the rule or limit that decided ('' for none)."""
        return weights_in(self.room / "journal")


def weights_in(journal: Path) -> Counter[str]:
    """How many requests the records in `journal` stand for, by the rule or limit that decided ('' for none)."""
    counted: Counter[str] = Counter()
    for path in journal.rglob("*.jsonl"):
        with path.open("rb") as lines:
            for line in lines:
                record = orjson.loads(line)
                if "action" in record:  # what is none is of the notary's log
                    counted[record["rule"]] += record["weight"]
    return counted
