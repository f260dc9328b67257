"""How a table becomes a frozen dataclass, with every fault on the way written down."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from pathlib import Path

import pytest

from shieldproxy.settings.tables import (
    Desk,
    Fault,
    UnreadableError,
    find_homes,
    items,
    part,
    required,
    section,
    setting,
    unknown,
    written,
)
from shieldproxy.settings.values import integer, optional_path, path


@dataclass(frozen=True, kw_only=True)
class Inner:
    depth: int = setting(1, integer(0, 9))
    place: Path = setting(Path("inner"), path)


@dataclass(frozen=True, kw_only=True)
class Outer:
    name: int = required(integer(0, 9), stand_in=0, allowed="a number to call it by")
    inner: Inner = section(Inner)
    numbers: tuple[int, ...] = part((), items(integer(0, 9), most=3, what="numbers"))
    place: Path | None = setting(None, optional_path)
    note: str = "not a key"


def test_a_table_that_is_right_is_read_whole() -> None:
    """Values, tables within and defaults; relative paths start at the desk's base, given or not."""
    desk = Desk(Path("/base"))
    read = desk.read(Outer, {"name": 5, "numbers": [1, 2], "place": "x", "inner": {"depth": 3}})

    assert read == Outer(name=5, numbers=(1, 2), place=Path("/base/x"), inner=Inner(depth=3, place=Path("/base/inner")))
    assert desk.faults == []
    assert desk.read(Outer, {"name": 1}).inner.place == Path("/base/inner"), (
        "a table left out is read like an empty one"
    )


def test_every_fault_is_noted_and_replaced_by_its_default() -> None:
    """One wrong key hides no other."""
    desk = Desk(Path())
    read = desk.read(Outer, {"numbers": [1, 10, -1], "inner": {"depth": 10, "dept": 1}, "note": "x", "place": 5})

    assert {written(fault.trail) for fault in desk.faults} == {
        "name", "numbers[2]", "numbers[3]", "inner.depth", "inner.dept", "note", "place",
    }  # fmt: skip
    assert read == Outer(name=0)


def test_what_is_no_table_cannot_be_read() -> None:
    """The fault is noted where the table should be."""
    desk = Desk(Path())
    with pytest.raises(UnreadableError):
        desk.read(Outer, [], ("a",))

    assert desk.faults == [Fault(("a",), "an empty list is not a table; allowed: a table of keys and values")]
    assert desk.read(Outer, {"name": 1, "inner": 5}).inner == Inner()


def test_a_required_key_says_what_it_wants() -> None:
    """A missing key is told with what would be right."""
    desk = Desk(Path())
    desk.read(Outer, {})

    assert desk.faults == [Fault(("name",), "missing; allowed: a number to call it by")]


@pytest.mark.parametrize("value", [5, [1, 2, 3, 4], "123", None])
def test_a_list_of_the_wrong_length_or_kind_is_one_fault(value: object) -> None:
    """A list that is none, or is too long, is told as a whole."""
    desk = Desk(Path())

    assert desk.read(Outer, {"name": 1, "numbers": value}).numbers == ()
    assert [fault.trail for fault in desk.faults] == [("numbers",)]
    assert desk.faults[0].message.endswith("allowed: a list of 0 to 3 numbers")


def test_an_item_that_is_there_twice_is_a_fault_unless_it_may() -> None:
    """Of two alike, one was meant to be another."""
    desk = Desk(Path())

    assert items(integer(0, 9), what="numbers")(desk, [1, 1], ("n",)) == (1, 1)
    assert desk.faults == [Fault(("n", 1), "1 is there twice; allowed: each of the numbers once")]
    assert items(integer(0, 9), twice=True)(Desk(Path()), [1, 1], ("n",)) == (1, 1)


def test_a_long_list_is_read_in_a_moment() -> None:
    """Doubles are found without comparing each item with each other."""
    desk = Desk(Path())

    assert len(items(integer(0, 10_000))(desk, list(range(10_000)), ())) == 10_000
    assert desk.faults == []


def test_a_desk_knows_what_is_sound() -> None:
    """A fault below a key makes the key and all around it unsound, its neighbours not."""
    desk = Desk(Path())
    desk.note(("a", "b", 1), "wrong")

    assert not desk.sound(("a",))
    assert not desk.sound(("c",), ("a", "b"))
    assert desk.sound(("a", "c"), ("a", "b", 0), ("a", "b", 1, "x"))


@pytest.mark.parametrize(
    ("key", "homes", "expected"),
    [
        ("burts", (), 'unknown key, did you mean "burst"?; allowed: burst, certificate, rate'),
        ("cert", (), 'unknown key, did you mean "certificate"?; allowed: burst, certificate, rate'),
        ("zzz", (), "unknown key; allowed: burst, certificate, rate"),
        ("", (), "unknown key; allowed: burst, certificate, rate"),
        ("hosts", ("[server]",), "unknown key here, it belongs to [server]; allowed: burst, certificate, rate"),
        ("rates", ("[x]", "[y]"), 'unknown key, did you mean "rate"?; allowed: burst, certificate, rate'),
        ("size", ("[x]", "[y]"), "unknown key here, it belongs to [x] or [y]; allowed: burst, certificate, rate"),
    ],
)
def test_an_unknown_key_gets_the_best_hint_there_is(key: str, homes: tuple[str, ...], expected: str) -> None:
    """A slip of the finger first, then a key of another section, then a likeness; always all names."""
    assert unknown(key, ["rate", "burst", "certificate"], homes) == expected


def test_homes_are_the_sections_that_know_a_key() -> None:
    """Only keys of sections have a home; the top has none."""
    assert find_homes(Outer) == {"depth": ["[inner]"], "place": ["[inner]"]}


@pytest.mark.parametrize(
    ("trail", "expected"),
    [(("a", "b"), "a.b"), (("rules", 1, "when"), "rules[2].when"), (("a b", 'c"\n'), '"a b"."c"\\u000a"'), ((), "")],
)
def test_a_key_is_written_as_people_write_it(trail: tuple[str | int, ...], expected: str) -> None:
    """Items are counted from 1, names that need quotes have them."""
    assert written(trail) == expected


def test_what_is_read_is_frozen() -> None:
    """Nobody changes a setting after it was read."""
    with pytest.raises(dataclasses.FrozenInstanceError):
        Inner().depth = 2  # type: ignore[misc]
