"""Addresses: what is one, whom it counts as, and whom to believe about it."""

from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.addresses import (
    MAX_HOPS,
    Address,
    Network,
    binding_prefix,
    client_key,
    network_key,
    parse_address,
    parse_port,
    peel_forwarded,
    prefix_of,
    within,
)
from tests.strategies import addresses, any_text, networks

PARSED = [
    # plain
    ("192.0.2.1", "192.0.2.1"),
    ("2001:db8::1", "2001:db8::1"),
    ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"),
    ("  192.0.2.1\t", "192.0.2.1"),
    # IPv4 in IPv6 clothes: one client, one bucket
    ("::ffff:192.0.2.1", "192.0.2.1"),
    ("::FFFF:c000:201", "192.0.2.1"),
    ("[::ffff:192.0.2.1]:443", "192.0.2.1"),
    ("::ffff:192.0.2.1%eth0", "192.0.2.1"),
    # only mapped addresses carry another; these speak for themselves
    ("::192.0.2.1", "::c000:201"),
    ("64:ff9b::192.0.2.1", "64:ff9b::c000:201"),
    ("2002:c000:201::1", "2002:c000:201::1"),
    # ports
    ("192.0.2.1:8080", "192.0.2.1"),
    ("192.0.2.1:", "192.0.2.1"),
    ("[2001:db8::1]:443", "2001:db8::1"),
    # without brackets a port cannot be told from the address
    ("2001:db8::1:443", "2001:db8::1:443"),
    # brackets and quotes (RFC 7239, section 6)
    ("[2001:db8::1]", "2001:db8::1"),
    ('"[2001:db8::1]:47011"', "2001:db8::1"),
    ('"192.0.2.1"', "192.0.2.1"),
    ("192.0.2.1:_gazonk", "192.0.2.1"),
    # zones
    ("fe80::1%eth0", "fe80::1"),
    ("[fe80::1%25eth0]:80", "fe80::1"),
    ("fe80::1%", "fe80::1"),
]

NOT_PARSED = [
    # nothing, or words that forwarders write instead (RFC 7239, 6.1 and 6.3)
    "",
    " ",
    '"',
    "unknown",
    "_hidden",
    "localhost",
    # junk beside an address
    "192.0.2.1 192.0.2.2",
    "192.0.2.1,192.0.2.2",
    "192.0.2.1:port",
    "192.0.2.1:123456",
    "[2001:db8::1",
    "[2001:db8::1]junk",
    "2001:db8::1]",
    "192.0.2.1/24",
    "192.0.2.1\x00",
    # numbers that some parsers read as addresses
    "1",
    "3221225985",
    "0xc0000201",
    "192.0.2",
    "192.0.2.01",
    "192.0.2.256",
    "192.0.2.1.",
    # digits of other scripts
    "\u0661\u0669\u0662.\u0660.\u0662.\u0661",
    # what no decoder should let through, but one may
    "\udcff",
    "1" * 100_000,
    ":" * 100_000,
]


@pytest.mark.parametrize(("text", "address"), PARSED)
def test_an_address_is_read_as_forwarders_write_it(text: str, address: str) -> None:
    """Brackets, quotes, ports and zones are taken off and a mapped IPv4 address is the address it carries."""
    assert parse_address(text) == ipaddress.ip_address(address)


@pytest.mark.parametrize("text", NOT_PARSED, ids=lambda text: repr(text[:20]))
def test_what_is_no_address_is_none(text: str) -> None:
    """Words, junk and numbers that only some parsers take for addresses are none."""
    assert parse_address(text) is None


@pytest.mark.parametrize(
    ("text", "port"),
    [
        ("192.0.2.1:8080", 8080),
        ('"[2001:db8::1]:443"', 443),
        ("[2001:db8::1]", 0),
        ("2001:db8::1", 0),
        ("192.0.2.1", 0),
        ("192.0.2.1:_hidden", 0),
        ("192.0.2.1:65536", 0),
        ("192.0.2.1:" + "9" * 5000, 0),
        ("192.0.2.1:\u0662", 0),
        ("[2001:db8::1", 0),
        ("", 0),
    ],
)
def test_a_port_is_read_as_forwarders_write_it(text: str, port: int) -> None:
    """The port beside an address, for evidence (RFC 6302); 0 where there is none that can be one."""
    assert parse_port(text) == port


@given(st.one_of(any_text, st.text(st.sampled_from('0123456789abcdef:.[]%"_ '), max_size=45)))
def test_any_text_is_an_address_or_none(text: str) -> None:
    """Reading an address never raises and never returns a mapped one."""
    address = parse_address(text)
    assert address is None or not (isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped)


@given(addresses)
def test_an_address_survives_being_written_and_read(address: Address) -> None:
    """What Python writes is read as the same address, unless it was a mapped one."""
    read = parse_address(str(address))
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    assert read == (mapped or address)


KEYS = [
    # address, whom we count, its neighbourhood, what a clearance is bound to
    ("192.0.2.1", "192.0.2.1", "192.0.2.0/24", "192.0.2.0/24"),
    ("255.255.255.255", "255.255.255.255", "255.255.255.0/24", "255.255.255.0/24"),
    ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64", "2001:db8:1::/48", "2001:db8:1::/56"),
    ("2001:db8:1:1ff::1", "2001:db8:1:1ff::/64", "2001:db8:1::/48", "2001:db8:1:100::/56"),
    ("::1", "::/64", "::/48", "::/56"),
]


@pytest.mark.parametrize(("address", "client", "network", "binding"), KEYS)
def test_keys_of_an_address(address: str, client: str, network: str, binding: str) -> None:
    """IPv4 counts by address and IPv6 by /64, neighbourhoods are what is announced, clearances allow a move at home."""
    parsed = ipaddress.ip_address(address)
    assert client_key(parsed) == client
    assert network_key(parsed) == network
    assert binding_prefix(parsed) == binding


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_rotating_inside_a_64_is_one_client(first: int, second: int) -> None:
    """A subscriber who takes a new address of the same /64 for each request stays one client."""
    base = int(ipaddress.IPv6Address("2001:db8:1:2::"))
    assert client_key(ipaddress.IPv6Address(base + first)) == client_key(ipaddress.IPv6Address(base + second))


@given(addresses)
def test_keys_are_ever_wider(address: Address) -> None:
    """The client lies in its binding prefix, and that in its neighbourhood."""
    network = ipaddress.ip_network(network_key(address))
    binding = ipaddress.ip_network(binding_prefix(address))
    client = ipaddress.ip_network(client_key(address))
    assert address in client
    assert client.broadcast_address in binding
    assert binding.broadcast_address in network


@given(st.lists(st.sampled_from((0, 1, 0xF, 0x10, 0x100, 0xFF00, 0xFFFF)), min_size=8, max_size=8), st.integers(1, 128))
def test_a_prefix_is_written_as_networks_are(groups: list[int], bits: int) -> None:
    """Wherever the zeros stand, a prefix of IPv6 reads as the library writes it, character for character."""
    address = ipaddress.IPv6Address(sum(group << 112 - 16 * place for place, group in enumerate(groups)))
    assert prefix_of(address, 32, bits) == str(ipaddress.ip_network((address, bits), strict=False))


def test_a_prefix_may_be_the_whole_address_or_nothing() -> None:
    """The widest and the narrowest cut are networks too."""
    assert prefix_of(ipaddress.ip_address("192.0.2.1"), 32, 128) == "192.0.2.1/32"
    assert prefix_of(ipaddress.ip_address("2001:db8::1"), 32, 128) == "2001:db8::1/128"
    assert prefix_of(ipaddress.ip_address("2001:db8::1"), 0, 0) == "::/0"


WITHIN = [
    ("192.0.2.1", ["192.0.2.0/24"], True),
    ("192.0.3.1", ["192.0.2.0/24"], False),
    ("192.0.3.1", ["192.0.2.0/24", "192.0.3.1/32"], True),
    ("2001:db8::1", ["2001:db8::/32"], True),
    # the other family never matches, not even all of it
    ("192.0.2.1", ["::/0"], False),
    ("2001:db8::1", ["0.0.0.0/0"], False),
    ("192.0.2.1", ["::ffff:192.0.2.0/120"], False),
    # nobody
    ("192.0.2.1", [], False),
]


@pytest.mark.parametrize(("address", "listed", "inside"), WITHIN)
def test_within(address: str, listed: list[str], inside: bool) -> None:  # noqa: FBT001 - a column of the table
    """An address is within a list when one network of its own family holds it."""
    assert within(ipaddress.ip_address(address), [ipaddress.ip_network(network) for network in listed]) is inside


TRUSTED = tuple(map(ipaddress.ip_network, ("10.0.0.0/8", "192.0.2.0/24", "2001:db8:f::/48")))
PROXY = "10.0.0.1"

PEELED = [
    # peer, what the header claims, the client
    # nobody claims anything
    ("198.51.100.7", [], "198.51.100.7"),
    (PROXY, [], PROXY),
    # an untrusted peer may claim what it likes
    ("198.51.100.7", ["203.0.113.9"], "198.51.100.7"),
    ("198.51.100.7", ["10.0.0.1"], "198.51.100.7"),
    ("198.51.100.7", ["203.0.113.9", "10.0.0.2", "10.0.0.3"], "198.51.100.7"),
    # one trusted forwarder
    (PROXY, ["203.0.113.9"], "203.0.113.9"),
    (PROXY, ["203.0.113.9:51234"], "203.0.113.9"),
    (PROXY, ["[2001:db8::9]:443"], "2001:db8::9"),
    (PROXY, ["::ffff:203.0.113.9"], "203.0.113.9"),
    ("2001:db8:f::1", ["203.0.113.9"], "203.0.113.9"),
    # what the client claimed before the forwarder wrote is not believed
    (PROXY, ["192.0.2.66", "203.0.113.9"], "203.0.113.9"),
    (PROXY, ["127.0.0.1", "10.9.9.9", "203.0.113.9"], "203.0.113.9"),
    (PROXY, ["garbage", "203.0.113.9"], "203.0.113.9"),
    # chains of trusted forwarders
    (PROXY, ["203.0.113.9", "10.0.0.2"], "203.0.113.9"),
    (PROXY, ["203.0.113.9", "192.0.2.4", "10.0.0.2"], "203.0.113.9"),
    (PROXY, ["192.0.2.66", "203.0.113.9", "192.0.2.4", "10.0.0.2"], "203.0.113.9"),
    # a chain that is trusted to its end begins with its first hop
    (PROXY, ["10.0.0.3", "10.0.0.2"], "10.0.0.3"),
    # garbage ends the walk at the last hop that is believed
    (PROXY, ["203.0.113.9", "unknown"], PROXY),
    (PROXY, ["203.0.113.9", ""], PROXY),
    (PROXY, ["203.0.113.9", "unknown", "10.0.0.2"], "10.0.0.2"),
    (PROXY, ["203.0.113.9 10.0.0.2"], PROXY),
    # chains as long as allowed, and longer: nobody further left is believed
    (PROXY, ["203.0.113.9", *["10.0.0.2"] * (MAX_HOPS - 1)], "203.0.113.9"),
    (PROXY, ["203.0.113.9", *["10.0.0.2"] * MAX_HOPS], "10.0.0.2"),
    (PROXY, ["203.0.113.9"] * 10_000, "203.0.113.9"),
]


@pytest.mark.parametrize(("peer", "claimed", "client"), PEELED)
def test_forwarders_are_peeled_off_from_the_right(peer: str, claimed: list[str], client: str) -> None:
    """The client is the first address from the right that is not written by somebody we do not trust."""
    found = peel_forwarded(ipaddress.ip_address(peer), claimed, TRUSTED)
    assert found == ipaddress.ip_address(client)


chains = st.lists(st.one_of(addresses.map(str), st.sampled_from((PROXY, "192.0.2.4", "junk"))), max_size=40)
peers = st.one_of(addresses, st.sampled_from((ipaddress.ip_address(PROXY), ipaddress.ip_address("2001:db8:f::1"))))


@given(peers, chains, st.one_of(st.just(TRUSTED), networks))
def test_an_untrusted_claim_is_never_the_client(
    peer: Address, claimed: list[str], trusted: tuple[Network, ...]
) -> None:
    """Whatever is returned was written by a hop that is trusted, all the way from the peer, or is the peer itself."""
    client = peel_forwarded(peer, claimed, trusted)
    believed = []
    for speaker in (peer, *map(parse_address, reversed(claimed[-MAX_HOPS:]))):
        if speaker is None:
            break
        believed.append(speaker)
        if not within(speaker, trusted):
            break
    assert client == believed[-1]
    assert all(within(speaker, trusted) for speaker in believed[:-1])


@given(addresses, chains, st.lists(addresses.map(str), max_size=3))
def test_a_client_cannot_move_itself_by_claiming_more(client: Address, honest: list[str], forged: list[str]) -> None:
    """Entries that stand left of an untrusted client change nothing."""
    if within(client, TRUSTED):
        return
    chain = [str(client), *[hop for hop in honest if hop == PROXY][: MAX_HOPS - 1]]
    peer = ipaddress.ip_address(PROXY)
    assert peel_forwarded(peer, forged + chain, TRUSTED) == peel_forwarded(peer, chain, TRUSTED)
