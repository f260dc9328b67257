"""Fetching: every robot's files, each failure by itself and with its reason."""

from __future__ import annotations

import ipaddress

from shieldproxy.cli.fetching import fetch_all
from shieldproxy.intel.robot_ranges import MOST_BYTES
from tests.fakes.publisher import Publisher

FILES = {
    "/google.json": b'{"prefixes": [{"ipv4Prefix": "66.249.64.0/27"}]}',
    "/probes4": b"5.172.196.188\n",
    "/probes6": b"2a02:2b80::1\n5.172.196.188\n",
    "/all": b"0.0.0.0/0\n",
    "/long": b"1.1.1.1\n" * (MOST_BYTES // 8 + 10),
}


async def test_each_robot_has_its_networks_or_a_reason() -> None:
    """Files of one robot are joined; an error page, a list of everything, an endless one and a closed port are named."""
    with Publisher(FILES) as there:
        sources = (
            ("absent", (f"{there.url}/nothing",)),
            ("endless", (f"{there.url}/long",)),
            ("everybody", (f"{there.url}/all",)),
            ("google", (f"{there.url}/google.json",)),
            ("half", (f"{there.url}/probes4", f"{there.url}/nothing")),
            ("pingdom", (f"{there.url}/probes4", f"{there.url}/probes6")),
            ("shut", ("http://127.0.0.1:9/ranges",)),
        )
        found = {one.robot: one for one in await fetch_all(sources, 10.0)}
    assert found["google"].networks == (ipaddress.ip_network("66.249.64.0/27"),)
    assert [str(network) for network in found["pingdom"].networks] == ["5.172.196.188/32", "2a02:2b80::1/128"]
    for robot, why in (("absent", "404"), ("half", "404"), ("everybody", "wider"), ("endless", "more than")):
        assert why in found[robot].problem
        assert found[robot].networks == ()
    assert found["shut"].problem
    assert not found["google"].problem


async def test_a_server_that_never_ends_is_given_up() -> None:
    """The time of one file is bounded."""
    with Publisher(FILES) as there:
        (found,) = await fetch_all((("google", (f"{there.url}/google.json",)),), 0.000_001)
    assert found.problem
