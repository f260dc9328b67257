"""Stepping back: a reload that hurts people or the site within its first minutes is taken back, and said loudly."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from shieldproxy.core.aftermath import Fared
from shieldproxy.settings.flattening import differences, flat
from shieldproxy.supervisor.changes import takeover
from shieldproxy.supervisor.policy_notes import note_policy

if TYPE_CHECKING:
    from shieldproxy.settings.schema import Settings
    from shieldproxy.state.tallies import Totals
    from shieldproxy.supervisor.node import Supervisor


def fared(totals: Totals) -> Fared:
    """Return how people who answered a challenge fared, and the site, since the node started."""
    return Fared(
        totals.requests.get(("admit", "cleared"), 0),
        int(totals.counters["cleared_refused"]),
        sum(totals.origin_duration.counts),
        int(totals.counters["origin_errors"]),
    )


def watch_change(node: Supervisor, before: Settings) -> None:
    """Look after a reload of ``node`` that has been taken; ``before`` is what held until then."""
    if not differences(flat(before), flat(node.settings)):
        return
    span = node.settings.server.step_back
    node.aftermath.begin(fared(node.watch.totals), time.monotonic(), span, lambda: step_back(node, before))


def look_after(node: Supervisor) -> None:
    """Take the sums of this second; a change that hurts is undone, and status and log say so until the next reload."""
    why = node.aftermath.look(fared(node.watch.totals), time.monotonic())
    if why:
        node.reload_refused = (f"the last change was taken back: {why}",)
        node.log.error("stepped back to the configuration before", why=why, policy=node.policy.digest)


def step_back(node: Supervisor, before: Settings) -> None:
    """Let ``before`` hold again."""
    node.take(*takeover(node.settings, before))
    note_policy(node, "step back")
