"""Changes: what a reload takes over at once, and what of a new configuration waits for the next start."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from shieldproxy.settings.schema import Settings

# Sockets, processes, memory and files that are made once, by their place in config.toml. All else changes at once.
WAITING = (
    ("server", "listen"),
    ("server", "workers"),
    ("server", "own_path"),
    ("posture", "network_memory"),
    ("geo", "asn"),
    ("geo", "country"),
    ("geo", "refresh"),
    ("journal", "directory"),
    ("journal", "segment"),
    ("journal", "segment_size"),
    ("journal", "queue"),
    ("journal", "pseudonymise_after"),
    ("state", "directory"),
    ("state", "buckets"),
    ("nodes", "server"),
    ("nodes", "user"),
    ("nodes", "password_file"),
    ("nodes", "tls_ca"),
    ("nodes", "answer_timeout"),
    ("nodes", "prefix"),
    ("control", "listen"),
    ("control", "token_file"),
    ("offload", "backend"),
)


def takeover(running: Settings, wanted: Settings) -> tuple[Settings, tuple[str, ...]]:
    """Return what holds after a reload, and the keys whose new values wait for the next start."""
    kept: dict[str, dict[str, object]] = {}
    waiting: list[str] = []
    if (running.server.tls is None) != (wanted.server.tls is None):  # the sockets accept the one or the other
        kept["server"] = {"tls": running.server.tls}
        waiting.append("server.tls")
    for section, key in WAITING:
        before = getattr(getattr(running, section), key)
        if getattr(getattr(wanted, section), key) != before:
            kept.setdefault(section, {})[key] = before
            waiting.append(f"{section}.{key}")
    sections = {section: dataclasses.replace(getattr(wanted, section), **values) for section, values in kept.items()}
    return dataclasses.replace(wanted, **sections), tuple(waiting)
