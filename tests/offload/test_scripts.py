"""Scripts: what nft is told, word for word."""

from __future__ import annotations

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.ladder import Ban
from shieldproxy.offload import scripts as module
from shieldproxy.offload.ledger import Changes
from shieldproxy.offload.scripts import REMOVAL, Door, batches, spelled_target, table
from shieldproxy.offload.targets import Element, element_of, target_of
from tests.fakes.clock import HandClock
from tests.fakes.kernel import FakeKernel

DOORS = (Door("0.0.0.0", 8080), Door("::", 443), Door("192.0.2.1", 443), Door("0.0.0.0", 80), Door("2001:db8::1", 443))
FIRST = int(ipaddress.ip_address("10.0.0.0"))


def element(key: str, until: float = 60.0) -> Element:
    return element_of(Ban(key, until, ""))


def many(count: int) -> tuple[Element, ...]:
    return tuple(element(str(ipaddress.ip_address(FIRST + number))) for number in range(count))


def test_only_new_connections_to_our_doors_are_looked_at() -> None:
    """Everything else passes: other ports (the administrator's ssh), open connections, this machine itself."""
    chain = table(DOORS).partition("chain arrival {\n")[2].splitlines()
    assert [line.strip() for line in chain] == [
        "type filter hook input priority -300; policy accept;",
        "iif lo accept",
        "tcp flags & (fin | syn | rst | ack) != syn accept",
        "meta nfproto ipv4 tcp dport { 80, 8080 } goto refusal",
        "ip daddr 192.0.2.1 tcp dport { 443 } goto refusal",
        "ip6 daddr 2001:db8::1 tcp dport { 443 } goto refusal",
        "meta nfproto ipv6 tcp dport { 443 } goto refusal",
        "}",
        "}",
    ]


@given(st.lists(st.builds(Door, st.sampled_from([door.host for door in DOORS]), st.integers(1, 65_535)), max_size=6))
def test_every_rule_that_can_drop_names_a_port_of_ours(doors: list[Door]) -> None:
    """However we listen, the way to a drop leads through a list of ports, and in it are ours alone."""
    text = table(doors)
    leading = [line for line in text.splitlines() if "goto refusal" in line]
    ports = {int(port) for line in leading for port in line.partition("dport {")[2].partition("}")[0].split(",")}
    assert ports == {door.port for door in doors}
    assert all(re.search(r"tcp dport \{ [0-9, ]+ \} goto refusal$", line) for line in leading)
    drops = [line for line in text.splitlines() if line.endswith("drop")]
    assert len(drops) == 4
    assert all(" saddr" in line and "@" in line for line in drops)


def test_a_whole_change_is_one_transaction_that_replaces_the_table() -> None:
    """The old table goes, the new one comes and is filled in one script, whether there was one or not."""
    changes = Changes(whole=True, added=(element("192.0.2.7"),), networks=(element("192.0.2.0/28", 30.0),))
    (script,) = batches(changes, DOORS, 0.0)
    assert script.startswith(REMOVAL + "table inet shieldproxy {\n")
    assert "add element inet shieldproxy networks4 { 192.0.2.0/28 timeout 30s }\n" in script
    assert script.endswith("add element inet shieldproxy clients4 { 192.0.2.7 timeout 60s }\n")


def test_what_goes_is_added_first_and_what_is_longer_is_deleted_between() -> None:
    """So a script never fails because something ended a moment ago, and the new end is taken."""
    changes = Changes(
        removed=(target_of("192.0.2.1"),), replaced=(element("2001:db8:0:7::/64"),), added=(element("192.0.2.3"),)
    )
    (script,) = batches(changes, (), 0.5)
    assert script.splitlines() == [
        "add element inet shieldproxy clients4 { 192.0.2.1 }",
        "add element inet shieldproxy clients6 { 2001:db8:0:7:: }",
        "delete element inet shieldproxy clients4 { 192.0.2.1 }",
        "delete element inet shieldproxy clients6 { 2001:db8:0:7:: }",
        "add element inet shieldproxy clients6 { 2001:db8:0:7:: timeout 59s }",
        "add element inet shieldproxy clients4 { 192.0.2.3 timeout 59s }",
    ]


def test_networks_are_flushed_and_written_anew() -> None:
    """One transaction, so there is no moment without them."""
    (script,) = batches(Changes(networks=(element("2001:db8::/32"),)), (), 0.0)
    assert script.splitlines() == [
        "flush set inet shieldproxy networks4",
        "flush set inet shieldproxy networks6",
        "add element inet shieldproxy networks6 { 2001:db8::/32 timeout 60s }",
    ]


def test_many_elements_are_several_transactions_of_short_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel is not held for long at a time, and nft does not quote a megabyte when it refuses."""
    monkeypatch.setattr(module, "BATCH", 20)
    monkeypatch.setattr(module, "LINE", 7)
    scripts = list(batches(Changes(added=many(41)), (), 0.0))
    assert [script.count("timeout") for script in scripts] == [20, 20, 1]
    assert [line.count("timeout") for line in scripts[0].splitlines()] == [7, 7, 6]
    kernel = FakeKernel(HandClock(0.0))
    for script in batches(Changes(whole=True, added=many(41), networks=()), DOORS, 0.0):
        kernel.run(script)
    assert len(kernel.spans("clients4")) == 41
    assert kernel.tables_made == 1


def test_nothing_to_do_is_no_script() -> None:
    """An idle second costs no process."""
    assert not list(batches(Changes(), DOORS, 0.0))


@given(st.ip_addresses(), st.integers(0, 128))
def test_a_script_is_made_of_words_of_ours(address: ipaddress.IPv4Address | ipaddress.IPv6Address, length: int) -> None:
    """Whatever the key, an element is digits, letters of hexadecimal, and the signs of addresses."""
    network = ipaddress.ip_network((address, length % (address.max_prefixlen + 1)), strict=False)
    assert re.fullmatch(r"[0-9a-f.:/-]+", spelled_target(target_of(str(network))))
