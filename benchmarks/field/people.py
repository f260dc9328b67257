"""People of the field: they come, read a page or some, answer a challenge when they meet one, and go.

Their pace follows a public log of four days of a real site (elastic/examples, 1,260 sessions of people): five requests
a session, most read one page, some seconds in the median between two.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from random import Random

from shieldproxy.cli.demo import browsers
from shieldproxy.cli.demo.challenges import answer, cookie_of, form_of, is_challenge, work_of
from shieldproxy.cli.demo.citizens import FORM_WAIT
from shieldproxy.cli.demo.wire import Answer, Link, Target, WireError
from shieldproxy.core.puzzles import solve

PAGES = ("/", "/news", "/appointments", "/forms", "/search?q=passport")
PARTS = ("/static/site.css", "/static/site.js", "/static/arms.svg", "/favicon.ico")
LATER_PARTS = ("/static/hall.png",)
# Means: pages of a session, and the seconds between two of them (a log-normal with median 4).
MEAN_PAGES = 1.6
THINK_MEDIAN, THINK_SPREAD, LONGEST_THINK = 4.0, 0.8, 30.0
# Of a hundred browsers so many run no scripts and press the button of the form.
SCRIPTLESS = 0.03
MEAN_REQUESTS = MEAN_PAGES + len(PARTS) + (MEAN_PAGES - 1.0) * len(LATER_PARTS)
MOST_ROUNDS = 3
NOTHING = Answer(0, {}, b"")
AGENTS = (*browsers.WORN, browsers.OLD_IPAD)
LANGUAGES = ("de-CH,de;q=0.9,en;q=0.8", "en-US,en;q=0.9", "fr-FR,fr;q=0.9", "de,en;q=0.5", "it-CH,it;q=0.9")


@dataclass
class Visitor:
    """One person and how they fared. ``times`` are (when, seconds) of pages that came from the site."""

    address: str
    came: float
    requests: int = 0
    challenged: int = 0
    challenged_at: float = 0.0
    refused: list[str] = field(default_factory=list)
    times: list[tuple[float, float]] = field(default_factory=list)


class Session:
    """One visit of one person; ends when they have read what they came for, or ``until`` comes."""

    def __init__(self, visitor: Visitor, target: Target, chance: Random) -> None:
        self.visitor = visitor
        self._chance = chance
        self._program = chance.choice(AGENTS)
        self._language = chance.choice(LANGUAGES)
        self._scripts = chance.random() >= SCRIPTLESS
        self._link = Link(target, visitor.address, chance.randrange(1_024, 65_536))
        self._cookie = ""

    async def live(self, until: float, begun: int = 0) -> None:
        """Read; ``begun`` pages were read before (a session in its middle)."""
        number = begun
        try:
            while time.monotonic() < until:
                await self._read(number)
                number += 1
                if self._chance.random() < 1.0 / MEAN_PAGES:
                    return
                pause = self._chance.lognormvariate(0.0, THINK_SPREAD) * THINK_MEDIAN
                await asyncio.sleep(min(pause, LONGEST_THINK, max(0.0, until - time.monotonic())))
        except WireError as fault:
            self.visitor.refused.append(str(fault))
        finally:
            await self._link.close()

    async def _read(self, number: int) -> None:
        path = PAGES[0] if number == 0 else self._chance.choice(PAGES)
        begun, got = 0.0, NOTHING
        for _ in range(MOST_ROUNDS):
            begun = time.monotonic()
            got = await self._ask("GET", path, self._fields(inside=number > 0))
            if not is_challenge(got.status, got.body):
                break
            self.visitor.challenged += 1
            self.visitor.challenged_at = self.visitor.challenged_at or begun
            await (self._work(got.body) if self._scripts else self._submit(got.body))
        self._expect(got, path)
        self.visitor.times.append((begun, time.monotonic() - begun))
        for part in PARTS if number == 0 else LATER_PARTS:
            fields = browsers.part_fields(self._program, self._language, "image", cookie=self._cookie)
            self._expect(await self._ask("GET", part, fields), part)

    def _fields(self, *, inside: bool) -> list[tuple[str, str]]:
        return browsers.page_fields(self._program, self._language, cookie=self._cookie, inside=inside)

    async def _work(self, page: bytes) -> None:
        found = work_of(page)
        assert found is not None
        counter = await asyncio.to_thread(solve, found.puzzle)
        fields = browsers.script_fields(self._program, self._language)
        got = await self._ask("POST", f"{found.own}/answer", fields, answer(found.puzzle, counter))
        self._cookie = cookie_of(got.fields.get("set-cookie", ""))

    async def _submit(self, page: bytes) -> None:
        form = form_of(page)
        assert form is not None
        await asyncio.sleep(FORM_WAIT)
        fields = [*self._fields(inside=False), ("Content-Type", "application/x-www-form-urlencoded")]
        got = await self._ask("POST", form.action, fields, form.body)
        self._cookie = cookie_of(got.fields.get("set-cookie", ""))

    async def _ask(self, method: str, path: str, fields: list[tuple[str, str]], body: bytes | None = None) -> Answer:
        self.visitor.requests += 1
        return await self._link.ask(method, path, fields, body)

    def _expect(self, got: Answer, path: str) -> None:
        if got.status != 200:
            self.visitor.refused.append(f"{path}: {got.status}")
