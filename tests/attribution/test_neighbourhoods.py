from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.attribution.engine import connect
from shieldproxy.attribution.neighbourhoods import DUCKDB_NETWORK, neighbourhood
from shieldproxy.core.addresses import client_key, network_key

# Zeros in all places, as they are what text leaves out.
V6 = st.lists(st.sampled_from([0, 1, 0x2001, 0xDB8, 0xFFFF]), min_size=8, max_size=8).map(
    lambda groups: ipaddress.IPv6Address(":".join(f"{group:x}" for group in groups))
)


@given(st.one_of(V6, st.ip_addresses()))
def test_it_is_the_network_that_judgements_use(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    """The text of a client key leads to the same /24 or /48 as its number."""
    assert neighbourhood(client_key(address)) == network_key(address)


@pytest.mark.parametrize(
    "client",
    [
        "192.0.2.7",
        "2001:db8:1:2::/64",
        "2001:db8::/64",
        "2001:db8:0:5::/64",
        "2001:0:0:5::/64",
        "::/64",
        "0:0:0:1::/64",
        "0:1:0:1::/64",
    ],
)
def test_both_engines_say_the_same(client: str) -> None:
    """What DuckDB makes of it is what Python makes of it."""
    with connect() as connection:
        connection.execute(f"CREATE MACRO network_of(client) AS {DUCKDB_NETWORK}")
        assert connection.execute("SELECT network_of(?)", [client]).fetchone() == (neighbourhood(client),)
