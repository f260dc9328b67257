"""Terms: what the settings say to each part of a worker, in the words of that part."""

from __future__ import annotations

import ssl
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from shieldproxy.core.errors import StartError
from shieldproxy.core.excess import ExcessPolicy
from shieldproxy.core.posture import PosturePolicy
from shieldproxy.guard.appearance import Appearance, colour_style, picture_uri
from shieldproxy.proxy.certificates import Certificates
from shieldproxy.proxy.terms import ClientAddress, OriginTerms, Terms
from shieldproxy.settings.certificate_files import names_of
from shieldproxy.settings.compiling import compile_policy
from shieldproxy.settings.looks import frame_faults, read_frame

if TYPE_CHECKING:
    from aiolimiter import AsyncLimiter

    from shieldproxy.core.addresses import Network
    from shieldproxy.core.policy import Policy
    from shieldproxy.settings.certificates import Pair
    from shieldproxy.settings.schema import Posture, Settings

# TLS 1.2 as browsers of the last ten years speak it: keys that are forgotten after use (ECDHE), and encryption that
# proves that nothing was changed (AEAD); TLS 1.3 has nothing else. Without DHE, whose handshake costs us much and the
# client nothing (CVE-2002-20001).
CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20"
# Files a worker has open beside connections: memory, databases, the journal, its channel; and some room.
OTHER_FILES = 100


def policy_of(settings: Settings, allowed: tuple[Network, ...]) -> Policy:
    """Return the compiled policy, with the networks an operator let through among the exempt."""
    policy = compile_policy(settings)
    return policy._replace(exempt=policy.exempt._replace(clients=(*policy.exempt.clients, *allowed)))


def posture_policy(posture: Posture) -> PosturePolicy:
    """Return when the posture of the site changes."""
    return PosturePolicy(
        memory=posture.memory,
        floor=posture.floor,
        elevated=posture.elevated,
        attack=posture.attack,
        hold=posture.hold,
    )


def excess_policy(posture: Posture) -> ExcessPolicy:
    """Return when a network is part of an excess."""
    return ExcessPolicy(
        memory=posture.network_memory,
        factor=posture.network_factor,
        few=posture.network_few,
        more=3.0 * posture.network_few,
    )


def appearance_of(settings: Settings) -> Appearance:
    """Return how the operator wants our pages to look; a logo that cannot be read is left out."""
    challenge = settings.challenge
    logo = ""
    if challenge.logo is not None:
        with suppress(OSError, ValueError):
            logo = picture_uri(challenge.logo.name, challenge.logo.read_bytes())
    frame = ""
    if challenge.template is not None:
        with suppress(OSError, ValueError):
            frame = read_frame(challenge.template)
    # The file may have changed since it was checked; what would not have passed is not shown.
    shown = "" if frame and frame_faults(frame) else frame
    style = colour_style(challenge.colours.named(), challenge.colours_dark.named())
    return Appearance(challenge.contact, challenge.title, challenge.text, logo, style, shown)


def terms_of(settings: Settings) -> Terms:
    """Return what the settings say to the main door."""
    server, times, sizes = settings.server, settings.server.timeouts, settings.server.sizes
    return Terms(
        client_address=ClientAddress(server.client_address),
        trusted=server.trusted_proxies,
        hosts=frozenset(server.hosts),
        header=times.header,
        idle=times.idle,
        body_idle=times.body_idle,
        body_rate=times.body_rate,
        tunnel_idle=times.tunnel_idle,
        write=times.write,
        max_head=sizes.head,
        max_target=sizes.target,
        max_headers=sizes.headers,
        buffer=sizes.buffer,
        max_connections=server.max_connections,
        max_connections_per_client=server.max_connections_per_client,
        pace_wait=settings.origin.rate_wait,
        handshake=times.handshake,
        handshake_rate=server.tls.handshake_rate if server.tls else 0.0,
        handshake_burst=server.tls.handshake_burst if server.tls else 1.0,
        stale_if_error=settings.origin.stale_if_error,
        stale_memory=settings.origin.stale_memory,
        nameless=(settings.origin.url.authority or "localhost").encode(),
    )


def origin_terms(settings: Settings) -> OriginTerms:
    """Return where the origin is and how it is spoken to."""
    origin = settings.origin
    return OriginTerms(
        host=origin.url.host,
        port=origin.url.port,
        unix=origin.url.path,
        tls=origin_tls(settings),
        connect=origin.connect_timeout,
        response=origin.response_timeout,
        idle=origin.idle_timeout,
        max_connections=origin.max_connections,
        buffer=settings.server.sizes.buffer,
    )


def within_files(terms: Terms, origin: OriginTerms, files: int) -> tuple[Terms, OriginTerms]:
    """Return both with no more connections than a process can have that may open ``files``.

    When the system has fewer than the configuration asks for, places run out before descriptors do: a full house
    closes idle connections and refuses others in order, a process without descriptors fails wherever it stands.
    """
    free = max(files - OTHER_FILES, files // 2)
    if terms.max_connections + 2 * origin.max_connections <= free:
        return terms, origin
    to_origin = min(origin.max_connections, max(1, free // 6))
    visitors = min(terms.max_connections, max(1, free - 2 * to_origin))
    return replace(terms, max_connections=visitors), replace(origin, max_connections=to_origin)


def pace_of(settings: Settings, workers: int) -> AsyncLimiter | None:
    """Return what one of ``workers`` lets through to the origin a second, None where that is not bounded.

    The configuration speaks of the site, so each worker has an equal part of it.
    """
    rate = settings.origin.rate / workers
    if not rate:
        return None
    from aiolimiter import AsyncLimiter  # noqa: PLC0415 - a twelfth of a start, for the few who set a pace

    # At most a second's worth at once; below one a second, one in as long as that takes.
    return AsyncLimiter(max(1.0, rate), max(1.0, 1.0 / rate))


def origin_tls(settings: Settings) -> ssl.SSLContext | None:
    """Return the context that verifies an https origin; None for other schemes."""
    origin = settings.origin
    if origin.url.scheme != "https":
        return None
    context = ssl.create_default_context(cafile=str(origin.tls_ca) if origin.tls_ca else None)
    if not origin.tls_verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(["http/1.1"])
    return context


def server_tls(settings: Settings) -> Certificates | None:
    """Return what visitors are shown; None where plain HTTP is served.

    Of two certificates for one name the first in the file is shown. Raises StartError when a file cannot be used any
    more, which a worker may find that starts long after its node did.
    """
    tls = settings.server.tls
    if tls is None:
        return None
    named: dict[str, ssl.SSLContext] = {}
    contexts: list[ssl.SSLContext] = []
    for pair in tls.pairs:
        try:
            contexts.append(context_of(pair))
            for name in names_of(pair):
                named.setdefault(name, contexts[-1])
        except (OSError, ValueError) as error:
            raise StartError(f"{pair.certificate} and {pair.key} cannot be used any more: {error}") from error
    return Certificates(contexts[0], named)


def context_of(pair: Pair) -> ssl.SSLContext:
    """Return how TLS is spoken with one certificate: versions 1.2 and 1.3, HTTP/1.1, no renegotiation."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.set_ciphers(CIPHERS)
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_CIPHER_SERVER_PREFERENCE
    context.load_cert_chain(pair.certificate, pair.key)
    context.set_alpn_protocols(["http/1.1"])
    return context
