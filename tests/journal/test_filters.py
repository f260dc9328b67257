from __future__ import annotations

import ipaddress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.journal.encoding import Encoder
from shieldproxy.journal.filters import (
    NOT_ADMITTED,
    Filter,
    parse_actions,
    parse_asn,
    parse_client,
    parse_country,
    parse_network,
)
from tests.fakes.records import record_at

NETWORK = (ipaddress.ip_network("203.0.113.0/24"),)


@pytest.mark.parametrize(
    ("wanted", "fields", "holds"),
    [
        # Time, both ends included.
        (Filter(since="2026-11-24T10:15:00.000000Z"), {}, True),
        (Filter(since="2026-11-24T10:15:00.000001Z"), {}, False),
        (Filter(until="2026-11-24T10:15:00.000000Z"), {}, True),
        (Filter(until="2026-11-24T10:14:59.999999Z"), {}, False),
        # Action.
        (Filter(actions=NOT_ADMITTED), {}, True),
        (Filter(actions=NOT_ADMITTED), {"action": "admit"}, False),
        (Filter(actions=frozenset({"drop", "refuse"})), {}, False),
        # Who.
        (Filter(clients=parse_client("203.0.113.7")), {}, True),
        (Filter(clients=parse_client("203.0.113.8")), {}, False),
        (Filter(clients=parse_client("203.0.113.0/29")), {}, True),
        (Filter(clients=parse_client("2001:db8::9")), {"client": "2001:db8::/64", "src_ip": "2001:db8::1"}, True),
        (Filter(clients=parse_client("2001:db8::/64")), {"client": "2001:db8:0:1::/64", "src_ip": ""}, False),
        (Filter(clients=parse_client("10.0.0.1")), {"client": "", "src_ip": "10.0.0.1"}, True),
        (Filter(clients=parse_client("10.0.0.1")), {"client": "", "src_ip": ""}, False),
        (Filter(networks=parse_network("203.0.113.200")), {}, True),
        (Filter(networks=parse_network("203.0.114.0/24")), {}, False),
        (Filter(classes=frozenset({"hosting"})), {}, True),
        (Filter(classes=frozenset({"vpn"})), {}, False),
        (Filter(asns=frozenset({64500, 1})), {}, True),
        (Filter(asns=frozenset({6450})), {}, False),
        (Filter(countries=frozenset({"CH"})), {}, True),
        (Filter(countries=frozenset({"LI"})), {}, False),
        # What.
        (Filter(paths=("/search",)), {}, True),
        (Filter(paths=("/s*",)), {"path": "/s/a/b"}, True),
        (Filter(paths=("/search",)), {"path": "/search/"}, False),
        (Filter(hosts=("WWW.example.*",)), {}, True),
        (Filter(hosts=("example.org",)), {}, False),
        (Filter(ja4s=("t13d*_8daaf6152771_*",)), {"ja4": "t13d1516h2_8daaf6152771_e5627efa2ab1"}, True),
        (Filter(ja4s=("t13d*_8daaf6152771_*",)), {"ja4": "t13i181000_85036bcba153_d41ae481755e"}, False),
        (Filter(ja4s=("t*",)), {"ja4": ""}, False),
        # Why: rule, stage or one of the reasons.
        (Filter(rules=("client",)), {}, True),
        (Filter(rules=("over_own*",)), {}, True),
        (Filter(rules=("no-accept",)), {"reasons": ["no-accept", "vpn"]}, True),
        (Filter(rules=("asn",)), {}, False),
        (Filter(episodes=frozenset({"e1"})), {"episode": "e1"}, True),
        (Filter(episodes=frozenset({"e1"})), {}, False),
        # All parts must hold.
        (Filter(asns=frozenset({64500}), countries=frozenset({"LI"})), {}, False),
        (Filter(), {"action": "admit"}, True),
    ],
)
def test_a_record_is_asked_for_or_not(wanted: Filter, fields: dict[str, Any], *, holds: bool) -> None:
    """Parts are joined by and, values within a part by or."""
    assert wanted.holds(record_at(**fields).to_dict()) is holds


filters = st.builds(
    Filter,
    actions=st.sampled_from((frozenset(), NOT_ADMITTED, frozenset({"drop"}), frozenset({"admit"}))),
    clients=st.sampled_from(((), parse_client("203.0.113.7"), parse_client("203.0.113.0/24"))),
    asns=st.frozensets(st.sampled_from((1, 12, 123)), max_size=2),
    countries=st.frozensets(st.sampled_from(("CH", "LI", "")), max_size=2),
    classes=st.frozensets(st.sampled_from(("vpn", "other")), max_size=1),
    episodes=st.frozensets(st.sampled_from(("e1", 'e"2', "é")), max_size=1),
)
lines = st.builds(
    record_at,
    action=st.sampled_from(("admit", "drop", "throttle")),
    client=st.sampled_from(("203.0.113.7", "203.0.113.70", "2001:db8::/64")),
    src_ip=st.sampled_from(("203.0.113.7", "")),
    asn=st.sampled_from((1, 12, 123)),
    country=st.sampled_from(("CH", "LI", "")),
    network_class=st.sampled_from(("vpn", "other")),
    episode=st.sampled_from(("", "e1", 'e"2', "é")),
    path=st.sampled_from(("/", '/","action":"admit","asn":1,"x":"', '"203.0.113.7"')),
)


@given(filters, lines)
def test_passing_a_line_over_unread_never_loses_a_record(wanted: Filter, record: Any) -> None:
    """A line that holds has every needle and not what is unwanted, whatever a client wrote into its path."""
    line = Encoder().line(record, 1, 0)
    if wanted.holds(record.to_dict()):
        assert all(needle in line for needle in wanted.needles)
        assert not wanted.unwanted or wanted.unwanted not in line


def test_a_client_cannot_forge_a_needle() -> None:
    """Quotes in a path are escaped in JSON, so a path that looks like a field does not hide its request."""
    wanted = Filter(actions=NOT_ADMITTED)
    line = Encoder().line(record_at(path='/","action":"admit"'), 1, 0)
    assert wanted.unwanted
    assert wanted.unwanted not in line


@pytest.mark.parametrize(
    ("text", "network"),
    [
        ("203.0.113.7", "203.0.113.7/32"),
        ("203.0.113.0/24", "203.0.113.0/24"),
        ("203.0.113.7/24", "203.0.113.0/24"),
        ("::ffff:203.0.113.7", "203.0.113.7/32"),
        ("2001:db8::1", "2001:db8::/64"),
        ("2001:db8::/32", "2001:db8::/32"),
    ],
)
def test_a_client_is_an_address_or_a_network(text: str, network: str) -> None:
    """Of an IPv6 address the /64 is meant, as that is whom limits count."""
    assert [str(found) for found in parse_client(text)] == [network]


@pytest.mark.parametrize(("text", "network"), [("203.0.113.7", "203.0.113.0/24"), ("2001:db8::1", "2001:db8::/48")])
def test_the_network_of_an_address_is_its_neighbourhood(text: str, network: str) -> None:
    """The least that is announced to the Internet."""
    assert [str(found) for found in parse_network(text)] == [network]


@pytest.mark.parametrize(
    ("parse", "text", "allowed"),
    [
        (parse_client, "nobody", "203.0.113.0/24"),
        (parse_client, "203.0.113.0/33", "203.0.113.0/24"),
        (parse_network, "x", "hosting, vpn"),
        (parse_asn, "ASX", "AS64500"),
        (parse_asn, "4294967296", "AS64500"),
        (parse_asn, "-1", "AS64500"),
        (parse_country, "Switzerland", "CH"),
        (parse_country, "C1", "CH"),
        (lambda text: parse_actions([text]), "block", "any, admit, challenge, throttle, refuse, drop"),
        (lambda text: parse_actions([text]), "", "any, admit"),
    ],
)
def test_a_wrong_value_is_refused_with_what_is_allowed(parse: Any, text: str, allowed: str) -> None:
    """An operator under attack does not look up a manual."""
    with pytest.raises(ValueError, match="allowed") as caught:
        parse(text)
    assert allowed in str(caught.value)


def test_actions_and_numbers_are_read_as_people_write_them() -> None:
    """Capitals, commas, blanks and the letters AS."""
    assert parse_actions(["throttle, DROP", "refuse"]) == {"throttle", "drop", "refuse"}
    assert parse_actions(["drop", "any"]) == frozenset()
    assert (parse_asn("as64500"), parse_asn(" 64500 ")) == (64500, 64500)
    assert parse_country(" ch ") == "CH"
