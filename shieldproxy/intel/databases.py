"""The databases in use: the operator's own files first, else the bundled snapshot; swapped while we serve."""

from __future__ import annotations

import hashlib
import itertools
import os
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import maxminddb

from shieldproxy.intel.shapes import asn_of, country_of
from shieldproxy.intel.tables import SNAPSHOT

ASN, COUNTRY = "asn", "country"

# Where geoipupdate and Debian's packages put files, in the order we look.
FOLDERS = (Path("/var/lib/GeoIP"), Path("/usr/share/GeoIP"))
# Names the makers give their files, the preferred first.
FILE_NAMES = {
    ASN: (
        "GeoIP2-ISP.mmdb",
        "GeoLite2-ASN.mmdb",
        "dbip-asn*.mmdb",
        "ipinfo*asn*.mmdb",
        "ipinfo_lite*.mmdb",
        "asn*.mmdb",
    ),
    COUNTRY: (
        "GeoIP2-Country.mmdb",
        "GeoLite2-Country.mmdb",
        "GeoIP2-City.mmdb",
        "GeoLite2-City.mmdb",
        "dbip-country*.mmdb",
        "dbip-city*.mmdb",
        "ipinfo*country*.mmdb",
        "ipinfo_lite*.mmdb",
        "country*.mmdb",
    ),
}
# Makers publish weekly or monthly; older than this, somebody's update job has stopped.
STALE_DAYS = 35.0
# What a broken file can raise when it is read: the format's own error, broken text, absurd types and sizes.
READ_ERRORS = (maxminddb.InvalidDatabaseError, OSError, ValueError, TypeError, LookupError, MemoryError, OverflowError)

_PROBES = 512  # records read from a new file before it is trusted: a few milliseconds

Signature = tuple[int, int, int]  # inode, size, time of change: differs whenever the file was replaced or written


class Database(NamedTuple):
    """One open file and where it comes from."""

    kind: str  # "asn" or "country"
    origin: str  # "configured", "found" or "bundled"
    path: Path
    type: str  # as the maker named it, such as "GeoLite2-ASN"
    built: datetime
    sha256: str
    signature: Signature
    ip_version: int  # 4: knows nothing of IPv6; 6: knows both
    reader: maxminddb.Reader

    def age_days(self, now: float) -> float:
        """Days from the maker's build to `now` (unix seconds)."""
        return (now - self.built.timestamp()) / 86400

    def describe(self) -> str:
        """One line for people: kind, type, date, short checksum, file."""
        where = "bundled snapshot" if self.origin == "bundled" else str(self.path)
        return f"{self.kind} database {self.type} of {self.built:%Y-%m-%d} ({self.sha256[:12]}, {where})"


class Loaded(NamedTuple):
    """The pair in use at one moment. Whoever holds it keeps working while another pair takes its place."""

    asn: Database | None
    country: Database | None

    @property
    def version(self) -> str:
        """Short name of the pair for records: "asn:2026-06-17/country:2026-06-25"; "none" for a missing one."""
        return "/".join(
            f"{kind}:{database.built:%Y-%m-%d}" if database else f"{kind}:none"
            for kind, database in ((ASN, self.asn), (COUNTRY, self.country))
        )


class Databases:
    """Finds, opens and swaps the two databases. No error ever leaves it: problems are sentences.

    `current` may be read from any thread; `refresh` belongs to one caller at a time.
    """

    def __init__(
        self,
        asn: Path | None = None,
        country: Path | None = None,
        *,
        folders: Sequence[Path] = FOLDERS,
        snapshot: Path = SNAPSHOT,
    ) -> None:
        """Opens what there is. `asn` and `country` are the operator's files; `folders` are searched for others."""
        self._slots = (_Slot(ASN, asn, folders, snapshot), _Slot(COUNTRY, country, folders, snapshot))
        self._news = [sentence for slot in self._slots for sentence in slot.refresh()]
        if not maxminddb_is_fast():
            self._news.append("maxminddb runs without its C extension: each look-up takes 20 times as long")
        self.current = Loaded(*(slot.database for slot in self._slots))

    @property
    def version(self) -> str:
        """Short name of the databases in use, as records carry it."""
        return self.current.version

    @property
    def problems(self) -> list[str]:
        """What is wrong at the moment, a sentence each; empty when all is well."""
        return [problem for slot in self._slots for problem in slot.problems]

    def databases(self) -> list[Database]:
        """The open databases, ASN first; a kind without one is missing here and named in `problems`."""
        return [database for database in self.current if database]

    def refresh(self) -> list[str]:
        """Looks for changed files and swaps them in; returns what is new, each change and problem once.

        Costs a few file-status calls when nothing changed, so it may run every minute. A file that cannot be used
        leaves the last good one in place.
        """
        news, self._news = self._news, []
        for slot in self._slots:
            news += slot.refresh()
        loaded = Loaded(*(slot.database for slot in self._slots))
        if loaded != self.current:
            self.current = loaded
        return news


class _Slot:
    """The place of one kind of database: which files could fill it, and the one that does."""

    def __init__(self, kind: str, configured: Path | None, folders: Sequence[Path], snapshot: Path) -> None:
        self._kind = kind
        self._configured = configured
        self._folders = folders
        self._bundled = snapshot / f"{kind}.mmdb"
        # Files that were tried and failed, with what was said then: not opened again until they change. As many
        # as there are candidate files.
        self._rejected: dict[Path, tuple[Signature, str]] = {}
        self.database: Database | None = None
        self.problems: list[str] = []

    def refresh(self) -> list[str]:
        """Fills the place with the best file; returns what changed and which problems are new."""
        before, self.database, problems = self.database, None, []
        for origin, path in self._candidates():
            self.database, problem = self._take(origin, path, before)
            problems += [problem] if problem else []
            if self.database:
                break
        if before and before.origin != "bundled" and (not self.database or self.database.origin == "bundled"):
            self.database = before  # what was good a minute ago is better than the snapshot
            problems = problems or [f"{self._kind} database {before.path} is gone"]
        instead = f"using {self.database.describe()}" if self.database else f"no {self._kind} is known"
        problems = [f"{problem}; {instead}" for problem in problems]
        news = [problem for problem in problems if problem not in self.problems]
        self.problems = problems
        if before and self.database is not before:
            news.append(f"now {instead}")
        return news

    def _candidates(self) -> Iterator[tuple[str, Path]]:
        if self._configured:
            yield "configured", self._configured
        for folder in self._folders:
            for path in _matching(folder, FILE_NAMES[self._kind]):
                yield "found", path
        yield "bundled", self._bundled

    def _take(self, origin: str, path: Path, before: Database | None) -> tuple[Database | None, str]:
        """The database of this file, freshly opened or the one open before, and what is wrong with the file now.

        A file that was good when it was opened keeps its place while what lies there now is not.
        """
        last_good = before if before and before.path == path else None
        try:
            signature = _signature(path)
        except OSError as error:
            return last_good, f"{self._kind} database {path} cannot be read: {error.strerror or error}"
        if last_good and last_good.signature == signature:
            return last_good, ""
        rejected = self._rejected.get(path)
        if rejected and rejected[0] == signature:
            return last_good, rejected[1]
        try:
            database = open_database(self._kind, origin, path)
        except READ_ERRORS as error:
            problem = f"{self._kind} database {path} is unusable: {error}"
            self._rejected[path] = (signature, problem)
            return last_good, problem
        self._rejected.pop(path, None)
        return database, ""


def open_database(kind: str, origin: str, path: Path) -> Database:
    """Opens one file and reads some of it, to be sure that it holds what its kind promises.

    Raises:
        OSError: the file cannot be read.
        ValueError, maxminddb.InvalidDatabaseError: it is no database, or tells nothing of its kind.
    """
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        content = file.read()
    # The reader maps its file. Somebody's `cp` over it would tear the map under our feet and kill the process
    # (SIGBUS), so an operator's file is read from a copy of our own. Nobody overwrites the bundled one.
    reader = maxminddb.open_database(path) if origin == "bundled" else _open_copy(path, content)
    _probe(kind, reader)
    meta = reader.metadata()
    return Database(
        kind=kind,
        origin=origin,
        path=path,
        type=meta.database_type,
        built=datetime.fromtimestamp(meta.build_epoch, UTC),
        sha256=hashlib.sha256(content).hexdigest(),
        signature=(status.st_ino, status.st_size, status.st_mtime_ns),
        ip_version=meta.ip_version,
        reader=reader,
    )


def maxminddb_is_fast() -> bool:
    """Whether maxminddb has its C extension; without it a look-up costs 11 to 100 µs instead of 0.6 to 7."""
    return bool(getattr(maxminddb, "_extension", None))


def _open_copy(path: Path, content: bytes) -> maxminddb.Reader:
    if not hasattr(os, "memfd_create"):  # not Linux: no worse than every other program that maps the file
        return maxminddb.open_database(path)
    copy = os.memfd_create(path.name)
    try:
        with open(copy, "wb", closefd=False) as file:
            file.write(content)
        return maxminddb.open_database(f"/proc/self/fd/{copy}")
    finally:
        os.close(copy)  # the map keeps the memory until the reader goes


def _probe(kind: str, reader: maxminddb.Reader) -> None:
    tells = asn_of if kind == ASN else country_of
    spread = (f"{first}.{first * 37 % 256}.{first * 91 % 256}.1" for first in range(1, 224))
    broken = [address for address in spread if not isinstance(reader.get(address), dict | None)]
    if broken:
        raise ValueError(f"records are no maps, for example that of {broken[0]}")
    if not any(tells(record) not in {"", (0, "")} for _, record in itertools.islice(reader, _PROBES)):
        raise ValueError(
            f"it tells no {'AS number' if kind == ASN else 'country'} (type {reader.metadata().database_type})"
        )


def _signature(path: Path) -> Signature:
    status = path.stat()
    return status.st_ino, status.st_size, status.st_mtime_ns


def _matching(folder: Path, patterns: Sequence[str]) -> list[Path]:
    """Files of the folder in the order of the patterns, those of one pattern newest name first (names carry dates)."""
    try:
        names = sorted((path.name for path in folder.iterdir()), reverse=True)
    except OSError:
        return []  # most machines have neither folder
    found = [name for pattern in patterns for name in names if fnmatch(name, pattern)]
    return [folder / name for name in dict.fromkeys(found)]
