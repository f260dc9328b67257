"""Forwarders: whom we believe about whom a request is."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.addresses import parse_address
from shieldproxy.guard.fingerprints import Field
from shieldproxy.guard.forwarders import Caller, caller_of
from shieldproxy.guard.visits import Peer

TRUSTED = (ipaddress.ip_network("10.0.0.0/8"),)


def here(address: str = "10.0.0.1", *, secure: bool = False) -> Caller:
    parsed = parse_address(address)
    assert parsed is not None
    return Caller(parsed, Peer(address, 40_000, "10.9.9.9", 8080, "TLSv1.3" if secure else ""), secure)


def said(**values: str) -> list[Field]:
    names = [(name.replace("_", "-"), value) for name, value in values.items()]
    return [(name.encode(), name.title().encode(), value.encode("latin-1")) for name, value in names]


@pytest.mark.parametrize(
    ("claimed", "address", "port"),
    [
        ("192.0.2.7", "192.0.2.7", 0),
        ("192.0.2.7:51000", "192.0.2.7", 51_000),
        ("[2001:db8::7]:51000", "2001:db8::7", 51_000),
        ("6.6.6.6:1, 192.0.2.7:51000, 10.0.0.2:99", "192.0.2.7", 51_000),
        ("192.0.2.7:1, 192.0.2.7:2", "192.0.2.7", 2),
    ],
)
def test_a_trusted_forwarder_names_the_client_and_its_port(claimed: str, address: str, port: int) -> None:
    """The client is the first from the right that no trusted hop wrote about itself; its port stands beside it."""
    caller = caller_of(said(x_forwarded_for=claimed), here(), TRUSTED)
    assert (str(caller.address), caller.peer.src_ip, caller.peer.src_port) == (address, address, port)
    assert (caller.peer.dst_ip, caller.peer.dst_port) == ("10.9.9.9", 8080)


def test_the_scheme_is_the_nearest_hops_word() -> None:
    """What a client claimed before the forwarder's own word does not count; an odd word says nothing."""
    client = "192.0.2.7"
    over_tls = caller_of(said(x_forwarded_for=client, x_forwarded_proto="http, https"), here(), TRUSTED)
    assert (over_tls.secure, over_tls.peer.tls) == (True, "yes")
    plain = caller_of(said(x_forwarded_for=client, x_forwarded_proto="https,http"), here(secure=True), TRUSTED)
    assert (plain.secure, plain.peer.tls) == (False, "")
    assert caller_of(said(x_forwarded_for=client, x_forwarded_proto="gopher"), here(secure=True), TRUSTED).secure
    assert caller_of(said(x_forwarded_proto="https"), here(), TRUSTED).secure


def test_several_header_lines_are_one_list() -> None:
    """Lines of one name are read in order of arrival (RFC 9110, 5.3)."""
    fields = [*said(x_forwarded_for="6.6.6.6"), *said(x_forwarded_for="192.0.2.7")]
    assert str(caller_of(fields, here(), TRUSTED).address) == "192.0.2.7"


@given(st.text(), st.sampled_from(["http", "https", ""]))
def test_an_untrusted_peer_speaks_for_nobody(claimed: str, scheme: str) -> None:
    """Neither address nor scheme of an untrusted peer's claim counts."""
    claim = [
        (b"x-forwarded-for", b"X-Forwarded-For", claimed.encode()),
        (b"x-forwarded-proto", b"X-Forwarded-Proto", scheme.encode()),
    ]
    alone = here("203.0.113.9")
    assert caller_of(claim, alone, TRUSTED) is alone


@given(st.text())
def test_any_claim_of_a_trusted_peer_is_read_or_left(claimed: str) -> None:
    """Nothing that stands in the header raises."""
    caller = caller_of([(b"x-forwarded-for", b"X-Forwarded-For", claimed.encode())], here(), TRUSTED)
    assert caller.peer.src_ip == str(caller.address)
