"""Sealing late: what a node that no longer runs left unsealed is sealed by who asks next, the doctor or an export."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import NamedTuple

from shieldproxy.intel.databases import Databases
from shieldproxy.journal.mending import DAYS, mend
from shieldproxy.journal.rounds import BusyError, SealError
from shieldproxy.journal.sealing import Sealer
from shieldproxy.journal.segments import days, segments_of
from shieldproxy.settings.schema import Settings
from shieldproxy.supervisor.notary import node_part, sealer_for


class Late(NamedTuple):
    """What was sealed now, in segments and records; ``why`` says why nothing could be ('' when all is sealed)."""

    segments: int = 0
    records: int = 0
    why: str = ""
    broken: bool = False


def node_name() -> str:
    """Return the name under which this machine's node writes."""
    return node_part(socket.gethostname().partition(".")[0] or "node")


def sealer_here(settings: Settings) -> Sealer:
    """Return the sealer of this machine's node, not open; raises StartError or OSError."""
    geo = settings.geo
    databases = Databases(asn=geo.asn, country=geo.country)

    def named() -> list[dict[str, object]]:
        return [
            {"built": f"{found.built:%Y-%m-%d}", "kind": found.kind, "sha256": found.sha256, "type": found.type}
            for found in databases.databases()
        ]

    return sealer_for(settings.journal.directory, settings.state.directory, node_name(), named)


def seal_late(settings: Settings) -> Late:
    """Mend and seal what is left over, unless the node runs and will do so itself; raises StartError.

    Nothing is touched by another user than the one whose journal it is: files of his would stop the service.
    """
    journal = settings.journal.directory
    try:
        owner = journal.stat().st_uid
    except OSError:
        return Late(why=f"{journal} is not there")
    if owner != os.geteuid():
        return Late(why=f"{journal} belongs to another user: run this as the user of the service")
    try:
        sealer = sealer_here(settings)
        sealer.open()
    except BusyError:
        return Late(why="the running node seals within half a minute")
    except SealError as error:
        return Late(why=str(error), broken=True)
    except OSError as error:
        return Late(why=f"{error.filename}: {error.strerror}", broken=True)
    try:
        return _seal_all(sealer, journal)
    except OSError as error:
        return Late(why=f"{error.filename or journal}: {error.strerror}", broken=True)
    finally:
        sealer.close()


def _seal_all(sealer: Sealer, journal: Path) -> Late:
    for writer in {
        segment.writer for day in days(journal)[-DAYS:] for segment in segments_of(journal, day) if not segment.sealed
    }:
        if writer.rpartition(".")[0] == node_name():
            mend(journal, writer)
    late = Late()
    while True:
        found = sealer.round()
        late = late._replace(segments=late.segments + found.segments, records=late.records + found.records)
        if not found.more:
            return late
