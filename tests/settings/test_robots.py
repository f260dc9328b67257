"""Robots: name servers and files are read with their mistakes told."""

from __future__ import annotations

import pytest

from shieldproxy.core.errors import ConfigurationError
from shieldproxy.intel.crawlers import ROBOTS
from shieldproxy.settings.reading import load
from shieldproxy.settings.robots import PUBLISHED, nameserver, source
from shieldproxy.settings.values import Wrong

SERVERS = [
    ("192.0.2.53", ("192.0.2.53", 53)),
    ("192.0.2.53:5353", ("192.0.2.53", 5353)),
    ("2001:db8::53", ("2001:db8::53", 53)),
    ("[2001:db8::53]", ("2001:db8::53", 53)),
    ("[2001:db8::53]:5353", ("2001:db8::53", 5353)),
]


@pytest.mark.parametrize(("written", "meant"), SERVERS)
def test_a_name_server_is_an_address_with_or_without_a_port(written: str, meant: tuple[str, int]) -> None:
    """A name would have to be looked up first."""
    assert nameserver(written) == meant


@pytest.mark.parametrize("written", ["", "dns.example", "192.0.2.53:0", "192.0.2.53:65536", "192.0.2", 53, None])
def test_what_is_no_name_server_is_told(written: object) -> None:
    """With what is allowed."""
    with pytest.raises(Wrong, match="allowed"):
        nameserver(written)


def test_only_web_addresses_are_fetched() -> None:
    """No file of this machine, no other scheme."""
    assert source("https://example.org/ranges.json") == "https://example.org/ranges.json"
    for wrong in ("file:///etc/passwd", "/etc/passwd", "ftp://example.org/x", "https://exa mple.org/", 7):
        with pytest.raises(Wrong, match="allowed"):
            source(wrong)


def test_a_table_of_ranges_replaces_the_built_in_one() -> None:
    """What is deleted from the file is not fetched; names are those that a user agent's claim has."""
    assert dict(load(None).robots.ranges) == PUBLISHED
    assert set(PUBLISHED) <= {robot.name for robot in ROBOTS}
    mine = load(None, ['robots.ranges={qwantbot = ["https://example.org/q.json"]}'])
    assert mine.robots.ranges == (("qwantbot", ("https://example.org/q.json",)),)


def test_every_mistake_of_a_table_has_its_place() -> None:
    """A robot's odd name and a file that is none are told together."""
    with pytest.raises(ConfigurationError) as caught:
        load(None, ['robots.ranges={"Odd Name" = ["https://example.org/"], a = ["nowhere"]}'])
    told = {problem.key for problem in caught.value.problems}
    assert told == {'robots.ranges."Odd Name"', "robots.ranges.a[1]"}
