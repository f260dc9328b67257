"""Which requests a limit or a rule is about."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Any

import pytest

from shieldproxy.core.facts import Crawler, NetworkLabel, Request, Visitor
from shieldproxy.core.rules import Condition
from shieldproxy.settings.conditions import match, when
from shieldproxy.settings.tables import Desk, written
from shieldproxy.settings.values import Wrong

VISITOR = Visitor("192.0.2.7", "192.0.2.7", "192.0.2.0/24", "", NetworkLabel(64_496, "AS", "CH", "hosting"))


def read(table: dict[str, Any]) -> Condition:
    """Return the condition of a rule that has nothing wrong."""
    desk = Desk(Path())
    found = when(desk, table, ("when",))
    assert desk.faults == []
    return found


def request(**changes: Any) -> Request:
    """Return a request of curl for a path."""
    headers = changes.pop("headers", {b"user-agent": b"curl/8.0", b"accept": b"Text/HTML"})
    plain = {"method": "GET", "host": "www.example.org", "path": "/admin/x", "query": "", "version": "1.1"}
    return Request(**(plain | changes), headers=headers)


@pytest.mark.parametrize(
    ("table", "fits"),
    [
        ({"asn": 64_496}, True),
        ({"asn": [1, 64_496]}, True),
        ({"asn": 1}, False),
        ({"country": "ch"}, True),
        ({"country": ["LI", "AT"]}, False),
        ({"network": "192.0.2.0/29"}, True),
        ({"network": ["192.0.2.8", "2001:db8::/32"]}, False),
        ({"network_class": ["vpn", "hosting"]}, True),
        ({"network_class": "carrier"}, False),
        ({"asn": 64_496, "country": "LI"}, False),
    ],
)
def test_the_network_half_is_read(table: dict[str, Any], fits: bool) -> None:  # noqa: FBT001 - a column
    """One value or a list; all keys must hold."""
    assert read(table).fits_visitor(VISITOR) is fits


@pytest.mark.parametrize(
    ("table", "fits"),
    [
        ({"path": "/admin*"}, True),
        ({"path": ["/x", "*/x"]}, True),
        ({"path": "/Admin*"}, False),
        ({"host": "*.EXAMPLE.org"}, True),
        ({"host": "example.org"}, False),
        ({"method": ["GET", "HEAD"]}, True),
        ({"method": "POST"}, False),
        ({"user_agent": "CURL/*"}, True),
        ({"user_agent": ["wget*", "curl"]}, False),
        ({"header": {"Accept": True}}, True),
        ({"header": {"accept": False}}, False),
        ({"header": {"cookie": False, "accept": "text/*"}}, True),
        ({"header": {"accept": ["image/*", "*html"]}}, True),
        ({"header": {"accept": "image/*"}}, False),
        ({"crawler": "impostor"}, True),
        ({"crawler": ["none", "verified"]}, False),
        ({"path": "/admin*", "method": "POST"}, False),
    ],
)
def test_the_request_half_is_read(table: dict[str, Any], fits: bool) -> None:  # noqa: FBT001 - a column
    """Patterns of paths keep the case, names and programs do not."""
    assert read(table).fits_request(request(), Crawler.IMPOSTOR) is fits


def test_a_path_beyond_ascii_is_written_as_it_reads() -> None:
    """Paths are compared where they lead, so ü in a pattern meets %C3%BC on the wire."""
    assert read({"path": "/süche*"}).fits_request(request(path="/s%C3%BCche/x"), Crawler.NONE)


def test_order_in_a_list_changes_nothing() -> None:
    """The same values in another order are the same condition."""
    one: dict[str, list[Any]] = {
        "path": ["/a", "/b"],
        "network": ["192.0.2.1", "10.0.0.0/8"],
        "user_agent": ["x", "y"],
        "asn": [1, 2],
    }
    other = {key: list(reversed(value)) for key, value in reversed(one.items())}
    first, second = {"x-a": True, "x-b": ["1", "2"]}, {"X-B": ["2", "1"], "X-A": True}

    assert read(one | {"header": first}) == read(other | {"header": second})


def test_a_limit_says_methods_and_a_rule_says_method() -> None:
    """Both mean the same condition."""
    desk = Desk(Path())

    assert match(desk, {"methods": ["GET"], "asn": 5}, ()) == read({"method": "GET", "asn": 5})
    assert desk.faults == []
    assert match(desk, {}, ()) == Condition(), "a limit may be about everybody"


def test_networks_are_networks() -> None:
    """An address stands for itself alone."""
    assert read({"network": "192.0.2.7"}).network == (ipaddress.ip_network("192.0.2.7/32"),)


@pytest.mark.parametrize(
    ("table", "wrong"),
    [
        ({"asn": [1, 0, 2**32]}, ["when.asn[2]", "when.asn[3]"]),
        ({"asn": []}, ["when.asn"]),
        ({"country": "CHE"}, ["when.country"]),
        ({"country": ["C1", 5]}, ["when.country[1]", "when.country[2]"]),
        ({"country": ["CH", "ch"]}, ["when.country[2]"]),
        ({"network": "192.0.2.1/24"}, ["when.network"]),
        ({"network_class": ["hosting", "home"]}, ["when.network_class[2]"]),
        ({"path": "admin"}, ["when.path"]),
        (
            {"path": ["/a//b", "/./a", "/a/..", "/a/../b", "/%2e", "/a/.", "/x"]},
            [f"when.path[{n}]" for n in range(1, 7)],
        ),
        ({"path": ""}, ["when.path"]),
        ({"path": "/" + "x" * 300}, ["when.path"]),
        ({"method": "get"}, ["when.method"]),
        ({"host": 5}, ["when.host"]),
        ({"user_agent": {}}, ["when.user_agent"]),
        ({"header": True}, ["when.header"]),
        ({"header": {"a b": True, "x": 1, "y": "", "z": []}}, [f"when.header.{n}" for n in ('"a b"', "x", "y", "z")]),
        ({"header": {"a": True, "A": False}}, ["when.header"]),
        ({"crawler": "maybe"}, ["when.crawler"]),
        ({"methods": "GET"}, ["when.methods"]),
    ],
)
def test_each_fault_is_noted_at_its_place(table: dict[str, Any], wrong: list[str]) -> None:
    """Items of a list have faults of their own; patterns that could never match are faults."""
    desk = Desk(Path())
    when(desk, table, ("when",))

    assert [written(fault.trail) for fault in desk.faults] == wrong
    assert all("allowed:" in fault.message for fault in desk.faults)


@pytest.mark.parametrize(
    "path", ["/...", "/a/...x", "/..a", "/a%", "/a%2", "*", "?x", "[ab]c", "/a/.well-known/*", "/.*"]
)
def test_patterns_that_look_odd_but_match_are_right(path: str) -> None:
    """Dots within a name and percent signs before anything but two digits are parts of a path."""
    assert read({"path": path}).path is not None


@pytest.mark.parametrize("table", [{}, {"header": {}}])
def test_a_rule_that_asks_nothing_is_wrong(table: dict[str, Any]) -> None:
    """A rule about everybody is meant only by who says so."""
    with pytest.raises(Wrong, match=r'asks nothing; allowed: at least one key, or { path = "\*" }'):
        when(Desk(Path()), table, ())
