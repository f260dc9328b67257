"""Databases: which file is used, what happens when it changes, and that nothing of it ever raises."""

from __future__ import annotations

import hashlib
import os
import shutil
from pathlib import Path

import maxminddb
import pytest

from shieldproxy.intel.databases import Databases, maxminddb_is_fast, open_database
from shieldproxy.intel.shapes import asn_of
from tests.fakes.databases import JUNE, asn_record, country_record, write_mmdb

DAY = 86_400


@pytest.fixture
def snapshot(tmp_path: Path) -> Path:
    """A small bundled snapshot: AS1 everywhere in 11.0.0.0/8, country CH."""
    folder = tmp_path / "snapshot"
    folder.mkdir()
    write_mmdb(folder / "asn.mmdb", {"11.0.0.0/8": asn_record(1, "One")}, "shieldproxy-ASN")
    write_mmdb(folder / "country.mmdb", {"11.0.0.0/8": country_record("CH")}, "shieldproxy-Country")
    return folder


def number(databases: Databases) -> int:
    """The AS number of 11.0.0.1 as the databases in use tell it."""
    database = databases.current.asn
    return asn_of(database.reader.get("11.0.0.1"))[0] if database else 0


def two(path: Path, *, built: int = JUNE + DAY) -> Path:
    """The operator's file: AS2."""
    return write_mmdb(path, {"11.0.0.0/8": asn_record(2, "Two")}, built=built)


def test_without_files_of_the_operator_the_snapshot_is_used(snapshot: Path, tmp_path: Path) -> None:
    """A new installation knows networks from the first minute, and says from which data."""
    databases = Databases(folders=[tmp_path / "no such folder"], snapshot=snapshot)
    assert databases.version == "asn:2026-06-17/country:2026-06-17"
    assert [database.origin for database in databases.databases()] == ["bundled", "bundled"]
    assert databases.problems == []
    assert databases.refresh() == []


def test_the_configured_file_wins_over_found_and_bundled_ones(snapshot: Path, tmp_path: Path) -> None:
    """The operator's word comes first, then files where geoipupdate puts them, then ours."""
    folder = tmp_path / "GeoIP"
    folder.mkdir()
    write_mmdb(folder / "GeoLite2-ASN.mmdb", {"11.0.0.0/8": asn_record(3, "Three")})
    found = Databases(folders=[folder], snapshot=snapshot)
    assert (number(found), found.databases()[0].origin) == (3, "found")
    configured = Databases(two(tmp_path / "mine.mmdb"), folders=[folder], snapshot=snapshot)
    assert (number(configured), configured.databases()[0].origin) == (2, "configured")
    assert configured.databases()[1].origin == "bundled"


def test_of_dated_files_the_newest_name_is_taken(snapshot: Path, tmp_path: Path) -> None:
    """DB-IP writes the month into the name; last month's file may still lie there."""
    for month, asn in (("2026-05", 5), ("2026-06", 6)):
        write_mmdb(tmp_path / f"dbip-asn-lite-{month}.mmdb", {"11.0.0.0/8": asn_record(asn, month)})
    assert number(Databases(folders=[tmp_path], snapshot=snapshot)) == 6


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "unusable"),
        (b"no database at all", "unusable"),
        (None, "cannot be read: No such file"),
    ],
)
def test_an_unusable_file_is_named_once_and_the_snapshot_serves(
    content: bytes | None, why: str, snapshot: Path, tmp_path: Path
) -> None:
    """Empty, foreign or missing: one sentence, not one a minute, and it stands in the list of problems."""
    path = tmp_path / "mine.mmdb"
    if content is not None:
        path.write_bytes(content)
    databases = Databases(path, folders=[], snapshot=snapshot)
    assert number(databases) == 1
    (news,) = databases.refresh()
    assert str(path) in news
    assert why in news
    assert "using asn database shieldproxy-ASN of 2026-06-17" in news
    assert databases.refresh() == []
    assert databases.problems == [news]


def test_a_truncated_file_is_unusable(snapshot: Path, tmp_path: Path) -> None:
    """A download that broke off has no metadata at its end."""
    path = two(tmp_path / "mine.mmdb")
    path.write_bytes(path.read_bytes()[:-40])
    databases = Databases(path, folders=[], snapshot=snapshot)
    assert number(databases) == 1
    assert "unusable" in databases.problems[0]


def test_a_file_that_tells_nothing_of_its_kind_is_refused(snapshot: Path, tmp_path: Path) -> None:
    """A country file in the place of the ASN file is a mistake somebody wants to hear of."""
    path = write_mmdb(tmp_path / "x.mmdb", {"11.0.0.0/8": country_record("CH")}, "GeoLite2-Country")
    databases = Databases(path, path, folders=[], snapshot=snapshot)
    assert "tells no AS number (type GeoLite2-Country)" in databases.problems[0]
    assert len(databases.problems) == 1
    assert databases.databases()[1].path == path


def test_one_file_may_tell_both(snapshot: Path, tmp_path: Path) -> None:
    """IPinfo Lite holds AS number and country in one file."""
    record = {"asn": "AS64496", "as_name": "Example", "country_code": "CH", "country": "Switzerland"}
    path = write_mmdb(tmp_path / "ipinfo_lite.mmdb", {"11.0.0.0/8": record}, "ipinfo lite")
    databases = Databases(folders=[tmp_path], snapshot=snapshot)
    assert [database.path for database in databases.databases()] == [path, path]
    assert number(databases) == 64496


def test_a_replaced_file_is_swapped_in(snapshot: Path, tmp_path: Path) -> None:
    """The next refresh uses it and says so once; who holds the old pair may go on reading it."""
    path = two(tmp_path / "mine.mmdb")
    databases = Databases(path, folders=[], snapshot=snapshot)
    before = databases.current
    write_mmdb(path, {"11.0.0.0/8": asn_record(22, "New")}, built=JUNE + 30 * DAY)
    assert databases.current is before
    (news,) = databases.refresh()
    assert news.startswith("now using asn database GeoLite2-ASN of 2026-07-17")
    assert number(databases) == 22
    assert databases.version == "asn:2026-07-17/country:2026-06-17"
    assert databases.refresh() == []
    assert before.asn is not None
    assert asn_of(before.asn.reader.get("11.0.0.1"))[0] == 2


def test_nothing_changed_keeps_the_same_pair(snapshot: Path, tmp_path: Path) -> None:
    """Caches that hang on the pair stay warm."""
    databases = Databases(two(tmp_path / "mine.mmdb"), folders=[], snapshot=snapshot)
    before = databases.current
    databases.refresh()
    assert databases.current is before


def test_a_file_overwritten_in_place_does_not_pull_the_ground_away(snapshot: Path, tmp_path: Path) -> None:
    """`cp` over a mapped file would kill the process; we read a copy of our own."""
    path = two(tmp_path / "mine.mmdb")
    databases = Databases(path, folders=[], snapshot=snapshot)
    os.truncate(path, 0)
    assert number(databases) == 2
    path.write_bytes(b"half a download")
    assert number(databases) == 2
    (news,) = databases.refresh()
    assert "unusable" in news
    assert "using asn database GeoLite2-ASN of 2026-06-18" in news
    assert number(databases) == 2


def test_the_last_good_one_stays_while_the_file_is_bad_or_gone(snapshot: Path, tmp_path: Path) -> None:
    """Broken, gone, good again: each said once, and at no moment less is known than before."""
    path = two(tmp_path / "mine.mmdb")
    databases = Databases(path, folders=[], snapshot=snapshot)
    path.write_bytes(b"broken")
    assert "unusable" in databases.refresh()[0]
    assert databases.refresh() == []
    path.unlink()
    assert "cannot be read" in databases.refresh()[0]
    assert databases.refresh() == []
    assert number(databases) == 2
    write_mmdb(path, {"11.0.0.0/8": asn_record(4, "Four")})
    assert databases.refresh()[0].startswith("now using")
    assert (number(databases), databases.problems) == (4, [])


def test_a_found_file_that_vanishes_stays_in_use(snapshot: Path, tmp_path: Path) -> None:
    """An update that removes before it writes does not throw us back on the snapshot."""
    folder = tmp_path / "GeoIP"
    folder.mkdir()
    path = two(folder / "GeoLite2-ASN.mmdb")
    databases = Databases(folders=[folder], snapshot=snapshot)
    path.unlink()
    (news,) = databases.refresh()
    assert f"{path} is gone; using asn database GeoLite2-ASN" in news
    assert number(databases) == 2
    assert databases.refresh() == []


def test_a_file_that_appears_later_is_picked_up(snapshot: Path, tmp_path: Path) -> None:
    """The operator need not restart after the first geoipupdate."""
    folder = tmp_path / "GeoIP"
    databases = Databases(folders=[folder], snapshot=snapshot)
    folder.mkdir()
    two(folder / "GeoLite2-ASN.mmdb")
    assert databases.refresh()[0].startswith("now using asn database GeoLite2-ASN")
    assert number(databases) == 2


def test_without_any_file_nothing_is_known_and_nothing_raises(tmp_path: Path) -> None:
    """Even an installation stripped of its snapshot serves."""
    databases = Databases(folders=[], snapshot=tmp_path)
    assert databases.version == "asn:none/country:none"
    assert databases.databases() == []
    assert len(databases.problems) == 2
    assert "no asn is known" in databases.problems[0]


def test_an_unreadable_directory_in_the_place_of_a_file_is_a_problem(snapshot: Path, tmp_path: Path) -> None:
    """A path that is a folder is named like every other mistake."""
    databases = Databases(tmp_path, folders=[], snapshot=snapshot)
    assert number(databases) == 1
    assert "unusable" in databases.problems[0]


def test_age_and_description_are_for_people(snapshot: Path) -> None:
    """Type, date, a short checksum anybody can compare, and the age in days."""
    database = open_database("asn", "configured", snapshot / "asn.mmdb")
    assert database.sha256 == hashlib.sha256((snapshot / "asn.mmdb").read_bytes()).hexdigest()
    assert database.describe() == (
        f"asn database shieldproxy-ASN of 2026-06-17 ({database.sha256[:12]}, {snapshot / 'asn.mmdb'})"
    )
    assert database.age_days(JUNE + 1.5 * DAY) == pytest.approx(1.5)


def test_the_c_extension_is_there() -> None:
    """The request path needs it; where it is missing, the databases say so."""
    assert maxminddb_is_fast()
    assert type(maxminddb.open_database).__name__ == "function"


def test_without_the_c_extension_the_first_refresh_says_so(snapshot: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Slow look-ups are worth a sentence, not a refusal."""
    monkeypatch.setattr(maxminddb, "_extension", None)
    databases = Databases(folders=[], snapshot=snapshot)
    assert "without its C extension" in databases.refresh()[0]
    assert number(databases) == 1


def test_a_copy_elsewhere_is_the_same_database(snapshot: Path, tmp_path: Path) -> None:
    """The checksum tells, not the path."""
    copy = Path(shutil.copy(snapshot / "asn.mmdb", tmp_path / "copy.mmdb"))
    one, other = (open_database("asn", "configured", path) for path in (snapshot / "asn.mmdb", copy))
    assert (one.sha256, one.built) == (other.sha256, other.built)
