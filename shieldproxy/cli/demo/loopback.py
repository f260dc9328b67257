"""The guard before every byte the demo sends: traffic may only ever reach this machine."""

from __future__ import annotations

import ipaddress


class NotLoopbackError(ValueError):
    """The target is not this machine."""


def loopback(host: str) -> str:
    """Return ``host`` when it is a literal loopback address; raises NotLoopbackError for everything else, names too.

    A resolver may answer anything, so a name is no promise.
    """
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        raise NotLoopbackError(f"{host!r} is no literal address; the demo sends to this machine only") from None
    if not address.is_loopback:
        raise NotLoopbackError(f"{host} is not this machine; the demo sends to this machine only")
    return host
