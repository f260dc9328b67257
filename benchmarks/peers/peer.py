"""What every compared server has in common."""

from __future__ import annotations

import shutil
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal

from benchmarks.processes import Process, free_port

if TYPE_CHECKING:
    from pathlib import Path

Shape = Literal["pass", "deny", "challenge", "answers"]
"""What a server shall do with the load.

Hand it to the origin while counting it, answer 429 by its limit, give every stranger the page of a challenge, or
judge answers to challenges.
"""


@dataclass(frozen=True, slots=True)
class Task:
    """What a server is configured for."""

    shape: Shape
    origin: str
    """The origin as http://127.0.0.1:PORT, without a path."""
    cores: frozenset[int]
    """Where the server and all its children run."""
    workers: int = 1
    page: bytes = b""
    """In the shape challenge: what peers that know no challenge serve as a file."""

    @property
    def origin_authority(self) -> str:
        """Host and port of the origin."""
        return self.origin.removeprefix("http://")


class Peer(ABC):
    """One server for one measurement, in a directory of its own that the caller removes."""

    name: ClassVar[str]
    program: ClassVar[str]
    shapes: ClassVar[frozenset[Shape]] = frozenset({"pass", "deny"})

    def __init__(self, task: Task, room: Path) -> None:
        self.task = task
        self.room = room
        self.port = free_port()
        self._process: Process | None = None

    @classmethod
    def missing(cls) -> str:
        """Why this server cannot be measured here, in a few words; empty when it can."""
        return "" if shutil.which(cls.program) else f"{cls.program} is not installed"

    @abstractmethod
    def command(self) -> list[str]:
        """Writes the configuration into the room and returns what to start, to stay in the foreground."""

    def environment(self) -> dict[str, str]:
        """Variables the server needs beside ours."""
        return {}

    def start(self) -> None:
        """Returns when the server accepts connections; StartError when it does not come up."""
        self._process = Process(
            self.command(),
            log=self.room / "output.log",
            cores=self.task.cores,
            cwd=self.room,
            environment=self.environment(),
        )
        try:
            self._process.wait_until_open(self.port)
        except Exception:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends the server. Safe to call twice, or without a start."""
        if self._process is not None:
            self._process.stop()

    @property
    def pid(self) -> int:
        """The process id of the running server."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process.pid

    @property
    def url(self) -> str:
        """Where the server listens."""
        return f"http://127.0.0.1:{self.port}"
