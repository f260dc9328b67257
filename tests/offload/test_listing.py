"""Listings: nft's JSON is read as it is, and what is anything else is refused."""

from __future__ import annotations

import ipaddress
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.errors import OffloadError
from shieldproxy.offload.listing import Listing, read_listing
from shieldproxy.offload.spans import Span
from shieldproxy.offload.targets import SetName, Target, target_of

# As nft 1.0.6 wrote it, without the rules.
SEEN = (
    '{"nftables": [{"metainfo": {"version": "1.0.6", "release_name": "Lester Gooch #5", "json_schema_version": 1}}, '
    '{"table": {"family": "inet", "name": "shieldproxy", "handle": 2}}, '
    '{"counter": {"family": "inet", "name": "dropped", "table": "shieldproxy", "handle": 3, "packets": 12, "bytes": 720}}, '
    '{"set": {"family": "inet", "name": "clients4", "table": "shieldproxy", "type": "ipv4_addr", "handle": 4, "size": 200000, '
    '"flags": ["timeout"], "elem": [{"elem": {"val": "192.0.2.7", "timeout": 60, "expires": 59, "counter": {"packets": 7, "bytes": 420}}}], '
    '"stmt": [{"counter": null}]}}, '
    '{"set": {"family": "inet", "name": "clients6", "table": "shieldproxy", "type": "ipv6_addr", "handle": 5, "flags": ["timeout"], '
    '"elem": [{"elem": {"val": "2001:db8:0:1::", "timeout": 60, "expires": 5, "counter": {"packets": 1, "bytes": 80}}}]}}, '
    '{"set": {"family": "inet", "name": "networks4", "table": "shieldproxy", "type": "ipv4_addr", "handle": 6, "flags": ["interval", "timeout"], '
    '"elem": [{"elem": {"val": {"prefix": {"addr": "10.0.0.0", "len": 8}}, "timeout": 60, "expires": 59, "counter": {"packets": 4, "bytes": 240}}}, '
    '{"elem": {"val": {"range": ["11.0.0.3", "11.0.0.9"]}, "timeout": 50, "expires": 49, "counter": {"packets": 0, "bytes": 0}}}]}}, '
    '{"set": {"family": "inet", "name": "networks6", "table": "shieldproxy", "type": "ipv6_addr", "handle": 7, "flags": ["interval", "timeout"]}}, '
    '{"rule": {"family": "inet", "table": "shieldproxy", "chain": "refusal", "handle": 13, "expr": [{"match": {"op": "==", '
    '"left": {"payload": {"protocol": "ip", "field": "saddr"}}, "right": "@clients4"}}, {"counter": "dropped"}, {"drop": null}]}}]}'
)


def test_what_nft_wrote_is_read() -> None:
    """Addresses, /64s, networks and ranges with their counters, and the counter of the table."""
    eleven = int(ipaddress.ip_address("11.0.0.0"))
    assert read_listing(SEEN) == Listing(
        {
            target_of("192.0.2.7"): 7,
            target_of("2001:db8:0:1::/64"): 1,
            target_of("10.0.0.0/8"): 4,
            Target(SetName.NETWORKS4, Span(eleven + 3, eleven + 9)): 0,
        },
        12,
    )


@pytest.mark.parametrize("shape", [{"indent": 2}, {"separators": (",", ":")}, {"sort_keys": True}])
def test_the_order_of_keys_and_the_space_between_do_not_matter(shape: dict[str, object]) -> None:
    """Another version of nft may write the same in another way."""
    assert read_listing(json.dumps(json.loads(SEEN), **shape)) == read_listing(SEEN)  # type: ignore[arg-type]


@given(st.integers(0, len(SEEN) - 1))
def test_half_a_listing_is_refused(length: int) -> None:
    """Every beginning of a listing is an error that says so, and no other exception gets out."""
    with pytest.raises(OffloadError, match="cannot be read"):
        read_listing(SEEN[:length])


@pytest.mark.parametrize(
    "wrong", ["[]", "{}", '{"nftables": 3}', '{"nftables": [{"set": {"name": "others", "elem": [1]}}]}', "7"]
)
def test_another_shape_is_refused(wrong: str) -> None:
    """What is JSON but no listing of our table is an error too."""
    with pytest.raises(OffloadError, match="cannot be read"):
        read_listing(wrong)
