"""The page in text browsers: Debian's w3m and lynx, with a terminal and a hand on its keyboard."""

from __future__ import annotations

import asyncio
import os
import pty
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import pytest

from shieldproxy.core.policy import ChallengePolicy
from tests.fakes.gated_site import GatedSite

PRESS, QUIT = b"\r", b"Q"


class TextBrowser(NamedTuple):
    """A program: how it is called, and the keys that reach the first button of a page."""

    name: str
    command: tuple[str, ...]
    reach: bytes


# Lynx stands on the first button of a page by itself, and asks about every cookie unless it is told.
BROWSERS = [
    TextBrowser("w3m", ("w3m", "-cookie", "-no-mouse"), b"\t"),
    TextBrowser("lynx", ("lynx", "-accept_all_cookies"), b""),
]
INSTALLED = [
    pytest.param(
        browser, id=browser.name, marks=pytest.mark.skipif(shutil.which(browser.name) is None, reason=browser.name)
    )
    for browser in BROWSERS
]


class Screen:
    """What a terminal program wrote, and its keyboard."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._written = b""
        self._more = asyncio.Event()

    def read(self) -> None:
        """Take what the program wrote; called by the loop."""
        try:
            self._written += os.read(self._terminal, 65_536)
        except OSError:
            asyncio.get_running_loop().remove_reader(self._terminal)
        self._more.set()

    def type(self, keys: bytes) -> None:
        """Press ``keys``."""
        os.write(self._terminal, keys)

    async def shows(self, text: bytes) -> None:
        """Wait until ``text`` has been written, and forget what came before its end."""
        async with asyncio.timeout(30):
            while text not in self._written:
                self._more.clear()
                await self._more.wait()
        self._written = self._written.partition(text)[2]


@asynccontextmanager
async def shown(browser: TextBrowser, url: str, home: Path) -> AsyncIterator[Screen]:
    """A text browser that shows ``url``, with cookies and a home of its own."""
    ours, theirs = pty.openpty()
    screen = Screen(ours)
    loop = asyncio.get_running_loop()
    loop.add_reader(ours, screen.read)
    surroundings = {**os.environ, "TERM": "vt100", "LINES": "40", "COLUMNS": "80", "HOME": str(home)}
    program = await asyncio.create_subprocess_exec(
        *browser.command, url, stdin=theirs, stdout=theirs, stderr=theirs, env=surroundings
    )
    os.close(theirs)
    try:
        yield screen
    finally:
        screen.type(QUIT)
        try:
            await asyncio.wait_for(program.wait(), 5)
        except TimeoutError:
            program.kill()
            await program.wait()
        loop.remove_reader(ours)
        os.close(ours)


@pytest.mark.parametrize("browser", INSTALLED)
async def test_a_text_browser_passes_by_the_button(browser: TextBrowser, tmp_path: Path) -> None:
    """Neither a script nor a style is needed: the sentence is read, the button pressed, the page asked for arrives."""
    async with (
        GatedSite(ChallengePolicy(form_wait=0.0)) as site,
        shown(browser, f"{site.url}/forms?step=2", tmp_path) as screen,
    ):
        await screen.shows(b"One moment, please")
        await screen.shows(b"Continue")
        screen.type(browser.reach + PRESS)
        await screen.shows(b"Welcome")
        assert site.log == [
            ("GET", "/forms", 503),
            ("POST", "/.shieldproxy/continue", 303),
            ("GET", "/.shieldproxy/return", 303),
            ("GET", "/forms", 200),
        ]
