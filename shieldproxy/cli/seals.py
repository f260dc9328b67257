"""Seals: what the doctor says of the journal's log, and how it mends what a crash left unsealed."""

from __future__ import annotations

from shieldproxy.cli.checkups import Finding, Level
from shieldproxy.core.errors import StartError
from shieldproxy.settings.schema import Settings
from shieldproxy.supervisor.sealing_late import seal_late

SUBJECT = "seals"


def check_seals(settings: Settings) -> Finding:
    """Records are evidence only when they are sealed: left-overs are sealed now, unless the running node does it."""
    try:
        late = seal_late(settings)
    except StartError as fault:
        return Finding(Level.FAIL, SUBJECT, str(fault), "as the user the service runs as")
    if late.broken:
        return Finding(Level.FAIL, SUBJECT, late.why, f"shieldproxy evidence verify {settings.journal.directory}")
    if late.segments:
        text = f"{late.segments} segments with {late.records} records were left unsealed; they are sealed now"
        return Finding(Level.WARN, SUBJECT, text, "look why the node ended: its last lines in the operational log")
    return Finding(Level.OK, SUBJECT, late.why or "every closed segment is sealed and signed")
