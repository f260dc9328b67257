"""The node of the field and its site: started as users start them, with the repository's own configuration."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp

from shieldproxy.cli.demo.stage import HERE, SITE, Ports

CONFIG = Path(__file__).resolve().parents[2] / "config.toml"
READY = 30.0
ENDING = 10.0
# How often the node is asked how it stands (seconds).
ASKED = 0.5


class Moment(NamedTuple):
    """How the node stood at ``at`` (monotonic seconds)."""

    at: float
    posture: str
    reason: str


def settings(ports: Ports, directory: Path, extra: tuple[str, ...]) -> list[str]:
    """Return the options that change nothing but where the node listens, writes and whom it believes."""
    values = (
        f'server.listen=["{HERE}:{ports.shield}"]',
        'server.client_address="proxy-protocol"',
        'server.trusted_proxies=["127.0.0.0/8"]',
        f'origin.url="http://{HERE}:{ports.origin}"',
        f'journal.directory="{directory / "journal"}"',
        f'state.directory="{directory / "state"}"',
        f'control.listen="{HERE}:{ports.control}"',
        *extra,
    )
    return [word for value in values for word in ("--set", value)]


class Process:
    """A process of the field, with a process group of its own."""

    def __init__(self) -> None:
        self.process: asyncio.subprocess.Process | None = None

    async def start(self, arguments: list[str], log: Path, ready: str) -> None:
        """Start and wait for the line that says it is ready."""
        with log.open("wb") as file:
            self.process = await asyncio.create_subprocess_exec(
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=file,
                start_new_session=True,
            )
        assert self.process.stdout is not None
        async with asyncio.timeout(READY):
            line = (await self.process.stdout.readline()).decode()
        if ready not in line:
            raise RuntimeError(f"{arguments[:4]} did not start; see {log}")

    @property
    def pid(self) -> int:
        """Its number; 0 before it was started."""
        return self.process.pid if self.process else 0

    async def stop(self) -> None:
        """End it in order, after a while by force."""
        process = self.process
        if process is None or process.returncode is not None:
            return
        assert process.stdin is not None
        process.stdin.close()
        if "benchmarks.field.origin" not in str(process):
            with contextlib.suppress(ProcessLookupError):
                process.send_signal(signal.SIGTERM)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(ENDING):
                await process.wait()
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)


class Origin(Process):
    """The site."""

    async def open(self, port: int, directory: Path) -> None:
        """Start it."""
        self.file = directory / "origin.txt"
        arguments = [sys.executable, "-m", "benchmarks.field.origin", str(port), str(self.file)]
        await self.start(arguments, directory / "origin.log", "ready")

    async def seen(self) -> list[tuple[float, str, float]]:
        """End it and return what it saw: moment, client, seconds."""
        assert self.process is not None
        assert self.process.stdin is not None
        self.process.stdin.close()
        await self.process.wait()
        rows = (line.split() for line in self.file.read_text("ascii").splitlines())
        return [(float(at), client, float(took)) for at, client, took in rows]


class Node(Process):
    """The shield."""

    def __init__(self, ports: Ports, directory: Path, extra: tuple[str, ...] = ()) -> None:
        super().__init__()
        self._extra = extra
        self._ports = ports
        self._directory = directory
        self.moments: list[Moment] = []

    async def open(self) -> None:
        """Start it."""
        arguments = [sys.executable, "-m", "shieldproxy", "run", "-c", str(CONFIG)]
        arguments += settings(self._ports, self._directory, self._extra)
        await self.start(arguments, self._directory / "node.log", "shieldproxy ready")

    async def watch(self) -> None:
        """Ask it again and again how it stands, for ever."""
        token = (self._directory / "state" / "control.token").read_text("ascii").strip()
        headers = {"Authorization": f"Bearer {token}"}
        async with aiohttp.ClientSession(f"http://{HERE}:{self._ports.control}", headers=headers) as session:
            while True:
                with contextlib.suppress(aiohttp.ClientError, TimeoutError):
                    async with session.get("/api/v1/status", timeout=aiohttp.ClientTimeout(2.0)) as got:
                        found: dict[str, Any] = await got.json()
                    moment = Moment(time.monotonic(), found["posture"], found["posture_reason"])
                    self.moments.append(moment)
                await asyncio.sleep(ASKED)


async def episodes(directory: Path) -> list[dict[str, Any]]:
    """Return what the ledger says of the journal in ``directory``; [] when it says nothing."""
    config = directory / "ledger.toml"
    await asyncio.to_thread(config.write_text, '[journal]\ndirectory = "journal"\n', "ascii")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "shieldproxy", "episodes", "-c", str(config), "--format", "json"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    out, _ = await process.communicate()
    return [json.loads(line) for line in out.splitlines() if line.startswith(b"{")]


async def send(volleys: bytes, port: int, begin: float) -> dict[str, int]:
    """Let the sender send pickled ``volleys`` from ``begin`` on; return the answers by status."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "benchmarks.field.sender", str(port), str(begin)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        out, _ = await process.communicate(volleys)
    except asyncio.CancelledError:
        process.kill()
        raise
    answers: dict[str, int] = json.loads(out)
    return answers


__all__ = ["HERE", "SITE", "Moment", "Node", "Origin", "Ports", "send"]
