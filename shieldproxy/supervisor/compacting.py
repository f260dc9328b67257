"""Compacting: a process beside the node keeps the journal's index, one at a time, at the lowest priority.

It is a process so that its memory goes back when it is done, and its end, whatever it was, is no concern of the node:
the next one does what this one left.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import shieldproxy
from shieldproxy.attribution.engine import available
from shieldproxy.settings.compiling import compile_episodes

if TYPE_CHECKING:
    from shieldproxy.settings.schema import Settings

# Parts of ten minutes wait for their last segments as long.
ROUND = 300.0


class CompactingError(Exception):
    """The index is not kept; the message says what the process said last."""


class Compactor:
    """Starts that process, when the engine is there (the extra ``analysis``)."""

    def __init__(self) -> None:
        self._rested = False

    async def turn(self, settings: Settings) -> None:
        """Bring the index up to date; raises CompactingError. The first turn does nothing: a node that starts is busy.

        Cancelled, it ends the process.
        """
        if not self._rested or not available():
            self._rested = True
            return
        process = await asyncio.create_subprocess_exec(
            *command(settings), stdin=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.PIPE
        )
        try:
            _, said = await process.communicate()
        except asyncio.CancelledError:
            process.terminate()
            raise
        if process.returncode:
            last = said.decode("utf-8", "replace").strip().splitlines()[-1:] or [f"exit {process.returncode}"]
            raise CompactingError(last[0])


def command(settings: Settings) -> tuple[str, ...]:
    """Return how the process is started: with the very package that runs here, wherever the operator stands."""
    # A node that starts reads no journal, so what reads it is imported later.
    from shieldproxy.attribution.upkeep import written  # noqa: PLC0415

    home = str(Path(shieldproxy.__file__).parent.parent)
    begin = (
        f"import sys; sys.path.insert(0, {home!r}); from shieldproxy.attribution.upkeep import main; main(sys.argv[1:])"
    )
    return sys.executable, "-P", "-c", begin, str(settings.journal.directory), written(compile_episodes(settings))
