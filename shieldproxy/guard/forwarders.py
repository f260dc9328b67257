"""Forwarders: what a trusted server before us says of the client it speaks for."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from shieldproxy.core.addresses import Address, Network, parse_address, parse_port, peel_forwarded, within
from shieldproxy.guard.fingerprints import Field
from shieldproxy.guard.visits import Peer

ADDRESS = b"x-forwarded-for"
SCHEME = b"x-forwarded-proto"


class Caller(NamedTuple):
    """Whose request it is: the address, the ends of its connection, and whether it came over TLS."""

    address: Address
    peer: Peer
    secure: bool


def caller_of(fields: Iterable[Field], here: Caller, trusted: Sequence[Network]) -> Caller:
    """Return the caller a trusted forwarder speaks for; ``here``, the connection's own, where it is not trusted.

    ``fields`` are the header fields in order. The address is the first from the right of X-Forwarded-For that no
    trusted hop wrote about itself, with the port beside it where there is one (RFC 6302 asks for it). The last word
    of X-Forwarded-Proto is the nearest hop's own.
    """
    if not within(here.address, trusted):
        return here
    addresses: list[bytes] = []
    schemes: list[bytes] = []
    for lower, _, value in fields:
        if lower == ADDRESS:
            addresses.append(value)
        elif lower == SCHEME:
            schemes.append(value)
    chain = b",".join(addresses).decode("latin-1").split(",")
    address = peel_forwarded(here.address, chain, trusted)
    scheme = b",".join(schemes).rpartition(b",")[2].strip().lower()
    secure = scheme == b"https" if scheme in (b"http", b"https") else here.secure
    if address == here.address:
        return here._replace(secure=secure)
    port = next((parse_port(text) for text in reversed(chain) if parse_address(text) == address), 0)
    peer = Peer(str(address), port, here.peer.dst_ip, here.peer.dst_port, "yes" if secure else "")
    return Caller(address, peer, secure)
