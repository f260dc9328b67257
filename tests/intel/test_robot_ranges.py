"""Ranges of robots: what is taken from published files, and what never takes the place of the old."""

from __future__ import annotations

import ipaddress
import json
from pathlib import Path

import pytest

from shieldproxy.core.addresses import Network
from shieldproxy.intel.robot_ranges import (
    FILE,
    MOST_BYTES,
    MOST_NETWORKS,
    RobotRanges,
    by_robot,
    parse_ranges,
    write_ranges,
)
from shieldproxy.intel.tables import read_robots

GOOGLE = {
    "creationTime": "2026-11-20T22:46:06.000000",
    "prefixes": [{"ipv6Prefix": "2001:4860:4801:10::/64"}, {"ipv4Prefix": "66.249.64.0/27"}],
}


def nets(*texts: str) -> list[Network]:
    """Return networks."""
    return [ipaddress.ip_network(text) for text in texts]


SOUND = [
    (json.dumps(GOOGLE).encode(), nets("66.249.64.0/27", "2001:4860:4801:10::/64")),
    (b"\xef\xbb\xbf" + json.dumps(GOOGLE).encode(), nets("66.249.64.0/27", "2001:4860:4801:10::/64")),
    (b"5.172.196.188\r\n13.232.220.164\r\n", nets("5.172.196.188/32", "13.232.220.164/32")),
    (b"# probes\n2a00:1450::/32 # all\n\n", nets("2a00:1450::/32")),
    (b"66.249.64.0/28\n66.249.64.16/28\n", nets("66.249.64.0/27")),
]


@pytest.mark.parametrize(("content", "found"), SOUND)
def test_published_files_are_read(content: bytes, found: list[Network]) -> None:
    """JSON as search engines write it, and lines as monitors do; neighbours are joined."""
    assert parse_ranges(content) == found


UNSOUND = [
    (b"", "no address"),
    (b"<!doctype html><title>Not found</title>", "does not appear"),
    (b'{"prefixes": []}', "no address"),
    (b'{"prefixes": {}}', 'no list "prefixes"'),
    (b'{"error": "later"}', 'no list "prefixes"'),
    (b'[{"ipv4Prefix": "66.249.64.0/27"}]', 'no list "prefixes"'),
    (b'{"prefixes": [{"ipv5Prefix": "66.249.64.0/27"}]}', "neither ipv4Prefix"),
    (b'{"prefixes": [{"ipv4Prefix": 7}]}', "neither ipv4Prefix"),
    (b'{"prefixes": ["66.249.64.0/27"]}', "neither ipv4Prefix"),
    (b'{"prefixes": [', "Expecting value"),
    (b"66.249.64.1/27\n", "host bits"),
    (b"0.0.0.0/0\n", "wider"),
    (b"0.0.0.0/1\n128.0.0.0/1\n", "wider"),
    (b"17.0.0.0/8\n", "wider"),
    (b"2000::/3\n", "wider"),
    (b"192.168.0.0/24\n", "no network of the Internet"),
    (b"127.0.0.1\n", "no network of the Internet"),
    (b"x" * (MOST_BYTES + 1), "more than"),
    (
        b"\n".join(b"66.%d.%d.%d" % (n % 40, n // 40 % 250, 4 * (n // 10_000) + 1) for n in range(MOST_NETWORKS + 1)),
        "more than",
    ),
]


@pytest.mark.parametrize(("content", "why"), UNSOUND, ids=lambda value: repr(value)[:30])
def test_what_no_operator_would_publish_is_refused(content: bytes, why: str) -> None:
    """Error pages, half files, networks of nobody, and whatever would let much of the Internet in."""
    with pytest.raises(ValueError, match=why):
        parse_ranges(content)


def test_ranges_are_swapped_in_one_step_and_say_when_they_were_fetched(tmp_path: Path) -> None:
    """The node takes them over; what was there before is whole until then, and nothing is left beside it."""
    ranges = RobotRanges(tmp_path)
    assert ranges.entries == read_robots()
    assert (ranges.fetched, ranges.refresh()) == ("", [])
    kept = by_robot(ranges.entries)
    kept["googlebot"] = nets("66.249.64.0/27")
    write_ranges(tmp_path / FILE, kept, 1_800_000_000.0)
    assert [path.name for path in tmp_path.iterdir()] == [FILE]
    (told,) = ranges.refresh()
    assert "2027-01-15T08:00:00Z" in told
    assert ranges.fetched == "2027-01-15T08:00:00Z"
    assert by_robot(ranges.entries) == kept
    assert ranges.refresh() == []


def test_a_damaged_copy_leaves_the_good_one(tmp_path: Path) -> None:
    """A node that runs keeps what it had, one that starts takes the package's, and both say why, once."""
    write_ranges(tmp_path / FILE, {"googlebot": nets("66.249.64.0/27")}, 0.0)
    ranges = RobotRanges(tmp_path)
    good = ranges.entries
    (tmp_path / FILE).write_text("network,robot\nnonsense,googlebot\n")
    (told,) = ranges.refresh()
    assert "cannot be used" in told
    assert ranges.entries == good
    assert ranges.refresh() == []
    started = RobotRanges(tmp_path)
    assert started.entries == read_robots()
    assert "cannot be used" in started.problem


def test_a_copy_that_goes_gives_way_to_the_packages(tmp_path: Path) -> None:
    """Whoever deletes the file has the snapshot again."""
    write_ranges(tmp_path / FILE, {"googlebot": nets("66.249.64.0/27")}, 0.0)
    ranges = RobotRanges(tmp_path)
    (tmp_path / FILE).unlink()
    (told,) = ranges.refresh()
    assert "is gone" in told
    assert ranges.entries == read_robots()
