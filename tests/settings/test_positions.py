"""On which line of a TOML text each key stands."""

from __future__ import annotations

import tomllib
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.settings.positions import Trail, find_lines, split_assignment

TEXT = '''# a comment with [brackets] = "and quotes
title = "one"

[server]
listen = [            # where
    "127.0.0.1:80",   # ] not the end
    '[::1]:80',

]
"quoted key" = 1
'literal key' = 2
a.b . c = 3
text = """
[not.a.table]
key = "not a key" \\"""
""""
raw = \'\'\'
[[neither]]\'\'\'
when = 1979-05-27 07:32:00
inline = { x = 1, "y z" = [1, { w = "}" }], deep = { er = true } }

[[rules]]
name = "first"
[rules.when]
asn = 1

  [[rules]]
  name = "second"
  [rules.when.header]
  x = true
[[rules.tags]]
t = 1
[[rules.tags]]
t = 2
[limits."my limit"] # quoted
rate = 5'''


@pytest.mark.parametrize(
    ("trail", "line"),
    [
        (("title",), 2),
        (("server",), 4),
        (("server", "listen"), 5),
        (("server", "listen", 0), 6),
        (("server", "listen", 1), 7),
        (("server", "quoted key"), 10),
        (("server", "literal key"), 11),
        (("server", "a"), 12),
        (("server", "a", "b", "c"), 12),
        (("server", "text"), 13),
        (("server", "raw"), 17),
        (("server", "when"), 19),
        (("server", "inline", "x"), 20),
        (("server", "inline", "y z", 1, "w"), 20),
        (("server", "inline", "deep", "er"), 20),
        (("rules",), 22),
        (("rules", 0), 22),
        (("rules", 0, "name"), 23),
        (("rules", 0, "when"), 24),
        (("rules", 0, "when", "asn"), 25),
        (("rules", 1), 27),
        (("rules", 1, "name"), 28),
        (("rules", 1, "when", "header", "x"), 30),
        (("rules", 1, "tags", 0, "t"), 32),
        (("rules", 1, "tags", 1), 33),
        (("rules", 1, "tags", 1, "t"), 34),
        (("limits", "my limit"), 35),
        (("limits", "my limit", "rate"), 36),
    ],
)
def test_each_key_has_its_line(trail: Trail, line: int) -> None:
    """Keys, tables, list items and inline tables are found in every spelling of TOML."""
    assert find_lines(TEXT)[trail] == line


def trails(value: Any, trail: Trail = ()) -> set[Trail]:
    """Return the way to every key and item in a parsed document."""
    found = {trail} if trail else set()
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return found.union(*(trails(item, (*trail, step)) for step, item in inner))


def test_the_scanner_finds_what_the_parser_finds() -> None:
    """No key is missed and none is made up."""
    assert set(find_lines(TEXT)) == trails(tomllib.loads(TEXT))


def test_line_ends_of_windows_count_once() -> None:
    """CR LF is one line end."""
    assert find_lines("a = 1\r\n\r\nb = [\r\n 1,\r\n]\r\n") == {("a",): 1, ("b",): 3, ("b", 0): 4}


KEYS = st.sampled_from(["a", "b-c", '"d e"', "'f.g'", '"h\\"i"', "a.b", 'x . "y" . z', '"]"', '"#"', '"="'])
SCALARS = st.sampled_from(
    [
        "1",
        "-0.5e3",
        "true",
        "0x1F",
        "1979-05-27T07:32:00Z",
        "07:32:00",
        "inf",
        '""',
        '"#]}"',
        '"\\\\"',
        '"\\""',
        "''",
        "'\\'",
        '"""a\n"b"" = [\n"""',
        "'''\n'x'\n'''",
        '"""\\""""""',
        "''''a'''",
    ]
)
COMMENTS = st.sampled_from(["", " ", "\n", " # ], } = \n", "\n\n\t"])


def lists(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return lists with comments and line ends where TOML allows them."""
    items = st.lists(st.tuples(COMMENTS, values, COMMENTS).map("".join), max_size=3)
    return st.tuples(items.map(",".join), COMMENTS).map(lambda pair: f"[{pair[0]}{pair[1]}]")


def inline_tables(values: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    """Return inline tables."""
    pairs = st.lists(st.tuples(KEYS, values).map(" = ".join), max_size=3)
    return pairs.map(lambda found: "{ " + ", ".join(found) + " }")


VALUES = st.recursive(SCALARS, lambda inner: lists(inner) | inline_tables(inner), max_leaves=6)
STATEMENTS = st.one_of(
    st.tuples(KEYS, VALUES, st.sampled_from(["", " # x = [", "\r"])).map(lambda part: f"{part[0]}={part[1]}{part[2]}"),
    st.tuples(st.sampled_from(["[{}]", "[ {} ]", "[[{}]]", "  [[{}]]  # [x]"]), KEYS).map(
        lambda pair: pair[0].format(pair[1])
    ),
    st.sampled_from(["", "# comment [a]"]),
)


@given(text=st.lists(STATEMENTS, max_size=8).map("\n".join))
def test_every_valid_text_is_walked_to_its_end(text: str) -> None:
    """Whatever the parser takes, the scanner finds exactly its keys, each on a line that exists."""
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    lines = find_lines(text)

    assert set(lines) == trails(document)
    assert all(1 <= line <= text.count("\n") + 1 for line in lines.values())


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a=1", (("a",), "1")),
        (" limits . client.rate = 5 ", (("limits", "client", "rate"), "5")),
        ('"a.b".c="x = y"', (("a.b", "c"), '"x = y"')),
        ("a=", (("a",), "")),
        ("a", None),
        ("", None),
        ("=5", None),
        ("a..b=1", None),
        ("a b=1", None),
        ("[a]=1", None),
    ],
)
def test_an_assignment_is_split_at_its_equals_sign(text: str, expected: tuple[Trail, str] | None) -> None:
    """The key of --set may be dotted and quoted; what has no key or no equals sign is none."""
    assert split_assignment(text) == expected
