"""A configuration file, what the command line puts over it, and where each key was said."""

from __future__ import annotations

from pathlib import Path

import pytest

from shieldproxy.core.errors import ConfigurationError, Problem
from shieldproxy.settings.documents import (
    MOST_BYTES,
    Document,
    Place,
    apply_overrides,
    read_document,
    read_value,
)


def problem(path: Path) -> Problem:
    """Return the only problem of a file."""
    with pytest.raises(ConfigurationError) as caught:
        read_document(path)
    assert len(caught.value.problems) == 1
    return caught.value.problems[0]


def test_a_key_has_the_place_where_it_was_said(tmp_path: Path) -> None:
    """A key that was not written is at the nearest table around it, at last at the top of the file."""
    path = tmp_path / "c.toml"
    path.write_text("\n[a]\nb = [\n 1]\n")
    document = read_document(path)

    assert document.tables == {"a": {"b": [1]}}
    assert str(document.place(("a", "b", 0))) == f"{path}:4"
    assert str(document.place(("a", "c", "d"))) == f"{path}:2"
    assert str(document.place(("z",))) == f"{path}:1"
    assert str(read_document(None).place(("z",))) == "built-in"


@pytest.mark.parametrize(
    ("data", "line", "message"),
    [
        (b"a = \xff", 1, "letters that are not UTF-8"),
        (b"\n\n# \xe4\n", 3, "letters that are not UTF-8"),
        (b"a = 1\nb = x\n", 2, 'not TOML near "b" (Invalid value)'),
        (b"a = 1\n[b\n", 2, 'not TOML near "[b"'),
        (b"a = [1,\n\n\n", 1, 'not TOML near "a"'),
        (b'url = "http://user:secret@host\n', 1, 'not TOML near "url"'),
        (b"a = " + b"9" * 5000, 1, "not TOML near"),
        (b"a = " + b"[" * 100_000, 1, "nested too deeply"),
    ],
)
def test_what_is_not_toml_is_one_problem_with_its_line(tmp_path: Path, data: bytes, line: int, message: str) -> None:
    """The parser's reason, near which key, and never the value, which may be a secret."""
    path = tmp_path / "c.toml"
    path.write_bytes(data)
    found = problem(path)

    assert (found.file, found.line, found.key) == (str(path), line, "syntax")
    assert message in found.message
    assert "allowed:" in found.message
    assert "secret" not in found.message


def test_a_file_that_cannot_be_read_is_one_problem(tmp_path: Path) -> None:
    """Missing files, directories, names that are none and files that are no configuration."""
    long = tmp_path / "log"
    long.write_bytes(b"#" * (MOST_BYTES + 1))

    assert problem(tmp_path / "missing.toml").message.startswith("cannot be read (No such file or directory)")
    assert problem(tmp_path).message.startswith("cannot be read (Is a directory)")
    assert problem(Path("a\0b")).message.startswith("is no name of a file")
    assert problem(long).message == "is longer than 8 MiB; allowed: a configuration, no data"


def test_standard_sections_fill_only_what_is_missing() -> None:
    """A section of the file stands for itself, even an empty one, and the standard is never changed."""
    document = Document({"a": {}}, {}, Place("x", 1))
    standard = {"a": {"b": 1}, "c": {"d": {"e": 1}}}
    document.fill(standard)
    document.put(("c", "d", "e"), 2, Place("--set", 1))

    assert document.tables == {"a": {}, "c": {"d": {"e": 2}}}
    assert standard["c"] == {"d": {"e": 1}}
    assert str(document.place(("c", "x"))) == "built-in"


def test_what_is_put_over_a_document_has_a_new_place() -> None:
    """A replaced table forgets the places of the keys it had."""
    document = Document({"a": {"b": 1}}, {("a",): Place("f", 1), ("a", "b"): Place("f", 2)}, Place("f", 1))

    assert document.put(("a",), {"c": 1}, Place("--set", 1)) == ""
    assert document.place(("a", "b")) == Place("--set", 1)
    assert document.put(("x", "y", "z"), 1, Place("--set", 2)) == ""
    assert document.tables == {"a": {"c": 1}, "x": {"y": {"z": 1}}}
    assert document.put(("a", "c", "d"), 1, Place("--set", 3)).startswith("a.c is 1, not a table")


def test_overrides_are_applied_in_their_order() -> None:
    """The last word counts; each may be any value of TOML; keys may be quoted."""
    document = read_document(None)
    overrides = ["a.b=1", "a . b = 2", 'c."d.e"={f=[1, "x=y"]}', "t=12:00:00", "a.c = 'x' # why"]

    assert apply_overrides(document, overrides) == []
    assert document.tables["a"] == {"b": 2, "c": "x"}
    assert document.tables["c"] == {"d.e": {"f": [1, "x=y"]}}


@pytest.mark.parametrize(
    ("override", "key", "message"),
    [
        ("a", "syntax", "allowed: such as limits.client.rate=5"),
        ("=1", "syntax", "is not KEY=VALUE"),
        ("a.b", "syntax", "is not KEY=VALUE"),
        ("a=", "a", '"" is no value of TOML; allowed:'),
        ("a.b=observe", "a.b", """needs quotes that the shell leaves alone: '"observe"'"""),
        ("a=1 2", "a", "is no value of TOML; allowed:"),
        ("a=1\nb=2", "a", "is no value of TOML; allowed:"),
        ("a=" + "[" * 5000, "a", "is no value of TOML; allowed:"),
    ],
)
def test_an_override_that_is_none_is_a_problem(override: str, key: str, message: str) -> None:
    """The how-manieth --set it was, its key, and how to write it."""
    document = read_document(None)
    found = apply_overrides(document, ["z=1", override])

    assert [(item.file, item.line, item.key) for item in found] == [("--set", 2, key)]
    assert message in found[0].message
    assert document.tables == {"z": 1}


def test_a_value_is_one_value() -> None:
    """What would smuggle in another key is refused."""
    assert read_value("[1, 2]") == [1, 2]
    for text in ("1\n[other]", "1\nother = 2", "", "[" * 5000):
        with pytest.raises(ValueError, match=r".+"):
            read_value(text)
