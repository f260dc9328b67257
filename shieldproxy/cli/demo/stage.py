"""The stage: a directory of its own, free ports on loopback, a configuration; and the node, started as users do."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from shieldproxy.core.errors import StartError
from shieldproxy.intel.tables import SNAPSHOT

HERE = "127.0.0.1"
# The made-up site is asked for by this name; nobody on the Internet can have it (RFC 2606).
SITE = "www.beispielhausen.example"
READY = "shieldproxy ready "
# A slow machine starts its workers within this; a node that ends in order needs a second or two.
START_PATIENCE = 30.0
STOP_PATIENCE = 8.0
# More add nothing to a show of 200 requests a second, and each takes memory.
MOST_WORKERS = 4

CONFIG = """\
# The configuration of this run of `shieldproxy demo`. Everything that is not here has its built-in value:
# limits, rules, challenge and bans are those of a site that nobody has tuned.

[server]
listen = ["{listen}"]
workers = {workers}
# All clients of the demo sit on this machine. Each says by the PROXY protocol which address it plays, as a load
# balancer would, and only this machine is believed.
client_address = "proxy-protocol"
trusted_proxies = ["127.0.0.0/8"]
hosts = ["{site}"]

[origin]
url = "http://{origin}"

[posture]
# Ten seconds of calm are too few for an audit by chance to tell anything.
audit = 0
[geo]
# The addresses of the demo were drawn from the bundled snapshot, so it labels them.
asn = "{asn}"
country = "{country}"

[journal]
directory = "journal"

[state]
directory = "state"

[control]
listen = "{control}"
"""


class Ports(NamedTuple):
    """Where the shield, the site and the control room listen on loopback."""

    shield: int
    origin: int
    control: int


class Stage(NamedTuple):
    """Where this run keeps what it makes."""

    directory: Path

    @property
    def config(self) -> Path:
        """The configuration of the node."""
        return self.directory / "config.toml"

    @property
    def journal(self) -> Path:
        """Where the node writes its decisions down."""
        return self.directory / "journal"

    @property
    def node_log(self) -> Path:
        """What the node says while it runs."""
        return self.directory / "node.log"

    @property
    def report(self) -> Path:
        """The report for people."""
        return self.directory / "report.txt"

    @property
    def result(self) -> Path:
        """The result for programs."""
        return self.directory / "result.json"

    def write_config(self, ports: Ports) -> None:
        """Write the configuration of the node."""
        text = CONFIG.format(
            listen=f"{HERE}:{ports.shield}",
            origin=f"{HERE}:{ports.origin}",
            control=f"{HERE}:{ports.control}",
            workers=min(MOST_WORKERS, len(os.sched_getaffinity(0))),
            site=SITE,
            asn=SNAPSHOT / "asn.mmdb",
            country=SNAPSHOT / "country.mmdb",
        )
        self.config.write_text(text, "utf-8")


def build_stage(stamp: str, below: Path = Path("var/demo")) -> Stage:
    """Make the directory ``below/stamp``, elsewhere when it cannot be written there; raises StartError."""
    for number in range(100):
        directory = below / (f"{stamp}-{number}" if number else stamp)
        try:
            directory.mkdir(parents=True)
            return Stage(directory)
        except FileExistsError:
            continue
        except OSError:
            break
    try:
        return Stage(Path(tempfile.mkdtemp(prefix="shieldproxy-demo-")))
    except OSError as error:
        raise StartError(f"the demo finds no place to write: {error}") from error


# Below what Linux gives to outgoing connections (32768 and up): the demo makes a thousand of those.
PORTS = range(20_000, 32_000)


def free_ports() -> Ports:
    """Return ports of loopback that nobody listens on at the moment."""
    found: list[int] = []
    for port in random.sample(PORTS, 200):
        with socket.socket() as trial, contextlib.suppress(OSError):
            trial.bind((HERE, port))
            found.append(port)
        if len(found) == len(Ports._fields):
            return Ports(*found)
    raise OSError(f"no free ports on {HERE} from {PORTS.start} to {PORTS.stop}")


class NodeProcess:
    """The node, a process group of its own, so that a Ctrl-C in the terminal reaches only the demo."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._process: asyncio.subprocess.Process | None = None

    async def launch(self) -> None:
        """Start it and return at once."""
        with self._stage.node_log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                *("-m", "shieldproxy", "run", "-c", str(self._stage.config)),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                start_new_session=True,
            )

    async def accepting(self) -> None:
        """Return when it accepts; raises StartError with what it said."""
        assert self._process is not None
        assert self._process.stdout is not None
        try:
            async with asyncio.timeout(START_PATIENCE):
                line = await self._process.stdout.readline()
        except TimeoutError:
            raise StartError(f"the node was not ready after {START_PATIENCE:g} s; see {self._stage.node_log}") from None
        if not line.decode("utf-8", "replace").startswith(READY):
            await self._process.wait()
            said = self._stage.node_log.read_text("utf-8", "replace").strip().splitlines()
            raise StartError("the node did not start: " + (said[-1] if said else f"see {self._stage.node_log}"))

    @property
    def ended(self) -> int | None:
        """The exit code when the node has ended, else None."""
        return None if self._process is None else self._process.returncode

    async def stop(self) -> int:
        """End it in order, after a while by force, with all its workers; return its exit code. Safe to call twice."""
        process = self._process
        if process is None:
            return 0
        if process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(STOP_PATIENCE):
                    await process.wait()
        if process.returncode != 0:
            # It hangs, or died and left workers behind: they are of its process group.
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        return await process.wait()
