"""Geo: which databases are used, and where newer ones belong."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from shieldproxy.cli.geo import databases_of, stale
from shieldproxy.intel.tables import SNAPSHOT
from shieldproxy.settings.reading import load

Type = Callable[..., Result]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose ASN file is the operator's own, and whose country file is broken."""
    (tmp_path / "own.mmdb").write_bytes((SNAPSHOT / "asn.mmdb").read_bytes())
    (tmp_path / "broken.mmdb").write_bytes(b"no database\x1b[2J")
    path = tmp_path / "config.toml"
    path.write_text('[geo]\nasn = "own.mmdb"\ncountry = "broken.mmdb"\n')
    return path


def test_status_names_type_age_and_checksum(
    tmp_path: Path, typed: Type, objects: Callable[[Result], list[Any]]
) -> None:
    """Each database in use is listed with what it is, when it was made, its checksum and its file."""
    path = tmp_path / "config.toml"
    path.write_text("")
    rows = objects(typed("geo", "status", "--format", "json", "-c", path))
    assert [row["kind"] for row in rows] == ["asn", "country"]
    assert all(len(row["sha256"]) == 64 and row["built"].endswith("Z") and row["type"] for row in rows)
    result = typed("geo", "status", "-c", path)
    assert result.exit_code == 0
    assert rows[0]["sha256"][:16] in result.stdout


def test_status_says_which_file_cannot_be_used(config: Path, typed: Type) -> None:
    """A broken file gives 1, a warning with its name, and the snapshot in its place."""
    result = typed("geo", "status", "-c", config)
    assert result.exit_code == 1
    assert "broken.mmdb" in result.stderr
    assert "configured" in result.stdout
    assert "bundled" in result.stdout
    assert "\x1b" not in result.stderr


def test_an_old_database_is_a_warning() -> None:
    """Beyond 35 days a sentence says the age and where a newer one belongs; a fresh one is no matter."""
    databases = databases_of(load(None)).databases()
    made = min(database.built for database in databases).timestamp()
    assert stale(databases[:1], made + 30 * 86_400) == []
    (told,) = stale(databases[:1], databases[0].built.timestamp() + 40 * 86_400)
    assert "40 days old" in told


def test_update_reads_own_files_again_and_is_honest(config: Path, typed: Type) -> None:
    """Update says which file is good, which is not, where newer ones belong, and that nothing is downloaded."""
    result = typed("geo", "update", "-c", config)
    assert result.exit_code == 1
    assert "good: asn database shieldproxy-ASN" in result.stdout
    assert "geo.country" in result.stderr
    assert "broken.mmdb: cannot be used" in result.stderr
    assert "Nothing is downloaded" in result.stdout
    assert "/usr/share/GeoIP" in result.stdout


def test_update_without_own_files_is_done(tmp_path: Path, typed: Type) -> None:
    """With the snapshot alone there is nothing to check, and the answer says where files would go."""
    path = tmp_path / "config.toml"
    path.write_text("")
    result = typed("geo", "update", "-c", path)
    assert result.exit_code == 0
    assert "no file of your own" in result.stdout
    assert "bundled snapshot" in result.stdout


def test_update_names_a_file_that_is_not_there(tmp_path: Path, typed: Type) -> None:
    """A configured file that does not exist is named with the reason."""
    path = tmp_path / "config.toml"
    path.write_text('[geo]\nasn = "absent.mmdb"\n')
    result = typed("geo", "update", "-c", path)
    assert result.exit_code == 1
    assert "absent.mmdb: cannot be read: No such file" in result.stderr
