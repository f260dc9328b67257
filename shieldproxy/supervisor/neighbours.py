"""Neighbours: the other nodes of the site. What they ruled is put in force here, and this node is wired to them."""

from __future__ import annotations

import ipaddress
import os
import time
from typing import TYPE_CHECKING

from shieldproxy.app.orders import Learn
from shieldproxy.core.errors import StartError
from shieldproxy.state.banlist import List
from shieldproxy.state.files import read_secret
from shieldproxy.state.keys import load_ring
from shieldproxy.state.rulings import signing_keys
from shieldproxy.state.shared_server import Place, SharedServer
from shieldproxy.supervisor.operators import is_network
from shieldproxy.supervisor.sharing import Sharing

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from shieldproxy.core.rulings import Ruling
    from shieldproxy.settings.nodes import Nodes
    from shieldproxy.supervisor.node import Supervisor


def sharing_for(node: Supervisor) -> Sharing | None:
    """Return what tells ``node`` and the others of each other, None where there is one node."""
    settings = node.settings
    server = server_for(settings.nodes)
    if server is None:
        return None
    sharing = Sharing(
        server,
        node.name,
        signing_keys(load_ring(settings.state.directory, os.urandom)),
        receive=lambda rulings: heed(node, rulings),
        own=node.operators.own,
        chance=os.urandom,
        clock=time.monotonic,
        wall=time.time,
        log=node.log,
        minute=node.minute,
    )
    node.operators.tell = sharing.tell
    return sharing


def server_for(nodes: Nodes) -> SharedServer | None:
    """Return the server that ``nodes`` names, not asked yet; None where it names none."""
    url = nodes.server
    if url is None:
        return None
    place = Place(url.host, url.port, url.path, url.database, url.tls, nodes.tls_ca, nodes.user)
    return SharedServer(place, nodes.prefix, nodes.answer_timeout, lambda: password_in(nodes.password_file))


def password_in(path: Path | None) -> str:
    """Return the first line of a file with a password, '' for None. Raises StartError."""
    if path is None:
        return ""
    text = read_secret(path)
    if text is None:
        raise StartError(f"{path}: is not there")
    return text.partition("\n")[0].strip()


def heed(node: Supervisor, rulings: Iterable[Ruling]) -> int:
    """Put ``rulings`` in force on ``node``, tell its workers, and return how many changed something.

    Who is exempt or allowed here passes in spite of any ban, as with our own. A ban that would shut out a forwarder of
    this node, and all its visitors with it, is left out.
    """
    taken = [ruling for ruling in rulings if not shuts_out(node, ruling) and node.operators.receive(ruling)]
    if any(ruling.list == List.ALLOW for ruling in taken):
        node.tell_allowed()
    if any(ruling.list == List.BAN and is_network(ruling.key) for ruling in taken):
        node.tell_banned()
    for ruling in taken:
        if ruling.list == List.BAN and not ruling.ends and not is_network(ruling.key):
            held = node.operators.ban_of_client(ruling.key)
            if held is not None:
                node.tell(Learn(held))
    return len(taken)


def shuts_out(node: Supervisor, ruling: Ruling) -> bool:
    """Tell whether ``ruling`` bans somebody who speaks for others on this node."""
    trusted = node.settings.server.trusted_proxies
    if not trusted or ruling.list != List.BAN or ruling.ends:
        return False
    network = ipaddress.ip_network(ruling.key)
    return any(network.version == other.version and network.overlaps(other) for other in trusted)
