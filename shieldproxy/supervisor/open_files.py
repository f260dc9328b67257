"""Open files: each visitor is one, so a node asks the system for as many as its configuration lets in."""

from __future__ import annotations

import resource
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shieldproxy.settings.schema import Settings

# Beside connections: shared memory, databases, the journal, channels between processes.
OTHERS = 200


def wanted(settings: Settings) -> int:
    """Return how many files one worker may need at once: visitors, the origin's connections, tunnels to it."""
    return settings.server.max_connections + 2 * settings.origin.max_connections + OTHERS


def allow(count: int) -> int:
    """Raise what this process and those it starts may open to ``count``, or as far as the system lets it.

    Return what they may open. Shells and containers begin with 1,024, and a flood of slow connections would use those
    up in a second; the hard limit is the operator's word, and stays.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or soft >= count:
        return soft if soft != resource.RLIM_INFINITY else count
    most = count if hard == resource.RLIM_INFINITY else min(count, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
    return most
