"""The embedded node: everything a guard needs, inside a program that is not ours."""

from __future__ import annotations

import json
import logging
import re
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from aiohttp import ClientConnectionError, ClientSession, web

from shieldproxy.core.errors import StartError
from shieldproxy.middleware import shield_middleware
from shieldproxy.settings.reading import load
from shieldproxy.supervisor.embedded import EmbeddedNode, ProgramLog

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

DOCUMENT = Path(__file__).parent.parent.parent / "docs" / "middleware.md"
CONFIG = """
[limits.client]
scope = "client"
rate = 0.1
burst = 2
action = "{action}"
[bans]
floods = 2
offences = 2
[state]
directory = "state"
buckets = 1024
[journal]
directory = "journal"
"""


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration with a limit that is soon used up."""
    path = tmp_path / "config.toml"
    path.write_text(CONFIG.format(action="throttle"))
    return path


@asynccontextmanager
async def serving(application: web.Application) -> AsyncIterator[str]:
    """Serve ``application`` with one page; the address of that page."""

    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="hello")

    application.router.add_get("/", page)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield f"http://127.0.0.1:{runner.addresses[0][1]}/"
    await runner.cleanup()


def around(node: EmbeddedNode) -> web.Application:
    """Return an application with ``node`` before it."""
    application = web.Application(middlewares=[shield_middleware(node.guard)])
    application.cleanup_ctx.append(node.running)
    return application


async def statuses(url: str, count: int) -> list[int]:
    """Return the statuses of ``count`` requests; 0 for a connection that was cut."""
    found = []
    for _ in range(count):
        try:
            async with ClientSession() as session, session.get(url) as answer:
                found.append(answer.status)
        except ClientConnectionError:
            found.append(0)
    return found


def records(directory: Path) -> list[dict[str, Any]]:
    """Return all records of a journal."""
    lines = [line for segment in sorted(directory.rglob("*.jsonl*")) for line in segment.read_text().splitlines()]
    return [json.loads(line) for line in lines]


async def test_the_example_of_the_documentation_protects(config: Path) -> None:
    """What docs/middleware.md shows works as it stands, limits hold, and every decision is in the journal."""
    example = re.search(r"```python\n(.+?)```", DOCUMENT.read_text(), re.DOTALL)
    assert example is not None
    assert len(example[1].strip().splitlines()) <= 15
    shown: dict[str, Any] = {}
    exec(compile(example[1], str(DOCUMENT), "exec"), shown)
    async with serving(shown["protected"](config)) as url:
        assert await statuses(url, 4) == [200, 200, 429, 429]
    written = records(config.parent / "journal")
    assert [record["action"] for record in written] == ["admit", "admit", "throttle", "throttle"]
    assert {record["node"] for record in written} == {"embedded-0"}
    assert re.fullmatch(r"[0-9a-f]{8}\.0\.[0-9a-f]+", written[0]["id"])


async def test_bans_outlive_a_restart(config: Path) -> None:
    """A ban of the ladder is kept in the state directory, and holds when the program starts again."""
    async with serving(around(EmbeddedNode(load(config)))) as url:
        assert (await statuses(url, 8))[-1] == 0
    async with serving(around(EmbeddedNode(load(config)))) as url:
        assert await statuses(url, 1) == [0]


async def test_an_edited_configuration_is_adopted(config: Path) -> None:
    """Limits change while the program runs, and buckets keep what they hold."""
    edited = config.with_name("edited.toml")
    edited.write_text(CONFIG.format(action="refuse"))
    node = EmbeddedNode(load(config))
    async with serving(around(node)) as url:
        assert await statuses(url, 3) == [200, 200, 429]
        node.adopt(load(edited))
        assert await statuses(url, 1) == [403]


async def test_a_journal_that_cannot_be_written_stops_the_start(config: Path) -> None:
    """The program hears of it when it starts, not when records are missing."""
    (config.parent / "journal").write_text("a file in its place")
    node = EmbeddedNode(load(config))
    with pytest.raises(StartError, match="journal"):
        async with serving(around(node)):
            pass


def test_what_is_logged_goes_to_the_programs_log(caplog: pytest.LogCaptureFixture) -> None:
    """One line an event, which no value can break into two."""
    caplog.set_level(logging.INFO, "shieldproxy")
    log = ProgramLog()
    log.info("banned", client="192.0.2.1\nforged", rung=1)
    log.warning("posture", posture="elevated")
    log.error("a tick failed", exc_info=ValueError("odd"))
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [
        ("INFO", "banned client=192.0.2.1\\x0aforged rung=1"),
        ("WARNING", "posture posture=elevated"),
        ("ERROR", "a tick failed"),
    ]
    assert caplog.records[2].exc_info is not None
