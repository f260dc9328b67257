"""Geo: which databases are used, and where newer ones belong."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from shieldproxy.cli.geo import databases_of, stale
from shieldproxy.intel.robot_ranges import RobotRanges, by_robot
from shieldproxy.intel.tables import SNAPSHOT, read_robots
from shieldproxy.settings.reading import load
from tests.fakes.publisher import Publisher

Type = Callable[..., Result]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration whose ASN file is the operator's own, and whose country file is broken."""
    (tmp_path / "own.mmdb").write_bytes((SNAPSHOT / "asn.mmdb").read_bytes())
    (tmp_path / "broken.mmdb").write_bytes(b"no database\x1b[2J")
    path = tmp_path / "config.toml"
    path.write_text('[geo]\nasn = "own.mmdb"\ncountry = "broken.mmdb"\n[robots.ranges]\n')
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


def ranges(state: Path, **files: str) -> str:
    """Return a configuration that fetches ``files`` by robot; none where there are none."""
    lines = [f'{robot} = ["{address}"]' for robot, address in files.items()]
    return "\n".join([f'[state]\ndirectory = "{state}"', "[robots]\nfetch_timeout = 5\n[robots.ranges]", *lines, ""])


GOOGLE = b'{"prefixes": [{"ipv4Prefix": "66.249.64.0/27"}]}'


def test_update_swaps_in_what_is_sound_and_keeps_the_rest(tmp_path: Path, typed: Type) -> None:
    """Fetched ranges replace the robot's old ones, a broken file leaves them, and status says of when they are."""
    path, state = tmp_path / "config.toml", tmp_path / "state"
    snapshot = by_robot(read_robots())
    with Publisher({"/google.json": GOOGLE, "/bing.json": b"<html>later</html>"}) as there:
        path.write_text(ranges(state, googlebot=f"{there.url}/google.json", bingbot=f"{there.url}/bing.json"))
        before = typed("geo", "status", "-c", path)
        assert "of the package" in before.stdout
        result = typed("geo", "update", "-c", path)
        assert result.exit_code == 1
        assert f"googlebot: 1 ranges, {len(snapshot['googlebot'])} before" in result.stdout
        assert f"its {len(snapshot['bingbot'])} ranges stay as they were" in result.stderr
        found = by_robot(RobotRanges(state).entries)
        assert found == {**snapshot, "googlebot": [ipaddress.ip_network("66.249.64.0/27")]}
        assert "ranges of robots:" in typed("geo", "status", "-c", path).stdout
        assert RobotRanges(state).fetched in typed("geo", "status", "-c", path).stdout
        there.files["/bing.json"] = b'{"prefixes": [{"ipv4Prefix": "40.77.167.0/24"}]}'
        again = typed("geo", "update", "-c", path)
        assert again.exit_code == 0
        assert "2 of 2 robots" in again.stdout


def test_update_that_fetches_nothing_changes_nothing(tmp_path: Path, typed: Type) -> None:
    """Without a network the old ranges stay, the exit code says so, and no file appears."""
    path, state = tmp_path / "config.toml", tmp_path / "state"
    path.write_text(ranges(state, googlebot="http://127.0.0.1:9/google.json"))
    result = typed("geo", "update", "-c", path)
    assert result.exit_code == 1
    assert "nothing was changed" in result.stdout
    assert not state.exists()


def test_update_says_when_it_cannot_write(tmp_path: Path, typed: Type) -> None:
    """A state directory that is a file is told, and the exit code is 1."""
    path, state = tmp_path / "config.toml", tmp_path / "state"
    state.write_text("a file")
    with Publisher({"/google.json": GOOGLE}) as there:
        path.write_text(ranges(state, googlebot=f"{there.url}/google.json"))
        result = typed("geo", "update", "-c", path)
    assert result.exit_code == 1
    assert "cannot be written" in result.stderr


def test_update_reads_own_files_again_and_is_honest(config: Path, typed: Type) -> None:
    """Update says which file is good, which is not, where newer ones belong, and that databases are not downloaded."""
    result = typed("geo", "update", "-c", config)
    assert result.exit_code == 1
    assert "good: asn database shieldproxy-ASN" in result.stdout
    assert "geo.country" in result.stderr
    assert "broken.mmdb: cannot be used" in result.stderr
    assert "Databases are not downloaded" in result.stdout
    assert "/usr/share/GeoIP" in result.stdout


def test_update_without_own_files_is_done(tmp_path: Path, typed: Type) -> None:
    """With the snapshot alone there is nothing to check, and the answer says where files would go."""
    path = tmp_path / "config.toml"
    path.write_text("[robots.ranges]\n")
    result = typed("geo", "update", "-c", path)
    assert result.exit_code == 0
    assert "no file of your own" in result.stdout
    assert "bundled snapshot" in result.stdout


def test_update_names_a_file_that_is_not_there(tmp_path: Path, typed: Type) -> None:
    """A configured file that does not exist is named with the reason."""
    path = tmp_path / "config.toml"
    path.write_text('[geo]\nasn = "absent.mmdb"\n[robots.ranges]\n')
    result = typed("geo", "update", "-c", path)
    assert result.exit_code == 1
    assert "absent.mmdb: cannot be read: No such file" in result.stderr
