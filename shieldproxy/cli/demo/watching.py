"""Watching: once a second the running node is asked how it stands, as ``shieldproxy status`` and ``top`` ask it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any, Self

import aiohttp

from shieldproxy.cli.client import DeclinedError, NodeClient, UnreachableError
from shieldproxy.cli.demo.addresses import Ground
from shieldproxy.cli.demo.citizens import Account
from shieldproxy.cli.demo.site import Site
from shieldproxy.cli.demo.stage import Stage
from shieldproxy.cli.demo.view import HISTORY, Busy, Scene
from shieldproxy.control.token import read_token
from shieldproxy.settings.reading import load

ACTIONS = ("admit", "challenge", "throttle", "refuse", "drop")
NETWORKS = 5
# A node too busy to answer must not stop the show.
PATIENCE = 0.8


class Reporter:
    """Makes scenes out of what the node says, what the site counts and how the citizens fare."""

    def __init__(
        self, stage: Stage, site: Site, accounts: Sequence[Account], grounds: Mapping[int, Ground], addresses: int
    ) -> None:
        self._stage = stage
        self._site = site
        self._accounts = accounts
        self._grounds = grounds
        self._addresses = addresses
        self._stack = AsyncExitStack()
        self._client: NodeClient | None = None
        self._session: aiohttp.ClientSession | None = None
        self._status: dict[str, Any] = {}
        self._top: dict[str, Any] = {}
        self._before: tuple[float, dict[str, int]] = (0.0, {})
        self._actions = dict.fromkeys(ACTIONS, 0.0)
        self._asked: deque[float] = deque(maxlen=HISTORY)
        self._reached: deque[float] = deque(maxlen=HISTORY)

    async def __aenter__(self) -> Self:
        settings = await asyncio.to_thread(load, self._stage.config)
        token_file = settings.control.token_file
        self._client = NodeClient(settings.control.listen, read_token(token_file))
        self._session = await self._stack.enter_async_context(self._client.session())
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    async def scene(self, at: float, seconds: float, flood: float) -> Scene:
        """Return the scene at the second ``at``; where the node does not answer, what it said before."""
        await self._ask()
        self._measure(at)
        here = [account for account in self._accounts if account.here]
        waits = [wait for account in here for wait in account.waits]
        return Scene(
            at=at,
            seconds=seconds,
            flood=flood,
            posture=str(self._status.get("posture", "calm")),
            actions=dict(self._actions),
            asked=tuple(self._asked),
            reached=tuple(self._reached),
            networks=tuple(self._busy(entry) for entry in self._top.get("networks", ())),
            site_served=self._site.reached.total(),
            site_busy=self._site.busy,
            addresses=self._addresses,
            people=len(here),
            fine=sum(not account.hurts for account in here),
            challenged=sum(account.challenged > 0 for account in here),
            through=sum(account.passed > 0 for account in here),
            longest=max(waits, default=0.0),
        )

    async def _ask(self) -> None:
        if self._client is None or self._session is None:
            return
        try:
            self._status = await self._client.ask(self._session, "GET", "status", patience=PATIENCE)
            self._top = await self._client.ask(self._session, "GET", f"top?count={NETWORKS}", patience=PATIENCE)
        except (UnreachableError, DeclinedError):
            return

    def _measure(self, at: float) -> None:
        counts = {action: int(self._status.get("requests", {}).get(action, 0)) for action in ACTIONS}
        then, before = self._before
        passed = max(at - then, 0.1)
        self._actions = {action: (count - before.get(action, 0)) / passed for action, count in counts.items()}
        self._asked.append(sum(self._actions.values()))
        # By the node's count as well: the site's own is a second ahead of what was asked.
        self._reached.append(self._actions["admit"])
        self._before = (at, counts)

    def _busy(self, entry: Mapping[str, Any]) -> Busy:
        ground = self._grounds.get(entry["asn"])
        name, kind = (ground.name, ground.network_class) if ground else ("", "")
        return Busy(entry["asn"], name, kind, entry["requests"], entry["actions"].get("admit", 0))
