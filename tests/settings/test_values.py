"""How one value of config.toml is read."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.verdict import ACTIONS, Action, Mode
from shieldproxy.settings import values
from shieldproxy.settings.values import Wrong, describe


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("500ms", 0.5), ("10s", 10.0), ("1.5s", 1.5), ("5m", 300.0), ("1h", 3600.0), ("180d", 180 * 86_400.0),
        ("1h30m", 5400.0), ("1 h 30 m", 5400.0), ("0s", 0.0), (7, 7.0), (0.25, 0.25),
    ],
)  # fmt: skip
def test_durations_are_seconds(text: object, expected: float) -> None:
    """A duration is written with a unit, with several, or as plain seconds."""
    assert values.duration("0s", "365d")(text) == pytest.approx(expected)


@pytest.mark.parametrize(
    "value",
    ["", "10", "s", "10S", "10sec", "-1s", "1h-", "1,5s", "\u0661s", True, None, [], -1, float("nan"), float("inf")],
)
def test_what_is_no_duration_is_wrong(value: object) -> None:
    """Text without a unit, unknown units, negative and infinite ones are refused with what is allowed."""
    with pytest.raises(Wrong, match='allowed: a duration from 0s to 10d, written like "10s"'):
        values.duration("0s", "10d")(value)


@pytest.mark.parametrize(("low", "inside", "outside"), [("1s", "1s", "999ms"), ("1s", "1h", "1h1ms"), ("1s", 3600, 0)])
def test_both_ends_of_a_range_of_durations_belong_to_it(low: str, inside: object, outside: object) -> None:
    """The edges are allowed, what lies just beyond them is not."""
    read = values.duration(low, "1h")
    read(inside)
    with pytest.raises(Wrong):
        read(outside)


@pytest.mark.parametrize(
    ("value", "expected"), [(1024, 1024), ("32KiB", 32_768), ("64 MiB", 67_108_864), ("1GiB", 1 << 30), ("5B", 5)]
)
def test_sizes_are_bytes(value: object, expected: int) -> None:
    """A size is written with a unit of 1024, or as plain bytes."""
    assert values.size("0B", "2GiB")(value) == expected


@pytest.mark.parametrize("value", ["32KB", "32k", "32", "-1B", "1.5KiB", "9999999999999999GiB", 1.0, True, -1, 3 << 30])
def test_what_is_no_size_is_wrong(value: object) -> None:
    """Units of 1000, fractions and what is out of range are refused with what is allowed."""
    with pytest.raises(Wrong, match='allowed: a size from 0B to 2GiB, written like "32KiB"'):
        values.size("0B", "2GiB")(value)


def test_ranges_of_the_schema_are_checked_when_it_is_written() -> None:
    """A builder's mistake in a range is found at once."""
    with pytest.raises(ValueError, match="is no duration"):
        values.duration("1x", "2s")
    with pytest.raises(ValueError, match="is no size"):
        values.size("1KB", "2KiB")


@pytest.mark.parametrize("value", [1, 1.0, 10, 5.5])
def test_a_number_in_range_is_a_float(value: float) -> None:
    """Whole and broken numbers are alike; both ends belong to the range."""
    read = values.number(1, 10)(value)

    assert read == value
    assert isinstance(read, float)


@pytest.mark.parametrize("value", [0.999, 10.001, 0, True, "5", None, float("nan"), float("inf"), 10**400, -(10**400)])
def test_a_number_out_of_range_is_wrong(value: object) -> None:
    """Numbers beyond the ends, truth values and text are refused; no number is too large to say so."""
    with pytest.raises(Wrong, match=r"allowed: a number from 1 to 10$"):
        values.number(1, 10)(value)


def test_zero_can_be_allowed_beside_a_range() -> None:
    """Zero may switch something off."""
    read = values.number(0.00001, 10, or_zero=True)

    assert read(0) == 0.0
    with pytest.raises(Wrong, match=r"allowed: 0, or a number from 0\.00001 to 10$"):
        read(0.000001)


@pytest.mark.parametrize("value", [0, 5])
def test_a_whole_number_in_range_is_read(value: int) -> None:
    """Both ends belong to the range."""
    assert values.integer(0, 5)(value) == value


@pytest.mark.parametrize("value", [-1, 6, 1.0, True, "1"])
def test_a_whole_number_out_of_range_is_wrong(value: object) -> None:
    """Broken numbers, truth values and text are refused."""
    with pytest.raises(Wrong, match=r"allowed: a whole number from 0 to 5$"):
        values.integer(0, 5)(value)


def test_flags_choices_and_members_name_what_is_allowed() -> None:
    """A refusal lists all words there are."""
    assert values.flag(value=True) is True
    assert values.choice("a", "b")("a") == "a"
    assert values.member(Mode)("observe") is Mode.OBSERVE
    assert values.member(Action, ACTIONS)("drop") is Action.DROP
    with pytest.raises(Wrong, match="1 is not allowed; allowed: true or false"):
        values.flag(1)
    with pytest.raises(Wrong, match='"A" is not allowed; allowed: "a", "b"'):
        values.choice("a", "b")("A")
    with pytest.raises(Wrong, match='allowed: "enforce", "observe"'):
        values.member(Mode)(["observe"])


@pytest.mark.parametrize("value", ["a\nb", "\x1b[2J", "abcdef", 5, "a\u202eb"])
def test_text_that_is_too_long_or_hides_something_is_wrong(value: object) -> None:
    """Control characters and marks that turn the direction of writing are no text for a page or a log."""
    assert values.text(5)("grün ") == "grün "
    with pytest.raises(Wrong, match="allowed: text in quotes, up to 5 characters"):
        values.text(5)(value)


@pytest.mark.parametrize("value", ["", "a.b@example.org", "https://example.org/help?x=1", "http://example.org"])
def test_a_contact_is_a_mail_or_a_web_address(value: str) -> None:
    """What people can write to or open."""
    assert values.contact(value) == value


@pytest.mark.parametrize("value", ["javascript:alert(1)", "a@b", "a b@example.org", 'https://x/"onclick="', "//x", "@"])
def test_what_is_no_contact_is_wrong(value: str) -> None:
    """Nothing that a page would run, or that nobody can write to."""
    with pytest.raises(Wrong, match='allowed: a mail address, an https:// address, or ""'):
        values.contact(value)


def test_paths_may_be_optional() -> None:
    """An empty text is no path; where a path may be missing it means none."""
    assert values.path("var/x") == Path("var/x")
    assert values.optional_path("") is None
    assert values.optional_path("/a b") == Path("/a b")
    assert values.token_path("") == Path("var/state/control.token")
    assert values.token_path("t") == Path("t")
    for value in ("", "  ", "a\0b", 5):
        with pytest.raises(Wrong, match="allowed:"):
            values.path(value)


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (True, "true"), ("x", '"x"'), ("a\n", '"a\\u000a"'), ("x" * 61, f'"{"x" * 60}…"'), (5, "5"), (1.5, "1.5"),
        (10**19, "a number of more than 18 digits"), ([], "an empty list"), ([1, 2], "a list of 2"), ({}, "a table"),
        (dt.date(2026, 11, 24), "a date or time"),
    ],
)  # fmt: skip
def test_values_are_quoted_as_toml_writes_them(value: object, expected: str) -> None:
    """A message shows a value as it stands in the file, never at length."""
    assert describe(value) == expected


@given(value=st.text())
def test_a_quoted_value_is_one_line(value: str) -> None:
    """Whatever a text holds, its description can be printed."""
    assert describe(value).isprintable()
