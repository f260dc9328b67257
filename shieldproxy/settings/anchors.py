"""Anchors of the journal: where its checkpoints are shown to somebody outside."""

from __future__ import annotations

from urllib.parse import urlsplit

from shieldproxy.settings.endpoints import read_port, socket_path
from shieldproxy.settings.values import Wrong, describe


def timestamp_url(value: object) -> str:
    """Return the address of a timestamp authority (RFC 3161 over HTTP), '' for none."""
    allowed = 'allowed: "http://host/path" or "https://host/path" without a password, or "" for none'
    if value == "":
        return ""
    try:
        parts = urlsplit(value) if isinstance(value, str) and value.isprintable() and " " not in value else None
        sound = parts is not None and parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        sound = False
    if not sound or "@" in str(value):
        raise Wrong(
            f"{'an address with a password' if '@' in str(value) else describe(value)} is not allowed; {allowed}"
        )
    return str(value)


def syslog_place(value: object) -> str:
    """Return where checkpoints are sent as lines of syslog, '' for nowhere."""
    if value == "":
        return ""
    if isinstance(value, str) and value.startswith("unix:"):
        return f"unix:{socket_path(value)}"
    if isinstance(value, str) and value.startswith("udp:"):
        host, _, port = value.removeprefix("udp:").rpartition(":")
        if host and host.isprintable() and " " not in host and read_port(port):
            return value
    raise Wrong(f'{describe(value)} is not allowed; allowed: "unix:/dev/log", "udp:host:514", or "" for nowhere')
