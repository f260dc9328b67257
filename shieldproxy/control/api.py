"""The API behind the operator's commands and the dashboard: /api/v1/..., JSON in and out."""

from __future__ import annotations

import asyncio
import ipaddress
from typing import Any, TypeVar

from aiohttp import web

from shieldproxy.control.keys import Key, around, cautions, shut_out_proxies
from shieldproxy.control.node import Allowance, BanEntry, Node, Tallies
from shieldproxy.control.problems import RefusalError, json_answer, plain
from shieldproxy.control.requests import MAX_LISTED, count_of, key_of, read_object, read_order
from shieldproxy.core.addresses import Network

BAN_SECONDS = 3_600.0
ALLOW_SECONDS = 86_400.0
# Who asked for a reload, as they say: a name, no story.
MOST_BY = 64

Entry = TypeVar("Entry", BanEntry, Allowance)


class Api:
    """Answers operators' questions from ``node`` and hands it their orders."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._reloading = asyncio.Lock()

    def routes(self) -> list[web.RouteDef]:
        """Return the routes of the API."""
        return [
            web.get("/api/v1/status", self.status),
            web.get("/api/v1/tallies", self.tallies),
            web.get("/api/v1/top", self.top),
            web.get("/api/v1/geo", self.geo),
            web.post("/api/v1/reload", self.reload),
            web.get("/api/v1/bans", self.bans),
            web.post("/api/v1/bans", self.ban),
            web.get("/api/v1/bans/{key:(?s:.+)}", self.standing),
            web.delete("/api/v1/bans/{key:(?s:.+)}", self.unban),
            web.get("/api/v1/cohorts", self.cohorts),
            web.delete("/api/v1/cohorts/{trait:(?s:.+)}", self.revoke),
            web.get("/api/v1/allow", self.allowances),
            web.post("/api/v1/allow", self.allow),
            web.delete("/api/v1/allow/{key:(?s:.+)}", self.disallow),
        ]

    async def status(self, _request: web.Request) -> web.Response:
        """Answer the node in one view."""
        return json_answer(self._node.status())

    async def tallies(self, _request: web.Request) -> web.Response:
        """Answer all counters since the start."""
        return json_answer(written_tallies(self._node.tallies()))

    async def top(self, request: web.Request) -> web.Response:
        """Answer who is busiest in the last minute."""
        return json_answer(self._node.top(count_of(request, "count", 10, 100)))

    async def geo(self, _request: web.Request) -> web.Response:
        """Answer the databases in use and what is wrong with them."""
        return json_answer(self._node.geo())

    async def reload(self, request: web.Request) -> web.Response:
        """Read the configuration again; 200 when it was taken, 409 with every problem when the old one stays."""
        fields = await read_object(request, ("by",)) if request.body_exists else {}
        by = fields.get("by", "")
        if not isinstance(by, str) or len(by) > MOST_BY:
            raise RefusalError(422, f"by is a name of at most {MOST_BY} characters.", member="by")
        async with self._reloading:
            problems = await self._node.reload(by)
        if problems:
            raise RefusalError(
                409, "The configuration has problems; the one in force stays.", problems=[str(one) for one in problems]
            )
        status = self._node.status()
        told = [f"{key} is taken over at the next start" for key in status.waiting]
        return json_answer({"problems": [], "policy": status.policy, "cautions": told})

    async def bans(self, request: web.Request) -> web.Response:
        """Answer the bans in force."""
        return json_answer(_listing("bans", self._node.bans(), count_of(request, "count", 1_000, MAX_LISTED)))

    async def ban(self, request: web.Request) -> web.Response:
        """Ban a client or a network."""
        order = await read_order(request, BAN_SECONDS)
        proxies = shut_out_proxies(order.key, self._node.trusted_proxies())
        if proxies:
            raise RefusalError(
                409,
                f"{order.key.text} holds the trusted proxy {proxies[0]}: all its visitors would be shut out. "
                "Ban the visitors themselves.",
                member="key",
            )
        entry = self._node.ban(order.key.text, order.seconds, order.why)
        told = list(cautions(order.key, self._node.exempt()))
        if entry.remaining > order.seconds + 1.0:
            told.append(f"a longer ban was in force and stays: {round(entry.remaining)} s to go")
        return json_answer({"ban": entry, "cautions": told}, 201)

    async def standing(self, request: web.Request) -> web.Response:
        """Answer every ban and allowance that holds a key, its own and those of networks around it."""
        key = key_of(request.match_info["key"])
        return json_answer(
            {
                "key": key.text,
                "bans": _around(key, self._node.bans()),
                "allowances": _around(key, self._node.allowances()),
                "exempt": any(_holds(network, key) for network in self._node.exempt()),
            }
        )

    async def unban(self, request: web.Request) -> web.Response:
        """Lift the ban of exactly this key; 404 names the wider ban that holds it, where there is one."""
        key = key_of(request.match_info["key"])
        lifted = self._node.unban(key.text)
        still = [entry.key for entry in _around(key, self._node.bans())]
        if not lifted:
            hint = f" It is banned as part of {', '.join(still)}; lift that." if still else ""
            raise RefusalError(404, f"No ban of {key.text} is in force.{hint}", around=still)
        told = [f"{key.text} is still banned as part of {name}" for name in still]
        return json_answer({"lifted": key.text, "cautions": told})

    async def cohorts(self, _request: web.Request) -> web.Response:
        """Answer what the excess shares."""
        return json_answer({"cohorts": self._node.cohorts()})

    async def revoke(self, request: web.Request) -> web.Response:
        """End a cohort until the site has been calm again."""
        trait = request.match_info["trait"]
        if not self._node.revoke(trait):
            raise RefusalError(404, "There is no cohort of that trait.")
        return json_answer({"revoked": trait})

    async def allowances(self, request: web.Request) -> web.Response:
        """Answer the allowances in force."""
        listed = self._node.allowances()
        return json_answer(_listing("allowances", listed, count_of(request, "count", 1_000, MAX_LISTED)))

    async def allow(self, request: web.Request) -> web.Response:
        """Exempt a client or a network for a while."""
        order = await read_order(request, ALLOW_SECONDS)
        entry = self._node.allow(order.key.text, order.seconds, order.why)
        told = [order.key.remark] if order.key.remark else []
        return json_answer({"allowance": entry, "cautions": told}, 201)

    async def disallow(self, request: web.Request) -> web.Response:
        """End an allowance."""
        key = key_of(request.match_info["key"])
        if not self._node.disallow(key.text):
            raise RefusalError(404, f"No allowance of {key.text} is in force.")
        return json_answer({"ended": key.text})


def _listing(name: str, entries: tuple[BanEntry, ...] | tuple[Allowance, ...], count: int) -> dict[str, Any]:
    return {name: entries[:count], "total": len(entries)}


def _around(key: Key, entries: tuple[Entry, ...]) -> list[Entry]:
    names = around(key)
    return [entry for entry in entries if entry.key in names]


def _holds(network: Network, key: Key) -> bool:
    if isinstance(network, ipaddress.IPv4Network):
        return isinstance(key.network, ipaddress.IPv4Network) and key.network.subnet_of(network)
    return isinstance(key.network, ipaddress.IPv6Network) and key.network.subnet_of(network)


def written_tallies(tallies: Tallies) -> dict[str, Any]:
    """Return tallies as JSON takes them: counts by two words are lists of objects."""
    fields: dict[str, Any] = plain(tallies._replace(requests={}, challenges={}))
    fields["requests"] = [
        {"action": action, "stage": stage, "count": count} for (action, stage), count in tallies.requests.items()
    ]
    fields["challenges"] = [
        {"kind": kind, "result": result, "count": count} for (kind, result), count in tallies.challenges.items()
    ]
    return fields
