"""Paths: where they lead, however they are spelled."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shieldproxy.core.paths import plain_path
from tests.strategies import any_text, wire_text

PATHS = [
    # plain already
    ("/", "/"),
    ("/index.html", "/index.html"),
    ("/a/b/", "/a/b/"),
    ("/a.b/c..d/...", "/a.b/c..d/..."),
    ("/.well-known/acme-challenge/x", "/.well-known/acme-challenge/x"),
    # no path of ours to read: asterisk and nothing
    ("*", "*"),
    ("", ""),
    # dot segments (RFC 3986, 5.2.4)
    ("/public/../login", "/login"),
    ("/a/b/../../c", "/c"),
    ("/a/./b", "/a/b"),
    ("/a/..", "/"),
    ("/a/b/..", "/a/"),
    ("/a/.", "/a/"),
    ("/../../etc/passwd", "/etc/passwd"),
    # percent-encoding (6.2.2), undone once
    ("/%6Cogin", "/login"),
    ("/%6c%6F%67in", "/login"),
    ("/public/%2e%2E/login", "/login"),
    ("/public/%2e./login", "/login"),
    ("/%256Cogin", "/%6Cogin"),
    ("/a%20b+c", "/a b+c"),
    ("/stra%C3%9Fe", "/straße"),
    ("/%D0%BF%D1%80%D0%B8%D0%B2%D0%B5%D1%82", "/привет"),
    ("/a%00b", "/a\0b"),
    # what is no encoding stays
    ("/100%", "/100%"),
    ("/%zz%41", "/%zzA"),
    ("/%%41", "/%A"),
    ("/%4", "/%4"),
    ("/a=b%3D", "/a=b="),
    ("/=41%20", "/=41 "),
    # bytes above ASCII: UTF-8 read as Latin-1 by the door is text again, other bytes stay
    ("/stra\xc3\x9fe", "/straße"),
    ("/stra\xdfe", "/straße"),
    ("/%E0%41", "/àA"),
    # slashes: doubled, encoded, backward
    ("//login", "/login"),
    ("///a////b//", "/a/b/"),
    ("/public%2f..%2Flogin", "/login"),
    ("/public\\..\\login", "/login"),
    ("/public/..%5clogin", "/login"),
    # path parameters do not hide a dot segment, elsewhere they stay
    ("/public/..;/login", "/login"),
    ("/public/..;jsessionid=1/login", "/login"),
    ("/public/%2e%2e%3b/login", "/login"),
    ("/a;v=1/b%20", "/a;v=1/b "),
]


@pytest.mark.parametrize(("path", "place"), PATHS)
def test_a_path_leads_to_one_place(path: str, place: str) -> None:
    """Encodings, dot segments and doubled slashes do not make another place of it."""
    assert plain_path(path) == place


@given(st.one_of(any_text, wire_text, st.text(st.sampled_from("/.%2eEfF5cC\\;a=\xc3\n\r"), max_size=40)))
def test_any_path_leads_somewhere(path: str) -> None:
    """Reading a path never raises, and what it says holds no dot segment and no doubled slash."""
    place = plain_path(path)
    if place == path:
        return
    assert place.startswith("/")
    assert "//" not in place
    assert not {".", ".."} & set(place.split("/"))


@given(st.text(st.characters(min_codepoint=33, max_codepoint=0x2FF), min_size=1, max_size=12))
def test_encoding_more_of_it_changes_nothing(name: str) -> None:
    """A client may percent-encode any byte of a path and still asks for the same place."""
    data = name.replace("%", "").encode()
    encoded = "".join(f"%{byte:02X}" if index % 2 else f"%{byte:02x}" for index, byte in enumerate(data))
    assert plain_path(f"/{encoded}") == plain_path(f"/{data.decode('latin-1')}")


@pytest.mark.parametrize("unit", ["%41", "%", "../", "/", "\\", ";", "%2e%2e/", "=", "\xff"])
def test_a_long_path_is_read_in_one_pass(unit: str) -> None:
    """A hundred thousand spellings of nothing much are read, not just begun: the cost grows with the length only."""
    assert len(plain_path("/" + unit * 100_000)) <= 1 + len(unit) * 100_000
