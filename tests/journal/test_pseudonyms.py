"""Pseudonyms: the published scheme, lines that are replaced, and a tree that can be built again."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.merkle import leaf_hash
from shieldproxy.journal.pseudonyms import (
    Key,
    Pseudonyms,
    named,
    original_leaf,
    original_leaves,
    rewrite,
    salt,
)
from tests.fakes.records import record_at, segment_writer

# The key and the addresses of the sample that comes with Crypto-PAn 1.0 (Georgia Tech).
SAMPLE_KEY = bytes.fromhex("1522178d33a4cf80130a5b1649907d10d8988f837979652762574c2d2a842202")
SAMPLE = {
    "128.11.68.132": "135.242.180.132",
    "129.118.74.4": "134.136.186.123",
    "130.132.252.244": "133.68.164.234",
    "141.223.7.43": "141.167.8.160",
    "141.233.145.108": "141.129.237.235",
    "152.163.225.39": "151.140.114.167",
}
PSEUDONYMS = Pseudonyms(Key("sample", SAMPLE_KEY))


@pytest.mark.parametrize(("address", "expected"), SAMPLE.items())
def test_the_scheme_is_the_published_one(address: str, expected: str) -> None:
    """Anybody can check it with another program and the same key."""
    assert PSEUDONYMS.of(address) == expected


def shared(
    one: ipaddress.IPv4Address | ipaddress.IPv6Address, two: ipaddress.IPv4Address | ipaddress.IPv6Address
) -> int:
    """Return how many bits two addresses have in common from the left."""
    return one.max_prefixlen - (int(one) ^ int(two)).bit_length()


@given(st.ip_addresses(v=4), st.ip_addresses(v=4))
def test_prefixes_are_kept_of_ipv4(one: ipaddress.IPv4Address, two: ipaddress.IPv4Address) -> None:
    """As long a prefix as two addresses share, their pseudonyms share, and no longer one."""
    first, second = (ipaddress.ip_address(PSEUDONYMS.of(str(address))) for address in (one, two))
    assert shared(first, second) == shared(one, two)


@given(st.ip_addresses(v=6), st.integers(0, (1 << 128) - 1))
def test_prefixes_are_kept_of_ipv6(one: ipaddress.IPv6Address, other: int) -> None:
    """Whatever the two have in common; and a client key is that of its pseudonymous address."""
    for keep in (0, 47, 64, 127):
        two = ipaddress.IPv6Address(int(one) >> 128 - keep << 128 - keep | other & (1 << 128 - keep) - 1)
        first, second = (ipaddress.ip_address(PSEUDONYMS.of(str(address))) for address in (one, two))
        assert shared(first, second) == shared(one, two)
        key = str(ipaddress.ip_network((two, 64), strict=False))
        assert PSEUDONYMS.of(key) == str(ipaddress.ip_network((second, 64), strict=False))


def test_what_is_no_address_becomes_nothing() -> None:
    """Rather than to stay as it is."""
    assert [PSEUDONYMS.of(text) for text in ("", "unix", "192.0.2.1/x", "a/b/c")] == ["", "", "", ""]


def test_keys_of_one_month_are_told_apart() -> None:
    """By a name that gives the key away to nobody."""
    one, two = named("2026-11", bytes(32)), named("2026-11", bytes(31) + b"1")
    assert one.name.startswith("2026-11.")
    assert one.name != two.name
    assert one.secret.hex() not in one.name


def lines(tmp_path: Path, *, with_salt: bool = True) -> tuple[Path, list[bytes]]:
    """Write a segment of refusals, people and a broken line, and return its place and lines."""
    writer = segment_writer(tmp_path)
    writer._chance = os.urandom if with_salt else None
    people = {"action": "admit", "src_ip": "192.0.2.77", "client": "192.0.2.77", "src_port": 5_123}
    writer.write([record_at(1), record_at(2, **people), record_at(3, user_agent='","action":"admit","salt":"x')])
    writer.write([record_at(4, **(people | {"src_ip": "2001:db8::7", "client": "2001:db8::/64"}))])
    writer._append(b'nothing "action":"admit"\n', record_at(5).ts, record_at(5).ts)
    writer.close()
    (path,) = tmp_path.rglob("*.jsonl")
    return path, path.read_bytes().splitlines(keepends=True)


def rewritten(path: Path) -> tuple[list[bytes], int, bool]:
    """Return the lines with pseudonyms, how many were replaced, and whether they are linked."""
    file = os.open(path, os.O_RDONLY)
    try:
        found = rewrite(file, PSEUDONYMS)
    finally:
        os.close(file)
    return found.data.splitlines(keepends=True), found.changed, found.linked


def test_only_the_admitted_have_a_salt(tmp_path: Path) -> None:
    """Ninety-six bits, another for each; a client's text makes no record an admitted one."""
    _, before = lines(tmp_path)
    salts = [orjson.loads(line).get("salt") for line in before[:4]]
    assert [salt is not None for salt in salts] == [False, True, False, True]
    assert len({salt for salt in salts if salt}) == 2
    assert all(len(salt) == 16 for salt in salts if salt)


def test_only_the_admitted_are_replaced(tmp_path: Path) -> None:
    """Address, client key and port go, the salt too; every other field and every other line stays byte for byte."""
    path, before = lines(tmp_path)
    after, changed, linked = rewritten(path)
    assert (changed, linked) == (2, True)
    assert [one == two for one, two in zip(before, after, strict=True)] == [True, False, True, False, True]
    old, new = orjson.loads(before[1]), orjson.loads(after[1])
    assert new["src_ip"] == new["client"] == PSEUDONYMS.of("192.0.2.77")
    assert (new["src_port"], new["pseudonym"]) == (0, "sample")
    hidden = {"src_ip", "client", "src_port", "salt", "pseudonym", "original"}
    assert {name: new[name] for name in new.keys() - hidden} == {name: old[name] for name in old.keys() - hidden}
    assert b"192.0.2.77" not in b"".join(after)
    assert b"2001:db8" not in b"".join(after)
    assert orjson.loads(after[3])["client"] == PSEUDONYMS.of("2001:db8::/64")


def test_the_sealed_tree_can_be_built_again(tmp_path: Path) -> None:
    """Every leaf is what it was: kept where the line was replaced, hashed anew where not."""
    path, before = lines(tmp_path)
    after, _, _ = rewritten(path)
    assert [original_leaf(line) for line in after] == [leaf_hash(line) for line in before]
    path.write_bytes(b"".join(after))
    file = os.open(path, os.O_RDONLY)
    assert original_leaves(file) == [leaf_hash(line) for line in before]
    os.close(file)


def test_the_kept_hash_gives_no_address_away(tmp_path: Path) -> None:
    """Whoever knows all but the address and tries every one finds none that fits, as the salt is gone."""
    path, before = lines(tmp_path)
    after, _, _ = rewritten(path)
    new, kept = orjson.loads(after[1]), bytes.fromhex(orjson.loads(after[1])["original"])
    known = {name: value for name, value in orjson.loads(before[1]).items() if name != "salt"}
    assert new["original"] == leaf_hash(before[1]).hex()
    for last in range(256):
        guess = orjson.dumps(known | {"src_ip": f"192.0.2.{last}", "client": f"192.0.2.{last}"}) + b"\n"
        assert leaf_hash(guess) != kept


def test_without_a_salt_nothing_is_kept(tmp_path: Path) -> None:
    """A hash of a line without one would give its address away, so the link to the seal is given up instead."""
    path, before = lines(tmp_path, with_salt=False)
    after, changed, linked = rewritten(path)
    assert (changed, linked) == (2, False)
    assert "original" not in orjson.loads(after[1])
    assert original_leaf(after[1]) != leaf_hash(before[1])


def test_nobody_is_replaced_twice(tmp_path: Path) -> None:
    """A second round changes nothing."""
    path, _ = lines(tmp_path)
    after, _, _ = rewritten(path)
    path.write_bytes(b"".join(after))
    assert rewritten(path) == (after, 0, True)


def test_a_refusal_is_never_believed_to_have_been_another_line() -> None:
    """Only an admitted record that has a pseudonym may say what its hash was."""
    lie = (
        orjson.dumps({"action": "throttle", "pseudonym": "x", "original": "00" * 32, "path": '"action":"admit"'})
        + b"\n"
    )
    assert original_leaf(lie) == leaf_hash(lie)
    for text in ("zz", 5, None):
        odd = orjson.dumps({"action": "admit", "pseudonym": "x", "original": text}) + b"\n"
        assert original_leaf(odd) == leaf_hash(odd)


def test_no_lines_need_no_salt() -> None:
    """And chance is asked once for many."""
    salt([], [], os.urandom)
    asked: list[int] = []

    def chance(count: int) -> bytes:
        asked.append(count)
        return bytes(count)

    three = [b"{}", b'{"a":1}', b'{"a":2}']
    salt(three, [1, 2], chance)
    assert asked == [24]
    assert three == [b"{}", *(b'{"a":%d,"salt":"AAAAAAAAAAAAAAAA"}' % number for number in (1, 2))]
