"""The API: what operators ask and order."""

from __future__ import annotations

from typing import Any

import aiohttp
import pytest

from shieldproxy.control.api import written_tallies
from shieldproxy.control.node import CohortEntry
from tests.fakes.clock import HandClock
from tests.fakes.node import FakeNode, busy_tallies, networks


async def get(operator: aiohttp.ClientSession, path: str) -> Any:
    async with operator.get(f"/api/v1/{path}") as answer:
        assert answer.status == 200
        assert answer.headers["Cache-Control"] == "no-store"
        return await answer.json()


async def order(operator: aiohttp.ClientSession, method: str, path: str, **fields: object) -> tuple[int, Any]:
    async with operator.request(method, f"/api/v1/{path}", json=fields or None) as answer:
        return answer.status, await answer.json()


async def test_status_is_the_node_in_one_view(operator: aiohttp.ClientSession) -> None:
    """Status has mode, posture, counts, origin, geo, journal and the policy's digest."""
    status = await get(operator, "status")
    assert status["mode"] == "enforce"
    assert status["last_minute"] == {"admit": 45, "throttle": 12, "drop": 3}
    assert status["origin"] == {"url": "http://127.0.0.1:9000", "up": True, "detail": ""}
    assert status["geo"]["databases"][0]["kind"] == "asn"
    assert status["journal"]["lost"] == 4
    assert len(status["policy"]) == 64


async def test_tallies_top_and_geo_are_objects(operator: aiohttp.ClientSession) -> None:
    """Counters, the busiest and the databases are answered as JSON objects."""
    assert {"action": "drop", "stage": "banned", "count": 20} in (await get(operator, "tallies"))["requests"]
    top = await get(operator, "top?count=1")
    assert [network["asn"] for network in top["networks"]] == [64500]
    assert (await get(operator, "geo"))["problems"] == []


def test_written_tallies_keep_every_field() -> None:
    """No counter gets lost on its way to JSON."""
    tallies = busy_tallies()
    written = written_tallies(tallies)
    assert set(written) == set(tallies._fields)
    assert written["networks"] == {"64500": 600, "64501": 300, "0": 100}


async def test_a_ban_is_imposed_listed_and_lifted(operator: aiohttp.ClientSession, clock: HandClock) -> None:
    """A ban appears in the list with its cause and the time to go, and is gone when lifted."""
    status, done = await order(operator, "POST", "bans", key="192.0.2.0/24", **{"for": "10m"}, why="flood")
    assert status == 201
    assert done["ban"]["cause"] == "flood"
    assert done["cautions"] == []
    clock.advance(60)
    (entry,) = (await get(operator, "bans"))["bans"]
    assert (entry["key"], entry["remaining"]) == ("192.0.2.0/24", 540)
    assert await order(operator, "DELETE", "bans/192.0.2.0/24") == (200, {"lifted": "192.0.2.0/24", "cautions": []})
    assert (await get(operator, "bans"))["total"] == 0


@pytest.mark.parametrize("written", ["192.0.2.0/24", "192.0.2.0%2F24", "192.0.2.0%2f24"])
async def test_a_network_in_a_path_may_be_escaped(
    operator: aiohttp.ClientSession, node: FakeNode, written: str
) -> None:
    """The slash of a network is understood plain and escaped."""
    node.ban("192.0.2.0/24", 60, "")
    async with operator.delete(f"/api/v1/bans/{written}") as answer:
        assert answer.status == 200


async def test_lifting_what_is_not_banned_names_the_ban_around_it(
    operator: aiohttp.ClientSession, node: FakeNode
) -> None:
    """Lifting the ban of an address that is banned as part of a network says which."""
    node.ban("192.0.2.0/24", 60, "")
    status, problem = await order(operator, "DELETE", "bans/192.0.2.7")
    assert status == 404
    assert "part of 192.0.2.0/24" in problem["detail"]
    node.ban("192.0.2.7", 60, "")
    status, done = await order(operator, "DELETE", "bans/192.0.2.7")
    assert (status, done["cautions"]) == (200, ["192.0.2.7 is still banned as part of 192.0.2.0/24"])
    status, problem = await order(operator, "DELETE", "bans/2001:db8::1")
    assert (status, problem["detail"]) == (404, "No ban of 2001:db8::/64 is in force.")


async def test_a_shorter_ban_leaves_the_longer_one(operator: aiohttp.ClientSession, node: FakeNode) -> None:
    """A milder order never replaces a stricter one, and the operator is told."""
    node.ban("192.0.2.7", 7_200, "ladder")
    _, done = await order(operator, "POST", "bans", key="192.0.2.7", **{"for": "1m"})
    assert done["ban"]["remaining"] == 7_200
    assert "a longer ban was in force and stays: 7200 s to go" in done["cautions"]


async def test_a_trusted_proxy_is_never_banned(operator: aiohttp.ClientSession, node: FakeNode) -> None:
    """A ban that would shut out a proxy with all its visitors is refused."""
    node.proxies = networks("10.0.0.1/32")
    status, problem = await order(operator, "POST", "bans", key="10.0.0.0/24")
    assert status == 409
    assert "trusted proxy 10.0.0.1/32" in problem["detail"]
    assert node.banned == {}


async def test_banning_somebody_exempt_is_done_and_said(operator: aiohttp.ClientSession, node: FakeNode) -> None:
    """The allowlist beats a ban, and the answer says so."""
    node.exempt_clients = networks("192.0.2.0/24")
    status, done = await order(operator, "POST", "bans", key="192.0.2.7")
    assert status == 201
    assert "exempt clients pass in spite of a ban" in done["cautions"][0]


async def test_standing_tells_all_that_holds_a_key(operator: aiohttp.ClientSession, node: FakeNode) -> None:
    """Asked about one address, the node names every ban and allowance around it."""
    node.ban("192.0.2.0/24", 60, "net")
    node.ban("2001:db8::/64", 60, "six")
    node.allow("192.0.2.7", 60, "citizen")
    node.exempt_clients = networks("192.0.0.0/16")
    standing = await get(operator, "bans/192.0.2.7")
    assert standing["key"] == "192.0.2.7"
    assert [ban["key"] for ban in standing["bans"]] == ["192.0.2.0/24"]
    assert [entry["why"] for entry in standing["allowances"]] == ["citizen"]
    assert standing["exempt"] is True
    assert (await get(operator, "bans/2001:db8::9"))["bans"][0]["cause"] == "six"


async def test_an_allowance_is_given_listed_and_ended(operator: aiohttp.ClientSession) -> None:
    """An allowance holds a day when nothing else is said, and can be ended."""
    status, done = await order(operator, "POST", "allow", key="2001:db8::1", why="citizen")
    assert status == 201
    assert done["allowance"] == {"key": "2001:db8::/64", "remaining": 86_400, "why": "citizen", "node": ""}
    assert "its /64" in done["cautions"][0]
    assert (await get(operator, "allow"))["total"] == 1
    assert (await order(operator, "DELETE", "allow/2001:db8::1"))[0] == 200
    assert (await order(operator, "DELETE", "allow/2001:db8::1"))[0] == 404


async def test_a_list_is_bounded_and_says_how_many_there_are(operator: aiohttp.ClientSession, node: FakeNode) -> None:
    """Of many bans as many are answered as were asked for, and the total."""
    for number in range(30):
        node.ban(f"192.0.2.{number}", 60 + number, "")
    listing = await get(operator, "bans?count=5")
    assert (len(listing["bans"]), listing["total"]) == (5, 30)


async def test_a_good_reload_names_the_policy(operator: aiohttp.ClientSession, node: FakeNode) -> None:
    """A configuration that was taken is answered with its digest."""
    status, done = await order(operator, "POST", "reload")
    assert (status, done["problems"], len(done["policy"])) == (200, [], 64)
    assert node.reloads == 1


async def test_a_bad_reload_names_every_problem(operator: aiohttp.ClientSession, node: FakeNode) -> None:
    """A configuration with problems is refused with all of them."""
    node.problems = ("config.toml:3: server.mode: wrong", "config.toml:9: limits.x: wrong")
    status, problem = await order(operator, "POST", "reload")
    assert status == 409
    assert problem["problems"] == list(node.problems)


async def test_a_reload_takes_no_members(operator: aiohttp.ClientSession, node: FakeNode) -> None:
    """A reload with a body that means something else is not done."""
    status, _ = await order(operator, "POST", "reload", mode="observe")
    assert status == 422
    assert node.reloads == 0


async def test_a_reload_says_whose_it_is(operator: aiohttp.ClientSession, node: FakeNode) -> None:
    """For the history of policies; what is no name is refused."""
    await order(operator, "POST", "reload", by="anna")
    assert node.reloaded_by == "anna"
    for by in (7, "a" * 65):
        status, _ = await order(operator, "POST", "reload", by=by)
        assert status == 422
    assert node.reloads == 1


async def test_cohorts_are_told_and_revoked(operator: aiohttp.ClientSession, node: FakeNode) -> None:
    """A trait may hold slashes and question marks."""
    node.shared = (CohortEntry("path /?", 0.25, 0.0, 75.0, 60.0, applied=True),)
    assert (await get(operator, "cohorts"))["cohorts"][0]["trait"] == "path /?"
    assert await order(operator, "DELETE", "cohorts/path%20%2F%3F") == (200, {"revoked": "path /?"})
    status, problem = await order(operator, "DELETE", "cohorts/path%20%2F%3F")
    assert (status, problem["detail"]) == (404, "There is no cohort of that trait.")
