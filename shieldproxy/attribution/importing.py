"""Importing: requests that other servers wrote down become records of the journal, labelled as imported.

They hold no verdict: their action is ``admit`` and their stage ``imported``, whatever status the other server gave.
Networks are what our databases say today, not what they said then; ``geo`` tells their dates.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from shieldproxy.core.addresses import client_key, parse_address
from shieldproxy.core.facts import NetworkLabel
from shieldproxy.core.record import Record
from shieldproxy.intel.crawlers import verified
from shieldproxy.intel.networks import Networks
from shieldproxy.journal.foreign import ForeignLog, Logged
from shieldproxy.journal.segment_writer import Rotation, SegmentWriter
from shieldproxy.journal.segments import LATER, days, segments_of, writer_name

STAGE = "imported"
# As many records are encoded together; more win nothing.
BATCH = 4_096
# By so many bytes at its beginning a log is known again.
KNOWN_BY = 1 << 16
# As the guard cuts them (guard.recording).
MAX_TEXT, MAX_QUERY = 512, 1_024


class Imported(NamedTuple):
    """What came of one log. ``first`` and ``last`` are ts."""

    node: str
    records: int
    broken: int
    no_address: int
    first: str
    last: str
    broken_lines: tuple[str, ...]


class AlreadyImportedError(Exception):
    """The journal holds this log; the message names it."""


class LogImport:
    """Brings logs into the journal in ``directory``; ``progress`` is told now and then how many records there are."""

    def __init__(self, directory: Path, networks: Networks, progress: Callable[[int], None] = lambda _: None) -> None:
        self._directory = directory
        self._networks = networks
        self._progress = progress
        self._clock = 0.0
        self._known = lru_cache(65_536)(self._look_up)
        self._no_address = 0

    def take(self, path: Path, name: str, *, again: bool = False) -> Imported:
        """Bring the log at ``path`` into the journal as of the node ``imported:<name>``.

        Raises AlreadyImportedError when it is there and not asked for ``again``, UnreadableLogError when it is no log,
        OSError when the journal cannot be written.
        """
        writer = writer_name(f"{STAGE}-{name}-{digest(path)}", 0)
        if not again and self._holds(writer):
            raise AlreadyImportedError(f"{path} is in the journal already, as {STAGE}:{name}")
        log = ForeignLog(path)
        segments = SegmentWriter(
            self._directory, writer, wall=lambda: self._clock, monotonic=lambda: 0.0, rotation=Rotation(age=1.0)
        )
        segments.open()
        before, self._no_address = segments.next_seq, 0
        first, last = LATER, ""
        try:
            for stamps, lines in self._batches(log, f"{STAGE}:{name}", segments):
                first, last = min(first, *stamps), max(last, *stamps)
                self._clock = datetime.fromisoformat(stamps[0]).timestamp()
                segments.write_lines(lines, min(stamps), max(stamps))
                segments.seal_when_due()
                self._progress(segments.next_seq - before)
        finally:
            segments.close()
        count = segments.next_seq - before
        first = first if count else ""
        return Imported(f"{STAGE}:{name}", count, log.broken, self._no_address, first, last, tuple(log.broken_lines))

    def _batches(self, log: ForeignLog, node: str, segments: SegmentWriter) -> Iterator[tuple[list[str], list[bytes]]]:
        """Yield ts and lines in batches of one day each: segments are named, and found again, by the day they begin."""
        encoder = LineEncoder(node, self._networks.version)
        stamps: list[str] = []
        lines: list[bytes] = []
        for one in log.requests():
            address, client, label = self._known(one.address)
            if not address:
                self._no_address += 1
                continue
            ts = stamp(one.time)
            if len(lines) == BATCH or (lines and ts[:10] != stamps[0][:10]):
                yield stamps, lines
                if ts[:10] != stamps[0][:10]:
                    segments.close()
                stamps, lines = [], []
            stamps.append(ts)
            lines.append(encoder.line(one, ts, segments.next_seq + len(lines), (address, client, label)))
        if lines:
            yield stamps, lines

    def _look_up(self, text: str) -> tuple[str, str, NetworkLabel]:
        address = parse_address(text)
        if address is None:
            return "", "", NetworkLabel()
        return str(address), client_key(address), self._networks.label(str(address))

    def _holds(self, writer: str) -> bool:
        return any(
            segment.writer == writer for day in days(self._directory) for segment in segments_of(self._directory, day)
        )


class LineEncoder:
    """Writes requests as lines of the journal; one dictionary is filled again and again, for a log has many lines."""

    def __init__(self, node: str, geo: str) -> None:
        self._fields = Record(node=node, geo=geo, stage=STAGE).to_dict()

    def line(self, one: Logged, ts: str, number: int, who: tuple[str, str, NetworkLabel]) -> bytes:
        """Return the line of a request that another server wrote down."""
        fields = self._fields
        address, client, label = who
        agent = one.user_agent[:MAX_TEXT]
        fields["seq"] = number
        fields["ts"] = ts
        fields["id"] = f"{int(one.time) & 0xFFFFFFFF:08x}.import.{number:x}"
        fields["src_ip"] = address
        fields["client"] = client
        fields["asn"], fields["as_name"], fields["country"], fields["network_class"], _ = label
        fields["method"] = one.method[:MAX_TEXT]
        fields["host"] = one.host[:MAX_TEXT]
        fields["path"] = one.path[:MAX_TEXT]
        fields["query"] = one.query[:MAX_QUERY]
        fields["http"] = one.version[:MAX_TEXT]
        fields["user_agent"] = agent
        fields["referer"] = one.referer[:MAX_TEXT]
        fields["rule"] = "crawler" if label.crawler and verified(label, agent) else ""
        fields["status"] = one.status
        fields["bytes_out"] = one.size
        try:
            return orjson.dumps(fields)
        except TypeError:  # text that is no Unicode, or a number larger than any
            clean = {name: _clean(value) for name, value in fields.items()}
            return orjson.dumps(clean)


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return 0 if isinstance(value, int) and abs(value) >= 1 << 63 else value


@lru_cache(4_096)  # lines of one second share it
def stamp(unix_seconds: float) -> str:
    """Return a moment as records write it; raises ValueError or OverflowError when it is none."""
    moment = datetime.fromtimestamp(unix_seconds, UTC)
    return f"{moment.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


def digest(path: Path) -> str:
    """Return by what a log is known again: its beginning and its size; raises OSError."""
    with path.open("rb") as file:
        beginning = file.read(KNOWN_BY)
    return hashlib.sha256(beginning + str(path.stat().st_size).encode()).hexdigest()[:12]
