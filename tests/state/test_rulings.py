"""Rulings on their way: what is written is read, and nothing else is."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.rulings import Ruling
from shieldproxy.state.keys import KeyRing
from shieldproxy.state.rulings import LONGEST, Fault, RefusedRulingError, _signature, read, signing_keys, spell

WALL = 1_800_000_000.0
KEY, OTHER = bytes(range(32)), bytes(32)
RULING = Ruling("ban", "192.0.2.7", 1_800_000_000_000, WALL + 60.0, "shield-1", why="flood", by="ladder", rung=2)

KEYS = st.one_of(
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=4).map(lambda address: f"{str(address).rpartition('.')[0]}.0/24"),
    st.sampled_from(["2001:db8::/64", "2001:db8:1::/48", "10.0.0.0/8"]),
)
GOOD = st.builds(
    Ruling,
    st.sampled_from(["ban", "allow"]),
    KEYS,
    st.integers(0, int(WALL) * 1_000),
    st.floats(0.0, WALL + 86_400.0),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=64),
    st.booleans(),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=250),
    st.sampled_from(["ladder", "operator"]),
    st.integers(0, 999),
    st.floats(0.0, WALL + 86_400.0),
)


def signed(fields: Any) -> bytes:
    """Return a line that is signed as ours, whatever is in it."""
    text = fields if isinstance(fields, bytes) else json.dumps(fields).encode()
    return _signature(text, KEY) + b" " + text


def fault(line: bytes) -> Fault:
    """Return why ``line`` is refused."""
    with pytest.raises(RefusedRulingError) as caught:
        read(line, (KEY,), WALL)
    return caught.value.fault


@given(GOOD)
def test_what_is_written_is_read(ruling: Ruling) -> None:
    """To the last digit, in one line that is no longer than allowed; the same ruling is always the same line."""
    line = spell(ruling, KEY)
    assert len(line) <= LONGEST
    assert b"\n" not in line
    found = read(line, (OTHER, KEY), WALL)
    assert found == ruling
    assert spell(found, KEY) == line


@given(st.binary(max_size=300))
def test_anything_is_refused_in_order(noise: bytes) -> None:
    """Bytes of chance are unsigned; signed ones that are no ruling are unreadable. Nothing else is raised."""
    assert fault(noise) is Fault.UNSIGNED
    assert fault(signed(noise)) is Fault.UNREADABLE


@given(st.integers(0, 400), st.integers(1, 255))
def test_a_changed_byte_is_seen(place: int, change: int) -> None:
    """Whoever keeps the lines cannot change one."""
    line = bytearray(spell(RULING, KEY))
    line[place % len(line)] ^= change
    assert fault(bytes(line)) is Fault.UNSIGNED


@pytest.mark.parametrize(
    "change",
    [
        {"list": "ruin"},
        {"list": ["ban"]},
        {"key": "0.0.0.0/0"},
        {"key": "10.0.0.0/7"},
        {"key": "2000::/18"},
        {"key": "192.0.2.7/32"},
        {"key": "192.0.2.7/24"},
        {"key": "2001:db8::1"},
        {"key": "2001:DB8::/64"},
        {"key": "::ffff:1.2.3.4"},
        {"key": ""},
        {"key": 7},
        {"made": -1},
        {"made": 1.5},
        {"made": "1"},
        {"until": float("nan")},
        {"until": float("inf")},
        {"until": -1.0},
        {"until": WALL + 366 * 86_400.0},
        {"until": None},
        {"node": "n" * 65},
        {"node": None},
        {"ends": 1},
        {"why": "w" * 251},
        {"by": "somebody"},
        {"rung": 1_000},
        {"rung": -1},
        {"remembered": -1.0},
        {"remembered": WALL + 3 * 366 * 86_400.0},
    ],
)
def test_signed_nonsense_is_refused(change: dict[str, Any]) -> None:
    """A node of ours that went mad, or a later version, harms nobody."""
    fields = RULING._asdict() | change
    assert fault(signed(list(fields.values()))) is Fault.UNREADABLE


@pytest.mark.parametrize("told", [[], {}, 7, None, "ten letter", [1] * 10, [*RULING, 1], [*RULING][:-1], b"[" * 1_500])
def test_another_shape_is_refused(told: Any) -> None:
    """What is no list of our fields is no ruling."""
    assert fault(signed(told)) is Fault.UNREADABLE


def test_the_future_is_told_apart() -> None:
    """Ten minutes of difference between two clocks are borne; more is said to be that."""
    line = spell(RULING._replace(made=int((WALL + 601.0) * 1_000)), KEY)
    assert fault(line) is Fault.CLOCK
    assert read(line, (KEY,), WALL + 2.0)


def test_one_too_long_is_not_looked_at() -> None:
    """Its signature may be right."""
    assert fault(signed(b'"' + b"x" * LONGEST + b'"')) is Fault.UNSIGNED


def test_the_key_follows_from_the_ring() -> None:
    """As many keys as the ring has, in its order, and none of them is the ring's own."""
    keys = signing_keys(KeyRing((KEY, OTHER)))
    assert len(set(keys)) == 2
    assert KEY not in keys
    assert keys[0] == signing_keys(KeyRing((KEY,)))[0]
    assert read(spell(RULING, keys[1]), keys, WALL) == RULING
