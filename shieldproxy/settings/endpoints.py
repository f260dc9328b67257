"""Endpoints: where we listen, where the origin is, which names and networks there are."""

from __future__ import annotations

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from shieldproxy.core.addresses import Address, Network
from shieldproxy.settings.values import Wrong, describe, visible

# sockaddr_un holds 108 bytes, the last of them zero (unix(7)).
SOCKET_PATH = 107
OWN_PATH = re.compile(r"(?:/[A-Za-z0-9._~-]{1,63}){1,4}")
# RFC 4291, 2.5.5.2; the judge sees the IPv4 address such an address carries.
MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
LABEL = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)")


class Listen(NamedTuple):
    """Where a server accepts: an address and a port (0: any free one), or the path of a unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    @property
    def unix(self) -> bool:
        """Whether this is a unix socket."""
        return bool(self.path)

    @property
    def loopback(self) -> bool:
        """Whether only this machine can reach it."""
        return self.unix or ipaddress.ip_address(self.host).is_loopback

    def meets(self, other: Listen) -> bool:
        """Tell whether both cannot be listened to at once; 0.0.0.0 and :: stand for every address of their kind."""
        if self.unix or other.unix or not self.port or self.port != other.port:
            return self.unix and self == other
        mine, theirs = ipaddress.ip_address(self.host), ipaddress.ip_address(other.host)
        if mine.version != theirs.version:
            return False
        return mine == theirs or mine.is_unspecified or theirs.is_unspecified

    def __str__(self) -> str:
        """Return it as config.toml writes it."""
        if self.unix:
            return f"unix:{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


class OriginUrl(NamedTuple):
    """Where the protected site is: ``scheme`` http, https or unix; a unix socket has a ``path`` and no host."""

    scheme: str = "http"
    host: str = "127.0.0.1"
    port: int = 9000
    path: str = ""

    def __str__(self) -> str:
        """Return it as config.toml writes it."""
        if self.scheme == "unix":
            return f"unix:{self.path}"
        return f"{self.scheme}://[{self.host}]:{self.port}" if ":" in self.host else f"{self.scheme}://{self.authority}"

    @property
    def authority(self) -> str:
        """Host and port as a Host header writes them."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}" if host else ""


def listen(value: object) -> Listen:
    """Return the place ``"127.0.0.1:8080"``, ``"[::1]:8080"`` or ``"unix:/path"`` names."""
    refused = (
        f'{describe(value)} is not allowed; allowed: an address and a port from 0 to 65535 such as "127.0.0.1:8080", '
        '"0.0.0.0:80" or "[::]:80", or "unix:/path/of/socket"'
    )
    if not isinstance(value, str):
        raise Wrong(refused)
    if value.startswith("unix:"):
        return Listen(path=socket_path(value))
    host, _, port = value.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    number = read_port(port)
    if number is None or bracketed != (":" in host):
        raise Wrong(refused)
    # Names may mean several addresses, and a server that listens on the wrong one is no shield; this one is certain.
    host = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        return Listen(str(ipaddress.ip_address(host)), number)
    except ValueError:
        raise Wrong(refused) from None


def socket_path(value: str) -> str:
    """Return the path in ``unix:/path``, which must be absolute and short enough for the kernel."""
    path = value.removeprefix("unix:")
    if not path.startswith("/") or path.endswith("/") or len(path.encode()) > SOCKET_PATH or not path.isprintable():
        raise Wrong(
            f"{describe(value)} is not allowed; allowed: unix: and an absolute path of up to {SOCKET_PATH} bytes "
            'such as "unix:/run/site.sock"'
        )
    return path


def read_port(text: str) -> int | None:
    """Return a port from 0 to 65535, or None."""
    if not re.fullmatch(r"[0-9]{1,5}", text):
        return None
    return int(text) if int(text) <= 65_535 else None


def origin_url(value: object) -> OriginUrl:
    """Return the origin ``http://host:port``, ``https://host`` or ``unix:/path`` names."""
    allowed = 'allowed: "http://host:port", "https://host:port" or "unix:/path/of/socket"'
    if not isinstance(value, str):
        raise Wrong(f"{describe(value)} is not allowed; {allowed}")
    if value.startswith("unix:"):
        return OriginUrl("unix", "", 0, socket_path(value))
    if "@" in value:
        # Not quoted: problems are logged, and the log is no place for a password.
        raise Wrong(f"the address has a user or a password; {allowed}")
    try:
        parts = urlsplit(value)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise Wrong(f"{describe(value)} is no address of an origin; {allowed}") from None
    # urlsplit drops tabs and line ends without a word.
    if not value.isprintable() or parts.scheme not in ("http", "https") or not is_host(host) or port == 0:
        raise Wrong(f"{describe(value)} is no address of an origin; {allowed}")
    if parts.path not in ("", "/") or parts.query or parts.fragment or "?" in value or "#" in value:
        raise Wrong(f"{describe(value)} has a path or a query, which come from the visitor; {allowed}")
    return OriginUrl(parts.scheme, host, port or (443 if parts.scheme == "https" else 80))


def is_host(host: str) -> bool:
    """Tell whether ``host`` is an address (without brackets) or a name of the DNS."""
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return is_name(host)
    return "%" not in host


def is_name(name: str) -> bool:
    """Tell whether ``name`` is a lower-case name of the DNS (RFC 1123, 2.1); underscores are met in the wild."""
    labels = name.removesuffix(".").split(".")
    return len(name) <= 253 and all(LABEL.fullmatch(label) for label in labels) and not labels[-1].isdigit()


def site_name(value: object) -> str:
    """Return a name the site is served under, lower-case: ``example.org``, ``*.example.org`` or an address."""
    refused = f'{describe(value)} is not allowed; allowed: a name such as "example.org" or "*.example.org"'
    if not isinstance(value, str):
        raise Wrong(refused)
    name = value.lower()
    if address_in(name) is None and re.fullmatch(r"[^:]+:[0-9]*|\[.*\]:[0-9]*", name):
        raise Wrong(f"{describe(value)} has a port; allowed: the name alone, it is served on every port we listen on")
    if not name.isascii():
        raise Wrong(f"{describe(value)} is not written as browsers send it; allowed: its xn-- form{punycode(name)}")
    literal = address_in(name)
    if literal is not None:
        return f"[{literal}]" if literal.version == 6 else str(literal)
    if not is_name(name.removeprefix("*.")) or name.endswith("."):
        raise Wrong(refused)
    return name


def address_in(name: str) -> Address | None:
    """Return the address that ``name`` is, with or without the brackets of IPv6, or None."""
    try:
        return ipaddress.ip_address(name[1:-1] if name.startswith("[") and name.endswith("]") else name)
    except ValueError:
        return None


def punycode(name: str) -> str:
    """Return how browsers write ``name``, as the end of a sentence, or '' when they cannot."""
    try:
        return f', "{visible(name.encode("idna").decode())}"'
    except UnicodeError:
        return ""


def own_path(value: object) -> str:
    """Return the path under which our own pages live, without a slash at its end."""
    if not isinstance(value, str) or not OWN_PATH.fullmatch(value) or {".", ".."} & set(value.split("/")):
        raise Wrong(
            f'{describe(value)} is not allowed; allowed: a path such as "/.shieldproxy" of letters, digits and '
            ". _ ~ - without a slash at its end"
        )
    return value


def network(value: object) -> Network:
    """Return an address or a network in CIDR; bits beyond the prefix are a fault, for they hide a typing error."""
    refused = (
        f'{describe(value)} is not allowed; allowed: an address or a network such as "192.0.2.0/24" or "2001:db8::/32"'
    )
    if not isinstance(value, str) or "%" in value or re.search(r"/.*[^0-9]", value):
        raise Wrong(refused)
    try:
        found = ipaddress.ip_network(value, strict=False)
        exact = ipaddress.ip_interface(value).ip == found.network_address
    except ValueError:
        raise Wrong(refused) from None
    if not exact:
        host = value.partition("/")[0]
        raise Wrong(f'{describe(value)} has host bits beyond /{found.prefixlen}; allowed: "{found}", or "{host}" alone')
    if isinstance(found, ipaddress.IPv6Network) and found.subnet_of(MAPPED):
        raise Wrong(f"{describe(value)} is IPv4 in the clothes of IPv6 and never seen here; allowed: the IPv4 form")
    return found
