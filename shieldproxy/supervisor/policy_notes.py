"""Notes of policies: what was in force from when on, and what changed, for ``shieldproxy policy history``."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from shieldproxy.core.record import rfc3339
from shieldproxy.settings.flattening import differences, flat
from shieldproxy.state.policies import MOST_CHANGES, PolicyLog

if TYPE_CHECKING:
    from shieldproxy.supervisor.node import Supervisor


def note_policy(node: Supervisor, event: str, by: str = "") -> dict[str, Any]:
    """Write down what ``node`` judges by now and return it; ``event`` is start, reload or step back.

    ``by`` is who asked for it, as far as that is known.

    A disk that does not take it is said in the operational log, and nothing more: the node serves.
    """
    settings = node.settings
    log, keys = PolicyLog(settings.state.directory), flat(settings)
    entry: dict[str, Any] = {
        "ts": rfc3339(time.time()),
        "event": event,
        "by": by,
        "policy": node.policy.digest,
        "mode": settings.server.mode.value,
        "config": str(settings.source_path or "built-in"),
        "node": node.name,
    }
    try:
        before = log.latest()
        changes = differences(before, keys) if before else []
        entry |= {"changes": changes[:MOST_CHANGES], "more": max(0, len(changes) - MOST_CHANGES)}
        log.add(entry, keys)
    except OSError as error:
        node.log.warning("the history of policies cannot be written", why=str(error))
    return entry


def note_reload(node: Supervisor, by: str) -> None:
    """Write down a reload that was taken, and say it."""
    found = note_policy(node, "reload", by)
    changed = [change["key"] for change in found.get("changes", ())][:20]
    node.log.info("reloaded", policy=node.policy.digest, changed=changed, at_the_next_start=list(node.waiting))
