"""Citizens: they browse as people do, answer a challenge when they meet one, and keep account of how they fared."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random

from shieldproxy.cli.demo import browsers, site
from shieldproxy.cli.demo.challenges import answer, cookie_of, form_of, is_challenge, work_of
from shieldproxy.cli.demo.people import Habit, Person
from shieldproxy.cli.demo.wire import Answer, Field, Link, Target, WireError
from shieldproxy.core.puzzles import solve

# Seconds between two pages, and how often programs ask.
THINKS = (1.5, 5.0)
POLLS = {Habit.FEED: 6.0, Habit.APP: 2.5, Habit.ROBOT: 1.5}
ROUTE = ("/", "/news", "/appointments", "/search?q=passport", "/forms", "POST /forms")
PROGRAM_PATHS = {Habit.FEED: ("/feed.xml",), Habit.APP: ("/api/opening-hours.json",)}
# As our form says; a person presses the button after it.
FORM_WAIT = 3.3
# Challenges met in a row after which a person gives up.
MOST_ROUNDS = 3

Clock = Callable[[], float]


@dataclass
class Account:
    """How one citizen fared. ``hurts`` are sentences, ``waits`` seconds that challenges took; 0 < ``requests``."""

    person: Person
    requests: int = 0
    served: int = 0
    challenged: int = 0
    passed: int = 0
    waits: list[float] = field(default_factory=list)
    hurts: list[str] = field(default_factory=list)

    @property
    def here(self) -> bool:
        """Whether this citizen has asked for anything yet."""
        return self.requests > 0


class GaveUpError(Exception):
    """The citizen does not get what they came for and says why."""


class Citizen:
    """Plays one person until told to stop."""

    def __init__(self, person: Person, target: Target, *, clock: Clock, chance: Random) -> None:
        self.account = Account(person)
        self._role = person.role
        self._clock = clock
        self._chance = chance
        # Browsers open several connections to a site.
        self._links = [Link(target, person.address, chance.randrange(1_024, 65_536)) for _ in range(2)]
        self._cookie = ""
        self._kept: set[str] = set()

    async def live(self, until: float) -> None:
        """Use the site until the clock shows ``until``; being hurt is written down, not raised."""
        steps = {Habit.BROWSER: self._browse, Habit.TEXT: self._browse}.get(self._role.habit, self._poll)
        turn = 0
        try:
            while self._clock() < until:
                try:
                    await steps(turn)
                except GaveUpError as sorrow:
                    self.account.hurts.append(str(sorrow))
                turn += 1
                await self._think(until)
        finally:
            for link in self._links:
                await link.close()

    async def _think(self, until: float) -> None:
        pause = POLLS.get(self._role.habit) or self._chance.uniform(*THINKS)
        await asyncio.sleep(max(0.0, min(pause, until - self._clock())))

    # -- programs ---------------------------------------------------------------------------------------------------

    async def _poll(self, turn: int) -> None:
        paths = PROGRAM_PATHS.get(self._role.habit) or ("/robots.txt", *site.PAGES)
        await self._get_plain(paths[turn % len(paths)])

    async def _get_plain(self, path: str) -> None:
        got = await self._ask("GET", path, browsers.plain_fields(self._role.program))
        self._expect(got, path)

    # -- people -----------------------------------------------------------------------------------------------------

    async def _browse(self, turn: int) -> None:
        wish = ROUTE[turn % len(ROUTE)]
        method, _, path = wish.rpartition(" ")
        body = b"subject=light&message=The+street+light+is+broken" if method else None
        await self._navigate(method or "GET", path, body, inside=turn > 0)
        if self._role.habit is Habit.BROWSER:
            await self._fetch_parts()

    async def _navigate(self, method: str, path: str, body: bytes | None, *, inside: bool) -> None:
        for _ in range(MOST_ROUNDS):
            fields = browsers.page_fields(self._role.program, self._role.language, cookie=self._cookie, inside=inside)
            if body is not None:
                fields.append(("Content-Type", "application/x-www-form-urlencoded"))
            got = await self._ask(method, path, fields, body)
            if not is_challenge(got.status, got.body):
                self._expect(got, path)
                return
            self.account.challenged += 1
            begun = self._clock()
            await (self._submit(got.body) if self._role.habit is Habit.TEXT else self._work(got.body))
            self.account.passed += 1
            self.account.waits.append(self._clock() - begun)
        raise GaveUpError(f"{path}: challenged {MOST_ROUNDS} times in a row")

    async def _fetch_parts(self) -> None:
        """Fetch what the page needs and the browser's cache does not have, over both connections at once."""
        missing = [path for path in site.PARTS if path not in self._kept]
        lanes = [missing[number :: len(self._links)] for number in range(len(self._links))]
        await asyncio.gather(*(self._fetch_lane(link, lane) for link, lane in zip(self._links, lanes, strict=True)))

    async def _fetch_lane(self, link: Link, paths: Sequence[str]) -> None:
        for path in paths:
            kind = site.PARTS[path][0]
            fields = browsers.part_fields(self._role.program, self._role.language, kind, cookie=self._cookie)
            try:
                self._expect(await self._ask("GET", path, fields, link=link), path)
                self._kept.add(path)
            except GaveUpError as sorrow:
                self.account.hurts.append(str(sorrow))

    # -- challenges -------------------------------------------------------------------------------------------------

    async def _work(self, page: bytes) -> None:
        """Do what the page's script does: solve, answer, ask whether the cookie came back."""
        found = work_of(page)
        if found is None:
            raise GaveUpError("the challenge page has no puzzle")
        counter = await asyncio.to_thread(solve, found.puzzle)
        fields = browsers.script_fields(self._role.program, self._role.language)
        got = await self._ask("POST", f"{found.own}/answer", fields, answer(found.puzzle, counter))
        self._cookie = cookie_of(got.fields.get("set-cookie", ""))
        if got.status != 200 or not self._cookie:
            raise GaveUpError(f"the answer to the challenge was not accepted ({got.status})")
        fields = browsers.script_fields(self._role.program, self._role.language, cookie=self._cookie)
        got = await self._ask("GET", f"{found.own}/return", fields)
        if got.status != 200:
            raise GaveUpError(f"the clearance was not recognised ({got.status})")

    async def _submit(self, page: bytes) -> None:
        """Press the button of the form when its time has come, and follow it home."""
        form = form_of(page)
        if form is None:
            raise GaveUpError("the challenge page has no form")
        await asyncio.sleep(FORM_WAIT)
        program, language = self._role.program, self._role.language
        fields = [*browsers.page_fields(program, language), ("Content-Type", "application/x-www-form-urlencoded")]
        got = await self._ask("POST", form.action, fields, form.body)
        self._cookie = cookie_of(got.fields.get("set-cookie", ""))
        if got.status != 303 or not self._cookie:
            raise GaveUpError(f"the form of the challenge was not accepted ({got.status})")
        got = await self._ask(
            "GET", got.fields["location"], browsers.page_fields(program, language, cookie=self._cookie)
        )
        if got.status != 303:
            raise GaveUpError(f"the clearance was not recognised ({got.status})")

    # -- the wire ---------------------------------------------------------------------------------------------------

    async def _ask(
        self, method: str, path: str, fields: Sequence[Field], body: bytes | None = None, *, link: Link | None = None
    ) -> Answer:
        self.account.requests += 1
        try:
            return await (link or self._links[0]).ask(method, path, fields, body)
        except WireError as fault:
            if not fault.asked:
                self.account.requests -= 1
            raise GaveUpError(f"{path}: {fault}") from None

    def _expect(self, got: Answer, path: str) -> None:
        if got.status != 200:
            raise GaveUpError(f"{path}: answered {got.status} instead of the page")
        self.account.served += 1
