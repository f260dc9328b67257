"""A second real browser for tests: Debian's Firefox ESR, spoken to by WebDriver BiDi (W3C) over a websocket.

Playwright drives only a Firefox of its own making; the one that people have speaks BiDi when it is asked to.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import re
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from websockets.asyncio.client import ClientConnection, connect

FIREFOX = shutil.which("firefox-esr")
IN_FIREFOX = [
    pytest.mark.skipif(FIREFOX is None, reason="firefox-esr"),
    pytest.mark.asyncio(loop_scope="session"),
]
LISTENING = re.compile(rb"WebDriver BiDi listening on (ws://\S+)")
# No first-run pages, no calls home that a closed network would answer with delays.
WISHES: dict[str, object] = {
    "browser.shell.checkDefaultBrowser": False,
    "browser.startup.homepage_override.mstone": "ignore",
    "datareporting.policy.dataSubmissionEnabled": False,
    "app.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "extensions.getAddons.cache.enabled": False,
    "services.settings.server": "data:,",
    "intl.accept_languages": "en-GB, en",
    "toolkit.cosmeticAnimations.enabled": False,
}
PATIENCE = 60.0


class Firefox:
    """One browser with one tab."""

    def __init__(self, line: ClientConnection) -> None:
        self._line = line
        self._numbers = itertools.count(1)
        self._tab = ""

    async def start(self) -> None:
        """Open a session and find the tab."""
        await self.say("session.new", capabilities={})
        tree = await self.say("browsingContext.getTree")
        self._tab = tree["contexts"][0]["context"]

    async def say(self, method: str, **parameters: object) -> dict[str, Any]:
        """Send a command and return its result; what the browser tells unasked is not read."""
        number = next(self._numbers)
        await self._line.send(json.dumps({"id": number, "method": method, "params": parameters}))
        async with asyncio.timeout(PATIENCE):
            while True:
                heard: dict[str, Any] = json.loads(await self._line.recv())
                if heard.get("id") == number:
                    break
        assert heard["type"] == "success", heard
        result: dict[str, Any] = heard["result"]
        return result

    async def open(self, url: str) -> None:
        """Go to an address, and wait until what comes first has begun."""
        await self.say("browsingContext.navigate", context=self._tab, url=url, wait="interactive")

    async def evaluate(self, code: str) -> Any:
        """Return what ``code`` says in the page: text, a number or a truth."""
        target = {"context": self._tab, "sandbox": "tests"}
        got = await self.say("script.evaluate", expression=code, target=target, awaitPromise=True)
        assert got["type"] == "success", got
        return got["result"].get("value")

    async def shows(self, text: str, url: str = "") -> str:
        """Wait until ``text`` can be read on the page, at ``url`` where that is given; return the address of it."""
        there = f" && location.href === {json.dumps(url)}" if url else ""
        reads = f"document.body && document.body.innerText.includes({json.dumps(text)}){there} && location.href"
        seen = ""
        async with asyncio.timeout(PATIENCE):
            while True:
                try:
                    found = await self.evaluate(reads)
                    if isinstance(found, str):
                        return found
                    seen = str(await self.evaluate("document.body && document.body.innerText"))
                except AssertionError as error:  # the page went away while it was asked
                    seen = str(error)
                await asyncio.sleep(0.05)
        raise AssertionError(seen)

    async def press(self, selector: str) -> None:
        """Click an element as a hand does."""
        found = await self.say(
            "browsingContext.locateNodes", context=self._tab, locator={"type": "css", "value": selector}
        )
        element = {"type": "element", "element": {"sharedId": found["nodes"][0]["sharedId"]}}
        steps = [
            {"type": "pointerMove", "x": 0, "y": 0, "origin": element},
            {"type": "pointerDown", "button": 0},
            {"type": "pointerUp", "button": 0},
        ]
        hand = {"type": "pointer", "id": "mouse", "actions": steps}
        await self.say("input.performActions", context=self._tab, actions=[hand])

    async def choose(self, selector: str, file: Path) -> None:
        """Choose a file for an input."""
        found = await self.say(
            "browsingContext.locateNodes", context=self._tab, locator={"type": "css", "value": selector}
        )
        element = {"sharedId": found["nodes"][0]["sharedId"]}
        await self.say("input.setFiles", context=self._tab, element=element, files=[str(file)])

    async def back(self) -> None:
        """Press "back"."""
        await self.say("browsingContext.traverseHistory", context=self._tab, delta=-1)


def prepare(profile: Path, wishes: dict[str, object]) -> None:
    """Write a profile with ``wishes``."""
    profile.mkdir(parents=True, exist_ok=True)
    wanted = WISHES | {name.replace("__", "."): value for name, value in wishes.items()}
    lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in wanted.items()]
    (profile / "user.js").write_text("".join(lines), encoding="utf-8")


@asynccontextmanager
async def firefox(profile: Path, **wishes: object) -> AsyncIterator[Firefox]:
    """A Firefox with a profile of its own and ``wishes`` as about:config has them, dots written as two underscores."""
    assert FIREFOX is not None
    prepare(profile, wishes)
    program = await asyncio.create_subprocess_exec(
        *(FIREFOX, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "HOME": str(profile), "MOZ_HEADLESS": "1"},
    )
    try:
        async with asyncio.timeout(PATIENCE):
            assert program.stderr is not None
            while (found := LISTENING.search(line := await program.stderr.readline())) is None:
                assert line, "it ended before it listened"
        drain = asyncio.ensure_future(program.stderr.read())
        async with connect(f"{found[1].decode()}/session", max_size=None, compression=None) as line_to_it:
            browser = Firefox(line_to_it)
            await browser.start()
            yield browser
        drain.cancel()
    finally:
        if program.returncode is None:
            program.terminate()
        await program.wait()
