"""Certificates: which of them a visitor is shown."""

from __future__ import annotations

import ssl

import pytest

from shieldproxy.proxy.certificates import Certificates

USUAL, OWN, WILD, DEEP = (ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER) for _ in range(4))
ALL = Certificates(USUAL, {"www.example.org": OWN, "*.example.org": WILD, "*.a.example.org": DEEP, "*.": DEEP})


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("www.example.org", OWN),
        ("mail.example.org", WILD),
        ("b.a.example.org", DEEP),
        ("a.example.org", WILD),
        ("c.b.a.example.org", USUAL),
        ("example.org", USUAL),
        ("example.net", USUAL),
        ("localhost", USUAL),
        ("", USUAL),
        ("*.example.org", WILD),
    ],
)
def test_a_name_of_its_own_goes_before_a_wildcard(name: str, shown: ssl.SSLContext) -> None:
    """A wildcard stands for one label; whoever asks for nobody's name is shown the usual one."""
    assert ALL.shown_to(name) is shown
