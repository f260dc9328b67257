"""Orders: they cross a process boundary, and arrive as what they were."""

from __future__ import annotations

import ipaddress
import pickle

import pytest

from shieldproxy.app.orders import Adopt, Allowed, BannedNetworks, Boot, Drain, Learn
from shieldproxy.core.ladder import Ban
from shieldproxy.settings.reading import load

SETTINGS = load(None, ('limits.search={scope="client", rate=1, match={path="/search*"}}', 'server.mode="observe"'))
NETWORK, BAN = ipaddress.ip_network("192.0.2.0/24"), Ban("192.0.2.1", 5.0, "flood", 2)
ORDERS = [
    Boot(SETTINGS, (3, 4), "edge", 2, (NETWORK,), (BAN,)),
    Adopt(SETTINGS),
    Allowed((NETWORK,)),
    BannedNetworks((BAN,)),
    Learn(BAN),
    Drain(1.5),
]


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: type(order).__name__)
def test_an_order_arrives_as_it_was(order: object) -> None:
    """Settings with their patterns, networks, bans: nothing is lost on the way, and the type tells what to do."""
    arrived = pickle.loads(pickle.dumps(order))
    assert arrived == order
    assert type(arrived) is type(order)
