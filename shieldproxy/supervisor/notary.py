"""The notary: seals the journal beside the supervisor's loop and says each checkpoint in the operational log.

That line is the anchor outside: a log server that has it can tell later whether the journal was rewritten.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from math import inf
from pathlib import Path
from typing import TYPE_CHECKING, Any

from shieldproxy import __version__
from shieldproxy.attribution.catalogue import FOLDER, forget_day
from shieldproxy.core.errors import StartError
from shieldproxy.core.notes import parse_checkpoint, parse_note
from shieldproxy.core.record import rfc3339
from shieldproxy.journal.holds import read_holds
from shieldproxy.journal.manifest_log import CHECKPOINT, replace_file
from shieldproxy.journal.pseudonyms import Key, named
from shieldproxy.journal.retention import Forgotten, forget_before
from shieldproxy.journal.rounds import Circumstances, Sealed, SealError
from shieldproxy.journal.sealing import Sealer
from shieldproxy.journal.segments import writer_name
from shieldproxy.journal.signing import Signer, pem_of
from shieldproxy.journal.timekeeping import clock_state
from shieldproxy.state.keys import load_evidence_seed
from shieldproxy.state.pseudonym_keys import destroy_before, load_month_key
from shieldproxy.supervisor.anchors import AnchorError, stamp, tell_syslog

if TYPE_CHECKING:
    from shieldproxy.control.node import GeoDatabase
    from shieldproxy.oplog import Log
    from shieldproxy.settings.schema import Journal as JournalSettings
    from shieldproxy.settings.schema import Settings
    from shieldproxy.supervisor.node import Supervisor

PUBLIC_KEY = "evidence.pem"
ANCHOR = "evidence.checkpoint"
POLICIES = "policies"
# A key of pseudonyms is destroyed so long (seconds) after the last record of its month got one: a node that was off for
# some days makes no second key for the same month.
KEY_LINGERS = 7 * 86_400.0


def node_part(name: str) -> str:
    """Return the node's name as writers of segments spell it."""
    return writer_name(name, 0).rpartition(".")[0]


def sealer_for(journal: Path, state: Path, node: str, databases: Callable[[], list[dict[str, Any]]]) -> Sealer:
    """Return the sealer of this machine's ``node``, not yet open; its key is made at the first start.

    Raises StartError when the key cannot be read or made, OSError when its public half cannot be written.
    """
    name = node_part(node)
    signer = Signer(f"{name}/shieldproxy", load_evidence_seed(state, os.urandom))
    replace_file(state / PUBLIC_KEY, pem_of(signer.public).encode())
    circumstances = Circumstances(
        time.time, clock_state, lambda: {"software": f"shieldproxy {__version__}", "databases": databases()}
    )
    return Sealer(journal, name, signer, state / ANCHOR, circumstances)


def described(databases: tuple[GeoDatabase, ...]) -> list[dict[str, Any]]:
    """Return databases as manifests name them."""
    return [
        {"built": rfc3339(found.built)[:10], "kind": found.kind, "sha256": found.sha256, "type": found.type}
        for found in databases
    ]


class Notary:
    """Seals what workers close, deletes what is too old; ``say`` is a logger of its own, for each line counts."""

    def __init__(self, sealer: Sealer, journal: Path, state: Path, say: Log) -> None:
        self._sealer = sealer
        self._journal = journal
        self._state = state
        self._say = say
        self._open = False
        self._kept = ""
        self._syslog = ""
        self._stamped = ("", -inf)
        self._stamping: asyncio.Task[None] | None = None
        self.refused = ""

    async def turn(self, digest: str = "", settings: Settings | None = None) -> None:
        """Seal what is new, keep the configuration behind ``digest``, compress what is old; raises OSError."""
        self._syslog = settings.journal.syslog if settings is not None else ""
        await asyncio.to_thread(self._turn)
        if settings is not None:
            self._stamp_when_due(settings.journal)
            self.keep_policy(digest, settings.source_path)
            await asyncio.to_thread(self._tidy, settings.journal)

    def _stamp_when_due(self, journal: JournalSettings) -> None:
        """Have the newest checkpoint stamped beside everything else, once in ``timestamp_every`` and one at a time."""
        note, when = self._stamped
        busy = self._stamping is not None and not self._stamping.done()
        if not self._open or not journal.timestamp_url or busy or time.monotonic() - when < journal.timestamp_every:
            return
        newest = (self._sealer.log / CHECKPOINT).read_text()
        if newest != note:
            self._stamped = (newest, time.monotonic())
            self._stamping = asyncio.create_task(self._stamp(journal.timestamp_url, newest))

    async def _stamp(self, url: str, note: str) -> None:
        try:
            place = await stamp(url, self._sealer.log, note.encode(), os.urandom)
        except AnchorError as error:
            self._say.warning("a checkpoint has no timestamp", why=str(error))
        else:
            self._say.info("checkpoint stamped", file=str(place))

    async def stop(self) -> None:
        """Seal the last segments and let go of the log; what cannot be sealed now waits for the next start."""
        if self._stamping is not None:
            self._stamping.cancel()
        try:
            await asyncio.to_thread(self._turn)
        except OSError as error:
            self._say.error("sealing the journal failed", why=str(error))
        self._sealer.close()
        self._open = False

    async def forget(self, ts: str) -> Forgotten:
        """Delete segments older than ``ts`` but for those on hold; raises OSError."""
        if self._open:
            return await asyncio.to_thread(self._sealer.forget_before, ts)
        return await asyncio.to_thread(self._forget_unsealed, ts)

    def keep_policy(self, digest: str, source: Path | None) -> None:
        """Keep a copy of the configuration behind ``digest``: records name it for years. Raises OSError."""
        if source is None or digest == self._kept:
            return
        path = self._state / POLICIES / f"{digest}.toml"
        if not path.exists():
            replace_file(path, source.read_bytes())
        self._kept = digest

    def _turn(self) -> None:
        if not self._open and not self._take():
            return
        sealed = self._sealer.round()
        for problem in sealed.problems:
            self._say.warning("a segment is not sealed", problem=problem)
        if sealed.note:
            self._anchor(sealed)

    def _tidy(self, journal: JournalSettings) -> None:
        if not self._open:
            return
        if journal.compress_after:
            for problem in self._sealer.pack_before(rfc3339(time.time() - journal.compress_after)).problems:
                self._say.warning("a segment stays uncompressed", problem=problem)
        if journal.pseudonymise_after:
            self._pseudonymise(journal.pseudonymise_after)

    def _pseudonymise(self, after: float) -> None:
        now = time.time()
        found = self._sealer.pseudonymise_before(rfc3339(now - after), self._key_of)
        for day in found.days:  # the copy in the index has the addresses still; it is made anew when it is asked for
            forget_day(self._journal / FOLDER, day)
        if found.records:
            self._say.info("addresses replaced by pseudonyms", records=found.records, segments=found.segments)
        for problem in found.problems:
            self._say.warning("addresses stay", problem=problem)
        if not found.more and not found.problems:
            for month in destroy_before(self._state, rfc3339(now - after - KEY_LINGERS)[:7]):
                self._say.info("key of pseudonyms destroyed", month=month)

    def _key_of(self, month: str) -> Key:
        try:
            return named(month, load_month_key(self._state, month, os.urandom))
        except StartError as error:
            raise OSError(str(error)) from error

    def _take(self) -> bool:
        try:
            self._sealer.open()
        except SealError as error:
            if self.refused != str(error):
                self._say.error("the journal is not sealed", why=str(error))
            self.refused = str(error)
            return False
        self._open, self.refused = True, ""
        return True

    def _anchor(self, sealed: Sealed) -> None:
        note = parse_note(sealed.note.encode())
        origin, size, _ = parse_checkpoint(note.text)
        root, signature = sealed.note.split("\n")[2], sealed.note.split(" ")[-1].strip()
        self._say.info("checkpoint", origin=origin, size=size, root=root, signature=signature, segments=sealed.segments)
        if self._syslog:
            try:
                tell_syslog(self._syslog, f"checkpoint {origin} {size} {root} {signature}")
            except AnchorError as error:
                self._say.warning("a checkpoint did not reach syslog", why=str(error))

    def _forget_unsealed(self, ts: str) -> Forgotten:
        try:
            holds = tuple(read_holds(self._journal).values())
        except ValueError as error:
            return Forgotten(problems=(str(error),))
        return forget_before(self._journal, ts, holds=holds)


def notary_for(supervisor: Supervisor) -> Notary:
    """Return the notary of a node; raises StartError when its key cannot be read or made."""
    settings, operations = supervisor.settings, supervisor.operations
    journal, state = settings.journal.directory, settings.state.directory
    try:
        sealer = sealer_for(journal, state, supervisor.name, lambda: described(operations.geo().databases))
    except OSError as error:
        raise StartError(f"{state / PUBLIC_KEY}: cannot be written: {error.strerror}") from error
    return Notary(sealer, journal, state, supervisor.log)
