"""An aiohttp server that asks the origin through a ClientSession: how a proxy in Python is written on an afternoon."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path
from typing import ClassVar

from benchmarks.peers.peer import Peer

APPLICATION = Path(__file__).with_name("aiohttp_application.py")


class AiohttpSession(Peer):
    """Runs aiohttp_application.py with the interpreter that runs us."""

    name: ClassVar[str] = "aiohttp"
    program: ClassVar[str] = "aiohttp"

    @classmethod
    def missing(cls) -> str:
        """Aiohttp is a library, not a program."""
        return "" if importlib.util.find_spec("aiohttp") else "aiohttp is not installed"

    def command(self) -> list[str]:
        """The bucket counts in both shapes; one line a request goes to a buffered file."""
        rate = "1000000000" if self.task.shape == "pass" else "0.01"
        log = str(self.room / "access.log")
        return [sys.executable, str(APPLICATION), str(self.port), self.task.origin, rate, log]
