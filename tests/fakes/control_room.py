"""A real control room before a fake node, in a thread of its own, for commands that block while they ask."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from pathlib import Path

from shieldproxy.control.server import ControlServer
from shieldproxy.control.token import keep_token
from shieldproxy.settings.endpoints import Listen
from tests.fakes.chance import CountedChance
from tests.fakes.node import FakeNode


class ControlRoom:
    """Listens on a free port of loopback by default; ``config`` is a file that describes it to commands."""

    def __init__(self, folder: Path, listen: Listen | None = None) -> None:
        self.node = FakeNode()
        self.config = folder / "config.toml"
        self.token_file = folder / "var" / "state" / "control.token"
        token = keep_token(self.token_file, CountedChance())
        self._loop = asyncio.new_event_loop()
        self._server = ControlServer(self.node, listen or Listen("127.0.0.1", 0), token, time.monotonic)
        self._loop.run_until_complete(self._server.start())
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        self.describe("")

    @property
    def listen(self) -> Listen:
        return self._server.listen

    def describe(self, more: str) -> None:
        """Write the configuration, with ``more`` before its part about the control room."""
        self.config.write_text(f"{more}\n[control]\nlisten = {json.dumps(str(self.listen))}\n")

    def close(self) -> None:
        """Stop listening; a second time does nothing."""
        if self._loop.is_closed():
            return
        asyncio.run_coroutine_threadsafe(self._server.stop(), self._loop).result(10)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()
