"""Nodes: the server over which several nodes of one site tell each other their bans, and how it is reached."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple
from urllib.parse import urlsplit

from shieldproxy.settings.endpoints import is_host, socket_path
from shieldproxy.settings.tables import setting
from shieldproxy.settings.values import Wrong, describe, duration, optional_path

# The library of the extra `nodes`; a single node does without it.
LIBRARY = "valkey"
PORT = 6379
MOST_DATABASES = 16  # what a server has unless it is told otherwise (valkey.conf: databases)
ALLOWED = (
    'allowed: "valkey://host:port", "valkeys://host:port" (TLS), the same as redis:// and rediss://, with a database '
    'behind it ("/2"), "unix:/path/of/socket", or "" for a single node'
)
TLS = {"valkey": False, "redis": False, "valkeys": True, "rediss": True}
NAME = re.compile(r"[A-Za-z0-9._:-]{1,64}")


class SharedUrl(NamedTuple):
    """Where the shared server is: a host and a port, or the path of a unix socket."""

    host: str = ""
    port: int = PORT
    path: str = ""
    database: int = 0
    tls: bool = False

    def __str__(self) -> str:
        """Return it as config.toml writes it."""
        if self.path:
            return f"unix:{self.path}"
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"valkey{'s' if self.tls else ''}://{host}:{self.port}{f'/{self.database}' if self.database else ''}"


def shared_url(value: object) -> SharedUrl | None:
    """Return where the shared server is, None for ''."""
    if value == "":
        return None
    if not isinstance(value, str):
        raise Wrong(f"{describe(value)} is not allowed; {ALLOWED}")
    if value.startswith("unix:"):
        return SharedUrl(path=socket_path(value))
    if "@" in value:
        # Not quoted: problems are logged, and the log is no place for a password.
        raise Wrong(f"the address has a user or a password; allowed: nodes.user and nodes.password_file; {ALLOWED}")
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Wrong(f"{describe(value)} is no address of a server; {ALLOWED}") from None
    database = parts.path.removeprefix("/") or "0"
    known = value.isprintable() and parts.scheme in TLS and is_host(host) and port != 0
    if not known or parts.query or parts.fragment or not re.fullmatch(r"[0-9]{1,2}", database):
        raise Wrong(f"{describe(value)} is no address of a server; {ALLOWED}")
    if int(database) >= MOST_DATABASES:
        raise Wrong(f"{describe(value)} has a database beyond {MOST_DATABASES - 1}; {ALLOWED}")
    return SharedUrl(host, port or PORT, "", int(database), TLS[parts.scheme])


def name(what: str, *, or_empty: bool) -> Callable[[object], str]:
    """Return a reader of a plain word of letters, digits and . _ : -."""
    allowed = f"allowed: {what} of 1 to 64 letters, digits and . _ : -" + (', or ""' if or_empty else "")

    def read(value: object) -> str:
        if isinstance(value, str) and (NAME.fullmatch(value) or (or_empty and not value)):
            return value
        raise Wrong(f"{describe(value)} is not allowed; {allowed}")

    return read


@dataclass(frozen=True, kw_only=True)
class Nodes:
    """How several nodes share their bans; ``server`` None: there is one node."""

    server: SharedUrl | None = setting(None, shared_url)
    user: str = setting("", name("a user of the server", or_empty=True))
    password_file: Path | None = setting(None, optional_path)
    tls_ca: Path | None = setting(None, optional_path)
    answer_timeout: float = setting(1.0, duration("50ms", "10s"))
    prefix: str = setting("shieldproxy", name("a name", or_empty=False))


def library_there() -> bool:
    """Tell whether the library of the extra is installed, without loading it."""
    return importlib.util.find_spec(LIBRARY) is not None
