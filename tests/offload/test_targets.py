"""Targets: every kind of key finds its set."""

from __future__ import annotations

import ipaddress

import pytest

from shieldproxy.core.ladder import Ban
from shieldproxy.offload.spans import span_of
from shieldproxy.offload.targets import SetName, element_of, target_of


@pytest.mark.parametrize(
    ("key", "name"),
    [
        ("192.0.2.7", SetName.CLIENTS4),
        ("192.0.2.7/32", SetName.CLIENTS4),
        ("192.0.2.0/31", SetName.NETWORKS4),
        ("10.0.0.0/8", SetName.NETWORKS4),
        ("2001:db8::/64", SetName.CLIENTS6),
        ("2001:db8::/63", SetName.NETWORKS6),
        ("2001:db8::/32", SetName.NETWORKS6),
        ("2001:db8::1", SetName.NETWORKS6),
    ],
)
def test_a_key_has_its_set(key: str, name: SetName) -> None:
    """Clients are one address of IPv4 or one /64; less than a /64 never becomes the whole of it."""
    assert target_of(key) == (name, span_of(ipaddress.ip_network(key)))
    assert name.of_networks == name.value.startswith("networks")
    assert name.version == ipaddress.ip_network(key).version


@pytest.mark.parametrize(
    "key", ["", "AS64500", "1.2.3", "1.2.3.4\n", "01.2.3.4", "192.0.2.1/24", "192.0.2.0/24; flush ruleset"]
)
def test_what_is_no_key_is_refused(key: str) -> None:
    """No text that is not exactly a network gets any further."""
    with pytest.raises(ValueError, match=r"."):
        target_of(key)


def test_an_element_carries_key_and_end() -> None:
    """So that what it drops can be told by the ban."""
    element = element_of(Ban("192.0.2.7", 60.0, "flood"))
    assert (element.target, element.key, element.until) == (target_of("192.0.2.7"), "192.0.2.7", 60.0)
