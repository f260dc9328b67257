"""The table of buckets under a crowd, small."""

from __future__ import annotations

import pytest

from benchmarks.addresses import address_in_one_site, claimed_address
from benchmarks.rows.crowd import SECONDS
from benchmarks.rows.tables import A_SECOND, AT_ONCE, charge_crowd, keys_of


def test_one_that_misbehaves_is_limited_exactly() -> None:
    """Request for request what an account of its own allows, whoever else comes, and nobody is pushed out."""
    found = charge_crowd(claimed_address, 20_000, slots=1 << 17)
    assert found.served == found.allowed
    assert found.evictions == 0
    assert found.challenged == 0
    assert found.live > 0


def test_a_table_that_is_too_small_is_found_out() -> None:
    """The row would show it: live buckets pushed out are counted."""
    assert charge_crowd(claimed_address, 5_000, slots=64).evictions > 0


def test_one_site_is_counted_as_one_network() -> None:
    """Its addresses share one allowance, however many they are."""
    found = charge_crowd(address_in_one_site, 5_000, slots=1 << 17)
    assert 5_000 - found.challenged == pytest.approx(AT_ONCE + A_SECOND * SECONDS, abs=2)
    assert found.evictions == 0


def test_keys_are_those_of_the_product() -> None:
    """A /64 is one client, a /48 one neighbourhood."""
    assert keys_of("2001:db8:5517:1::2") == keys_of("2001:db8:5517:1::3")
    client, neighbourhood = keys_of("2001:db8:5517:1::2")
    assert keys_of("2001:db8:5517:2::2") != (client, neighbourhood)
    assert keys_of("2001:db8:5517:2::2")[1] == neighbourhood
