"""Consistency: what is right by itself but wrong together."""

from __future__ import annotations

import ipaddress
import os
from collections.abc import Iterator
from pathlib import Path

from shieldproxy.settings.certificate_files import find_authority_fault, find_pair_fault, names_of
from shieldproxy.settings.certificates import Pair, Tls
from shieldproxy.settings.endpoints import Listen
from shieldproxy.settings.looks import DARK, LIGHT, LOOK_BYTES, find_colours, find_frame, look_bytes
from shieldproxy.settings.nodes import LIBRARY, library_there
from shieldproxy.settings.positions import Trail
from shieldproxy.settings.schema import Settings
from shieldproxy.settings.tables import Desk, Fault

LOGOS = (".png", ".svg", ".jpg", ".jpeg", ".webp", ".gif")


def check(desk: Desk, settings: Settings) -> None:
    """Note what does not fit together; a check rests when one of its keys is wrong by itself."""
    for find in (
        find_server,
        find_control,
        find_origin,
        find_challenge,
        find_look,
        find_bans,
        find_episodes,
        find_offload,
        find_nodes,
        find_files,
    ):
        for fault in list(find(settings)):
            if desk.sound(fault.trail, *fault.others):
                desk.faults.append(fault)


def find_server(settings: Settings) -> Iterator[Fault]:
    """Who may speak for others, sizes that contain each other, and addresses that meet."""
    server = settings.server
    speaks = ("server", "client_address")
    trusts = ("server", "trusted_proxies")
    if server.client_address != "peer" and not server.trusted_proxies:
        message = (
            f'"{server.client_address}" while nobody may speak for others; allowed: name the networks of your '
            'forwarders in server.trusted_proxies, or client_address = "peer"'
        )
        yield Fault(speaks, message, (trusts,))
    for index, network in enumerate(server.trusted_proxies):
        if network.prefixlen == 0:
            message = f'"{network}" lets everybody speak for everybody; allowed: only the networks of your forwarders'
            yield Fault((*trusts, index), message)
    if server.sizes.target > server.sizes.head:
        message = f"{server.sizes.target} is more than server.sizes.head; allowed: up to {server.sizes.head}"
        yield Fault(("server", "sizes", "target"), message, (("server", "sizes", "head"),))
    for index, place in enumerate(server.listen):
        if any(place.meets(earlier) for earlier in server.listen[:index]):
            message = f'"{place}" is taken by another of these addresses; allowed: addresses that do not overlap'
            yield Fault(("server", "listen", index), message)


def find_control(settings: Settings) -> Iterator[Fault]:
    """The control address: for this machine only, and its own."""
    listen = settings.control.listen
    here = ("control", "listen")
    if not listen.loopback:
        message = (
            f'"{listen}" can be reached from other machines; allowed: "127.0.0.1:PORT", "[::1]:PORT" or "unix:/path"'
        )
        yield Fault(here, message)
    if any(listen.meets(other) for other in settings.server.listen):
        message = f'"{listen}" is an address of server.listen too; allowed: another port for one of them'
        yield Fault(here, message, (("server", "listen"),))


def find_origin(settings: Settings) -> Iterator[Fault]:
    """The origin is another server than this one."""
    url = settings.origin.url
    own = (*settings.server.listen, settings.control.listen)
    if url.scheme == "unix":
        loops = any(place.path == url.path for place in own)
    else:
        loops = any(leads_to(url.host, url.port, place) for place in own)
    if loops:
        message = f'"{url}" is this proxy itself, requests would go round for ever; allowed: the address of your site'
        yield Fault(("origin", "url"), message, (("server", "listen"), ("control", "listen")))


def leads_to(host: str, port: int, place: Listen) -> bool:
    """Tell whether ``host`` and ``port`` certainly reach ``place``; names other than localhost are not looked up."""
    if place.unix or not place.port or place.port != port:
        return False
    try:
        address = ipaddress.ip_address("127.0.0.1" if host == "localhost" else host)
    except ValueError:
        return False
    mine = ipaddress.ip_address(place.host)
    if address == mine:
        return True
    # Linux takes 0.0.0.0 as a way to say "this machine".
    here = (address.is_unspecified and mine.is_loopback) or (mine.is_unspecified and address.is_loopback)
    return here and mine.version == address.version


def find_challenge(settings: Settings) -> Iterator[Fault]:
    """A form can be sent before its puzzle expires."""
    challenge = settings.challenge
    if challenge.form_wait >= challenge.puzzle_validity:
        message = (
            f"{challenge.puzzle_validity:g} seconds end before form_wait ({challenge.form_wait:g}) does, nobody could "
            "answer; allowed: more than form_wait"
        )
        yield Fault(("challenge", "puzzle_validity"), message, (("challenge", "form_wait"),))


def find_look(settings: Settings) -> Iterator[Fault]:
    """What an operator adds to our pages is there, can be read by everybody, runs nothing, and keeps them small."""
    look = settings.challenge
    yield from find_colours("colours", look.colours, LIGHT)
    yield from find_colours("colours_dark", look.colours_dark, DARK)
    if look.logo is not None:
        yield from unreadable((("challenge", "logo"), look.logo))
        if look.logo.suffix.lower() not in LOGOS:
            yield Fault(("challenge", "logo"), f'"{look.logo}" is no picture; allowed: {" ".join(LOGOS)}')
    if look.template is not None:
        missing = list(unreadable((("challenge", "template"), look.template)))
        yield from missing or find_frame(look.template)
    taken = look_bytes(look.logo, look.template, look.text, look.title, look.contact)
    if taken > LOOK_BYTES:
        key = "logo" if look.logo is not None else "template" if look.template is not None else "text"
        message = (
            f"with it the pages would have {taken - LOOK_BYTES} bytes too many to stay below 15,000; allowed: "
            f"{LOOK_BYTES} for logo (four thirds of its file), template, text, title and contact together, not {taken}"
        )
        yield Fault(("challenge", key), message)


def find_bans(settings: Settings) -> Iterator[Fault]:
    """Each rung of the ladder is at least as long as the one before."""
    ladder = settings.bans.ladder
    for index in range(1, len(ladder)):
        if ladder[index] < ladder[index - 1]:
            message = f"{ladder[index]:g} seconds after {ladder[index - 1]:g}; allowed: rungs that grow"
            yield Fault(("bans", "ladder", index), message)


def find_episodes(settings: Settings) -> Iterator[Fault]:
    """What ends an episode is less than what begins one."""
    episodes, low, ratio = settings.episodes, ("episodes", "low"), ("episodes", "ratio")
    if episodes.low >= episodes.ratio:
        message = f"{episodes.low:g} is not below episodes.ratio; allowed: less than {episodes.ratio:g}"
        yield Fault(low, message, (ratio,))
    for name, value in (("newcomer", episodes.newcomer), ("sure", episodes.sure)):
        if value < episodes.ratio:
            message = f"{value:g} is below episodes.ratio; allowed: {episodes.ratio:g} or more"
            yield Fault(("episodes", name), message, (ratio,))


def find_offload(settings: Settings) -> Iterator[Fault]:
    """The kernel can stop a visitor only when it sees them: over TCP, and not through a forwarder."""
    server, here = settings.server, ("offload", "backend")
    if settings.offload.backend != "nftables":
        return
    if server.client_address != "peer":
        message = (
            f'"nftables" while visitors come through forwarders (client_address = "{server.client_address}"): the '
            'kernel sees only the address of the forwarder and could stop nobody; allowed: "none", "dry-run"'
        )
        yield Fault(here, message, (("server", "client_address"),))
    if all(place.unix for place in server.listen):
        message = '"nftables" while server.listen has no address of TCP; allowed: "none"'
        yield Fault(here, message, (("server", "listen"),))


def find_nodes(settings: Settings) -> Iterator[Fault]:
    """What says how the shared server is reached goes with its address, and its library is there."""
    nodes, here = settings.nodes, ("nodes", "server")
    if nodes.server is None:
        for key, value in (("user", nodes.user), ("password_file", nodes.password_file), ("tls_ca", nodes.tls_ca)):
            if value:
                yield Fault(("nodes", key), 'is for no server; allowed: name one in nodes.server, or ""', (here,))
        return
    if not library_there():
        message = f'the library "{LIBRARY}" is not installed; allowed: pip install ".[nodes]", or "" for a single node'
        yield Fault(here, message)
    if nodes.user and nodes.password_file is None:
        yield Fault(("nodes", "password_file"), "missing beside nodes.user; allowed: the path of a file")
    if nodes.password_file is not None:
        yield from unreadable((("nodes", "password_file"), nodes.password_file))
    if nodes.tls_ca is not None:
        missing = list(unreadable((("nodes", "tls_ca"), nodes.tls_ca)))
        yield from missing
        fault = "" if missing else find_authority_fault(nodes.tls_ca)
        if fault:
            yield Fault(("nodes", "tls_ca"), fault)
        if not nodes.server.tls:
            message = 'is for no TLS; allowed: a server such as "valkeys://host", or ""'
            yield Fault(("nodes", "tls_ca"), message, (here,))


def find_files(settings: Settings) -> Iterator[Fault]:
    """Files that are read at the start are there; databases are not asked for, the shield serves without them."""
    if settings.server.tls is not None:
        yield from find_certificates(settings.server.tls)
    authority = settings.origin.tls_ca
    if authority is not None:
        missing = list(unreadable((("origin", "tls_ca"), authority)))
        yield from missing
        fault = "" if missing else find_authority_fault(authority)
        if fault:
            yield Fault(("origin", "tls_ca"), fault)


def find_certificates(tls: Tls) -> Iterator[Fault]:
    """Each certificate can be shown, with its key, and somebody asks for it."""
    here: Trail = ("server", "tls")
    yield from find_pair(tls.pairs[0], here)
    for index, pair in enumerate(tls.certificates):
        faults = list(find_pair(pair, (*here, "certificates", index)))
        yield from faults
        if not faults and not names_of(pair):
            message = f'missing, and "{pair.certificate}" holds no host names; allowed: the names it is shown for'
            yield Fault((*here, "certificates", index, "names"), message)


def find_pair(pair: Pair, trail: Trail) -> Iterator[Fault]:
    """The two files are there, and belong together."""
    missing = list(unreadable(((*trail, "certificate"), pair.certificate), ((*trail, "key"), pair.key)))
    yield from missing
    key, message = ("", "") if missing else find_pair_fault(pair)
    if message:
        yield Fault((*trail, key), message)


def unreadable(*files: tuple[Trail, Path]) -> Iterator[Fault]:
    """Yield a fault for each file that is not there or may not be read."""
    for trail, path in files:
        if not path.is_file():
            yield Fault(trail, f'"{path}" is not there; allowed: the path of a file')
        elif not os.access(path, os.R_OK):
            yield Fault(trail, f'"{path}" may not be read by this user; allowed: a readable file')
