"""Terms: which names we stand for."""

from __future__ import annotations

import pytest

from shieldproxy.proxy.terms import Terms


@pytest.mark.parametrize(
    ("host", "served"),
    [
        (b"site.example", True),
        (b"SITE.example:8443", True),
        (b"www.site.example", True),
        (b"a.b.site.example", False),
        (b"[2001:db8::1]", True),
        (b"[2001:db8::1]:8080", True),
        (b"203.0.113.1", False),
        (b"", False),
        (b"notsite.example", False),
    ],
)
def test_hosts_are_names_without_port_and_letter_case(host: bytes, served: bool) -> None:  # noqa: FBT001 - a table row
    """A name, one label under a wildcard, or a bracketed address is served; everything else is foreign."""
    terms = Terms(hosts=frozenset(("site.example", "*.site.example", "[2001:db8::1]")))
    assert terms.serves(host) is served


def test_without_hosts_every_name_is_served() -> None:
    """A node nobody told its names serves them all."""
    assert Terms().serves(b"anything.example")
