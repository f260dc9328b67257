"""Print the conformance table: what shieldproxy promises beside what nginx and HAProxy do with the same bytes.

    python -m tests.proxy.conformance [--all]

Without ``--all``, only the rows in which somebody does something else. A cell is the statuses the client hears, and
behind the arrow what the origin is sent.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import tempfile
from pathlib import Path

from tests.proxy.conformance.case import Case
from tests.proxy.conformance.driver import PROBED, converse
from tests.proxy.conformance.peers import installed, running
from tests.proxy.conformance.table import TABLE
from tests.proxy.conformance.wire import StrictOrigin

# What nobody answers within this many seconds is not answered.
PATIENCE = 0.4
WIDTH = 44


async def cell(port: int, case: Case, origin: StrictOrigin) -> str:
    """Return what the server on ``port`` makes of ``case``."""
    origin.clear()
    heard = await converse(port, case, patience=PATIENCE, eager=True)
    told = [str(seen) for seen in origin.seen]
    if PROBED in told:
        told.remove(PROBED)
    return written(heard.statuses, (*told, *(f"AMBIGUOUS {what}" for what in origin.objections)))


def written(statuses: tuple[int, ...], told: tuple[str, ...]) -> str:
    """Return a cell."""
    answers = " ".join(str(status) for status in statuses) or "closed"
    return f"{answers} > {', '.join(repr(request)[1:-1] for request in told)}" if told else answers


def short(text: str) -> str:
    """Return ``text`` as a column holds it."""
    return (text if len(text) < WIDTH else f"{text[: WIDTH - 4]}...").ljust(WIDTH)


async def main(*, everything: bool) -> None:
    """Print the table."""
    names = installed()
    origin = await StrictOrigin().start()
    differing = 0
    print("  ".join(short(title) for title in ("promise", "shieldproxy", *names)))
    with tempfile.TemporaryDirectory() as folder:
        async with contextlib.AsyncExitStack() as stack:
            ports = [await stack.enter_async_context(running(name, origin.port, Path(folder))) for name in names]
            for case in TABLE:
                ours = written(case.statuses, case.received)
                others = [await cell(port, case, origin) for port in ports]
                differing += any(other != ours for other in others)
                if everything or any(other != ours for other in others):
                    print("  ".join(short(text) for text in (case.promise, ours, *others)).rstrip())
    await origin.stop()
    print(f"{len(TABLE)} cases, {differing} of them different elsewhere")


if __name__ == "__main__":
    asyncio.run(main(everything="--all" in sys.argv[1:]))
