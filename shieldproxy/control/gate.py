"""Who may ask the control room: which Host, from which page, with which token."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Iterable

from aiohttp import web

from shieldproxy.control.problems import RefusalError
from shieldproxy.core.addresses import parse_address
from shieldproxy.settings.endpoints import Listen

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

# What is asked without a token. Everything else needs one, also a path nobody serves.
OPEN = frozenset({"/", "/healthz", "/readyz"})
# Open to this machine only: a scraper elsewhere shows the token, as Prometheus can (authorization.credentials_file).
OPEN_ON_LOOPBACK = frozenset({"/metrics"})


class Gate:
    """Decides whether a request is heard at all.

    ``hosts`` are further names (without a port) under which the control room is asked, such as a container's.
    """

    def __init__(self, listen: Listen, token: str, hosts: Iterable[str] = ()) -> None:
        if len(token) < 16:
            raise ValueError("a control token of fewer than 16 characters can be guessed")
        self._listen = listen
        self._token = _digest(token)
        self._hosts = frozenset(host.lower() for host in (*hosts, listen.host) if host)

    def check(self, request: web.Request) -> None:
        """Let ``request`` pass, or raise RefusalError with 421, 403 or 401."""
        hosts = request.headers.getall("Host", [])
        if len(hosts) > 1 or (hosts and not self._known(hosts[0])):
            raise RefusalError(
                421,
                f"The control room does not go by the name asked for; ask for {self._listen.host}, "
                "or for localhost on the machine itself.",
            )
        self._refuse_foreign_pages(request, hosts[0] if hosts else "")
        if request.path in OPEN or (request.path in OPEN_ON_LOOPBACK and self._listen.loopback):
            return
        self._refuse_without_token(request)

    def _known(self, host: str) -> bool:
        """Tell whether a Host header is ours: a page that rebinds its own name to our address names itself here."""
        if self._listen.unix:
            return True  # no browser reaches a unix socket
        name = _name_of(host)
        if name in self._hosts or name == "localhost":
            return True
        address = parse_address(name)
        return address is not None and (address.is_loopback or not self._listen.loopback)

    def _refuse_foreign_pages(self, request: web.Request, host: str) -> None:
        origin = request.headers.get("Origin")
        foreign = origin is not None and origin.lower() not in (f"http://{host.lower()}", f"https://{host.lower()}")
        site = request.headers.get("Sec-Fetch-Site", "none")
        if foreign or (site not in ("none", "same-origin") and request.path not in OPEN):
            raise RefusalError(403, "Another site's page may not speak to the control room.")

    def _refuse_without_token(self, request: web.Request) -> None:
        scheme, _, shown = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "bearer" and hmac.compare_digest(_digest(shown.strip()), self._token):
            return
        raise RefusalError(
            401,
            "Show the token of this node: Authorization: Bearer TOKEN. It is in the file control.token_file names.",
            headers={"WWW-Authenticate": 'Bearer realm="shieldproxy"'},
        )


def _digest(token: str) -> bytes:
    """Return a digest of fixed length, so that comparing tells neither the token's length nor its beginning."""
    return hashlib.sha256(token.encode("utf-8", "surrogateescape")).digest()


def _name_of(host: str) -> str:
    """Return a Host header without its port and brackets, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.rpartition(":")[0].lower() if ":" in host else host.lower()
