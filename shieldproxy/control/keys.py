"""Keys an operator may ban or allow: an address, an IPv6 /64, or a network, written the way the node counts."""

from __future__ import annotations

import ipaddress
from typing import NamedTuple

from shieldproxy.core.addresses import Network, parse_address

# A wider ban is a mistake or a policy: the largest allocations of one holder are a /8 and a /19 (RIR practice).
WIDEST_V4 = 8
WIDEST_V6 = 19
CLIENT_V6 = 64
MAX_TEXT = 64  # the longest written address, with a zone and a prefix, is shorter
MAPPED = ipaddress.ip_network("::ffff:0:0/96")
ALLOWED = "an IPv4 or IPv6 address, or a network such as 192.0.2.0/24 or 2001:db8::/32"


class BadKeyError(ValueError):
    """A text that is no key to ban or allow; the message says what is allowed."""


class Key(NamedTuple):
    """What a text names: ``text`` as the node's tables write it, and a remark where that differs in meaning."""

    text: str
    network: Network
    remark: str = ""


def read_key(text: str) -> Key:
    """Return the key ``text`` names.

    An IPv6 address, and anything narrower than a /64, is its /64, the least one subscriber owns; an IPv4-mapped
    address is the IPv4 address. Raises BadKeyError for an ASN, a network with host bits, one too wide, or no
    address at all.
    """
    text = text.strip()
    if len(text) > MAX_TEXT:
        raise BadKeyError(f"{text[:24]!r}...: not an address; allowed: {ALLOWED}")
    if text[:2].upper() == "AS" and text[2:].strip().isdecimal():
        raise BadKeyError(
            f"{text}: a whole ASN is not banned or allowed by hand, for strangers in their thousands share it; "
            f'write a rule instead: when = {{ asn = [{int(text[2:])}] }}, action = "challenge"; then reload'
        )
    network = _network_of(text)
    if network.version == 6 and network.prefixlen >= 96 and network.network_address in MAPPED:
        inner = ipaddress.IPv4Address(int(network.network_address) & 0xFFFF_FFFF)
        network = ipaddress.ip_network((inner, network.prefixlen - 96))
    if network.version == 6 and network.prefixlen > CLIENT_V6:
        wider = network.supernet(new_prefix=CLIENT_V6)
        return Key(str(wider), wider, f"an IPv6 client is its /64, so this is {wider}")
    widest = WIDEST_V4 if network.version == 4 else WIDEST_V6
    if network.prefixlen < widest:
        raise BadKeyError(f"{text}: wider than /{widest}; allowed: /{widest} and narrower. For more, write a rule")
    if network.version == 4 and network.prefixlen == 32:
        return Key(str(network.network_address), network)
    return Key(str(network), network)


def _network_of(text: str) -> Network:
    if "/" not in text:
        address = parse_address(text)
        if address is None:
            raise BadKeyError(f"{text!r}: not an address; allowed: {ALLOWED}")
        return ipaddress.ip_network(address)
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise BadKeyError(f"{text!r}: not a network; allowed: {ALLOWED}") from None
    raise BadKeyError(f"{text}: has bits set beyond its prefix; did you mean {meant}?")


def cautions(key: Key, exempt: tuple[Network, ...]) -> tuple[str, ...]:
    """Return what an operator should know before banning ``key``, one sentence each."""
    told = [key.remark] if key.remark else []
    if key.network.is_loopback:
        told.append(f"{key.text} is this machine itself: a proxy running on it would be shut out with all its visitors")
    covered = [str(network) for network in exempt if _overlap(key.network, network)]
    if covered:
        told.append(f"exempt.clients holds {', '.join(covered[:5])}: exempt clients pass in spite of a ban")
    return tuple(told)


def shut_out_proxies(key: Key, trusted: tuple[Network, ...]) -> tuple[str, ...]:
    """Return the trusted proxies a ban of ``key`` would hit; each speaks for many visitors."""
    return tuple(str(network) for network in trusted if _overlap(key.network, network))


def around(key: Key) -> frozenset[str]:
    """Return every key that holds ``key``, itself too, as the node's tables write them: fifty at most.

    So a list of a hundred thousand bans is searched by name, and none of them has to be read as a network.
    """
    widest = WIDEST_V4 if key.network.version == 4 else WIDEST_V6
    wider = (key.network.supernet(new_prefix=length) for length in range(widest, key.network.prefixlen))
    return frozenset((key.text, *map(str, wider)))


def _overlap(first: Network, second: Network) -> bool:
    return first.version == second.version and first.overlaps(second)
